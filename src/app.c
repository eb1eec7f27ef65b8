/* app.c - connects the modules: the order in which they start and stop. */
#include "app_private.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "admin/health.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/version.h"
#include "facebook/graph.h"
#include "login/password.h"
#include "login/throttle.h"
#include "net/httpc.h"
#include "obs/audit.h"
#include "obs/log.h"
#include "obs/log_repeat.h"
#include "obs/metrics.h"
#include "webhook/webhook.h"

enum {
	HASH_QUEUE = 64,  /* logins that may wait for a hash */
	PARSE_CUT = 1024, /* places in the queue for parsing for large bodies that were evicted in it */
	NICE_HASH = 19,   /* a flood of logins must not slow the webhook */
	/* The stop may take 10 s from the end of the drain delay.  The rest is for running hashes and the log. */
	STOP_MS = 6500,   /* requests */
	SETTLE_MS = 1500, /* store operations that still run after them */
	/* File descriptors beside those of the connections. */
	OWN_FDS = 64, /* of the process */
	LISTENER_FDS =
	        136, /* of each address a worker listens on: connections over the limit, or being closed */
	CONNECTIONS_MIN = 16,
};

struct app {
	const struct config *cfg;
	struct app_shared shared;
	_Atomic bool draining;
	struct app_worker **worker;
	size_t workers;
	unsigned hash_threads;
};

/* No core file and no ptrace of other users: memory holds secrets.  Descriptors up to the hard limit. */
static void set_limits(void)
{
	struct rlimit none = {0, 0}, files;
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* The connections of one address for which a worker's share of the descriptors is enough, beside those to the
 * store.  Admin addresses use the descriptors that the public ones leave. */
static size_t connections_for(const struct config *cfg, size_t share)
{
	size_t listeners = cfg->listen.n > 0 ? cfg->listen.n : 1;
	size_t own = LISTENER_FDS * listeners + (size_t)cfg->store_in_flight;
	size_t most = (share > 2 * own ? share - own : share / 2) / listeners;
	return most < CONNECTIONS_MIN ? CONNECTIONS_MIN : most;
}

/* There are never more connections than file descriptors.  A connection without a descriptor would wait for the
 * end of another one, also that of a health check. */
static size_t bound_connections(const struct config *cfg, unsigned workers)
{
	struct rlimit files;
	size_t wanted = (size_t)cfg->max_connections, most, share;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
		return wanted;
	share = files.rlim_cur > OWN_FDS ? (files.rlim_cur - OWN_FDS) / workers : 0;
	most = connections_for(cfg, share);
	if (most >= wanted)
		return wanted;
	log_line(LOG_WARN, "fewer_connections", log_int("max_connections", (int64_t)most),
	         log_int("descriptors", (int64_t)files.rlim_cur),
	         log_z("remedy", "raise the limit of open files (ulimit -n, LimitNOFILE=), or lower "
	                         "LINKD_MAX_CONNECTIONS and LINKD_STORE_IN_FLIGHT"));
	return most;
}

enum err_code app_keys_load(const struct config *cfg, struct app_keys *ret, struct err *reterr)
{
	*ret = (struct app_keys){.n = 0};
	for (; ret->n < cfg->seal_key.n && ret->n < SEAL_KEYS_MAX; ret->n++)
		ret->key[ret->n] = str_c(cfg->seal_key.v[ret->n]);
	if (ret->n > 0 || store_file(cfg) == NULL)
		return ERR_OK;
	enum err_code code = keyfile_load_or_make(store_file(cfg), ret->made, reterr);
	if (code == ERR_OK)
		ret->key[ret->n++] = (struct str){(const char *)ret->made, sizeof ret->made};
	return code;
}

void app_keys_wipe(struct app_keys *k)
{
	crypto_wipe(k, sizeof *k);
}

enum err_code app_keys_audit(const struct app_keys *k, struct err *reterr)
{
	enum err_code code = k->n > 0 ? audit_key(k->key[0]) : ERR_OK;
	return code == ERR_OK ? ERR_OK : err_set(reterr, code, "no memory for the key of the log's digests");
}

static enum err_code make_sealer(struct app *a, struct err *reterr)
{
	struct app_keys keys;
	enum err_code code = app_keys_load(a->cfg, &keys, reterr);
	if (code == ERR_OK && keys.n == 0)
		code = err_set(
		        reterr, ERR_INVALID,
		        "LINKD_SEAL_KEY must be set for this store; make one with: openssl rand -hex 32");
	if (code == ERR_OK)
		code = app_keys_audit(&keys, reterr);
	if (code == ERR_OK)
		code = sealer_new(keys.key, keys.n, &a->shared.sealer, reterr);
	app_keys_wipe(&keys);
	return code;
}

static enum err_code make_pools(struct app *a, struct err *reterr)
{
	struct password_pool_options hashes = {
	        .threads = a->hash_threads, .places = HASH_QUEUE, .nice = NICE_HASH};
	/* The body budget limits the waiting bodies and evicts the slowest.  The queue must not be full before
	 * the budget is. */
	struct offload_options parses = {
	        .name = "parse",
	        .threads = 1,
	        .queue_max = (size_t)a->cfg->webhook_body_budget / WEBHOOK_INLINE_MAX + PARSE_CUT};
	enum err_code code = password_pool_new(&hashes, &a->shared.hashes, reterr);
	return code == ERR_OK ? offload_new(&parses, &a->shared.parses, reterr) : code;
}

/* Start the store first, since a wrong path must fail before a port is open; then keys and threads; the sockets
 * last. */
static enum err_code start(struct app *a, struct err *reterr)
{
	unsigned cpus = app_cpus_count("");
	unsigned n = a->cfg->workers > 0 ? (unsigned)a->cfg->workers : cpus;
	a->hash_threads = a->cfg->hash_threads > 0 ? (unsigned)a->cfg->hash_threads : cpus;
	a->shared.cfg = a->cfg;
	a->shared.draining = &a->draining;
	a->shared.max_connections = bound_connections(a->cfg, n);
	enum err_code code = store_open(a->cfg, &a->shared.store, reterr);
	if (code == ERR_OK)
		code = make_sealer(a, reterr);
	if (code == ERR_OK)
		code = make_pools(a, reterr);
	if (code == ERR_OK)
		code = throttle_new(&a->shared.throttle, reterr);
	if (code == ERR_OK)
		code = health_new(&a->shared.health, reterr);
	if (code == ERR_OK)
		code = graph_new(a->cfg, &a->shared.graph, reterr);
	if (code != ERR_OK)
		return code;
	a->worker = calloc(n, sizeof(struct app_worker *));
	if (a->worker == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for the workers");
	for (; a->workers < n && code == ERR_OK; a->workers++)
		code = app_worker_new(&a->shared, a->workers, &a->worker[a->workers], reterr);
	for (size_t i = 0; i < n && code == ERR_OK; i++)
		code = app_worker_start(a->worker[i], reterr);
	return code;
}

static void log_start_line(const struct app *a)
{
	for (size_t i = 0; i < a->cfg->warnings.n; i++)
		log_line(LOG_WARN, "setting", log_z("warning", a->cfg->warnings.v[i]));
	log_line(LOG_INFO, "started", log_z("version", LINKD_VERSION),
	         log_int("workers", (int64_t)a->workers), log_int("hash_threads", a->hash_threads),
	         log_z("store", store_name(a->shared.store)));
}

/* Take no new connections, answer the requests in progress, end the loops. */
static void drain(struct app *a)
{
	log_line(LOG_INFO, "stopping", log_int("drain_delay_s", a->cfg->drain_delay));
	atomic_store(&a->draining, true);
	if (a->cfg->drain_delay > 0) /* a second SIGTERM ends the delay */
		(void)app_signals_wait(clock_mono_ms() + 1000 * a->cfg->drain_delay);
	for (size_t i = 0; i < a->workers; i++)
		app_worker_quiesce(a->worker[i], STOP_MS);
	for (size_t i = 0; i < a->workers; i++)
		app_worker_join(a->worker[i]);
	log_repeat_flush(INT64_MAX);
}

/* Run the loops until the store is idle: operations whose requests are gone still complete there. */
static bool settle(struct app *a)
{
	int64_t end_ms = clock_mono_ms() + SETTLE_MS;
	while (clock_mono_ms() < end_ms) {
		for (size_t i = 0; i < a->workers; i++)
			app_worker_drain(a->worker[i]);
		if (a->shared.store == NULL || store_idle(a->shared.store))
			return true;
		(void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	return false;
}

/* Free nothing that the store's threads use: they may post to the loops until the process ends. */
static void leave_behind(const struct app *a)
{
	static struct app_worker **workers;
	workers = a->worker;
	log_line(LOG_ERROR, "store_did_not_stop",
	         log_z("error", "operations were still in flight when the time to stop was over"),
	         log_int("loops", (int64_t)atomic_load(&a->shared.store->ports)),
	         log_int("workers", (int64_t)(workers != NULL ? a->workers : 0)));
}

/* The reverse of start; every part may be missing. */
static void stop(struct app *a)
{
	for (size_t i = 0; i < a->workers; i++)
		app_worker_end(a->worker[i]);
	password_pool_free(a->shared.hashes);
	offload_free(a->shared.parses);
	if (!settle(a)) {
		leave_behind(a);
		return;
	}
	store_close(a->shared.store);
	for (size_t i = 0; i < a->workers; i++)
		app_worker_free(a->worker[i]);
	free(a->worker);
	health_free(a->shared.health);
	throttle_free(a->shared.throttle);
	sealer_free(a->shared.sealer);
	graph_free(a->shared.graph);
}

static void name_routes(void)
{
	static const char *labels[METRICS_ROUTES_MAX] = {"none"}; /* kept by metrics */
	size_t n = 1;
	for (const struct route *r = routes; r->handler != NULL && n < METRICS_ROUTES_MAX; r++)
		labels[n++] = r->label;
	metrics_routes(labels, n);
}

static enum err_code start_libraries(const struct config *cfg, struct err *reterr)
{
	enum err_code code = crypto_start(reterr);
	if (code == ERR_OK)
		code = httpc_global_start(reterr);
	if (code == ERR_OK)
		code = log_start((enum log_level)cfg->log_level, (enum log_format)cfg->log_format,
		                 STDOUT_FILENO, reterr);
	return code;
}

enum err_code app_serve(const struct config *cfg, struct err *reterr)
{
	struct app a = {.cfg = cfg};
	set_limits();
	app_signals_block();
	name_routes();
	enum err_code code = start_libraries(cfg, reterr);
	if (code != ERR_OK)
		return code;
	code = start(&a, reterr);
	if (code == ERR_OK) {
		log_start_line(&a);
		(void)app_signals_wait(INT64_MAX);
		drain(&a);
	} else
		for (size_t i = 0; i < a.workers; i++)
			app_worker_quiesce(a.worker[i], 0), app_worker_join(a.worker[i]);
	stop(&a);
	if (code == ERR_OK)
		log_line(LOG_INFO, "stopped", log_int("pid", getpid()));
	log_stop();
	return code;
}
