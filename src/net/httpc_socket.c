#include "net/private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct socket {
	struct list_node node;
	struct loop_watch watch;
	struct httpc_sockets *owner;
	uint32_t wanted;       /* by libcurl */
	uint32_t watched;      /* in epoll; 0: not there */
	bool ours;             /* a connection: we hear when it closes */
	httpc_ready_fn *ready; /* of the user it is lent to, or NULL */
	void *arg;
};

static void watch(struct socket *s, uint32_t bits)
{
	if (bits == s->watched)
		return;
	enum err_code code = ERR_OK;
	if (bits == 0)
		loop_watch_del(s->owner->loop, &s->watch);
	else if (s->watched == 0)
		code = loop_watch_add(s->owner->loop, &s->watch, bits, NULL);
	else
		code = loop_watch_mod(s->owner->loop, &s->watch, bits);
	if (code == ERR_OK)
		s->watched = bits;
}

void httpc_sockets_act(struct httpc_sockets *s, curl_socket_t fd, int bits)
{
	int running;
	s->failed |= curl_multi_socket_action(s->multi, fd, bits, &running) != CURLM_OK;
}

static void on_ready(struct loop_watch *w, uint32_t events)
{
	struct socket *s = LIST_ENTRY(w, struct socket, watch);
	int bits = 0;
	if (s->ready != NULL) {
		s->ready(s->arg, events);
		return;
	}
	if (s->wanted == 0) { /* closed by the peer while idle: libcurl sees it before it uses it again */
		watch(s, 0);
		return;
	}
	if (events & EPOLLIN)
		bits |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		bits |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		bits |= CURL_CSELECT_ERR;
	httpc_sockets_act(s->owner, w->fd, bits);
}

static struct socket *find(struct httpc_sockets *all, int fd)
{
	for (struct list_node *n = all->all.next; n != &all->all; n = n->next) {
		struct socket *s = LIST_ENTRY(n, struct socket, node);
		if (s->watch.fd == fd)
			return s;
	}
	return NULL;
}

static struct socket *add(struct httpc_sockets *all, int fd, bool ours)
{
	struct socket *s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	*s = (struct socket){.watch = {.fd = fd, .fn = on_ready}, .owner = all, .ours = ours};
	list_push(&all->all, &s->node);
	return s;
}

static void drop(struct socket *s)
{
	if (s == NULL)
		return;
	watch(s, 0);
	list_del(&s->node);
	free(s);
}

/* libcurl says what it waits for.  Descriptors that are not connections (those of its resolver) are added and dropped
 * here.  A descriptor that cannot be watched is not reported to libcurl: -1 would end every transfer of the handle, now
 * and later; without it one call ends by its timeout. */
static int on_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
	struct httpc_sockets *all = arg;
	struct socket *s = assigned != NULL ? assigned : find(all, fd);
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s != NULL && !s->ours)
			drop(s);
		else if (s != NULL) {
			s->wanted = 0;
			watch(s, s->watched & (uint32_t)EPOLLIN);
		}
		return 0;
	}
	if (s == NULL && (s = add(all, fd, false)) == NULL)
		return 0;
	if (assigned == NULL)
		(void)curl_multi_assign(all->multi, fd, s);
	s->wanted = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
	            (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
	watch(s, s->wanted);
	return 0;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	(void)purpose;
	if (fd >= 0 && add(arg, fd, true) == NULL) {
		(void)close(fd);
		errno = ENOMEM;
		return CURL_SOCKET_BAD;
	}
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
	drop(find(arg, fd));
	return close(fd);
}

bool httpc_sockets_lend(struct httpc_sockets *all, int fd, httpc_ready_fn *ready, void *arg)
{
	struct socket *s = find(all, fd);
	if (s == NULL)
		return false;
	watch(s, EPOLLIN);
	s->ready = ready;
	s->arg = arg;
	return s->watched == EPOLLIN;
}

void httpc_sockets_want(struct httpc_sockets *all, int fd, uint32_t events)
{
	struct socket *s = find(all, fd);
	if (s != NULL)
		watch(s, events);
}

void httpc_sockets_init(struct httpc_sockets *s, struct loop *l, CURLM *multi)
{
	*s = (struct httpc_sockets){.loop = l, .multi = multi};
	list_init(&s->all);
	(void)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_wanted);
	(void)curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, s);
}

void httpc_sockets_done(struct httpc_sockets *s)
{
	while (!list_empty(&s->all))
		drop(LIST_ENTRY(s->all.next, struct socket, node));
}

bool httpc_sockets_use(struct httpc_sockets *s, CURL *easy)
{
	return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, s) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, s) == CURLE_OK;
}
