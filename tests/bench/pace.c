/* pace.c - load at a given rate, whatever the server does.
 *   pace --port P --path /webhook --file FILE --rate PER_SECOND --count N [--connections C] [--header
 * LINE]... Request i is due at i/rate seconds, and its time counts from then on, also while it waits for a
 * free connection: a server that stalls cannot slow the load down and so hide the stall.  Lines of FILE are
 * as bodies.c writes them. Prints one line of JSON: what wrk's replay.lua prints, and `late_p99_us`, how late
 * requests were sent. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { IN_MAX = 65536, HEAD_MAX = 2048, OUT_MAX = 65536, EVENTS_MAX = 256, DRAIN_S = 15, HEADERS_MAX = 8 };

struct conn {
	int fd;
	long request; /* being answered; -1: free */
	size_t n;
	char in[IN_MAX];
	struct conn *next; /* free one */
};

struct options {
	const char *path, *file, *header[HEADERS_MAX];
	int port, headers;
	double rate;
	long count, connections;
};

static struct options opt = {.path = "/", .rate = 1000, .count = 1000, .connections = 64};
static int epoll_fd, timer_fd;
static int64_t start_ns;
static long started, answered, wrong, broken, open_conns;
static int64_t *took_ns, *late_ns;
static struct conn *free_list;
static FILE *file;
static char head[HEAD_MAX];

static int64_t now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t due_ns(long request)
{
	return start_ns + (int64_t)((double)request * 1e9 / opt.rate);
}

static void arm(int64_t at_ns)
{
	struct itimerspec t = {.it_value = {at_ns / 1000000000, at_ns % 1000000000}};
	(void)timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &t, NULL);
}

static int dial(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port)};
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
		(void)close(fd);
		return -1;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static void give_back(struct conn *c)
{
	c->request = -1;
	c->n = 0;
	c->next = free_list;
	free_list = c;
}

static void end_conn(struct conn *c)
{
	if (c->request >= 0) {
		broken++;
		answered++;
	}
	(void)close(c->fd);
	c->fd = -1;
	c->request = -1;
	open_conns--;
}

/* A line becomes a request.  0: the file has ended, or the line is too long. */
static size_t write_request(char out[OUT_MAX])
{
	static char *line;
	static size_t cap;
	ssize_t n = getline(&line, &cap, file);
	char *tab = n > 0 ? memchr(line, '\t', (size_t)n) : NULL;
	if (tab == NULL)
		return 0;
	*tab = '\0';
	size_t body_n = (size_t)(line + n - tab) - 2; /* without tab and newline */
	int len = snprintf(out, OUT_MAX, "%s%s\r\nContent-Length: %zu\r\n\r\n%.*s", head, line, body_n,
	                   (int)body_n, tab + 1);
	return len > 0 && len < OUT_MAX ? (size_t)len : 0;
}

static void send_next(struct conn *c)
{
	static char out[OUT_MAX];
	size_t n = write_request(out);
	c->request = started++;
	late_ns[c->request] = now_ns() - due_ns(c->request);
	if (n == 0 || send(c->fd, out, n, MSG_NOSIGNAL) != (ssize_t)n)
		end_conn(c);
}

static void send_due(void)
{
	int64_t now = now_ns();
	while (started < opt.count && free_list != NULL && due_ns(started) <= now) {
		struct conn *c = free_list;
		free_list = c->next;
		send_next(c);
	}
	if (started < opt.count && free_list != NULL)
		arm(due_ns(started));
}

/* The whole answer is there: head, and as much of a body as it says. */
static bool complete(struct conn *c)
{
	c->in[c->n] = '\0';
	const char *end = strstr(c->in, "\r\n\r\n");
	if (end == NULL)
		return false;
	const char *length = strcasestr(c->in, "\ncontent-length:");
	size_t body_n = length != NULL && length < end ? strtoul(length + 16, NULL, 10) : 0;
	return c->n >= (size_t)(end + 4 - c->in) + body_n;
}

static void read_answer(struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->n, IN_MAX - 1 - c->n, MSG_DONTWAIT);
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			end_conn(c);
		return;
	}
	c->n += (size_t)n;
	if (c->request < 0 || !complete(c))
		return;
	took_ns[c->request] = now_ns() - due_ns(c->request);
	wrong += strncmp(c->in, "HTTP/1.1 200 ", 13) != 0;
	answered++;
	give_back(c);
}

static bool open_all(void)
{
	for (long i = 0; i < opt.connections; i++) {
		struct conn *c = calloc(1, sizeof *c);
		if (c == NULL || (c->fd = dial()) < 0) {
			free(c);
			return false;
		}
		struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
		(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &ev);
		open_conns++;
		give_back(c);
	}
	return true;
}

static void run(void)
{
	struct epoll_event event[EVENTS_MAX];
	int64_t last_ns = due_ns(opt.count) + (int64_t)DRAIN_S * 1000000000;
	arm(start_ns);
	while (answered < opt.count && open_conns > 0 && now_ns() < last_ns) {
		int n = epoll_wait(epoll_fd, event, EVENTS_MAX, 100);
		for (int i = 0; i < n; i++) {
			uint64_t ticks;
			if (event[i].data.ptr != NULL)
				read_answer(event[i].data.ptr);
			else
				(void)!read(timer_fd, &ticks, sizeof ticks);
		}
		send_due();
	}
}

static int order(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static double at(const int64_t *v, long n, double part)
{
	return n > 0 ? (double)v[(long)((double)(n - 1) * part)] / 1000.0 : 0;
}

/* What was never answered counts as broken, and took until now. */
static void tell(void)
{
	int64_t end_ns = now_ns();
	for (long i = 0; i < opt.count; i++)
		if (took_ns[i] == 0)
			took_ns[i] = end_ns > due_ns(i) ? end_ns - due_ns(i) : 0;
	broken += opt.count - answered;
	qsort(took_ns, (size_t)opt.count, sizeof *took_ns, order);
	qsort(late_ns, (size_t)started, sizeof *late_ns, order);
	printf("{\"requests\": %ld, \"seconds\": %.6f, \"wrong\": %ld, \"broken\": %ld, \"again\": 0, "
	       "\"p50_us\": "
	       "%.1f, \"p99_us\": %.1f, \"max_us\": %.1f, \"late_p99_us\": %.1f}\n",
	       answered, (double)(end_ns - start_ns) / 1e9, wrong, broken, at(took_ns, opt.count, 0.5),
	       at(took_ns, opt.count, 0.99), at(took_ns, opt.count, 1), at(late_ns, started, 0.99));
}

static void read_option(const char *name, const char *value)
{
	if (strcmp(name, "--port") == 0)
		opt.port = (int)strtol(value, NULL, 10);
	else if (strcmp(name, "--path") == 0)
		opt.path = value;
	else if (strcmp(name, "--file") == 0)
		opt.file = value;
	else if (strcmp(name, "--rate") == 0)
		opt.rate = strtod(value, NULL);
	else if (strcmp(name, "--count") == 0)
		opt.count = strtol(value, NULL, 10);
	else if (strcmp(name, "--connections") == 0)
		opt.connections = strtol(value, NULL, 10);
	else if (strcmp(name, "--header") == 0 && opt.headers < HEADERS_MAX)
		opt.header[opt.headers++] = value;
}

static void write_head(void)
{
	int n = snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n", opt.path, opt.port);
	for (int i = 0; i < opt.headers && n < HEAD_MAX; i++)
		n += snprintf(head + n, sizeof head - (size_t)n, "%s\r\n", opt.header[i]);
}

int main(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2)
		read_option(argv[i], argv[i + 1]);
	if (opt.file == NULL || opt.count < 1 || (file = fopen(opt.file, "r")) == NULL) {
		(void)fputs("usage: pace --port P --path PATH --file FILE --rate R --count N\n", stderr);
		return 2;
	}
	write_head();
	took_ns = calloc((size_t)opt.count, sizeof *took_ns);
	late_ns = calloc((size_t)opt.count, sizeof *late_ns);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
	if (took_ns == NULL || late_ns == NULL || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &ev) != 0 ||
	    !open_all()) {
		(void)fputs("pace: cannot connect\n", stderr);
		return 1;
	}
	start_ns = now_ns() + 1000000;
	run();
	tell();
	return 0;
}
