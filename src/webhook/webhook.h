/* webhook.h - Facebook's calls: the handshake that registers us, and deliveries of events.
 *
 * Handlers and hooks for the route table; see http/route.h and http/request.h. */
#pragma once
#include "http/request.h"

void webhook_verify(struct request *r); /* GET: answers the challenge to who knows the verify token */

/* Before the body: a signature header of the right shape (else 403) and room for the body (else 503). */
MUST_CHECK enum err_code webhook_admit(struct request *r, struct err *reterr);
/* POST: 403 for a wrong signature, 503 when a write of ours did not settle, else 200 whatever came. */
void webhook_post(struct request *r);
