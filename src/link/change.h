/* change.h - describes a change of a link and passes it to each listener in a table.
 *
 * Every use case of link/ reports its changes here.  The webhook, the admin API, a retry or a command may have
 * started it.  To add a listener: write it, and add it to app_listeners in
 * app_worker.c.
 * All arguments are borrowed for the call. */
#pragma once
#include "link/hold.h"
#include "store/store.h"

struct service;

enum link_change_kind {
	LINK_CREATED,
	LINK_REMOVED,
	LINK_REFUSED, /* a code was refused; no link was made */
	LINK_MISSED,  /* an unlink that removed nothing */
};

/* The source of a change, for the audit trail.  NULL: not known. */
struct link_source {
	const char *way;    /* "webhook", "admin", "later", "cli" */
	const char *client; /* address */
	const char *actor;  /* name of an admin token, or of the user of a command */
};

struct link_change {
	enum link_change_kind kind;
	struct link_source source;
	const char *code_digest; /* keyed digest of the code that caused it; "" for none */
	const char *customer_id; /* "" when not known */
	const char *psid;
	const char *page_id; /* "" when not known */
	int64_t time_ms;     /* Unix ms: time of the event, or our clock where there is no event */
	const char *reason;  /* one word: "linked", "already_done", "unlinked", "replaced", "bad_code", ... */
	/* The answer that a listener may delay until its own work is done; NULL: nobody waits for an answer. */
	struct link_answer_hold *hold;
};

/* Called on the loop's thread as soon as the store operation has completed; must not block.  Work that must end before the
 * answer takes `hold`; other work goes to the worker's list of later work (loop/later.h), which commands
 * do not have: `s->later` is then NULL. */
struct link_listener {
	void (*heard)(const struct link_listener *self, struct service *s, const struct link_change *c);
};

void link_change_tell(struct service *s,
                      const struct link_change *c);  /* calls each of s->listeners, in order */
extern const struct link_listener link_change_audit; /* writes the audit line */
