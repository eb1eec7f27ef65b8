/* webhook/sequencer.h - runs the events of one delivery: those of one PSID in order of time, one after another; those of
 * different PSIDs side by side, at most SEQUENCER_MAX.
 *
 * If an event does not complete, the later events of its PSID wait for the next delivery, so that they cannot
 * overtake it.  The other PSIDs go on.
 * Threads  the loop's thread. */
#pragma once
#include "link/link.h"
#include "webhook/event.h"

enum { SEQUENCER_MAX = 32 };

struct sequence {
	struct sequencer *sequencer;
	size_t at, end; /* its PSID's events: places in sequencer.order; at == end: free */
	struct link_op *op;
};

struct sequencer {
	struct service *service;
	const struct event_list *events; /* borrowed until done or cancelled */
	const char *scope;               /* request id for log lines; borrowed likewise */
	const char *client;              /* address, for the audit trail; borrowed likewise */
	int64_t deadline_ms;             /* monotonic: every event has ended by then */
	void (*done)(struct sequencer *l);
	struct err *err;               /* set by the first event that does not complete */
	struct link_answer_hold *hold; /* of the delivery's answer */
	/* results */
	size_t unsettled; /* events */
	/* own */
	size_t n; /* sequences */
	struct sequence *sequence;
	uint32_t *
	        order; /* events by PSID, then time, then place in the delivery; in one block with sequence */
	size_t next;   /* first place not yet given to a sequence */
	size_t busy;
};

/* Fill the first eight members, zero the rest.  True: `done` will be called once, not before this returns.
 * False: there was nothing to do, or nothing could be started. */
MUST_CHECK bool sequencer_start(struct sequencer *l);
void sequencer_done(struct sequencer *l); /* cancels what runs; of a zeroed struct a no-op */
