/* audit.h - the audit trail: one log line for each login, consent, code, link and administrative act.
 *
 *	audit_line(&(struct audit){.action = "code", .result = "issued", .way = "password",
 *	                           .client = r->client, .customer_id = key->id, .code_digest = digest});
 *
 * writes msg "audit" with "audit":true, the request's id (log_scope) and the members that are set.  Persons
 * and secrets appear as digests, keyed with a key that only this installation has.  So somebody with the log
 * and a list of PSIDs cannot join the two.  `account-linkd digest VALUE` prints the digest of a value.
 *
 * Threads  any, once the key is set. */
#pragma once
#include "base/err.h"
#include "base/str.h"

enum { AUDIT_DIGEST_LEN = 16 }; /* lower-case hex digits */

struct audit_digest {
	char s[AUDIT_DIGEST_LEN + 1];
};

/* Set the first seal key; the key of the digests is derived from it.  To be called once at start, before any
 * thread; until then every digest is "-". */
MUST_CHECK enum err_code audit_key(struct str seal_key);

/* SipHash-2-4 of the value, unchanged. */
struct audit_digest audit_digest(struct str value);
struct audit_digest audit_digest_email(struct str email); /* with ASCII letters in lower case */

/* One act.  A member that is NULL or "" is left out.  Words are stable and in snake_case. */
struct audit {
	const char *action;  /* "login", "consent", "code", "link", "customer_add", ...: src/README.md */
	const char *result;  /* "right", "wrong", "issued", "linked", "removed", ... */
	const char *way;     /* how the request came: "password", "webhook", "admin", "cli", ... */
	const char *reason;  /* one word, or a sentence */
	const char *client;  /* address of the client */
	const char *actor;   /* who acts, if not the customer: the name of an admin token, or the user of a
	                        command */
	const char *page_id; /* public, so in plain text */
	/* plain text here, digests in the line */
	const char *customer_id, *email, *psid;
	/* digests already: of an authorization code, and of the browser's cookie */
	const char *code_digest, *browser_digest;
	int64_t event_time_ms; /* Facebook's own time of the event; 0: none */
};
void audit_line(const struct audit *a);
