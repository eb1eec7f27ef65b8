/* The HTTP server on a real socket: deadlines, bounds, stopping. */
#include "server_rig.h"

/* --- deadlines */

static void test_an_unanswered_request_ends_at_its_deadline(void **state)
{
	(void)state;
	int fd = raw_connect(port);
	raw_say(fd, "GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(raw_read(fd, text, sizeof text, ANSWER_MS));
	assert_int_equal(raw_status(text, 0), 503);
	assert_non_null(strstr(text, "Retry-After"));
	assert_int_equal(atomic_load(&cleaned), 1);
	(void)close(fd);
}

static void test_an_answer_of_the_last_moment_is_sent(void **state)
{
	(void)state;
	int fd = raw_connect(port);
	raw_send(fd, "GET /late HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 50);
	assert_true(raw_read(fd, text, sizeof text, ANSWER_MS));
	assert_int_equal(raw_status(text, 0), 200);
	(void)close(fd);
}

static void test_a_dripped_body_ends_at_its_deadline(void **state)
{
	(void)state;
	int fd = raw_connect(port);
	int64_t from = clock_mono_ms();
	raw_say(fd, "POST /any HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n");
	bool closed = false;
	for (int i = 0; i < 60 && !closed; i++) {
		raw_say(fd, "x");
		closed = raw_read(fd, text, sizeof text, 50);
	}
	assert_true(closed);
	assert_int_equal(raw_status(text, 0), 408);
	assert_in_range(clock_mono_ms() - from, DEADLINE_MS, 10 * DEADLINE_MS);
	(void)close(fd);
}

static void test_a_client_that_left_is_cleaned_up(void **state)
{
	(void)state;
	int fd = raw_connect(port);
	raw_say(fd, "GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
	(void)usleep(50000);
	(void)close(fd);
	for (int i = 0; i < 200 && atomic_load(&cleaned) == 0; i++)
		(void)usleep(10000);
	assert_int_equal(atomic_load(&cleaned), 1);
}

/* --- bounds */

static void test_at_the_limit_health_is_served_and_the_rest_is_refused(void **state)
{
	int fd[CONNS];
	(void)state;
	for (int i = 0; i < CONNS; i++) {
		fd[i] = raw_connect(port);
		raw_say(fd[i], "GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
	}
	(void)usleep(100000);
	assert_int_equal(status_of("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
	assert_int_equal(status_of("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"), 503);
	for (int i = 0; i < CONNS; i++)
		(void)close(fd[i]);
}

static void test_at_the_limit_the_oldest_idle_connection_makes_room(void **state)
{
	int fd[CONNS];
	(void)state;
	for (int i = 0; i < CONNS; i++) {
		fd[i] = raw_connect(port);
		raw_say(fd[i], "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n");
		assert_false(raw_read(fd[i], text, sizeof text, 20));
	}
	assert_int_equal(status_of("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
	assert_true(raw_read(fd[0], text, sizeof text, QUIET_MS)); /* the first was closed */
	assert_false(raw_read(fd[1], text, sizeof text, 20));
	for (int i = 0; i < CONNS; i++)
		(void)close(fd[i]);
}

/* A flood from one address holds every connection with requests that never end: whoever asks properly is
 * served all the same, and the oldest of the flood goes. */
static void flood(const char *start, int fd[CONNS])
{
	for (int i = 0; i < CONNS; i++) {
		fd[i] = raw_connect(port);
		raw_say(fd[i], start);
	}
	(void)usleep(50000);
	for (int i = 0; i < 4; i++)
		assert_int_equal(status_of("GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), 200);
	assert_true(raw_read(fd[0], text, sizeof text, QUIET_MS));
	assert_false(raw_read(fd[CONNS - 1], text, sizeof text, 20));
	for (int i = 0; i < CONNS; i++)
		(void)close(fd[i]);
}

static void test_at_the_limit_the_oldest_unfinished_header_makes_room(void **state)
{
	int fd[CONNS];
	(void)state;
	flood("GET /ok HTTP/1.1\r\nHost: a\r\nX-", fd);
}

static void test_at_the_limit_the_oldest_silent_connection_makes_room(void **state)
{
	int fd[CONNS];
	(void)state;
	flood("", fd);
}

static void test_at_the_limit_the_oldest_unfinished_body_makes_room(void **state)
{
	int fd[CONNS];
	(void)state;
	flood("POST /any HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\nx", fd);
}

/* Nobody takes the answers, so that the next ones cannot be sent. */
static void test_at_the_limit_the_oldest_unread_answer_makes_room(void **state)
{
	int fd[CONNS], small = 2048;
	struct sockaddr_in in = {.sin_family = AF_INET,
	                         .sin_port = htons((uint16_t)port),
	                         .sin_addr = {htonl(INADDR_LOOPBACK)}};
	static const char request[] = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n";
	(void)state;
	for (int i = 0; i < CONNS; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(setsockopt(fd[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
		assert_int_equal(connect(fd[i], (struct sockaddr *)&in, sizeof in), 0);
		raw_say(fd[i], request);
	}
	(void)usleep(100000);
	int late = raw_connect(port);
	raw_say(late, "GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	assert_true(raw_read(late, text, sizeof text, ANSWER_MS));
	assert_int_equal(raw_status(text, 0), 200);
	for (int i = 0; i < CONNS; i++)
		(void)close(fd[i]);
	(void)close(late);
}

/* What moves is kept: a connection that stalls goes before one that is only idle, and that before a new one.
 */
static void test_at_the_limit_stalled_goes_before_idle(void **state)
{
	int idle[CONNS - 2];
	(void)state;
	for (int i = 0; i < CONNS - 2; i++) {
		idle[i] = raw_connect(port);
		raw_say(idle[i], "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n");
		assert_false(raw_read(idle[i], text, sizeof text, 20));
	}
	int stalled = raw_connect(port);
	raw_say(stalled, "GET /ok HTTP/1.1\r\nHost: a\r\nX-");
	(void)usleep(1200000);
	int fresh = raw_connect(port);
	raw_say(fresh, "GET /ok HTTP/1.1\r\nHost: a\r\nX-");
	(void)usleep(50000);
	int first = raw_connect(port);
	assert_true(raw_read(stalled, text, sizeof text, QUIET_MS));
	assert_false(raw_read(idle[0], text, sizeof text, 20));
	int second = raw_connect(port);
	assert_true(raw_read(idle[0], text, sizeof text, QUIET_MS));
	assert_false(raw_read(fresh, text, sizeof text, 20));
	for (int i = 0; i < CONNS - 2; i++)
		(void)close(idle[i]);
	(void)close(stalled);
	(void)close(fresh);
	(void)close(first);
	(void)close(second);
}

/* More silent connections than the limit and the spare: they are let go soon, not after the time of a slow
 * client. */
static void test_silent_connections_past_the_limit_do_not_shut_health_out(void **state)
{
	int fd[CONNS + 100];
	(void)state;
	for (int i = 0; i < CONNS + 100; i++) { /* handlers hold the first, so that none can make room */
		fd[i] = raw_connect(port);
		raw_say(fd[i], i < CONNS ? "GET /never HTTP/1.1\r\nHost: a\r\n\r\n" : "GET /");
		if (i == CONNS - 1)
			(void)usleep(50000);
	}
	int late = raw_connect(port);
	raw_say(late, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(raw_read(late, text, sizeof text, ANSWER_MS));
	assert_int_equal(raw_status(text, 0), 200);
	for (int i = 0; i < CONNS + 100; i++)
		(void)close(fd[i]);
	(void)close(late);
}

static void test_the_limit_is_left_when_connections_close(void **state)
{
	(void)state;
	for (int round = 0; round < 5; round++) {
		int fd[CONNS * 2];
		for (int i = 0; i < CONNS * 2; i++)
			fd[i] = raw_connect(port);
		for (int i = 0; i < CONNS * 2; i++)
			(void)close(fd[i]);
	}
	/* the server may not have seen every close yet */
	for (int tries = 0; status_of("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n") != 200; tries++)
		assert_true(tries < 20);
}

/* --- stopping */

static void post_quiesce(struct loop_post *p)
{
	(void)p;
	server_quiesce(server);
}

static void test_stopping_answers_what_was_received(void **state)
{
	struct loop_post post = {.fn = post_quiesce};
	int busy = raw_connect(port), idle = raw_connect(port), kept = raw_connect(port);
	(void)state;
	raw_say(busy, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
	(void)usleep(20000);
	atomic_store(&draining, true);
	loop_post(loop, &post);
	assert_true(raw_read(busy, text, sizeof text, QUIET_MS * 4));
	assert_int_equal(raw_status(text, 0), 200);
	raw_say(kept, "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(raw_read(kept, text, sizeof text, QUIET_MS * 4));
	assert_int_equal(raw_status(text, 0), 200);
	assert_non_null(strstr(text, "Connection: close"));
	assert_true(raw_read(idle, text, sizeof text, 2000));
	assert_int_equal(raw_connect(port), -1);
	(void)close(busy);
	(void)close(idle);
	(void)close(kept);
}

static void test_ending_with_waiting_requests_answers_them(void **state)
{
	int fd = raw_connect(port);
	raw_say(fd, "GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
	(void)usleep(50000);
	(void)server_rig_teardown(state);
	assert_true(raw_read(fd, text, sizeof text, QUIET_MS));
	assert_int_equal(raw_status(text, 0), 503);
	(void)close(fd);
	assert_int_equal(server_rig_setup(state), 0);
}

static void test_a_second_instance_fails_loudly(void **state)
{
	char addr[LISTEN_ADDR_MAX], got[LISTEN_ADDR_MAX];
	struct err e = {0};
	int fd = -1;
	(void)state;
	(void)snprintf(addr, sizeof addr, "127.0.0.1:%d", port);
	assert_int_equal(listen_open(addr, LISTEN_FIRST, &fd, got, &e), ERR_EXISTS);
	assert_non_null(strstr(e.msg, addr));
	assert_int_equal(listen_open(addr, 0, &fd, got, &e), ERR_OK);
	(void)close(fd);
	static const char *const bad[] = {"",       "x",           "1:2:3", "127.0.0.1:", "127.0.0.1:99999",
	                                  "[::1:1", "127.0.0.1:1x"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(listen_open(bad[i], LISTEN_FIRST, &fd, got, &e), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_SERVER(test_an_unanswered_request_ends_at_its_deadline),
	        WITH_SERVER(test_an_answer_of_the_last_moment_is_sent),
	        WITH_SERVER(test_a_dripped_body_ends_at_its_deadline),
	        WITH_SERVER(test_a_client_that_left_is_cleaned_up),
	        WITH_SERVER(test_at_the_limit_health_is_served_and_the_rest_is_refused),
	        WITH_SERVER(test_at_the_limit_the_oldest_idle_connection_makes_room),
	        WITH_SERVER(test_at_the_limit_the_oldest_unfinished_header_makes_room),
	        WITH_SERVER(test_at_the_limit_the_oldest_silent_connection_makes_room),
	        WITH_SERVER(test_at_the_limit_the_oldest_unfinished_body_makes_room),
	        WITH_SERVER(test_at_the_limit_the_oldest_unread_answer_makes_room),
	        WITH_SERVER(test_at_the_limit_stalled_goes_before_idle),
	        WITH_SERVER(test_silent_connections_past_the_limit_do_not_shut_health_out),
	        WITH_SERVER(test_the_limit_is_left_when_connections_close),
	        WITH_SERVER(test_stopping_answers_what_was_received),
	        WITH_SERVER(test_ending_with_waiting_requests_answers_them),
	        WITH_SERVER(test_a_second_instance_fails_loudly),
	};
	return run_group(tests);
}
