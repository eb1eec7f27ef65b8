/* A connection that was answered before its body was read must not be closed at once: with unread bytes the kernel
 * sends a reset, and the client may lose the answer.  So a duplicate of the descriptor stays open, the sending side
 * is shut down, and bytes that still arrive are discarded, for LINGER_MS and up to LINGER_BYTES. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/private.h"

enum { LINGER_MS = 3000, LINGER_MAX = 64, LINGER_BYTES = 16 << 20, CHUNK = 16384, CHUNKS_A_TURN = 32 };

struct leftover {
	struct list_node node;
	struct server *server;
	struct loop_watch watch;
	struct loop_timer timer;
	size_t left; /* bytes that may still be discarded */
};

static void end(struct leftover *l)
{
	struct server *s = l->server;
	loop_timer_clear(s->opt.loop, &l->timer);
	loop_watch_del(s->opt.loop, &l->watch);
	(void)close(l->watch.fd);
	list_del(&l->node);
	s->lingering_n--;
	free(l);
}

static void on_timer(struct loop_timer *t)
{
	end(LIST_ENTRY(t, struct leftover, timer));
}

static void on_data(struct loop_watch *w, uint32_t events)
{
	struct leftover *l = LIST_ENTRY(w, struct leftover, watch);
	char waste[CHUNK];
	(void)events;
	for (int i = 0; i < CHUNKS_A_TURN; i++) {
		ssize_t n = recv(w->fd, waste, sizeof waste, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0 || (size_t)n >= l->left) {
			end(l);
			return;
		}
		l->left -= (size_t)n;
	}
}

void server_linger_start(struct server_conn *c)
{
	struct server *s = c->server;
	if (s->lingering_n == LINGER_MAX) /* close the oldest */
		end(LIST_ENTRY(s->lingering.next, struct leftover, node));
	struct leftover *l = calloc(1, sizeof *l);
	if (l == NULL)
		return;
	*l = (struct leftover){.server = s, .timer = {.fn = on_timer}, .left = LINGER_BYTES};
	l->watch = (struct loop_watch){.fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 0), .fn = on_data};
	if (l->watch.fd < 0 || loop_watch_add(s->opt.loop, &l->watch, EPOLLIN, NULL) != ERR_OK) {
		if (l->watch.fd >= 0)
			(void)close(l->watch.fd);
		free(l);
		return;
	}
	s->lingering_n++;
	list_push(&s->lingering, &l->node);
	(void)shutdown(l->watch.fd, SHUT_WR);
	if (loop_timer_set(s->opt.loop, &l->timer, loop_now_ms(s->opt.loop) + LINGER_MS) != ERR_OK)
		end(l);
}

void server_linger_end_all(struct server *s)
{
	while (!list_empty(&s->lingering))
		end(LIST_ENTRY(s->lingering.next, struct leftover, node));
}
