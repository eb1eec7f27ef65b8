/* Requests at a fixed rate, whatever the answers do: an open loop.
 *
 *   load_driver PORT RATE SECONDS CONNECTIONS AWAY REQUESTS RESULTS
 *
 *   PORT         of 127.0.0.1
 *   RATE         requests a second; 0: a closed loop, each connection sends its next after an answer
 *   CONNECTIONS  at most
 *   AWAY         of 1000 clients how many close their connection without waiting for the answer
 *   REQUESTS     file: (length: u32, bytes) of each request, sent in this order, again from the start at its
 * end RESULTS      file: a struct result of each request sent
 *
 * A request's time runs from when it was due, not from when a connection was free for it, so that a server
 * that stalls is not asked less.  Connections are used again; the one used last is used first. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	IN_MAX = 16384, /* bytes of an answer's head, and of a body's piece */
	EVENTS_MAX = 256,
	PATIENCE_S = 12,  /* for answers after the last request */
	AWAY_MAX_MS = 15, /* a client that goes stays at most this long */
	LOST = 0,         /* statuses of requests without an answer */
	WENT = 1,
	SILENT = 2,
};

struct result {
	uint32_t request; /* its place in the file */
	uint16_t status;
	uint16_t retry_after; /* 0: none */
	uint64_t due_us;      /* since the start */
	uint32_t us;
} __attribute__((packed));

struct conn {
	int fd;             /* -1: not open */
	struct result *now; /* NULL: idle */
	bool sent, close;
	uint64_t leave_us; /* 0: stays */
	long body_left;    /* -1: still in the head */
	size_t n;
	char in[IN_MAX + 1];
};

static struct {
	int epoll;
	struct sockaddr_in to;
	const char *file; /* of requests */
	const char **request;
	uint32_t requests;
	struct conn *conn;
	uint32_t *idle; /* a stack */
	uint32_t idle_n, conns, busy;
	struct result *result;
	size_t results, results_max;
	double rate;
	uint64_t start_us, end_us;
	unsigned away;
} g;

/* The same clients go in every run. */
static uint32_t dice(uint32_t sides)
{
	static uint32_t seed = 1;
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % sides;
}

static long number(const char *text)
{
	return strtol(text, NULL, 10);
}

static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void die(const char *what)
{
	(void)fprintf(stderr, "%s: %s\n", what, strerror(errno));
	_exit(2);
}

static void shut(struct conn *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
}

/* The request in hand is over. */
static void done(struct conn *c, unsigned status)
{
	struct result *r = c->now;
	c->now = NULL;
	r->status = (uint16_t)status;
	r->us = (uint32_t)(now_us() - g.start_us - r->due_us);
	if (status < 100 || c->close)
		shut(c);
	g.busy--;
	g.idle[g.idle_n++] = (uint32_t)(c - g.conn);
}

static bool dial(struct conn *c)
{
	int one = 1;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		die("socket");
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};
	if (epoll_ctl(g.epoll, EPOLL_CTL_ADD, c->fd, &e) != 0)
		die("epoll_ctl");
	return connect(c->fd, (struct sockaddr *)&g.to, sizeof g.to) == 0 || errno == EINPROGRESS;
}

static void send_it(struct conn *c)
{
	uint32_t length;
	const char *p = g.request[c->now->request];
	memcpy(&length, p, sizeof length);
	ssize_t n = send(c->fd, p + sizeof length, length, MSG_NOSIGNAL);
	if (n == (ssize_t)length)
		c->sent = true;
	else if (n >= 0 || (errno != EAGAIN && errno != ENOTCONN))
		done(c, LOST);
}

static void begin(uint64_t due_us)
{
	struct conn *c = &g.conn[g.idle[--g.idle_n]];
	c->now = &g.result[g.results];
	*c->now = (struct result){.request = (uint32_t)(g.results % g.requests),
	                          .due_us = due_us - g.start_us};
	g.results++;
	g.busy++;
	c->sent = c->close = false;
	c->body_left = -1;
	c->n = 0;
	c->leave_us = dice(1000) < g.away ? now_us() + dice(AWAY_MAX_MS * 1000) : 0;
	if (c->fd < 0 && !dial(c))
		done(c, LOST);
	else
		send_it(c);
}

static const char *field(const char *head, const char *name)
{
	const char *at = strcasestr(head, name);
	return at == NULL ? NULL : at + strlen(name);
}

/* All of the head is there: what follows in the buffer belongs to the body. */
static void read_head(struct conn *c, char *end)
{
	*end = '\0';
	const char *length = field(c->in, "\r\nContent-Length:"), *after = field(c->in, "\r\nRetry-After:");
	c->close = field(c->in, "\r\nConnection: close") != NULL;
	if (after != NULL)
		c->now->retry_after = (uint16_t)number(after);
	c->now->status = (uint16_t)number(c->in + sizeof "HTTP/1.1");
	c->body_left = (length == NULL ? 0 : number(length)) - (c->in + c->n - (end + 4));
}

static void take(struct conn *c, ssize_t n)
{
	if (c->body_left >= 0) {
		c->body_left -= n;
		return;
	}
	c->n += (size_t)n;
	c->in[c->n] = '\0';
	char *end = strstr(c->in, "\r\n\r\n");
	if (end != NULL)
		read_head(c, end);
}

static void receive(struct conn *c)
{
	for (;;) {
		size_t at = c->now != NULL && c->body_left < 0 ? c->n : 0;
		ssize_t n = recv(c->fd, c->in + at, IN_MAX - at, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0 || c->now == NULL) { /* nothing is expected of an idle connection but its end */
			if (c->now != NULL)
				done(c, LOST);
			shut(c);
			return;
		}
		take(c, n);
		if (c->body_left == 0) {
			done(c, c->now->status);
			return;
		}
	}
}

static void ready(struct conn *c, uint32_t events)
{
	if (c->fd < 0)
		return;
	if (c->now != NULL && !c->sent && (events & EPOLLOUT))
		send_it(c);
	if (c->fd >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		receive(c);
}

static void leave(uint64_t now)
{
	for (uint32_t i = 0; i < g.conns; i++)
		if (g.conn[i].now != NULL && g.conn[i].leave_us != 0 && g.conn[i].leave_us <= now)
			done(&g.conn[i], WENT);
}

/* Send what is due; -> when the next is. */
static uint64_t feed(uint64_t now)
{
	while (g.idle_n > 0 && g.results < g.results_max) {
		uint64_t due = g.rate > 0 ? g.start_us + (uint64_t)((double)g.results * 1e6 / g.rate) : now;
		if (due >= g.end_us)
			return UINT64_MAX;
		if (due > now)
			return due;
		begin(due);
	}
	return UINT64_MAX;
}

static void turn(uint64_t next)
{
	struct epoll_event events[EVENTS_MAX];
	uint64_t now = now_us(), most = now + (g.away > 0 ? 2000 : 50000);
	uint64_t until = next < most ? next : most;
	uint64_t us = until > now ? until - now : 0;
	struct timespec wait = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
	int n = epoll_pwait2(g.epoll, events, EVENTS_MAX, &wait, NULL);
	for (int i = 0; i < n; i++)
		ready(events[i].data.ptr, events[i].events);
	if (g.away > 0)
		leave(now_us());
}

static void run(void)
{
	g.start_us = now_us();
	uint64_t seconds_us = g.end_us;
	g.end_us = g.start_us + seconds_us;
	for (uint64_t now; (now = now_us()) < g.end_us;)
		turn(feed(now));
	/* What was due and found no connection is still to be sent: it counts. */
	uint64_t last = g.end_us + PATIENCE_S * 1000000ULL;
	for (uint64_t now; (now = now_us()) < last;) {
		uint64_t next = g.rate > 0 ? feed(now) : UINT64_MAX;
		if (g.busy == 0)
			break;
		turn(next);
	}
	for (uint32_t i = 0; i < g.conns; i++)
		if (g.conn[i].now != NULL)
			done(&g.conn[i], SILENT);
}

static void read_requests(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0)
		die(path);
	g.file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (g.file == MAP_FAILED)
		die(path);
	uint32_t length;
	g.request = calloc((size_t)st.st_size / sizeof length, sizeof *g.request);
	for (off_t at = 0; at < st.st_size && g.request != NULL; at += (off_t)(sizeof length + length)) {
		memcpy(&length, g.file + at, sizeof length);
		g.request[g.requests++] = g.file + at;
	}
}

static void make_room(double seconds)
{
	g.results_max = (size_t)((g.rate > 0 ? g.rate : 20000) * seconds) + 1;
	g.result = calloc(g.results_max, sizeof *g.result);
	g.conn = calloc(g.conns, sizeof *g.conn);
	g.idle = calloc(g.conns, sizeof *g.idle);
	if (g.result == NULL || g.conn == NULL || g.idle == NULL || g.request == NULL)
		die("memory");
	for (uint32_t i = 0; i < g.conns; i++) {
		g.conn[i].fd = -1;
		g.idle[g.idle_n++] = i;
	}
}

int main(int argc, char **argv)
{
	if (argc != 8) {
		(void)fprintf(stderr, "usage: PORT RATE SECONDS CONNECTIONS AWAY REQUESTS RESULTS\n");
		return 2;
	}
	g.to = (struct sockaddr_in){.sin_family = AF_INET,
	                            .sin_port = htons((uint16_t)number(argv[1])),
	                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	g.rate = strtod(argv[2], NULL);
	g.end_us = (uint64_t)(strtod(argv[3], NULL) * 1e6);
	g.conns = (uint32_t)number(argv[4]);
	g.away = (unsigned)number(argv[5]);
	g.epoll = epoll_create1(EPOLL_CLOEXEC);
	read_requests(argv[6]);
	make_room(strtod(argv[3], NULL));
	run();
	FILE *out = fopen(argv[7], "wb");
	if (out == NULL || fwrite(g.result, sizeof *g.result, g.results, out) != g.results ||
	    fclose(out) != 0)
		die(argv[7]);
	return 0;
}
