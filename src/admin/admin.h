/* admin.h - the admin API: who is linked, remove a link, erase a customer; metrics.
 *
 * Handlers and the hook for the route table; see http/route.h and http/request.h. */
#pragma once
#include "http/request.h"
#include "link/link.h"
#include "obs/audit.h"

/* Called with the headers of a request to /v1: compares the bearer token in constant time and sets r->actor.
 * After 10 wrong or missing tokens of an address in a minute, the refusals to it are delayed; the answer to a
 * right token never is.  A read-only token may not make changes; the request is then already answered.
 * Errors  ERR_UNAUTHORIZED; ERR_NOT_FOUND when no token is configured. */
MUST_CHECK enum err_code admin_authorize(struct request *r, struct err *reterr);

void admin_link_get(struct request *r);       /* GET /v1/links/{psid} */
void admin_link_delete(struct request *r);    /* DELETE /v1/links/{psid} */
void admin_customer_links(struct request *r); /* GET /v1/customers/{customer_id}/links */
void admin_customer_erase(struct request *r); /* DELETE of the same */
void admin_metrics(struct request *r);        /* GET /metrics; no token */

void admin_tell(const struct request *r, struct audit a); /* write `a` with way, client and actor filled in */

/* --- shared by the handlers: the flow of a request is one link operation */

struct link_call admin_call(struct request *r, link_done_fn *done); /* `done` gets r */
/* After the start: keep the operation as the request's flow, or answer why it did not start.  ERR_INVALID: no id is
 * that long; that is a 404 with this sentence, and `a` is its audit line. */
void admin_started(struct request *r, struct link_op *op, enum err_code code, struct audit a,
                   const char *missing, const struct err *err);
