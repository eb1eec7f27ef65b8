#include "app_private.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/health.h"
#include "http/server.h"
#include "link/change.h"
#include "link/confirm_message.h"
#include "link/graph_later.h"
#include "link/link.h"
#include "net/httpc.h"
#include "obs/log.h"
#include "obs/log_repeat.h"
#include "obs/metrics.h"
#include "web/web.h"
#include "webhook/signature.h"

enum { CHECK_MS = 20, COUNTS_MS = 1000 };

struct app_worker {
	size_t index;
	struct service service;
	struct app_shared *shared;
	struct loop *loop;
	struct server *server[APP_SERVERS_MAX];
	size_t servers;
	size_t modules; /* started ones */
	pthread_t thread;
	bool started;
	struct loop_timer counts; /* on the first worker only: writes counted refusals to the log */
	struct loop_post quiesce;
	struct loop_timer check; /* after quiesce: are all connections gone? */
	int64_t limit_ms, end_ms;
};

static void check_gone(struct loop_timer *t)
{
	struct app_worker *w = LIST_ENTRY(t, struct app_worker, check);
	size_t open = 0;
	for (size_t i = 0; i < w->servers; i++)
		open += server_open(w->server[i]);
	if (open == 0 || loop_now_ms(w->loop) >= w->end_ms ||
	    loop_timer_set(w->loop, t, loop_now_ms(w->loop) + CHECK_MS) != ERR_OK)
		loop_stop(w->loop);
}

static void on_quiesce(struct loop_post *p)
{
	struct app_worker *w = LIST_ENTRY(p, struct app_worker, quiesce);
	w->end_ms = loop_now_ms(w->loop) + w->limit_ms;
	for (size_t i = 0; i < w->servers; i++)
		server_quiesce(w->server[i]);
	check_gone(&w->check);
}

/* Arming a timer again needs no memory and cannot fail. */
static enum err_code arm_counts(struct app_worker *w)
{
	return loop_timer_set(w->loop, &w->counts, loop_now_ms(w->loop) + COUNTS_MS);
}

static void on_counts(struct loop_timer *t)
{
	struct app_worker *w = LIST_ENTRY(t, struct app_worker, counts);
	log_repeat_flush(loop_now_ms(w->loop));
	(void)arm_counts(w);
}

static bool is_loopback(const char *addr)
{
	char host[CONFIG_HOST_MAX + 1];
	return config_host_of(addr, host, sizeof host) && config_host_is_loopback(host);
}

static enum err_code listen_on(struct app_worker *w, enum route_listener kind, const struct strlist *l,
                               size_t i, struct err *reterr)
{
	char got[LISTEN_ADDR_MAX];
	struct server_options o = {.listener = kind,
	                           .table = routes,
	                           .cfg = w->service.cfg,
	                           .loop = w->loop,
	                           .max_connections = w->shared->max_connections,
	                           .service = &w->service,
	                           .draining = w->service.draining,
	                           .error_page = web_error_page};
	if (w->servers == APP_SERVERS_MAX)
		return err_set(reterr, ERR_INVALID, "more than %d addresses to listen on", APP_SERVERS_MAX);
	o.local = kind == ROUTE_ADMIN && is_loopback(l->v[i]);
	unsigned flags = (w->index == 0 ? LISTEN_FIRST : 0) |
	                 (config_listens_on_both(l, i) ? LISTEN_BOTH : 0);
	enum err_code code = listen_open(w->index == 0 ? l->v[i] : w->shared->bound[w->servers], flags, &o.fd,
	                                 got, reterr);
	if (code == ERR_OK)
		code = server_new(&o, &w->server[w->servers], reterr);
	if (code != ERR_OK)
		return code;
	if (w->index == 0) {
		(void)str_copy(w->shared->bound[w->servers], LISTEN_ADDR_MAX, str_c(got));
		log_line(LOG_INFO, "listening", log_z("addr", got),
		         log_z("listener", kind == ROUTE_ADMIN ? "admin" : "public"));
	}
	w->servers++;
	return ERR_OK;
}

static enum err_code listen_all(struct app_worker *w, struct err *reterr)
{
	const struct config *cfg = w->service.cfg;
	enum err_code code = ERR_OK;
	for (size_t i = 0; i < cfg->listen.n && code == ERR_OK; i++)
		code = listen_on(w, ROUTE_PUBLIC, &cfg->listen, i, reterr);
	if (w->index != 0 || (cfg->admin_listen.n == 1 && strcmp(cfg->admin_listen.v[0], "off") == 0))
		return code;
	for (size_t i = 0; i < cfg->admin_listen.n && code == ERR_OK; i++)
		code = listen_on(w, ROUTE_ADMIN, &cfg->admin_listen, i, reterr);
	return code;
}

const struct link_listener *const app_listeners[] = {&link_change_audit, NULL};

/* With a page token Facebook hears of links too. */
static const struct link_listener *const graph_listeners[] = {&link_change_audit, &graph_later_listener,
                                                              &confirm_message_listener, NULL};

static void set_service(struct app_worker *w, const struct app_shared *shared)
{
	w->service = (struct service){
	        .cfg = shared->cfg,
	        .loop = w->loop,
	        .graph = shared->graph,
	        .sealer = shared->sealer,
	        .hashes = shared->hashes,
	        .parses = shared->parses,
	        .throttle = shared->throttle,
	        .listeners = shared->graph != NULL ? graph_listeners : app_listeners,
	        .draining = shared->draining,
	        .health = shared->health,
	};
}

/* --- the modules of a worker */

static enum err_code start_counts(struct app_worker *w, struct err *reterr)
{
	w->counts.fn = on_counts;
	if (w->index == 0 && arm_counts(w) != ERR_OK)
		return err_set(reterr, ERR_NOMEM, "no memory for a timer");
	return ERR_OK;
}

static void stop_counts(struct app_worker *w)
{
	loop_timer_clear(w->loop, &w->counts);
}

static enum err_code make_keys(struct app_worker *w, struct err *reterr)
{
	const struct strlist *secrets = &w->shared->cfg->app_secret;
	enum err_code code = signature_keys_new(secrets->v, secrets->n, &w->service.signature_keys);
	return code == ERR_OK ? ERR_OK : err_set(reterr, code, "no memory for the app secrets");
}

static void free_keys(struct app_worker *w)
{
	signature_keys_free(w->service.signature_keys);
}

static enum err_code make_http(struct app_worker *w, struct err *reterr)
{
	return httpc_new(w->loop, &w->service.http, reterr);
}

static void end_http(struct app_worker *w)
{
	httpc_free(w->service.http);
	w->service.http = NULL;
}

static enum err_code attach_store(struct app_worker *w, struct err *reterr)
{
	return store_attach(w->shared->store, w->loop, w->service.http, &w->service.store, reterr);
}

/* Ends the operations that still wait for the store. */
static void detach_store(struct app_worker *w)
{
	store_detach(w->service.store);
	w->service.store = NULL;
}

static enum err_code start_health(struct app_worker *w, struct err *reterr)
{
	return health_start(&w->service, reterr);
}

static void stop_health(struct app_worker *w)
{
	health_stop(&w->service);
}

static enum err_code make_later(struct app_worker *w, struct err *reterr)
{
	return link_retry_new(&w->service, &w->service.later, reterr);
}

static void end_later(struct app_worker *w)
{
	later_free(w->service.later);
	w->service.later = NULL;
}

static enum err_code make_graph_later(struct app_worker *w, struct err *reterr)
{
	return graph_later_new(&w->service, &w->service.graph_later, reterr);
}

static void end_graph_later(struct app_worker *w)
{
	graph_later_free(w->service.graph_later);
	w->service.graph_later = NULL;
}

static enum err_code make_confirms(struct app_worker *w, struct err *reterr)
{
	return confirm_message_new(&w->service, &w->service.confirms, reterr);
}

static void end_confirms(struct app_worker *w)
{
	later_free(w->service.confirms);
	w->service.confirms = NULL;
}

static void close_servers(struct app_worker *w)
{
	for (size_t i = 0; i < w->servers; i++)
		server_free(w->server[i]);
	w->servers = 0;
	loop_timer_clear(w->loop, &w->check);
}

/* Started in this order, stopped and freed in reverse.  `stop` runs while the loop does not run, and also after a
 * failed start.  `free` runs after the last late completion. */
static const struct {
	enum err_code (*start)(struct app_worker *w, struct err *reterr);
	void (*stop)(struct app_worker *w); /* NULL: nothing to do; likewise free */
	void (*free)(struct app_worker *w);
} modules[] = {
        {start_counts, stop_counts, NULL},
        {make_keys, NULL, free_keys},
        {make_http, end_http, NULL},
        {attach_store, detach_store, NULL},
        {start_health, stop_health, NULL},
        {make_later, end_later, NULL},
        {make_graph_later, end_graph_later, NULL},
        {make_confirms, end_confirms, NULL},
        {listen_all, close_servers, NULL},
};

enum err_code app_worker_new(struct app_shared *shared, size_t index, struct app_worker **ret,
                             struct err *reterr)
{
	struct app_worker *w = calloc(1, sizeof *w);
	if (w == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for a worker");
	*ret = w;
	w->index = index;
	w->shared = shared;
	w->check.fn = check_gone;
	w->quiesce.fn = on_quiesce;
	enum err_code code = loop_new(&w->loop, reterr);
	if (code != ERR_OK)
		return code;
	set_service(w, shared);
	while (code == ERR_OK && w->modules < sizeof modules / sizeof *modules)
		code = modules[w->modules++].start(w, reterr);
	return code;
}

static void *run(void *arg)
{
	struct app_worker *w = arg;
	char name[16];
	(void)snprintf(name, sizeof name, "loop-%zu", w->index);
	(void)pthread_setname_np(pthread_self(), name);
	if (metrics_thread_start(NULL) != ERR_OK)
		log_line(LOG_WARN, "metrics_shared", log_z("error", "no memory for counters of its own"),
		         log_z("thread", name));
	loop_run(w->loop);
	return NULL;
}

enum err_code app_worker_start(struct app_worker *w, struct err *reterr)
{
	if (pthread_create(&w->thread, NULL, run, w) != 0)
		return err_set(reterr, ERR_NOMEM, "cannot start a worker thread");
	w->started = true;
	return ERR_OK;
}

void app_worker_quiesce(struct app_worker *w, int64_t limit_ms)
{
	if (w == NULL || !w->started)
		return;
	w->limit_ms = limit_ms;
	loop_post(w->loop, &w->quiesce);
}

void app_worker_join(struct app_worker *w)
{
	if (w == NULL || !w->started)
		return;
	(void)pthread_join(w->thread, NULL);
	w->started = false;
}

void app_worker_end(struct app_worker *w)
{
	for (size_t i = w == NULL ? 0 : w->modules; i > 0; i--)
		if (modules[i - 1].stop != NULL)
			modules[i - 1].stop(w);
}

void app_worker_drain(struct app_worker *w)
{
	if (w != NULL && w->loop != NULL)
		loop_drain(w->loop);
}

void app_worker_free(struct app_worker *w)
{
	if (w == NULL)
		return;
	app_worker_drain(w);
	loop_free(w->loop);
	for (size_t i = w->modules; i > 0; i--)
		if (modules[i - 1].free != NULL)
			modules[i - 1].free(w);
	free(w);
}
