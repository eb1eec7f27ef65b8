/* event.h - the JSON of a delivery -> the link events in it, in order.  Pure: no I/O, no clock.
 *
 * A bad event is skipped and counted, and does not affect the others.  A text that violates the grammar of
 * JSON is refused as a whole.  A value that is legal JSON but malformed affects only the event that has it in
 * a field that is read.
 *
 * Source  Messenger Platform webhooks: common structure, messaging_account_linking. */
#pragma once
#include "base/buf.h"
#include "config/config.h"
#include "store/store.h"

enum {
	EVENT_ID_MAX = STORE_PSID_MAX,       /* bytes */
	EVENT_CODE_MAX = 512,                /* bytes */
	EVENT_AGE_MAX_MS = 36 * 3600 * 1000, /* Facebook does not repeat older deliveries */
	EVENT_AHEAD_MAX_MS = 5 * 60 * 1000,
};

enum event_kind { EVENT_K_LINKED, EVENT_K_UNLINKED };

struct event {
	enum event_kind kind;
	int64_t time_ms; /* plausible: within the bounds above, else the time of receipt */
	char psid[EVENT_ID_MAX + 1];
	char page_id[EVENT_ID_MAX + 1]; /* empty: the event has none */
	size_t code_at, code_n;         /* in event_list.codes; see event_code */
};

struct event_list {
	size_t n, cap;
	struct event *v;
	struct buf codes;
	/* events that are not in `v` */
	size_t ignored;                      /* other objects, kinds and statuses */
	size_t skipped;                      /* link events with a bad id, code or shape */
	size_t foreign;                      /* link events of a page that is not configured */
	char foreign_page[EVENT_ID_MAX + 1]; /* the page of the first of these; empty: not known */
	size_t stale; /* `unlinked` older than EVENT_AGE_MAX_MS: a delivery that was captured and is sent
	                 again could remove a newer link.  A `linked` needs a valid code. */
};

struct event_rules {
	const struct strlist *pages; /* the configured pages; empty: all */
	int64_t received_ms;         /* Unix time of receipt */
};

/* Errors  ERR_INVALID, ERR_TOO_LARGE (not usable JSON), ERR_NOMEM.  event_list_done in any case. */
MUST_CHECK enum err_code event_parse(struct str json, const struct event_rules *rules, struct event_list *ret,
                                     struct err *reterr);
void event_list_done(struct event_list *l);
struct str event_code(const struct event_list *l, const struct event *e);
