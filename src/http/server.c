#include "http/server.h"

#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "http/server_conn.h"
#include "http/server_private.h"
#include "http/server_request.h"
#include "obs/log.h"

enum {
	/* One connection's buffer: 16 KiB of headers, their list and a copy of the cookies, so that our
	 * answers come before the library's own.  No more: it zeroes half as much again for each request. */
	POOL_BYTES = 40960,
	SPARE = 64,     /* connections past the limit, so that /healthz is served at it */
	GRACE_MS = 400, /* an idle connection may still send a request this long after listening stopped */
	SWEEP_MS = 100,
	FREE_ROUNDS = 1000,
	/* A run of libmicrohttpd accepts this many at most.  With long turns that is too few: a load
	 * balancer's look at /healthz, on a connection of its own, then waits behind all the others for
	 * seconds. */
	ACCEPTS = 10,
};

static bool settle(struct loop_source *source)
{
	struct server *s = LIST_ENTRY(source, struct server, source);
	if (!s->ready && (s->due_ms < 0 || s->due_ms > loop_now_ms(s->opt.loop)))
		return false;
	size_t before = s->accepted;
	s->ready = false;
	s->due_ms = -1;
	(void)MHD_run(s->daemon);
	s->ready |= s->accepted - before >= ACCEPTS;
	return true;
}

static int64_t due_ms(struct loop_source *source)
{
	struct server *s = LIST_ENTRY(source, struct server, source);
	MHD_UNSIGNED_LONG_LONG wait;
	s->due_ms = -1;
	if (MHD_get_timeout(s->daemon, &wait) == MHD_YES)
		s->due_ms = loop_now_ms(s->opt.loop) + (int64_t)(wait > 60000 ? 60000 : wait);
	return s->due_ms;
}

static void on_ready(struct loop_watch *w, uint32_t events)
{
	(void)events;
	LIST_ENTRY(w, struct server, watch)->ready = true;
}

static void on_message(void *arg, const char *fmt, va_list ap)
{
	char text[200];
	(void)arg;
	int n = vsnprintf(text, sizeof text, fmt, ap);
	if (n > 0)
		log_line(LOG_DEBUG, "libmicrohttpd", log_str("error", str_trim(str_c(text))));
}

static enum err_code start_daemon(struct server *s, struct err *reterr)
{
	const struct config *cfg = s->opt.cfg;
	const struct MHD_OptionItem options[] = {
		{MHD_OPTION_LISTEN_SOCKET, s->opt.fd, NULL},
		{MHD_OPTION_CONNECTION_LIMIT, (intptr_t)s->most + SPARE, NULL},
		{MHD_OPTION_PER_IP_CONNECTION_LIMIT, (intptr_t)cfg->max_connections_per_address, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, POOL_BYTES, NULL},
		{MHD_OPTION_CONNECTION_TIMEOUT, 0, NULL}, /* ours are absolute */
#if MHD_VERSION >= 0x01000000
		{MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1, NULL},
#endif
		{MHD_OPTION_END, 0, NULL},
	};
	s->daemon = MHD_start_daemon(
	        MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
	        server_request_handle, s, MHD_OPTION_EXTERNAL_LOGGER, on_message, s,
	        MHD_OPTION_URI_LOG_CALLBACK, server_request_new, s, MHD_OPTION_NOTIFY_COMPLETED,
	        server_request_done, s, MHD_OPTION_NOTIFY_CONNECTION, server_conn_notify, s, MHD_OPTION_ARRAY,
	        options, MHD_OPTION_END);
	if (s->daemon == NULL)
		return err_set(reterr, ERR_NOMEM, "libmicrohttpd does not start");
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL)
		return err_set(reterr, ERR_INTERNAL, "libmicrohttpd has no epoll mode");
	s->watch = (struct loop_watch){.fd = info->epoll_fd, .fn = on_ready};
	return loop_watch_add(s->opt.loop, &s->watch, EPOLLIN, reterr);
}

static void on_sweep(struct loop_timer *t)
{
	struct server *s = LIST_ENTRY(t, struct server, sweep);
	server_conn_sweep(s);
	if (loop_timer_set(s->opt.loop, t, loop_now_ms(s->opt.loop) + SWEEP_MS) != ERR_OK)
		log_line(LOG_WARN, "connections_not_swept", log_z("error", "no memory for a timer"),
		         log_int("open", (int64_t)s->open));
}

enum err_code server_new(const struct server_options *o, struct server **ret, struct err *reterr)
{
	struct server *s = calloc(1, sizeof *s);
	if (s == NULL) {
		(void)close(o->fd);
		return err_set(reterr, ERR_NOMEM, "no memory for a server");
	}
	s->opt = *o;
	s->most = o->max_connections != 0 ? o->max_connections : (size_t)o->cfg->max_connections;
	s->watch.fd = -1;
	s->due_ms = -1;
	s->sweep.fn = on_sweep;
	s->source = (struct loop_source){.settle = settle, .due_ms = due_ms};
	list_init(&s->idle);
	list_init(&s->active);
	list_init(&s->held);
	list_init(&s->lingering);
	enum err_code code = start_daemon(s, reterr);
	if (code != ERR_OK) {
		server_free(s);
		return code;
	}
	loop_source_add(o->loop, &s->source);
	*ret = s;
	return ERR_OK;
}

void server_quiesce(struct server *s)
{
	struct pollfd listening = {.fd = s->opt.fd, .events = POLLIN};
	if (s->quiesced)
		return;
	for (int i = 0; i < FREE_ROUNDS && poll(&listening, 1, 0) > 0; i++)
		(void)MHD_run(s->daemon);
	s->quiesced = true;
	s->ready = true;
	s->opt.fd = -1;
	int fd = MHD_quiesce_daemon(s->daemon);
	if (fd >= 0)
		(void)close(fd);
	if (loop_timer_set(s->opt.loop, &s->sweep, loop_now_ms(s->opt.loop) + GRACE_MS) != ERR_OK)
		server_conn_sweep(s);
}

size_t server_open(const struct server *s)
{
	return s->open;
}

/* Every suspended connection must be resumed before the daemon stops, else libmicrohttpd aborts; what comes
 * while they are is answered at once. */
static void fail_waiting(struct server *s)
{
	static const struct err why = {.code = ERR_STOPPING, .msg = "stopped before it was answered"};
	struct list_node *next;
	for (struct list_node *n = s->held.next; n != &s->held; n = next) {
		struct server_conn *c = LIST_ENTRY(n, struct server_conn, node);
		next = n->next;
		if (c->q != NULL && c->q->stage == STAGE_WAIT)
			server_request_fail(c->q, ERR_STOPPING, &why);
	}
	for (int i = 0; i < FREE_ROUNDS && s->ready; i++) {
		s->ready = false;
		(void)MHD_run(s->daemon);
	}
}

void server_free(struct server *s)
{
	if (s == NULL)
		return;
	if (s->daemon != NULL) {
		server_quiesce(s);
		s->stopping = true;
		fail_waiting(s);
		loop_source_del(&s->source);
		if (s->watch.fd >= 0)
			loop_watch_del(s->opt.loop, &s->watch);
		MHD_stop_daemon(s->daemon);
	} else
		(void)close(s->opt.fd);
	server_linger_end_all(s);
	loop_timer_clear(s->opt.loop, &s->sweep);
	free(s);
}
