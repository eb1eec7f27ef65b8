/* hash_queue.h - the threads that compute password hashes, and the queue in front of them.
 *
 * A stranger can send more logins than the threads can check, so the queue decides which tries wait:
 *   - A try takes its place before its customer is looked up in the store.  One client network, and one
 *     e-mail, hold at most a quarter of the places.
 *   - Known devices go first.  Then come the networks with the fewest recent tries.  Among equals the oldest
 *     try goes first, but the newest one while more than a quarter of the places is in use: under overload
 *     the people who waited longest have left.
 *   - When the places that a new try may use are full, the last in this order of the tries in them is
 *     evicted.  If the new try itself is the last, it is refused.
 *   - A try that cannot be started in time is dropped.
 *   - Tries of one e-mail run one after another; `work` may block the e-mail for longer (hold_until_ms).
 *
 * Bound    `places`; HASH_QUEUE_HELD e-mails blocked after their try (beyond it the oldest block is lifted).
 * Threads  enter, start, leave: a loop's.  `work`: a pool's.  `done`: the starting loop's. */
#pragma once
#include "loop/loop.h"

enum {
	HASH_QUEUE_SHARES = 4, /* a network or an e-mail may hold the places divided by this */
	HASH_QUEUE_HELD = 256,
};

struct hash_queue; /* opaque */

struct hash_queue_options {
	unsigned threads; /* 1.. */
	size_t places;    /* the most tries that have entered and do not run yet */
	int nice;         /* 0..19 */
};

enum hash_try_state {
	HASH_TRY_OUT, /* not in the queue: it never entered, or it was evicted before its start */
	HASH_TRY_RESERVED,
	HASH_TRY_WAITING,
	HASH_TRY_TAKEN, /* it runs, or its `done` is scheduled */
};

struct hash_try {
	void (*work)(struct hash_try *t); /* on a pool thread; may not touch loops, stores or requests */
	void (*done)(struct hash_try *t); /* on the loop; the caller then owns the memory again */
	uint64_t network, email;          /* keys: tries with an equal key share its quarter of the places */
	bool known_device;
	int64_t latest_ms;     /* monotonic: the try is not started later */
	int64_t hold_until_ms; /* set by `work`: no other try of this e-mail starts earlier.  0: no hold */
	bool dropped;          /* in `done`: it was too late, `work` did not run */
	/* the queue's own */
	enum hash_try_state state;
	unsigned used; /* log2 of the recent tries of its network */
	struct list_node node;
	struct loop *home;
	struct loop_post post;
};

MUST_CHECK enum err_code hash_queue_new(const struct hash_queue_options *o, struct hash_queue **ret,
                                        struct err *reterr);
void hash_queue_free(struct hash_queue *q); /* waits for running work, drops the rest.  NULL is a no-op */

/* Take a place.  Ownership  `t` is borrowed until hash_queue_leave returns true or `done` runs.
 * Errors  ERR_BUSY: there is no place for it. */
MUST_CHECK enum err_code hash_queue_enter(struct hash_queue *q, struct hash_try *t);
/* From now on it may run.
 * Errors  ERR_BUSY: it was evicted, or it is too late for it; `done` will not run. */
MUST_CHECK enum err_code hash_queue_start(struct hash_queue *q, struct loop *home, struct hash_try *t);
/* Give the place back.  True: `t` has left.  False: it already runs, or it was dropped; `done` will run. */
MUST_CHECK bool hash_queue_leave(struct hash_queue *q, struct hash_try *t);
