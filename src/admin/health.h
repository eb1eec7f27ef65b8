/* health.h - is the process alive, may it get traffic, does its store answer.
 *
 * One struct health for all workers.  Each loop beats in it once a second; the first also asks the store
 * (STORE_PING), so that a probe costs nothing and never waits for the store.
 * Threads  health_new, health_free outside the loops; health_start, health_stop and the handlers on a loop's
 *          thread (or before it runs). */
#pragma once
#include "http/request.h"
#include "service.h"

enum {
	HEALTH_LOOPS_MAX = 256,
	HEALTH_PING_MS = 2000,   /* between questions to the store */
	HEALTH_FRESH_MS = 10000, /* an answer is `lately` for so long */
	HEALTH_STUCK_MS = 15000, /* a loop that has not beaten for so long does not turn */
};

MUST_CHECK enum err_code health_new(struct health **ret, struct err *reterr);
void health_free(struct health *h); /* NULL is a no-op.  Pre: every started service stopped */

/* Once for each service, whose `health` is set.
 * Errors  ERR_NOMEM, ERR_BUSY (more than HEALTH_LOOPS_MAX). */
MUST_CHECK enum err_code health_start(struct service *s, struct err *reterr);
void health_stop(struct service *s); /* on its loop's thread, or when the loop stands; not started: a no-op */

void health_healthz(struct request *r);      /* may a load balancer send traffic: 503 while draining */
void health_livez(struct request *r);        /* do the loops run */
void health_readyz(struct request *r);       /* did the store answer lately? */
void health_readyz_admin(struct request *r); /* the same, with the full error message */
