/* app_private.h - between app.c and app_worker.c.  A worker is a thread with its loop and its listeners; app.c
 * makes one per core. */
#pragma once
#include "app.h"
#include "http/listen.h"
#include "service.h"

struct app_worker; /* opaque */

enum { APP_SERVERS_MAX = 16 }; /* listeners of one worker */

struct app_shared { /* what all workers use */
	const struct config *cfg;
	struct store *store;
	struct sealer *sealer;
	struct graph *graph; /* NULL without a page token */
	struct password_pool *hashes;
	struct offload *parses;
	struct throttle *throttle;
	struct health *health;
	const _Atomic bool *draining;
	size_t max_connections; /* of each listener */
	/* Worker 0 resolves port 0; the others join its port. */
	char bound[APP_SERVERS_MAX][LISTEN_ADDR_MAX];
};

/* Loop and sockets, not running yet.  Worker 0 binds exclusively, serves the admin listener and looks at the
 * store's health. */
MUST_CHECK enum err_code app_worker_new(struct app_shared *shared, size_t index, struct app_worker **ret,
                                        struct err *reterr);
MUST_CHECK enum err_code app_worker_start(struct app_worker *w, struct err *reterr); /* its thread */
/* Take no new connections, then end.  May be called on any thread. */
void app_worker_quiesce(struct app_worker *w, int64_t limit_ms);
void app_worker_join(struct app_worker *w); /* wait for its end; no-op for a worker that did not start */
void app_worker_end(struct app_worker *w);  /* close the servers, answer waiting requests 503.  Pre: joined */
void app_worker_drain(struct app_worker *w); /* run late completions.  Pre: ended */
void app_worker_free(struct app_worker *w);  /* NULL is a no-op */
