/* dynamodb_gate.h - how many calls are sent at once, which one is next, and when there are too many.
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

enum { DYNAMODB_GATE_WAIT_MS = 500 }; /* nobody waits longer than about this */

struct dynamodb_gate {
	size_t max, running, waiting; /* calls */
	struct list_node ahead, line; /* who waits, each in order of arrival; `ahead` goes first */
	int64_t call_us;              /* time of a call, smoothed */
};

/* A place at the gate; embedded in what wants it. */
struct dynamodb_pass {
	struct list_node node;
	void (*turn)(struct dynamodb_pass *p); /* of one that waited: it is RUNNING now */
	enum { DYNAMODB_PASS_NONE, DYNAMODB_PASS_WAITING, DYNAMODB_PASS_RUNNING } state;
	int64_t since_us; /* in this state */
	size_t more;      /* calls that come with it, beside its own */
};

void dynamodb_gate_init(struct dynamodb_gate *g, size_t max);

/* Would a new call, to be over within left_ms, come too late? */
bool dynamodb_gate_full(const struct dynamodb_gate *g, int64_t left_ms);

/* RUNNING, or WAITING: at the end of the line or, with `ahead`, before all who came without. */
void dynamodb_gate_enter(struct dynamodb_gate *g, struct dynamodb_pass *p, bool ahead);
/* From any state to NONE.  `answered`: the call ran to its end, and its time counts. */
void dynamodb_gate_leave(struct dynamodb_gate *g, struct dynamodb_pass *p, bool answered);
/* The next in line where a place is free, now RUNNING; NULL: none. */
struct dynamodb_pass *dynamodb_gate_next(struct dynamodb_gate *g);

/* Somebody in line who has no call yet. */
struct dynamodb_turn {
	struct dynamodb_pass pass;
	struct dynamodb_gate *gate;          /* NULL: does not wait */
	void (*fn)(struct dynamodb_turn *t); /* a place is free, for a call that enters now */
};
/* True: t waits.  False: a place is free now. */
bool dynamodb_gate_line(struct dynamodb_gate *g, struct dynamodb_turn *t);
void dynamodb_gate_line_leave(struct dynamodb_turn *t); /* of one that does not wait: no-op */
/* Nobody's turn comes any more.  Pre: no call is in line. */
void dynamodb_gate_end(struct dynamodb_gate *g);
