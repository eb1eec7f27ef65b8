/* app_worker.h - one worker: a thread with its loop and its listeners; app.c makes one per core. */
#pragma once
#include "config/config.h"
#include "http/listen.h"
#include "link/seal.h"
#include "service.h"

struct app_worker; /* opaque */

extern const struct link_listener
        *const app_listeners[]; /* link/change.h: of the workers and of the commands */

enum { APP_SERVERS_MAX = 16 }; /* listeners of one worker */

struct app_shared { /* what all workers use */
	const struct config *cfg;
	struct store *store;
	struct sealer *sealer;
	struct password_pool *hashes;
	struct offload *parses;
	struct throttle *throttle;
	struct health *health;
	const _Atomic bool *draining;
	size_t max_connections; /* of each listener */
	char bound[APP_SERVERS_MAX]
	          [LISTEN_ADDR_MAX]; /* port 0 was resolved by worker 0; the others join its port */
};

/* Loop and sockets, not running yet.  Worker 0 binds exclusively, serves the admin listener and looks at the
 * store's health. */
MUST_CHECK enum err_code app_worker_new(struct app_shared *shared, size_t index, struct app_worker **ret,
                                        struct err *reterr);
MUST_CHECK enum err_code app_worker_start(struct app_worker *w, struct err *reterr); /* its thread */
void app_worker_quiesce(struct app_worker *w,
                        int64_t limit_ms);   /* any thread: no new connections, then end */
void app_worker_join(struct app_worker *w);  /* until it ended; a worker not started: no-op */
void app_worker_end(struct app_worker *w);   /* servers closed, what waits answered 503.  Pre: joined */
void app_worker_drain(struct app_worker *w); /* run late completions.  Pre: ended */
void app_worker_free(struct app_worker *w);  /* NULL is a no-op */
