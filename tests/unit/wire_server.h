/* wire_server.h - a server of bytes on a thread: each request that came whole takes the next step of a
 * script. */
#pragma once
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WIRE_CONNS = 16, WIRE_SEEN = 4 << 20, WIRE_LINGER_MS = 20 };

enum wire_then { WIRE_KEEP, WIRE_CLOSE, WIRE_RESET };

struct wire_step {
	const char *answer; /* "": none */
	enum wire_then then;
	const char *later; /* after WIRE_LINGER_MS, or NULL */
	bool early;        /* when the head has come */
	bool in_bytes;     /* one at a time */
};

struct wire_server {
	int listen_fd, port, stop[2];
	bool deaf; /* nobody is accepted any more */
	pthread_t thread;
	const struct wire_step *steps;
	size_t n, taken;
	struct wire_conn {
		int fd;
		char *seen;
		size_t n;
	} conn[WIRE_CONNS];
	size_t conns;          /* opened */
	size_t on[WIRE_CONNS]; /* which connection each step came on */
	char last[4096];       /* the last request, its beginning */
};

static inline void wire_close(struct wire_conn *c, bool reset)
{
	struct linger now = {.l_onoff = 1};
	if (reset)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	(void)close(c->fd);
	free(c->seen);
	*c = (struct wire_conn){.fd = -1};
}

static inline void wire_say(int fd, const char *text, bool in_bytes)
{
	size_t n = strlen(text), step = in_bytes ? 1 : n;
	for (size_t i = 0; i < n; i += step) {
		(void)send(fd, text + i, step, MSG_NOSIGNAL);
		if (in_bytes)
			(void)usleep(200);
	}
}

static inline bool wire_whole(const struct wire_conn *c, bool early)
{
	const char *end = memmem(c->seen, c->n, "\r\n\r\n", 4);
	const char *length = end == NULL ? NULL
	                                 : memmem(c->seen, (size_t)(end - c->seen), "Content-Length: ", 16);
	if (length == NULL)
		return false;
	return early || c->n >= (size_t)(end + 4 - c->seen) + strtoul(length + 16, NULL, 10);
}

static inline void wire_answer(struct wire_server *s, struct wire_conn *c)
{
	const struct wire_step *step = &s->steps[s->taken];
	if (s->taken == s->n || !wire_whole(c, step->early))
		return;
	s->on[s->taken++] = (size_t)(c - s->conn);
	(void)snprintf(s->last, sizeof s->last, "%.*s", (int)c->n, c->seen);
	c->n = 0;
	wire_say(c->fd, step->answer, step->in_bytes);
	if (step->later != NULL) {
		(void)usleep(WIRE_LINGER_MS * 1000);
		wire_say(c->fd, step->later, false);
	}
	if (step->then != WIRE_KEEP)
		wire_close(c, step->then == WIRE_RESET);
}

static inline void wire_read(struct wire_server *s, struct wire_conn *c)
{
	ssize_t n = recv(c->fd, c->seen + c->n, WIRE_SEEN - c->n, 0);
	if (n <= 0) {
		wire_close(c, false);
		return;
	}
	c->n += (size_t)n;
	wire_answer(s, c);
}

static inline void wire_accept(struct wire_server *s)
{
	int fd = s->conns < WIRE_CONNS ? accept(s->listen_fd, NULL, NULL) : -1;
	s->deaf = fd < 0;
	if (fd >= 0)
		s->conn[s->conns++] = (struct wire_conn){.fd = fd, .seen = malloc(WIRE_SEEN)};
}

static inline void *wire_run(void *arg)
{
	struct wire_server *s = arg;
	for (;;) {
		struct pollfd p[WIRE_CONNS + 2] = {{s->deaf ? -1 : s->listen_fd, POLLIN, 0},
		                                   {s->stop[0], POLLIN, 0}};
		for (size_t i = 0; i < WIRE_CONNS; i++)
			p[2 + i] = (struct pollfd){i < s->conns ? s->conn[i].fd : -1, POLLIN, 0};
		if (poll(p, WIRE_CONNS + 2, -1) < 0 || p[1].revents != 0)
			return NULL;
		for (size_t i = 0; i < s->conns; i++)
			if (p[2 + i].revents != 0)
				wire_read(s, &s->conn[i]);
		if (p[0].revents != 0)
			wire_accept(s);
	}
}

static inline struct wire_server *wire_start(const struct wire_step *steps, size_t n)
{
	struct wire_server *s = calloc(1, sizeof *s);
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof in;
	s->steps = steps;
	s->n = n;
	if ((s->listen_fd = socket(AF_INET, SOCK_STREAM, 0)) < 0 ||
	    bind(s->listen_fd, (struct sockaddr *)&in, len) != 0 || listen(s->listen_fd, 16) != 0 ||
	    getsockname(s->listen_fd, (struct sockaddr *)&in, &len) != 0 || pipe(s->stop) != 0)
		abort();
	s->port = ntohs(in.sin_port);
	if (pthread_create(&s->thread, NULL, wire_run, s) != 0)
		abort();
	return s;
}

/* What it saw may be read after this. */
static inline void wire_stop(struct wire_server *s)
{
	(void)close(s->stop[1]);
	(void)pthread_join(s->thread, NULL);
	for (size_t i = 0; i < s->conns; i++)
		if (s->conn[i].fd >= 0)
			wire_close(&s->conn[i], false);
	(void)close(s->listen_fd);
	(void)close(s->stop[0]);
}
