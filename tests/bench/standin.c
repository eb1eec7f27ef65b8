/* standin.c - a server that answers the calls of DynamoDB and of Graph at once, or after a fixed time.
 *   standin [--delay MS] [--hash HASH]
 * Prints its port.  GET /counts tells how often each operation was called.  Every answer has its own due
 * time, so that they do not wait for each other. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "bench/answers.h"
#include "http/listen.h"

enum { IN_MAX = 16384, OUT_MAX = 16384, EVENTS_MAX = 256, AWAKE_NS = 1000000 };

struct conn {
	int fd;
	size_t n; /* bytes of a request read so far */
	char in[IN_MAX];
	struct buf out;
	bool closed; /* but its answer is still in the queue */
	bool queued;
	int64_t due_ns;
	struct conn *next;
};

static int epoll_fd, timer_fd;
static char listen_mark, timer_mark; /* what epoll tells of them */
static int64_t delay_ns;
static const char *hash = "";
static unsigned long counts[ANSWER_OPS];
static struct conn *head, **tail = &head; /* in order of due_ns: the delay is the same for all */

static int64_t now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool watch(int fd, void *what)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = what};
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0;
}

static void hang_up(struct conn *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	c->closed = true;
	if (c->queued)
		return;
	buf_done(&c->out);
	free(c);
}

/* An answer is far smaller than the socket's buffer. */
static void send_answer(struct conn *c)
{
	ssize_t n = send(c->fd, c->out.p, c->out.len, MSG_NOSIGNAL);
	if (n != (ssize_t)c->out.len)
		hang_up(c);
}

static void arm(int64_t due_ns)
{
	struct itimerspec t = {.it_value = {due_ns / 1000000000, due_ns % 1000000000}};
	(void)timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &t, NULL);
}

static void queue_answer(struct conn *c)
{
	c->due_ns = now_ns() + delay_ns;
	c->next = NULL;
	c->queued = true;
	if (head == NULL)
		arm(c->due_ns);
	*tail = c;
	tail = &c->next;
}

static void send_due(void)
{
	uint64_t ticks;
	if (read(timer_fd, &ticks, sizeof ticks) < 0)
		return;
	int64_t now = now_ns();
	while (head != NULL && head->due_ns <= now) {
		struct conn *c = head;
		head = c->next;
		c->queued = false;
		if (c->closed)
			hang_up(c);
		else
			send_answer(c);
	}
	if (head == NULL)
		tail = &head;
	else
		arm(head->due_ns);
}

static void tell_counts(struct conn *c)
{
	struct buf json;
	buf_init(&json, OUT_MAX);
	for (int i = 0; i < ANSWER_OPS; i++)
		buf_printf(&json, "%s\"%s\":%lu", i == 0 ? "{" : ",", answers_op_name((enum answer_op)i),
		           counts[i]);
	buf_z(&json, "}");
	answers_http("200 OK", buf_view(&json), &c->out);
	buf_done(&json);
	send_answer(c);
}

/* The value of a header, which ends with the line. */
static struct str header(struct str head_, const char *name)
{
	const char *p = strcasestr(head_.p, name);
	if (p == NULL || p >= head_.p + head_.n)
		return STR("");
	p += strlen(name);
	return str_trim((struct str){p, strcspn(p, "\r\n")});
}

static void answer(struct conn *c, struct str head_, struct str body)
{
	buf_reset(&c->out);
	if (str_starts(head_, STR("GET /counts "))) {
		tell_counts(c);
		return;
	}
	if (str_starts(head_, STR("GET "))) {
		counts[answers_graph(head_, &c->out)]++;
	} else {
		enum answer_op op = answers_op(header(head_, "\nx-amz-target:"));
		counts[op]++;
		answers_make(op, body, hash, &c->out);
	}
	if (delay_ns > 0)
		queue_answer(c);
	else
		send_answer(c);
}

/* A client sends its next request after the answer: what was read is at most one. */
static void read_request(struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->n, IN_MAX - 1 - c->n, 0);
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			hang_up(c);
		return;
	}
	c->n += (size_t)n;
	c->in[c->n] = '\0';
	const char *end = strstr(c->in, "\r\n\r\n");
	if (end == NULL)
		return;
	struct str head_ = {c->in, (size_t)(end + 2 - c->in)};
	struct str body = {end + 4, 0};
	uint64_t length = 0;
	(void)str_u64(header(head_, "\ncontent-length:"), IN_MAX, &length);
	body.n = (size_t)length;
	if (c->n < head_.n + 2 + body.n)
		return;
	c->n = 0;
	answer(c, head_, body);
}

static void accept_all(int listen_fd)
{
	for (;;) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		struct conn *c = calloc(1, sizeof *c);
		if (c == NULL || !watch(fd, c)) {
			free(c);
			(void)close(fd);
			return;
		}
		c->fd = fd;
		buf_init(&c->out, OUT_MAX);
	}
}

/* While it is busy it looks instead of sleeping: a real DynamoDB is on another machine, and whoever calls it
 * does not pay for waking it.  It yields its core to the load each time. */
static int wait_for(struct epoll_event *event)
{
	static int64_t awake_until_ns;
	bool awake = delay_ns == 0 && now_ns() < awake_until_ns;
	int n = epoll_wait(epoll_fd, event, EVENTS_MAX, awake ? 0 : -1);
	if (n > 0)
		awake_until_ns = now_ns() + AWAKE_NS;
	else
		(void)sched_yield();
	return n;
}

/* The queue last: it may free connections of this very batch. */
static void serve(int listen_fd)
{
	struct epoll_event event[EVENTS_MAX];
	for (;;) {
		bool due = false;
		int n = wait_for(event);
		for (int i = 0; i < n; i++) {
			if (event[i].data.ptr == &listen_mark)
				accept_all(listen_fd);
			else if (event[i].data.ptr == &timer_mark)
				due = true;
			else
				read_request(event[i].data.ptr);
		}
		if (due)
			send_due();
	}
}

int main(int argc, char **argv)
{
	char addr[LISTEN_ADDR_MAX];
	struct err e;
	int listen_fd;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--delay") == 0)
			delay_ns = (int64_t)(strtod(argv[i + 1], NULL) * 1e6);
		else if (strcmp(argv[i], "--hash") == 0)
			hash = argv[i + 1];
	}
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (listen_open("127.0.0.1:0", true, &listen_fd, addr, &e) != ERR_OK ||
	    !watch(listen_fd, &listen_mark) || !watch(timer_fd, &timer_mark)) {
		(void)fprintf(stderr, "standin: %s\n", e.msg);
		return 1;
	}
	printf("%s\n", strchr(addr, ':') + 1);
	(void)fflush(stdout);
	serve(listen_fd);
}
