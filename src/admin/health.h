/* health.h - the health checks: the loops run, the process accepts traffic, the store answers.
 *
 * One struct health for all workers.  Each loop writes a heartbeat once a second.  The first loop also pings the store
 * (STORE_PING), so that a probe costs nothing and never waits for the store.
 * Threads  health_new, health_free outside the loops; health_start, health_stop and the handlers on a loop's
 *          thread (or before it runs). */
#pragma once
#include "http/request.h"
#include "service.h"

enum {
	HEALTH_LOOPS_MAX = 256,
	HEALTH_PING_MS = 2000,   /* interval between two pings of the store */
	HEALTH_FRESH_MS = 10000, /* maximum age of a store answer that still counts as healthy */
	HEALTH_STUCK_MS = 15000, /* maximum age of the heartbeat of a loop that counts as running */
};

MUST_CHECK enum err_code health_new(struct health **ret, struct err *reterr);
void health_free(struct health *h); /* NULL is a no-op.  Pre: every started service stopped */

/* Once for each service, whose `health` is set.
 * Errors  ERR_NOMEM, ERR_BUSY (more than HEALTH_LOOPS_MAX). */
MUST_CHECK enum err_code health_start(struct service *s, struct err *reterr);
void health_stop(
        struct service *s); /* on its loop's thread, or while the loop does not run; not started: a no-op */

void health_healthz(struct request *r);      /* for load balancers: 503 while draining */
void health_livez(struct request *r);        /* 503 when a loop does not run */
void health_readyz(struct request *r);       /* 503 when the last good answer of the store is too old */
void health_readyz_admin(struct request *r); /* the same, with the full error message */
