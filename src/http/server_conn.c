#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "http/server_conn.h"
#include "http/server_private.h"
#include "obs/metrics.h"

struct server_conn *server_conn_of(struct MHD_Connection *k)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(k, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return i == NULL ? NULL : i->socket_context;
}

/* libmicrohttpd sees the end of file and closes; it owns the descriptor. */
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
	server_request_deadline(c);
}

void server_conn_deadline(struct server_conn *c, int64_t due_ms)
{
	if (loop_timer_set(c->server->opt.loop, &c->timer, due_ms) != ERR_OK)
		server_conn_hang_up(c); /* never a connection without a deadline */
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

/* One that is leaving stays where it cannot be told to go again. */
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

/* Answered so lately that nothing may have gone out yet. */
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

/* What has stalled goes before what is idle, and that before what may only be new: a flood of slow requests
 * makes room for whoever asks properly, and does not close the connections a load balancer keeps.  What was
 * done and is about to be told stays. */
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
	if (c == NULL || fd == NULL) { /* served by a fixed 503; nothing of ours can watch over it */
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

/* libmicrohttpd tells of a request's end first, but not when it could not watch the descriptor. */
static void closed(struct server *s, struct server_conn *c)
{
	server_request_lost(c);
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

void server_conn_notify(void *arg, struct MHD_Connection *k, void **context,
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

/* After listening stopped: connections without a request in them go, unless one has arrived already. */
void server_conn_sweep(struct server *s)
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
