/* aws/ddb/call_limiter.h - how many calls are sent at once, which one is next, and when there are too many.
 *
 * `max` places, and a line for calls that find none free.  Past what a place can be had for in time the gate
 * is full: work that would only wait until nobody wants it any more makes all other work late too.
 *
 *   wait of one more = calls waiting / places * time of a call, as lately measured
 *
 * Who has no call yet says how many will come, and is not always right: so it is full also while the first in
 * line has waited too long.
 * Threads  none: a gate belongs to one loop. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

enum { CALL_LIMITER_WAIT_MS = 500 }; /* nobody waits longer than about this */

struct call_limiter {
	size_t max, running, waiting; /* calls */
	struct list_node ahead, line; /* who waits, each in order of arrival; `ahead` goes first */
	int64_t call_us;              /* time of a call, smoothed */
};

/* A place at the gate; embedded in what wants it. */
struct limiter_slot {
	struct list_node node;
	void (*turn)(struct limiter_slot *p); /* of one that waited: it is RUNNING now */
	enum { LIMITER_SLOT_NONE, LIMITER_SLOT_WAITING, LIMITER_SLOT_RUNNING } state;
	int64_t since_us; /* in this state */
	size_t more;      /* calls that come with it, beside its own */
};

void call_limiter_init(struct call_limiter *g, size_t max);

/* Would a new call, to be over within left_ms, come too late? */
bool call_limiter_full(const struct call_limiter *g, int64_t left_ms);

/* RUNNING, or WAITING: at the end of the line or, with `ahead`, before all who came without. */
void call_limiter_enter(struct call_limiter *g, struct limiter_slot *p, bool ahead);
/* From any state to NONE.  `answered`: the call ran to its end, and its time counts. */
void call_limiter_leave(struct call_limiter *g, struct limiter_slot *p, bool answered);
/* The next in line where a place is free, now RUNNING; NULL: none. */
struct limiter_slot *call_limiter_next(struct call_limiter *g);

/* Somebody in line who has no call yet. */
struct limiter_waiter {
	struct limiter_slot pass;
	struct call_limiter *gate;          /* NULL: does not wait */
	void (*fn)(struct limiter_waiter *t); /* a place is free, for a call that enters now */
};
/* True: t waits.  False: a place is free now. */
bool call_limiter_wait(struct call_limiter *g, struct limiter_waiter *t);
void call_limiter_wait_end(struct limiter_waiter *t); /* of one that does not wait: no-op */
/* Nobody's turn comes any more.  Pre: no call is in line. */
void call_limiter_end(struct call_limiter *g);
