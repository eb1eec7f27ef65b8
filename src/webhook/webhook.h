/* webhook.h - Facebook's calls: the handshake that registers us, and deliveries of events.
 *
 * Handlers and hooks for the route table; see http/request.h. */
#pragma once
#include "http/request.h"

/* Bytes: about 2 ms of a loop.  Larger bodies are examined on the pool. */
enum { WEBHOOK_INLINE_MAX = 256 * 1024 };

void webhook_verify(struct request *r); /* GET: answers the challenge when the verify token is right */

/* Before the body: a signature header of the right shape (else 403) and room for the body (else 503). */
MUST_CHECK enum err_code webhook_admit(struct request *r, struct err *reterr);
/* POST: 403 for a wrong signature, 503 when a write did not complete, else 200. */
void webhook_post(struct request *r);
