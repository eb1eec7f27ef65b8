/* admin.h - the admin API: who is linked, remove a link, erase a customer; metrics.
 *
 * Handlers and the hook for the route table; see http/request.h. */
#pragma once
#include "http/request.h"
#include "link/link.h"
#include "obs/audit.h"

/* Called with the headers of a request to /v1: compares the bearer token in constant time and sets r->actor.
 * Refusals to an address beyond its limit of wrong tokens (admin_guess) are delayed; the answer to a right token
 * never is.  A read-only token may not make changes; the request is then already answered.
 * Errors  ERR_UNAUTHORIZED; ERR_NOT_FOUND when no token is configured. */
MUST_CHECK enum err_code admin_authorize(struct request *r, struct err *reterr);

void admin_link_get(struct request *r);       /* GET /v1/links/{psid} */
void admin_link_delete(struct request *r);    /* DELETE /v1/links/{psid} */
void admin_customer_links(struct request *r); /* GET /v1/customers/{customer_id}/links */
void admin_customer_erase(struct request *r); /* DELETE of the same */
void admin_metrics(struct request *r);        /* GET /metrics; no token */
void security_txt(struct request *r); /* GET /.well-known/security.txt; 404 without LINKD_SECURITY_CONTACT */

/* --- shared by the files of admin/ */

void admin_tell(const struct request *r, struct audit a); /* write `a` with way, client and actor filled in */

enum {
	ADMIN_GUESSES = 10, /* wrong or missing tokens of one address in a minute before the delay */
	ADMIN_GUESS_WINDOW_MS = 60000,
	ADMIN_GUESS_ADDRESSES = 256,
};

/* Count a wrong or missing token of this client.  True: it is beyond its limit of this minute.
 * Bound    ADMIN_GUESS_ADDRESSES; beyond it the one with the oldest minute is evicted.  So a client with many
 *          addresses can avoid the delay.
 * Threads  any. */
bool admin_guess(const char *client, int64_t now_ms);
