/* change.h - describes a change of a link and passes it to each listener in a table.
 *
 * Every use case of link/ reports its changes here.  The webhook, the admin API, a retry or a command may have
 * started it.  To add a listener: write it, and add it to a table in app_worker.c.
 *
 * A listener may delay the answer until the work that must precede it is done:
 *   listener:  link_hold_take ... link_hold_release
 *   answer:    link_hold_wait -> released, or link_hold_leave at its deadline
 * The webhook's answer is delayed for at most 1 s (webhook.c).  Without a hold there is no cost.
 *
 * Ownership  all arguments are borrowed for the call.
 * Threads    one loop. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct service;
struct link_hold; /* opaque: the holds on one answer */

/* Embedded in the flow that will answer; zeroed before use. */
struct link_answer_hold {
	void (*released)(struct link_answer_hold *a); /* after link_hold_wait returned true, once */
	struct link_hold *taken;                      /* NULL: nobody holds the answer */
	bool waits;
};

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
	struct link_answer_hold *hold; /* the answer that may be delayed; NULL: no answer waits */
};

/* Called on the loop's thread as soon as the store operation has completed; must not block.  Work that must end
 * before the answer takes `hold`; other work goes to the worker's list of later work (loop/later.h), which commands
 * do not have: `s->later` is then NULL. */
struct link_listener {
	void (*heard)(const struct link_listener *self, struct service *s, const struct link_change *c);
};

/* Calls each of s->listeners, in order. */
void link_change_tell(struct service *s, const struct link_change *c);
extern const struct link_listener link_change_audit; /* writes the audit line */

/* For a listener.  NULL: no answer waits, or no memory; the listener then works without a hold. */
struct link_hold *link_hold_take(struct link_answer_hold *a);
void link_hold_release(struct link_hold *h); /* exactly once for each take; NULL is a no-op */

/* For the flow.  True: `released` will be called, never before this returned.  False: nobody holds the answer. */
bool link_hold_wait(struct link_answer_hold *a);
/* The flow ends: `released` is not called any more.  The listeners' work goes on. */
void link_hold_leave(struct link_answer_hold *a);
