/* offload.h - a bounded pool of threads for work that would block a loop (large parses, files).
 *
 * Threads   offload_start on a loop's thread; `work` on a pool thread; `done` back on the starting loop.
 * Bound     `queue_max` jobs waiting; beyond it ERR_BUSY.  Per the async contract in loop.h. */
#pragma once
#include "loop/loop.h"

struct offload; /* opaque: the pool */

struct offload_job {
	void (*work)(struct offload_job *j); /* on a pool thread; may not touch loops, stores or requests */
	void (*done)(struct offload_job *j); /* on the loop; the job's memory is the caller's again */
	struct loop *home;
	struct loop_post post;
	struct offload_job *next;
};

struct offload_options {
	const char *name; /* thread name, at most 15 characters */
	unsigned threads; /* 1.. */
	size_t queue_max; /* jobs */
	int nice;         /* 0..19 */
};

MUST_CHECK enum err_code offload_new(const struct offload_options *o, struct offload **ret,
                                     struct err *reterr);
void offload_free(struct offload *o); /* runs the queued jobs, then ends.  NULL is a no-op */

/* Ownership  the job is borrowed from start until done; it cannot be cancelled, so `done` must check whether its owner still exists.
 */
MUST_CHECK enum err_code offload_start(struct offload *o, struct loop *home, struct offload_job *j);
