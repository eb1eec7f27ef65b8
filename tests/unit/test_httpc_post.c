/* POSTs over connections that stay open: which connection a call takes, what it sends twice and what never,
 * and how each call ends. */
#include "test.h"

#include "loop_rig.h"
#include "net/poster/httpc_post.h"
#include "refuse.h"
#include "wire_server.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define STEPS(...)                               \
	(const struct wire_step[]){__VA_ARGS__}, \
	        sizeof((struct wire_step[]){__VA_ARGS__}) / sizeof(struct wire_step)

#define SAY(text)              \
	{                      \
		.answer = text \
	}
#define THEN(text, end)                     \
	{                                   \
		.answer = text, .then = end \
	}

enum { ANSWER_MAX = 1 << 20, LARGE_BODY = (1 << 20) + 4096 };

static struct httpc *http;
static struct httpc_poster *poster;
static struct wire_server *server;
static char url[80], host[64];

static struct got {
	int calls;
	enum err_code code;
	long status;
	unsigned sends;
	char body[64], type[64], error[256];
	bool started;
} got;

static void start(const struct wire_step *steps, size_t n, struct httpc_poster_options o)
{
	server = wire_start(steps, n);
	(void)snprintf(host, sizeof host, "127.0.0.1:%d", server->port);
	(void)snprintf(url, sizeof url, "http://%s/", host);
	assert_int_equal(httpc_new(loop, &http, NULL), ERR_OK);
	o.loop = loop;
	o.http = http;
	o.url = url;
	o.host = host;
	assert_int_equal(httpc_poster_new(&o, &poster, NULL), ERR_OK);
}

static void stop(void)
{
	httpc_poster_free(poster);
	httpc_free(http);
	wire_stop(server);
}

static int setup(void **state)
{
	server = NULL;
	return loop_setup(state);
}

static struct httpc_outgoing out; /* of the latest call */

static int teardown(void **state)
{
	free(server);
	buf_done(&out.bytes);
	return loop_teardown(state);
}

static void on_done(void *arg, const struct httpc_response *r)
{
	(void)arg;
	assert_true(got.started);
	got.calls++;
	got.code = r->code;
	got.status = r->status;
	got.sends = r->sends;
	(void)str_copy(got.body, sizeof got.body, r->body);
	(void)str_copy(got.type, sizeof got.type, httpc_header(r, "content-type"));
	(void)snprintf(got.error, sizeof got.error, "%s", r->error);
	loop_stop(loop);
}

static void set_body(struct str body)
{
	buf_done(&out.bytes);
	httpc_outgoing_init(&out, body.n, 0);
	buf_str(&out.bytes, body);
	assert_false(out.bytes.failed);
}

static struct httpc_post *begin(struct str body, int64_t timeout_ms)
{
	static const char *const headers[] = {"X-Test: 1", NULL};
	struct httpc_post *call = NULL;
	struct httpc_post_request r = {.out = &out,
	                               .headers = headers,
	                               .timeout_ms = timeout_ms,
	                               .connect_ms = timeout_ms,
	                               .response_max = ANSWER_MAX};
	set_body(body);
	got = (struct got){.calls = 0};
	assert_int_equal(httpc_post_start(poster, &r, on_done, NULL, &call, NULL), ERR_OK);
	got.started = true;
	return call;
}

static void ask(void)
{
	(void)begin(STR("{}"), patience(5000));
	run_guarded(10000);
	assert_int_equal(got.calls, 1);
}

static void asked(enum err_code code, unsigned sends)
{
	ask();
	assert_int_equal(got.code, code);
	assert_int_equal(got.sends, sends);
	if (code == ERR_OK)
		assert_int_equal(got.status, 200);
}

static const struct httpc_poster_options usual = {.idle_max = 4};

static void test_calls_share_a_connection(void **state)
{
	(void)state;
	start(STEPS(SAY(OK),
	            {"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: "
	             "chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
	             .in_bytes = true},
	            SAY(OK)),
	      usual);
	asked(ERR_OK, 1);
	assert_string_equal(got.body, "ok");
	assert_string_equal(got.type, "");
	asked(ERR_OK, 1);
	assert_string_equal(got.body, "hi");
	assert_string_equal(got.type, "a/b");
	asked(ERR_OK, 1);
	stop();
	assert_int_equal(server->conns, 1);
	char want[256];
	(void)snprintf(want, sizeof want,
	               "POST / HTTP/1.1\r\nHost: %s\r\nX-Test: 1\r\nContent-Length: 2\r\n\r\n{}", host);
	assert_string_equal(server->last, want);
}

/* The server closes as it gets the next request: nobody has worked on it. */
static void test_a_connection_closed_meanwhile(void **state)
{
	(void)state;
	start(STEPS(SAY(OK), THEN("", WIRE_CLOSE), SAY(OK), THEN("", WIRE_RESET), SAY(OK)), usual);
	asked(ERR_OK, 1);
	asked(ERR_OK, 2);
	asked(ERR_OK, 2);
	stop();
	assert_int_equal(server->conns, 3);
	assert_int_equal(server->taken, 5);
}

static void test_closed_after_the_answer(void **state)
{
	(void)state;
	start(STEPS(THEN(OK, WIRE_CLOSE), SAY(OK),
	            SAY("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"), SAY(OK),
	            THEN("HTTP/1.1 200 OK\r\n\r\nto the end", WIRE_CLOSE), SAY(OK)),
	      usual);
	asked(ERR_OK, 1);
	run_guarded(50);
	asked(ERR_OK, 1); /* its end was heard */
	asked(ERR_OK, 1);
	asked(ERR_OK, 1);
	asked(ERR_OK, 1);
	assert_string_equal(got.body, "to the end");
	asked(ERR_OK, 1);
	stop();
	assert_int_equal(server->conns, 4);
}

static void test_what_is_not_sent_again(void **state)
{
	(void)state;
	start(STEPS(THEN("", WIRE_CLOSE), THEN("", WIRE_RESET), SAY(OK),
	            THEN("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", WIRE_CLOSE), SAY(OK),
	            THEN("", WIRE_CLOSE), THEN("", WIRE_CLOSE), SAY(OK), SAY("SSH-2.0-x\r\n\r\n"), SAY(OK)),
	      usual);
	asked(ERR_UPSTREAM, 1);
	assert_string_equal(got.error, "the connection was closed without a whole answer");
	asked(ERR_UPSTREAM, 1);
	asked(ERR_OK, 1);
	asked(ERR_UPSTREAM, 1); /* half an answer on a used connection */
	asked(ERR_OK, 1);
	asked(ERR_UPSTREAM, 2); /* twice in a row */
	asked(ERR_OK, 1);
	asked(ERR_UPSTREAM, 1);
	assert_string_equal(got.error, "the answer is not HTTP/1.1");
	asked(ERR_OK, 1);
	stop();
}

/* Bytes that no request asked for are never taken for the answer of the next. */
static void test_bytes_too_many(void **state)
{
	(void)state;
	start(STEPS(SAY(OK "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n"), {.answer = OK, .later = OK},
	            SAY(OK)),
	      usual);
	asked(ERR_OK, 1);
	asked(ERR_OK, 1);
	run_guarded(100);
	asked(ERR_OK, 1);
	stop();
	assert_int_equal(server->conns, 3);
}

/* They wait in the socket, and the loop has not looked yet. */
static void test_bytes_before_the_request(void **state)
{
	int ms = patience(100);
	(void)state;
	start(STEPS({.answer = OK, .later = OK}, {.answer = OK, .later = OK, .then = WIRE_CLOSE}, SAY(OK)),
	      usual);
	for (size_t i = 0; i < 3; i++) {
		asked(ERR_OK, 1);
		(void)nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
	}
	stop();
	assert_int_equal(server->conns, 3);
}

/* As TLS says it of a request that does not fit: nothing was taken yet, and the same comes again. */
static void test_a_send_that_takes_nothing_yet(void **state)
{
	(void)state;
	start(STEPS(SAY(OK), SAY(OK)), usual);
	asked(ERR_OK, 1);
	starve_only("curl_easy_send");
	starve_nth(1);
	asked(ERR_OK, 1);
	assert_int_equal(starve_calls(), 2);
	starve_only(NULL);
	stop();
	assert_int_equal(server->conns, 1);
}

static void test_a_silent_server(void **state)
{
	(void)state;
	start(STEPS(SAY(""), SAY("HTTP/1.1 200 OK\r\nContent-Le"), SAY(OK)), usual);
	for (int i = 0; i < 2; i++) {
		int64_t began = clock_mono_ms();
		(void)begin(STR("{}"), 60);
		run_guarded(10000);
		assert_int_equal(got.code, ERR_TIMEOUT);
		assert_string_equal(got.error, "no answer in time");
		assert_in_range(clock_mono_ms() - began, 40,
		                60 + patience(1000)); /* of the loop's last turn */
	}
	asked(ERR_OK, 1);
	stop();
	assert_int_equal(server->conns, 3);
}

static void test_nobody_listens(void **state)
{
	(void)state;
	start(NULL, 0, usual);
	(void)shutdown(server->listen_fd, SHUT_RDWR);
	asked(ERR_UPSTREAM, 0);
	assert_non_null(strstr(got.error, "connect"));
	stop();
}

/* More than a socket takes at once; and an answer that comes before the request is out. */
static void test_a_large_request(void **state)
{
	char *large = malloc(LARGE_BODY);
	(void)state;
	memset(large, 'x', LARGE_BODY);
	start(STEPS(SAY(OK), SAY(OK),
	            {.answer = "HTTP/1.1 413 x\r\nContent-Length: 2\r\n\r\nno", .early = true}, SAY(OK)),
	      usual);
	for (int i = 0; i < 2; i++) {
		(void)begin((struct str){large, LARGE_BODY}, patience(5000));
		run_guarded(10000);
		assert_int_equal(got.code, ERR_OK);
		assert_int_equal(got.status, 200);
	}
	(void)begin((struct str){large, LARGE_BODY}, patience(5000));
	run_guarded(10000);
	assert_int_equal(got.status, 413);
	asked(ERR_OK, 1);
	stop();
	free(large);
}

static void test_an_answer_over_its_bound(void **state)
{
	char *answer = calloc(1, ANSWER_MAX + 256);
	(void)state;
	int n = snprintf(answer, 256, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", ANSWER_MAX);
	memset(answer + n, 'x', ANSWER_MAX);
	start(STEPS(SAY(answer), SAY("HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n"), SAY(OK)), usual);
	asked(ERR_OK, 1);
	asked(ERR_UPSTREAM, 1);
	assert_string_equal(got.error, "the answer is larger than expected");
	asked(ERR_OK, 1);
	stop();
	free(answer);
}

static void test_connections_are_let_go(void **state)
{
	(void)state;
	start(STEPS(SAY(OK), SAY(OK), SAY(OK), SAY(OK)),
	      (struct httpc_poster_options){.idle_max = 4, .idle_ms = 20});
	asked(ERR_OK, 1);
	asked(ERR_OK, 1);
	run_guarded(40);
	asked(ERR_OK, 1);
	stop();
	assert_in_range(server->conns, 2, 3); /* a slow machine may take the second call's time too */
	free(server);
	start(STEPS(SAY(OK), SAY(OK), SAY(OK)),
	      (struct httpc_poster_options){.idle_max = 4, .lifetime_ms = 1});
	asked(ERR_OK, 1);
	run_guarded(5);
	asked(ERR_OK, 1);
	stop();
	assert_int_equal(server->conns, 2);
	free(server);
	start(STEPS(SAY(OK), SAY(OK)), (struct httpc_poster_options){.idle_max = 0});
	asked(ERR_OK, 1);
	asked(ERR_OK, 1);
	stop();
	assert_int_equal(server->conns, 2);
}

static void test_a_cancelled_call_never_calls_back(void **state)
{
	(void)state;
	start(STEPS(SAY(OK), SAY(OK)), usual);
	httpc_post_cancel(begin(STR("{}"), 5000)); /* while it connects */
	run_guarded(30);
	assert_int_equal(got.calls, 0);
	asked(ERR_OK, 1);
	httpc_post_cancel(begin(STR("{}"), 5000)); /* while it waits for its answer */
	run_guarded(30);
	assert_int_equal(got.calls, 0);
	(void)begin(STR("{}"), 5000);
	stop(); /* with a call on it */
	assert_int_equal(got.calls, 0);
}

static enum err_code try_to_begin(void)
{
	struct httpc_post *call = NULL;
	struct httpc_post_request r = {
	        .out = &out, .headers = (const char *const[]){NULL}, .timeout_ms = 5000, .response_max = 64};
	enum err_code code = httpc_post_start(poster, &r, on_done, NULL, &call, NULL);
	if (code == ERR_OK)
		httpc_post_cancel(call);
	return code;
}

static void test_no_memory(void **state)
{
	struct httpc_poster_options o = {.loop = loop, .url = "http://127.0.0.1:1/", .host = "127.0.0.1:1"};
	(void)state;
	assert_int_equal(httpc_new(loop, &o.http, NULL), ERR_OK);
	set_body(STR("{}"));
	got = (struct got){.calls = 0};
	STARVE(httpc_poster_new(&o, &poster, NULL), ERR_OK);
	STARVE(try_to_begin(), ERR_OK);
	httpc_poster_free(poster);
	httpc_poster_free(NULL);
	httpc_free(o.http);
	assert_int_equal(got.calls, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_calls_share_a_connection),
	        TEST(test_a_connection_closed_meanwhile),
	        TEST(test_closed_after_the_answer),
	        TEST(test_what_is_not_sent_again),
	        TEST(test_bytes_too_many),
	        TEST(test_bytes_before_the_request),
	        TEST(test_a_send_that_takes_nothing_yet),
	        TEST(test_a_silent_server),
	        TEST(test_nobody_listens),
	        TEST(test_a_large_request),
	        TEST(test_an_answer_over_its_bound),
	        TEST(test_connections_are_let_go),
	        TEST(test_a_cancelled_call_never_calls_back),
	        TEST(test_no_memory),
	};
	if (httpc_global_start(NULL) != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
