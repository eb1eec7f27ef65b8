/* admin.h - the admin API: who is linked, remove a link, erase a customer; metrics.
 *
 * Handlers and the hook for the route table; see http/route.h and http/request.h. */
#pragma once
#include "audit.h"
#include "http/request.h"

/* On the headers of /v1: the bearer token, in constant time; fills r->actor.  A wrong or missing one is
 * slowed once its address had 10 in a minute, a right one never; one for look-ups is refused changes, and has
 * its answer then. Errors  ERR_UNAUTHORIZED; ERR_NOT_FOUND when none is configured. */
MUST_CHECK enum err_code admin_authorize(struct request *r, struct err *reterr);

void admin_link_get(struct request *r);       /* GET /v1/links/{psid} */
void admin_link_delete(struct request *r);    /* DELETE /v1/links/{psid} */
void admin_customer_links(struct request *r); /* GET /v1/customers/{customer_id}/links */
void admin_customer_erase(struct request *r); /* DELETE of the same */
void admin_metrics(struct request *r);        /* GET /metrics; no token */

void admin_tell(const struct request *r, struct audit a); /* `a` with way, client and actor filled in */
