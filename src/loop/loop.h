/* loop.h - one event loop: epoll, absolute timers, tasks, an inbox other threads may post to, settling sources.
 *
 * Layer     includes base/, obs/.
 * Threads   everything on the thread that runs the loop, except loop_post and loop_stop (any thread).
 * Blocking  only loop_run, in epoll_wait.
 *
 * Async contract, for everything started on a loop anywhere in this program: the callback comes iff start
 * succeeded, exactly once, never before start has returned, never after cancel. */
#pragma once
#include "base/err.h"
#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

struct loop; /* opaque */

MUST_CHECK enum err_code loop_new(struct loop **ret, struct err *reterr);
void loop_free(struct loop *l); /* NULL is a no-op.  Pre: not running */
void loop_run(struct loop *l);  /* until loop_stop; may be run again */
void loop_stop(struct loop *l);
void loop_drain(struct loop *l);           /* run what was posted, without sleeping.  Pre: not running */
int64_t loop_now_ms(const struct loop *l); /* monotonic, read once per turn */

/* Timers: intrusive, absolute monotonic milliseconds.  Zeroed memory is a cleared timer. */
struct loop_timer {
	void (*fn)(struct loop_timer *t);
	int64_t due_ms;
	size_t slot; /* 1-based place in the heap, 0 when cleared */
};
/* (Re)arm.  The heap grows when needed: ERR_NOMEM leaves the timer cleared. */
MUST_CHECK enum err_code loop_timer_set(struct loop *l, struct loop_timer *t, int64_t due_ms);
void loop_timer_clear(struct loop *l, struct loop_timer *t);

/* Tasks: intrusive; The loop calls fn itself, before it sleeps: in the same turn, or in the next one if the turn has used up its rounds.  They run in the order in which they were added.  Zeroed memory is a task that is not queued. */
struct loop_task {
	struct list_node node;
	void (*fn)(struct loop_task *t);
};
void loop_task_add(struct loop *l, struct loop_task *t); /* Pre: not queued */
void loop_task_cancel(struct loop_task *t);              /* not queued: a no-op */

/* Posts: intrusive messages from any thread; fn runs on the loop's thread, in order of posting.  Never fails.
 */
struct loop_post {
	void (*fn)(struct loop_post *p);
	struct loop_post *next;
};
void loop_post(struct loop *l, struct loop_post *p);

/* Descriptors.  `events` are EPOLL* bits; the watch must outlive its registration. */
struct loop_watch {
	int fd;
	void (*fn)(struct loop_watch *w, uint32_t events);
};
MUST_CHECK enum err_code loop_watch_add(struct loop *l, struct loop_watch *w, uint32_t events,
                                        struct err *reterr);
MUST_CHECK enum err_code loop_watch_mod(struct loop *l, struct loop_watch *w, uint32_t events);
void loop_watch_del(struct loop *l, struct loop_watch *w);

/* Sources whose work no descriptor announces (libcurl, libmicrohttpd).  Before each sleep settle() is called
 * round after round until all return false and no task is queued; the loop never sleeps past due_ms() (absolute, -1 for none). */
struct loop_source {
	struct list_node node;
	bool (*settle)(struct loop_source *s);
	int64_t (*due_ms)(struct loop_source *s);
};
void loop_source_add(struct loop *l, struct loop_source *s);
void loop_source_del(struct loop_source *s);
