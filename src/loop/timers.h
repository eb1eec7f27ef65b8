/* timers.h - binary heap of a loop's timers; the loop's own, see loop.h for use.
 *
 * Ownership  the heap owns its array, never a timer. */
#pragma once
#include "loop/loop.h"

struct timers {
	struct timers_entry {
		int64_t due_ms; /* the timer's: a look at its neighbours does not go through their owners'
		                   memory */
		struct loop_timer *timer;
	} * v;         /* v[0] unused; v[1] is due first */
	size_t n, cap; /* n timers in v[1..n] */
};

MUST_CHECK enum err_code timers_set(struct timers *h, struct loop_timer *t, int64_t due_ms);
void timers_clear(struct timers *h, struct loop_timer *t);
int64_t timers_due_ms(const struct timers *h);     /* of the first; -1: none */
bool timers_run(struct timers *h, int64_t now_ms); /* fire what is due now; true when any was */
void timers_done(struct timers *h);
