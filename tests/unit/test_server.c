/* The HTTP server on a real socket: answers, refusals, bodies. */
#include "server_rig.h"

/* --- answers */

static void test_answers_and_keeps_the_connection(void **state)
{
	(void)state;
	assert_false(ask("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"));
	assert_int_equal(raw_status(text, 0), 200);
	assert_non_null(strstr(text, "X-Content-Type-Options: nosniff"));
	assert_non_null(strstr(text, "Cache-Control: no-store"));
	const char *id = strstr(text, "X-Request-Id: ");
	assert_non_null(id);
	assert_int_equal(strspn(id + 14, "0123456789abcdef"), 16);
}

static void test_html_has_its_headers(void **state)
{
	(void)state;
	(void)ask("GET /page HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_non_null(strstr(text, "frame-ancestors 'none'"));
	assert_non_null(strstr(text, "form-action 'self' https: fb-messenger: intent:"));
	assert_non_null(strstr(text, "Referrer-Policy: same-origin"));
	assert_non_null(strstr(text, "X-Extra: 1"));
}

static void test_head_has_the_length_and_no_body(void **state)
{
	(void)state;
	(void)ask("HEAD /ok HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(raw_status(text, 0), 200);
	assert_non_null(strstr(text, "Content-Length: 2"));
	assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
}

static void test_an_answer_given_later_comes_at_once(void **state)
{
	(void)state;
	int64_t from = clock_mono_ms();
	int fd = raw_connect(port);
	for (int i = 0; i < 20; i++) {
		raw_say(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
		(void)recv(fd, text, sizeof text, 0);
	}
	(void)close(fd);
	/* 20 answers of 5 ms; one missed wake-up would cost half a second or more */
	assert_true(clock_mono_ms() - from < 500);
}

static void test_pipelined_requests_are_answered_in_order(void **state)
{
	(void)state;
	(void)ask("GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /ok HTTP/1.1\r\nHost: a\r\n\r\n");
	const char *first = strstr(text, "later"), *second = strstr(text, "\r\n\r\nok");
	assert_true(first != NULL && second != NULL && first < second);
}

static void test_the_path_argument_is_decoded_once(void **state)
{
	(void)state;
	(void)ask("GET /arg/a%2520b/x HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_non_null(strstr(text, "a%20b"));
	assert_int_equal(status_of("GET /arg//x HTTP/1.1\r\nHost: a\r\n\r\n"), 404);
	assert_int_equal(status_of("GET /arg/a%00b/x HTTP/1.1\r\nHost: a\r\n\r\n"), 404);
	assert_int_equal(status_of("GET /arg/%ff/x HTTP/1.1\r\nHost: a\r\n\r\n"), 404);
	assert_int_equal(status_of("GET /arg/a/b/x HTTP/1.1\r\nHost: a\r\n\r\n"), 404);
}

/* --- refusals */

static void test_refusals_have_the_right_status(void **state)
{
	static const struct {
		const char *request;
		int status;
		const char *has;
	} rows[] = {
	        {"GET /nope HTTP/1.1\r\nHost: a\r\n\r\n", 404, "application/problem+json"},
	        {"DELETE /ok HTTP/1.1\r\nHost: a\r\n\r\n", 405, "Allow: GET, HEAD"},
	        {"POST /form HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411,
	         "close"},
	        {"POST /form HTTP/1.1\r\nHost: a\r\n\r\n", 411, ""},
	        {"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na=", 415, ""},
	        {"POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: "
	         "2\r\n\r\n{}",
	         415, ""},
	        {"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413, "close"},
	        {"POST /any HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n", 400,
	         "close"},
	        {"POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", 405, "close"},
	        {"DELETE /any HTTP/1.1\r\nHost: a\r\n\r\n", 405, "Allow: POST"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (status_of(rows[i].request) != rows[i].status || strstr(text, rows[i].has) == NULL)
			fail_msg("%s gave %s", rows[i].request, text);
	}
	assert_int_equal(atomic_load(&handled), 0);
}

static void test_a_form_is_taken(void **state)
{
	(void)state;
	(void)ask("POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded; "
	          "charset=utf-8\r\n"
	          "Content-Length: 3\r\n\r\na=b");
	assert_int_equal(raw_status(text, 0), 200);
	assert_non_null(strstr(text, "a=b"));
}

static void test_a_chunked_body_is_taken_and_the_connection_closed(void **state)
{
	(void)state;
	assert_true(
	        ask("POST /any HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
	            "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"));
	assert_non_null(strstr(text, "abc"));
	assert_int_equal(raw_status(text, 1), 0);
}

static void test_a_chunked_body_over_the_cap_is_cut(void **state)
{
	char request[1400];
	(void)state;
	int n = snprintf(request, sizeof request,
	                 "POST /any HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4b0\r\n");
	memset(request + n, 'x', 1200);
	request[n + 1200] = '\0';
	assert_true(ask(request));
	assert_int_equal(raw_status(text, 0), 413);
	assert_int_equal(atomic_load(&handled), 0);
}

static void test_refused_before_the_body_and_the_answer_arrives(void **state)
{
	static char large[3000000];
	char head[128];
	(void)state;
	int n = snprintf(head, sizeof head, "POST /key HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
	                 sizeof large);
	int fd = raw_connect(port);
	raw_send(fd, head, (size_t)n);
	assert_false(raw_read(fd, text, 20, QUIET_MS)); /* answered while nothing of the body was sent */
	assert_int_equal(raw_status(text, 0) / 100, 4);
	raw_send(fd, large, sizeof large); /* and a client that sends first still gets to read it */
	assert_true(raw_read(fd, text, sizeof text, QUIET_MS));
	assert_non_null(strstr(text, "Connection: close"));
	(void)close(fd);
}

/* Each proxy may add a line of its own: they are one list. */
static void test_forwarded_lines_are_one_list(void **state)
{
	(void)state;
	assert_int_equal(
	        status_of("GET /client HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.1\r\n"
	                  "Accept: */*\r\nX-Forwarded-For: 10.1.2.3\r\n\r\n"),
	        200);
	assert_non_null(strstr(text, "\r\n\r\n192.0.2.1"));
	assert_int_equal(status_of("GET /client HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\n"
	                           "X-Forwarded-For: 192.0.2.1\r\n\r\n"),
	                 200);
	assert_non_null(strstr(text, "\r\n\r\n192.0.2.1"));
}

/* --- what handlers and callers get wrong */

/* An answer that could not be built in full does not go out in part. */
static void test_headers_that_cannot_be_sent(void **state)
{
	static const char *const paths[] = {"/many", "/bad/0", "/bad/1", "/bad/2"};
	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		char request[64];
		(void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", paths[i]);
		assert_int_equal(status_of(request), 503);
		assert_null(strstr(text, "X-More"));
		assert_null(strstr(text, "X-Evil"));
		assert_null(strstr(text, "Location"));
		assert_null(strstr(text, "not this"));
		assert_non_null(strstr(text, "Content-Length: 0"));
	}
}

static void test_the_first_answer_counts(void **state)
{
	(void)state;
	assert_int_equal(status_of("GET /twice HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
	assert_non_null(strstr(text, "\r\n\r\nonce"));
	assert_null(strstr(text, "X-Late"));
	assert_int_equal(raw_status(text, 1), 0);
}

static void test_retry_after_is_the_handlers_own(void **state)
{
	(void)state;
	assert_int_equal(status_of("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n"), 503);
	assert_non_null(strstr(text, "Retry-After: 7\r\n"));
	assert_null(strstr(text, "Retry-After: 1\r\n"));
	assert_non_null(strstr(text, "\"detail\":\"the detail\""));
}

/* Errors are pages where people are, or ask for one; problem+json elsewhere. */
static void test_errors_for_people_are_pages(void **state)
{
	(void)state;
	assert_int_equal(status_of("GET /people HTTP/1.1\r\nHost: a\r\n\r\n"), 503);
	assert_non_null(strstr(text, "<h1>BUSY</h1>the detail"));
	assert_int_equal(
	        status_of("GET /nope HTTP/1.1\r\nHost: a\r\nAccept: image/png, text/html;q=1\r\n\r\n"), 404);
	assert_non_null(strstr(text, "<h1>NOT_FOUND</h1>"));
	assert_int_equal(status_of("GET /nope HTTP/1.1\r\nHost: a\r\nAccept: image/png\r\n\r\n"), 404);
	assert_non_null(strstr(text, "application/problem+json"));
}

static void test_bodies_by_type(void **state)
{
	static const struct {
		const char *request;
		int status;
	} rows[] = {
	        {"POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
	         "Content-Length: 2\r\n\r\n{}",
	         200},
	        {"POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
	         415},
	        {"POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
	         "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
	         415},
	        {"GET /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", 400},
	        {"GET /ok HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	        {"GET /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 200},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (status_of(rows[i].request) != rows[i].status)
			fail_msg("%s gave %s", rows[i].request, text);
}

static void test_a_chunked_body_over_the_budget_is_cut(void **state)
{
	(void)state;
	cfg.webhook_body_budget = 16; /* of which a quarter is for small bodies */
	assert_true(ask("POST /any HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	                "4\r\nabcd\r\n4\r\nefgh\r\n0\r\n\r\n"));
	assert_int_equal(raw_status(text, 0), 503);
	assert_int_equal(atomic_load(&handled), 0);
	/* what was charged is given back */
	assert_int_equal(status_of("POST /any HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd"), 200);
	assert_int_equal(status_of("POST /any HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde"), 503);
}

/* After an early refusal what still comes is thrown away, but not without end. */
static void test_a_refused_flood_ends(void **state)
{
	static char piece[1 << 20];
	char head[100];
	(void)state;
	int n = snprintf(head, sizeof head,
	                 "POST /key HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n");
	int fd = raw_connect(port), sent = 0;
	raw_send(fd, head, (size_t)n);
	while (sent < 100 && send(fd, piece, sizeof piece, MSG_NOSIGNAL) > 0)
		sent++;
	assert_in_range(sent, 15, 60); /* 16 MiB and what lies in buffers */
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_SERVER(test_headers_that_cannot_be_sent),
	        WITH_SERVER(test_the_first_answer_counts),
	        WITH_SERVER(test_retry_after_is_the_handlers_own),
	        WITH_SERVER(test_errors_for_people_are_pages),
	        WITH_SERVER(test_bodies_by_type),
	        WITH_SERVER(test_a_chunked_body_over_the_budget_is_cut),
	        WITH_SERVER(test_a_refused_flood_ends),
	        WITH_SERVER(test_forwarded_lines_are_one_list),
	        WITH_SERVER(test_answers_and_keeps_the_connection),
	        WITH_SERVER(test_html_has_its_headers),
	        WITH_SERVER(test_head_has_the_length_and_no_body),
	        WITH_SERVER(test_an_answer_given_later_comes_at_once),
	        WITH_SERVER(test_pipelined_requests_are_answered_in_order),
	        WITH_SERVER(test_the_path_argument_is_decoded_once),
	        WITH_SERVER(test_refusals_have_the_right_status),
	        WITH_SERVER(test_a_form_is_taken),
	        WITH_SERVER(test_a_chunked_body_is_taken_and_the_connection_closed),
	        WITH_SERVER(test_a_chunked_body_over_the_cap_is_cut),
	        WITH_SERVER(test_refused_before_the_body_and_the_answer_arrives),
	};
	return run_group(tests);
}
