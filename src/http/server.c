#include "http/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/private.h"
#include "obs/log.h"
#include "obs/metrics.h"

/* --- connections */

struct server_conn *server_conn_of(struct MHD_Connection *k)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(k, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return i == NULL ? NULL : i->socket_context;
}

/* libmicrohttpd owns the descriptor: it reads the end of file and closes it. */
void server_conn_hang_up(struct server_conn *c)
{
	(void)shutdown(c->fd, SHUT_RDWR);
	c->server->ready = true;
}

static void on_deadline(struct loop_timer *t)
{
	struct server_conn *c = LIST_ENTRY(t, struct server_conn, timer);
	if (c->q == NULL) {
		server_conn_hang_up(c);
		return;
	}
	metric_add(M_REQUEST_DEADLINE, 1);
	request_deadline(c);
}

void server_conn_deadline(struct server_conn *c, int64_t due_ms)
{
	if (loop_timer_set(c->server->opt.loop, &c->timer, due_ms) != ERR_OK)
		server_conn_hang_up(c); /* no connection may be without a deadline */
}

void server_conn_head_deadline(struct server_conn *c)
{
	server_conn_deadline(c, loop_now_ms(c->server->opt.loop) +
	                                (c->over ? OVER_MS : c->server->opt.cfg->header_timeout * 1000));
}

void server_conn_send_deadline(struct server_conn *c)
{
	server_conn_deadline(c, loop_now_ms(c->server->opt.loop) + c->server->opt.cfg->send_timeout * 1000);
}

/* A connection that is leaving goes to `held`, where it is not evicted again. */
static void move(struct server_conn *c, struct list_node *list)
{
	list_del(&c->node);
	list_push(c->leaving ? &c->server->held : list, &c->node);
	c->since_ms = loop_now_ms(c->server->opt.loop);
}

void server_conn_idle(struct server_conn *c)
{
	move(c, &c->server->idle);
	server_conn_deadline(c, c->since_ms + c->server->opt.cfg->keepalive_timeout * 1000);
}

void server_conn_active(struct server_conn *c)
{
	c->server->kept_n -= c->kept;
	c->kept = false;
	move(c, &c->server->active);
}

void server_conn_held(struct server_conn *c)
{
	move(c, &c->server->held);
}

/* Its answer is so new that it may not have been sent yet. */
static bool fresh(const struct server_conn *c)
{
	return c->q != NULL && request_answered(&c->q->r) &&
	       loop_now_ms(c->server->opt.loop) - c->since_ms < FRESH_MS;
}

static struct server_conn *oldest_but_fresh(const struct list_node *list)
{
	for (struct list_node *n = list->next; n != list; n = n->next) {
		struct server_conn *c = LIST_ENTRY(n, struct server_conn, node);
		if (!fresh(c))
			return c;
	}
	return NULL;
}

/* The connection to close for a new one: first an active one that has stalled, then an idle one, then an active one
 * that may only be new.  So a flood of slow requests loses its own connections, and a load balancer keeps its idle
 * ones.  An answer that was just made is not lost. */
static struct server_conn *least_useful(const struct server *s)
{
	struct server_conn *active = oldest_but_fresh(&s->active), *idle = oldest_but_fresh(&s->idle);
	if (active != NULL && loop_now_ms(s->opt.loop) - active->since_ms >= STALL_MS)
		return active;
	return idle != NULL ? idle : active;
}

static void evict(struct server_conn *c)
{
	struct server *s = c->server;
	c->leaving = true;
	server_conn_held(c);
	server_conn_hang_up(c);
	s->leaving++;
	metric_add(M_CONN_EVICTED, 1);
}

static bool full(const struct server *s)
{
	return s->open - s->leaving >= s->most;
}

static void opened(struct server *s, struct MHD_Connection *k, void **context)
{
	const union MHD_ConnectionInfo *fd = MHD_get_connection_info(k, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct server_conn *c = calloc(1, sizeof *c);
	s->accepted++;
	if (c == NULL || fd == NULL) { /* it gets a fixed 503, and a timeout of libmicrohttpd */
		free(c);
		(void)MHD_set_connection_option(k, MHD_CONNECTION_OPTION_TIMEOUT,
		                                (unsigned)s->opt.cfg->header_timeout);
		return;
	}
	*c = (struct server_conn){.server = s, .mhd = k, .fd = fd->connect_fd, .timer = {.fn = on_deadline}};
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(k, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	client_address_peer(i == NULL ? NULL : i->client_addr, c->peer);
	c->network = client_address_network(c->peer);
	struct server_conn *least = full(s) ? least_useful(s) : NULL;
	if (least != NULL)
		evict(least);
	c->over = full(s);
	s->open++;
	metric_add(M_CONNECTIONS, 1);
	*context = c;
	server_conn_active(c);
	server_conn_head_deadline(c);
}

/* The request has ended before, unless libmicrohttpd could not watch the descriptor. */
static void closed(struct server *s, struct server_conn *c)
{
	request_lost(c);
	if (c->linger)
		server_linger_start(c);
	loop_timer_clear(s->opt.loop, &c->timer);
	list_del(&c->node);
	s->open--;
	s->leaving -= c->leaving;
	s->kept_n -= c->kept;
	metric_add(M_CONNECTIONS, -1);
	free(c);
}

static void on_connection(void *arg, struct MHD_Connection *k, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
	struct server *s = arg;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		opened(s, k, context);
		return;
	}
	/* At its connection limit libmicrohttpd takes the listen socket out of epoll and puts it back only on
	 * the next run. */
	s->ready = true;
	if (*context != NULL)
		closed(s, *context);
	*context = NULL;
}

static size_t kept_of(const struct server *s, uint64_t network)
{
	size_t n = 0;
	for (struct list_node *at = s->idle.next; at != &s->idle; at = at->next) {
		const struct server_conn *c = LIST_ENTRY(at, struct server_conn, node);
		n += c->kept && c->network == network;
	}
	return n;
}

/* When this network is within its share, close an old idle connection of a network beyond its share. */
static void make_room_among_kept(struct server *s, uint64_t network)
{
	size_t seen = 0;
	if (kept_of(s, network) >= KEPT_SHARE)
		return;
	for (struct list_node *at = s->idle.next; at != &s->idle && seen < KEPT_SEEN; at = at->next, seen++) {
		struct server_conn *c = LIST_ENTRY(at, struct server_conn, node);
		if (!c->kept || kept_of(s, c->network) <= KEPT_SHARE)
			continue;
		c->kept = false;
		s->kept_n--;
		evict(c);
		return;
	}
}

/* False: too many connections are kept, and this one closes after its answer.  Kept connections of a network
 * within its share are never closed for it, since their client, such as a load balancer, may already be
 * sending.  A connection that serves a request is not among the kept ones. */
bool server_conn_keep(struct server_conn *c)
{
	if (c->server->kept_n >= KEPT_MAX)
		make_room_among_kept(c->server, c->network);
	c->kept = c->server->kept_n < KEPT_MAX;
	c->server->kept_n += c->kept;
	if (!c->kept)
		metric_add(M_CONN_NOT_KEPT, 1);
	return c->kept;
}

static bool has_unread(const struct server_conn *c)
{
	int n = 0;
	return ioctl(c->fd, FIONREAD, &n) == 0 && n > 0;
}

/* After listening stopped: close the connections that have no request and no unread bytes. */
static void sweep(struct server *s)
{
	struct list_node *next;
	for (struct list_node *n = s->idle.next; n != &s->idle; n = next) {
		struct server_conn *c = LIST_ENTRY(n, struct server_conn, node);
		next = n->next;
		if (!has_unread(c))
			server_conn_hang_up(c);
	}
	for (struct list_node *n = s->active.next; n != &s->active; n = n->next) {
		struct server_conn *c = LIST_ENTRY(n, struct server_conn, node);
		if (c->q == NULL && !has_unread(c))
			server_conn_hang_up(c);
	}
}

/* --- the server */

enum {
	/* The buffer of a connection: 16 KiB of headers, their list and a copy of the cookies, so that the
	 * guard refuses a head before the library does.  For each request the library zeroes 1.5 times this. */
	POOL_BYTES = 40960,
	SPARE = 64,     /* connections beyond the limit, for /healthz */
	GRACE_MS = 400, /* an idle connection may still send a request this long after listening stopped */
	SWEEP_MS = 100,
	FREE_ROUNDS = 1000,
	/* A run of libmicrohttpd accepts at most this many connections.  After as many it runs again at once: else a
	 * load balancer's new connection for /healthz waits for seconds when turns are long. */
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
		{MHD_OPTION_CONNECTION_TIMEOUT, 0, NULL}, /* a connection has its own timer */
#if MHD_VERSION >= 0x01000000
		{MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1, NULL},
#endif
		{MHD_OPTION_END, 0, NULL},
	};
	s->daemon = MHD_start_daemon(
	        MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
	        request_handle, s, MHD_OPTION_EXTERNAL_LOGGER, on_message, s, MHD_OPTION_URI_LOG_CALLBACK,
	        request_new, s, MHD_OPTION_NOTIFY_COMPLETED, request_done, s, MHD_OPTION_NOTIFY_CONNECTION,
	        on_connection, s, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
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
	sweep(s);
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
		sweep(s);
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
			request_fail(c->q, ERR_STOPPING, &why);
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

const char *server_version(void)
{
	return MHD_get_version();
}
