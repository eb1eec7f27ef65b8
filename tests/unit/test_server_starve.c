/* The HTTP server, on the test's own thread, while memory, descriptors or libmicrohttpd run out at a chosen
 * call: whoever asks then gets the answer, a refusal or a closed connection, never half an answer and never
 * silence; and the next one is served. */
#include "server_rig.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include "refuse.h"

static struct loop_watch client;
static struct loop_timer guard;

static void on_client(struct loop_watch *w, uint32_t events)
{
	(void)w, (void)events;
	loop_stop(loop);
}

static void on_guard(struct loop_timer *t)
{
	(void)t;
	(void)starve_calls();
	fail_msg("neither an answer nor an end");
}

static bool met; /* the call that was to fail */

/* Until the client can read; the n-th call fails. */
static void run_until_answered(int fd, size_t nth)
{
	client = (struct loop_watch){.fd = fd, .fn = on_client};
	guard = (struct loop_timer){.fn = on_guard};
	assert_int_equal(loop_watch_add(loop, &client, EPOLLIN, NULL), ERR_OK);
	assert_int_equal(loop_timer_set(loop, &guard, clock_mono_ms() + patience(5000)), ERR_OK);
	starve_nth(nth);
	loop_run(loop);
	met = starve_calls() >= nth;
	loop_timer_clear(loop, &guard);
	loop_watch_del(loop, &client);
}

static int status; /* of the last answer, 0: closed without */

/* A request while the n-th call fails; the whole answer is in text. */
static void ask_without(const char *request, size_t nth)
{
	int fd = raw_connect(port);
	assert_true(fd >= 0);
	raw_send(fd, request, strlen(request));
	run_until_answered(fd, nth);
	(void)raw_read(fd, text, sizeof text, 0);
	status = raw_status(text, 0);
	(void)close(fd);
	server_rig_run_for(1); /* the server sees the end */
}

static const struct {
	const char *request;
	int status;
	const char *end;
} rows[] = {
        {"GET /ok HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n", 200, "\r\n\r\nok"},
        {"GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, "\r\n\r\n<p>page</p>"},
        {"GET /later HTTP/1.1\r\nHost: a\r\n\r\n", 200, "\r\n\r\nlater"},
        {"POST /any HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 200, "\r\n\r\nabc"},
        {"GET /nope HTTP/1.1\r\nHost: a\r\n\r\n", 404, "}\n"},
        {"GET /people HTTP/1.1\r\nHost: a\r\n\r\n", 503, "the detail"},
        {"POST /key HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", 403, "}\n"},
        {"POST /any HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4b0\r\n", 413, "}\n"},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static bool ends_with(const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n >= m && strcmp(text + n - m, end) == 0;
}

/* The call of the row failed once at each place it may; some had to be felt. */
static void starve_row(size_t i)
{
	static char request[1400];
	size_t felt = 0;
	(void)snprintf(request, sizeof request, "%s%0*d", rows[i].request, rows[i].status == 413 ? 1200 : 0,
	               0);
	if (rows[i].status != 413)
		(void)snprintf(request, sizeof request, "%s", rows[i].request);
	for (size_t nth = 1, more = 1; more; nth++) {
		ask_without(request, nth);
		more = met;
		bool whole = status == rows[i].status && ends_with(rows[i].end);
		if (!whole && (!met || (status != 0 && status < 400)))
			fail_msg("row %zu, the %zu. call: %s", i, nth, text);
		felt += !whole;
		ask_without(request, SIZE_MAX);
		assert_int_equal(status, rows[i].status);
	}
	assert_in_range(felt, 3, 60);
	assert_int_equal(server_open(server), 0);
}

static void every_call_fails_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		starve_row(i);
}

/* On https each answer has one header more. */
static void with_hsts(void **state)
{
	(void)state;
	cfg.public_https = true;
	starve_row(0);
	ask_without(rows[0].request, SIZE_MAX);
	assert_non_null(strstr(text, "Strict-Transport-Security: max-age=63072000; includeSubDomains\r\n"));
}

/* Ids that are not unique beat no answer. */
static void an_id_without_random_bytes(void **state)
{
	(void)state;
	starve_only("crypto_random");
	ask_without(rows[0].request, 1);
	starve_only(NULL);
	assert_true(met);
	assert_int_equal(status, 200);
	assert_non_null(strstr(text, "X-Request-Id: 0000000000000000\r\n"));
}

/* Nothing of ours can watch over it. */
static void a_silent_connection_without_memory_ends(void **state)
{
	(void)state;
	cfg.header_timeout = 1;
	int fd = raw_connect(port);
	starve_only("calloc");
	starve_nth(1);
	server_rig_run_for(20);
	assert_true(starve_calls() > 0);
	starve_only(NULL);
	assert_int_equal(server_open(server), 0);
	assert_false(raw_read(fd, text, sizeof text, 0));
	server_rig_run_for(2500);
	assert_true(raw_read(fd, text, sizeof text, 0));
	(void)close(fd);
}

/* --- the start */

static void no_server(void **state)
{
	struct server_options o = {.table = table, .cfg = &cfg, .draining = &draining, .loop = loop};
	char addr[LISTEN_ADDR_MAX];
	(void)state;
	for (size_t nth = 1, more = 1; more; nth++) {
		struct server *s = NULL;
		assert_int_equal(listen_open("127.0.0.1:0", LISTEN_FIRST, &o.fd, addr, NULL), ERR_OK);
		starve_nth(nth);
		enum err_code code = server_new(&o, &s, NULL);
		more = starve_calls() >= nth;
		assert_int_equal(code == ERR_OK, !more);
		assert_int_equal(code == ERR_OK, s != NULL);
		server_free(s);
		assert_int_equal(fcntl(o.fd, F_GETFD), -1); /* the descriptor was the server's in any case */
		server_rig_run_for(1);                      /* nothing of it is left in the loop */
	}
}

/* Without SO_REUSEPORT, the last that is set, a port cannot be shared; the others only help. */
static void no_option(bool first)
{
	char addr[LISTEN_ADDR_MAX];
	enum err_code last = ERR_OK;
	starve_only("setsockopt");
	for (size_t nth = 1, more = 1; more; nth++) {
		int fd;
		starve_nth(nth);
		enum err_code code = listen_open("127.0.0.1:0", first ? LISTEN_FIRST : 0, &fd, addr, NULL);
		more = starve_calls() >= nth;
		assert_int_equal(last, more ? ERR_OK : ERR_NOMEM);
		last = code;
		if (code == ERR_OK)
			(void)close(fd);
	}
	starve_only(NULL);
	assert_int_equal(last, ERR_OK);
}

static void no_listener(void **state)
{
	static const struct {
		const char *function;
		size_t nth;
		bool first;
		enum err_code code;
	} refused[] = {
	        {"socket", 1, true, ERR_NOMEM},      {"bind", 1, true, ERR_DENIED},
	        {"listen", 1, true, ERR_EXISTS},     {"listen", 1, false, ERR_EXISTS},
	        {"getsockname", 1, true, ERR_NOMEM},
	};
	static const char *const wrong[] = {
	        "",       ":1",      "127.0.0.1",        "127.0.0.1:x",    "127.0.0.1:65536",
	        "::1:80", "[::1:80", "127.0.0.1:000080", "name.invalid:80"};
	char addr[LISTEN_ADDR_MAX], name[300];
	struct err e;
	int fd;
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		starve_only(refused[i].function);
		starve_nth(refused[i].nth);
		enum err_code code = listen_open("127.0.0.1:0", refused[i].first, &fd, addr, &e);
		(void)starve_calls();
		starve_only(NULL);
		assert_int_equal(code, refused[i].code);
		assert_non_null(strstr(e.msg, "cannot listen on 127.0.0.1:0: "));
	}
	no_option(true);
	no_option(false);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(listen_open(wrong[i], true, &fd, addr, &e), ERR_INVALID);
	(void)snprintf(name, sizeof name, "%0290d:80", 0);
	assert_int_equal(listen_open(name, true, &fd, addr, &e), ERR_INVALID);
}

/* --- the end */

static void begin(const char *request, int *ret_fd)
{
	*ret_fd = raw_connect(port);
	assert_true(*ret_fd >= 0);
	raw_say(*ret_fd, request);
	server_rig_run_for(20);
}

/* No memory for the timer that sweeps: idle connections go at once instead. */
static void a_stop_without_timers(void **state)
{
	int idle, waiting;
	(void)state;
	begin("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n", &idle);
	begin("GET /never HTTP/1.1\r\nHost: a\r\n\r\n", &waiting);
	assert_int_equal(server_open(server), 2);
	starve_only("loop_timer_set");
	starve_nth(1);
	server_quiesce(server);
	assert_int_equal(starve_calls(), 1);
	starve_only(NULL);
	server_rig_run_for(20);
	assert_int_equal(server_open(server), 1); /* what was begun is still awaited */
	assert_true(raw_read(idle, text, sizeof text, 0));
	assert_int_equal(raw_status(text, 0), 200);
	server_quiesce(server); /* again: nothing */
	(void)close(idle);
	(void)close(waiting);
	server_rig_run_for(DEADLINE_MS + 400);
	assert_int_equal(server_open(server), 0);
}

/* The first sweep runs, and finds no memory for the next: what is left has its own deadlines. */
static void a_sweep_that_is_the_last(void **state)
{
	int fd;
	(void)state;
	begin("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n", &fd);
	server_quiesce(server);
	server_rig_run_for(300);
	assert_int_equal(server_open(server), 1);
	starve_only("loop_timer_set");
	starve_nth(2); /* after the one of run_for */
	server_rig_run_for(200);
	assert_in_range(starve_calls(), 2, 9);
	starve_only(NULL);
	assert_int_equal(server_open(server), 0);
	(void)close(fd);
}

/* --- what is still sent after an early refusal */

static void more_refused_than_are_kept(void **state)
{
	enum { MANY = 70 };
	int fds[MANY];
	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		fds[i] = raw_connect(port);
		assert_true(fds[i] >= 0);
		raw_say(fds[i], "POST /key HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
		run_until_answered(fds[i], SIZE_MAX);
	}
	server_rig_run_for(5);
	assert_int_equal(server_open(server), 0);
	server_rig_run_for(3200); /* they are kept no longer */
	for (size_t i = 0; i < MANY; i++) {
		assert_true(raw_read(fds[i], text, sizeof text, 0)); /* answered and closed, each */
		assert_int_equal(raw_status(text, 0), 403);
		assert_int_equal(send(fds[i], "x", 1, MSG_NOSIGNAL), 1); /* the first one draws the reset */
		(void)usleep(1000);
		assert_int_equal(send(fds[i], "x", 1, MSG_NOSIGNAL), -1);
		(void)close(fds[i]);
	}
}

int main(void)
{
	starve_here();
	const struct CMUnitTest tests[] = {
	        WITH_SERVER_HERE(every_call_fails_once),
	        WITH_SERVER_HERE(with_hsts),
	        WITH_SERVER_HERE(no_server),
	        WITH_SERVER_HERE(no_listener),
	        WITH_SERVER_HERE(a_stop_without_timers),
	        WITH_SERVER_HERE(a_sweep_that_is_the_last),
	        WITH_SERVER_HERE(more_refused_than_are_kept),
	        WITH_SERVER_HERE(an_id_without_random_bytes),
	        WITH_SERVER_HERE(a_silent_connection_without_memory_ends),
	};
	return run_group(tests);
}
