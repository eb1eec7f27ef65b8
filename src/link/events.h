/* events.h - who hears of links: the hook behind which notices to the bot and calls to Facebook attach.
 *
 * Today the one listener writes the log line.  All arguments are borrowed for the call. */
#pragma once
#include "store/store.h"

enum link_event_kind { LINK_CREATED, LINK_REMOVED, LINK_REFUSED };

struct link_event {
	enum link_event_kind kind;
	const char *customer_id; /* "" when not known */
	const char *psid;
	const char *page_id; /* "" when not known */
	int64_t time_ms;     /* the event's own time */
	const char *reason;  /* one word: "linked", "already_done", "unlinked", "replaced", "bad_code", ... */
};

struct link_events {
	void (*heard)(const struct link_events *self, const struct link_event *e);
};

void link_events_tell(const struct link_events *l, const struct link_event *e);
extern const struct link_events link_events_log; /* the log line */
