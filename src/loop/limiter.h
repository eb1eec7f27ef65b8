/* loop/limiter.h - a semaphore for calls, with a queue of waiters and an estimate of the wait.
 *
 * At most `max` calls run at once; further ones wait in a queue.  The limiter is full when a new waiter would
 * get its slot too late:
 *
 *   wait of a new call = (waiting calls + 1) / max * smoothed duration of a call
 *
 * A waiter without a call (limiter_waiter) only estimates how many calls it will make.  So the limiter also
 * counts as full while its oldest waiter has waited longer than LIMITER_WAIT_MS.
 * Threads  one: a limiter belongs to one loop. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

enum { LIMITER_WAIT_MS = 500 }; /* the longest wait, approximately */

struct limiter {
	size_t max, running, waiting; /* calls */
	struct list_node ahead,
	        queue;   /* waiters in order of arrival; those in `ahead` get their slots first */
	int64_t call_us; /* duration of a call, smoothed */
};

/* One slot, or the wait for it; embedded in its owner. */
struct limiter_slot {
	struct list_node node;
	void (*turn)(struct limiter_slot *p); /* after a wait: the slot is RUNNING now */
	enum { LIMITER_SLOT_NONE, LIMITER_SLOT_WAITING, LIMITER_SLOT_RUNNING } state;
	int64_t since_us; /* start of this state */
	size_t more;      /* further calls that its owner will make at once */
};

void limiter_init(struct limiter *g, size_t max);

/* True: a new call that must end within left_ms would end too late. */
bool limiter_full(const struct limiter *g, int64_t left_ms);

/* Afterwards the slot is RUNNING, or WAITING.  With `ahead` the slot gets its turn before all slots without
 * it. */
void limiter_enter(struct limiter *g, struct limiter_slot *p, bool ahead);
/* From any state to NONE.  `answered`: the call got its answer, so its duration counts. */
void limiter_leave(struct limiter *g, struct limiter_slot *p, bool answered);
/* If a slot is free: the next waiter, now RUNNING.  NULL: nobody waits, or no slot is free. */
struct limiter_slot *limiter_next(struct limiter *g);

/* A waiter that makes its call only when it gets the slot. */
struct limiter_waiter {
	struct limiter_slot slot;
	struct limiter *limiter;              /* NULL: it does not wait */
	void (*fn)(struct limiter_waiter *t); /* a slot is free: call limiter_enter now */
};
/* True: t waits.  False: a slot is free now. */
bool limiter_wait(struct limiter *g, struct limiter_waiter *t);
void limiter_wait_end(struct limiter_waiter *t); /* no-op when it does not wait */
/* End the waits of all limiter_waiters; `fn` is not called.  Pre: the queue has no other slots. */
void limiter_end(struct limiter *g);
