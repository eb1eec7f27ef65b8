/* hold.h - listeners delay an answer until the work that must precede it is done.
 *
 *   listener:  link_hold_take ... link_hold_release
 *   answer:    link_hold_wait -> released, or link_hold_leave at its deadline
 *
 * A listener may delay the webhook's answer for at most 1 s (webhook.c).  Without a hold there is no cost.
 * Threads  one loop. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct link_hold; /* opaque: the holds on one answer */

/* Embedded in the flow that will answer; zeroed before use. */
struct link_answer_hold {
	void (*released)(struct link_answer_hold *a); /* after link_hold_wait said true, once */
	struct link_hold *taken;                      /* NULL: nobody holds the answer */
	bool waits;
};

/* For a listener.  NULL: no answer waits, or no memory; the listener then works without a hold. */
struct link_hold *link_hold_take(struct link_answer_hold *a);
void link_hold_release(struct link_hold *h); /* exactly once for each take; NULL is a no-op */

/* For the flow.  True: `released` will be called, never before this returned.  False: nobody holds the answer. */
bool link_hold_wait(struct link_answer_hold *a);
/* The flow ends: `released` is not called any more.  The listeners' work goes on. */
void link_hold_leave(struct link_answer_hold *a);
