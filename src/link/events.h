/* events.h - reports to a listener when links are made, removed or refused.
 *
 * At present the only listener writes the audit line; notices to the bot and calls to Facebook can be added.
 * All arguments are borrowed for the call. */
#pragma once
#include "store/store.h"

enum link_event_kind {
	LINK_CREATED,
	LINK_REMOVED,
	LINK_REFUSED, /* a code that made no link */
	LINK_MISSED,  /* an unlink that removed nothing */
};

/* The origin of a link operation, for the audit trail.  NULL: not known. */
struct link_source {
	const char *way;    /* "webhook", "admin", "later" */
	const char *client; /* address */
	const char *actor;  /* name of an admin token */
};

struct link_event {
	enum link_event_kind kind;
	struct link_source source;
	const char *code_digest; /* keyed digest of the code that caused it; "" for none */
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
extern const struct link_events link_events_log; /* the audit line */
