/* The HTTP client: bounds, and calls that share a handle and a connection. */
#include "test.h"

#include "loop_rig.h"
#include "net/private.h"
#include "tiny_server.h"

struct got {
	int calls, wanted;
	enum err_code code;
	enum httpc_fault fault;
	long status;
	char body[64];
	bool started;
};

static void on_http(void *arg, const struct httpc_response *r)
{
	struct got *g = arg;
	assert_true(g->started);
	g->code = r->code;
	g->fault = r->fault;
	g->status = r->status;
	(void)str_copy(g->body, sizeof g->body, r->body);
	if (++g->calls == g->wanted)
		loop_stop(loop);
}

static struct httpc_request request_to(char *url, size_t cap, int port, const char *path)
{
	(void)snprintf(url, cap, "http://127.0.0.1:%d%s", port, path);
	return (struct httpc_request){.method = "GET",
	                              .url = url,
	                              .allow_http = true,
	                              .timeout_ms = patience(300),
	                              .response_max = 32};
}

static void test_http_calls_finish_without_a_stall(void **state)
{
	struct tiny_server *s = tiny_server_start();
	struct got g = {.wanted = 40};
	struct httpc_call *call;
	struct httpc *h;
	char url[64];
	(void)state;
	assert_int_equal(httpc_new(loop, &h, NULL), ERR_OK);
	for (int i = 0; i < g.wanted; i++) {
		struct httpc_request r = request_to(url, sizeof url, tiny_server_port(s), "/ok");
		assert_int_equal(httpc_start(h, &r, on_http, &g, &call, NULL), ERR_OK);
	}
	g.started = true;
	run_guarded(2000);
	assert_false(stalled);
	assert_int_equal(g.code, ERR_OK);
	assert_int_equal(g.status, 200);
	assert_string_equal(g.body, "ok");
	httpc_free(h);
	tiny_server_stop(s);
}

static void one_call(const char *method, const char *path, struct str body, struct got *g)
{
	struct tiny_server *s = tiny_server_start();
	struct httpc_call *call;
	struct httpc *h;
	char url[64];
	assert_int_equal(httpc_new(loop, &h, NULL), ERR_OK);
	struct httpc_request r = request_to(url, sizeof url, tiny_server_port(s), path);
	const char *const headers[] = {"X-Test: 1", NULL};
	r.method = method;
	r.headers = headers;
	r.body = body;
	*g = (struct got){.wanted = 1};
	assert_int_equal(httpc_start(h, &r, on_http, g, &call, NULL), ERR_OK);
	g->started = true;
	run_guarded(2000);
	assert_false(stalled);
	httpc_free(h);
	tiny_server_stop(s);
}

static void test_http_post_sends_its_body(void **state)
{
	struct got g;
	(void)state;
	one_call("POST", "/echo", STR("a=1"), &g);
	assert_string_equal(g.body, "a=1");
}

static void test_http_silent_server_ends_at_the_deadline(void **state)
{
	struct got g;
	(void)state;
	one_call("GET", "/silent", (struct str){NULL, 0}, &g);
	assert_int_equal(g.code, ERR_TIMEOUT);
	assert_int_equal(g.fault, HTTPC_NO_ANSWER);
}

static void test_http_answer_over_the_cap_fails(void **state)
{
	struct got g;
	(void)state;
	one_call("GET", "/large", (struct str){NULL, 0}, &g);
	assert_int_equal(g.code, ERR_UPSTREAM);
	assert_int_equal(g.fault, HTTPC_NO_ANSWER);
}

static void test_http_head_over_the_cap_fails(void **state)
{
	struct got g;
	(void)state;
	one_call("GET", "/headers", (struct str){NULL, 0}, &g);
	assert_int_equal(g.code, ERR_UPSTREAM);
	assert_int_equal(g.fault, HTTPC_NO_ANSWER);
}

static void test_http_redirect_is_not_followed(void **state)
{
	struct got g;
	(void)state;
	one_call("GET", "/redirect", (struct str){NULL, 0}, &g);
	assert_int_equal(g.status, 302);
}

/* A handle, its buffers and its connection serve calls of every kind, one after another; nothing of a call is
 * left in the next. */
static void test_http_calls_follow_one_another(void **state)
{
	static const struct {
		const char *method, *path, *body, *answer;
	} rows[] = {{"POST", "/echo", "a=1", "a=1"}, {"POST", "/echo", "", ""}, {"POST", "/echo", "bb", "bb"},
	            {"GET", "/ok", "", "ok"},        {"GET", "/echo", "", ""},  {"POST", "/ok", "ccc", "ok"}};
	struct tiny_server *s = tiny_server_start();
	struct httpc_call *call, *first = NULL;
	struct httpc *h;
	char url[64];
	(void)state;
	assert_int_equal(httpc_new(loop, &h, NULL), ERR_OK);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct got g = {.wanted = 1, .started = true};
		struct httpc_request r = request_to(url, sizeof url, tiny_server_port(s), rows[i].path);
		r.method = rows[i].method;
		r.body = str_c(rows[i].body);
		assert_int_equal(httpc_start(h, &r, on_http, &g, &call, NULL), ERR_OK);
		first = i == 0 ? call : first;
		assert_ptr_equal(call, first);
		run_guarded(2000);
		assert_int_equal(g.code, ERR_OK);
		assert_string_equal(g.body, rows[i].answer);
	}
	httpc_free(h);
	tiny_server_stop(s);
}

static void test_http_without_tls_must_be_allowed(void **state)
{
	struct tiny_server *s = tiny_server_start();
	struct got g = {.wanted = 1, .started = true};
	struct httpc_call *call;
	struct httpc *h;
	char url[64];
	(void)state;
	assert_int_equal(httpc_new(loop, &h, NULL), ERR_OK);
	struct httpc_request r = request_to(url, sizeof url, tiny_server_port(s), "/ok");
	for (int i = 0; i < 4; i++) {
		r.allow_http = i % 2 == 0;
		g.calls = 0;
		assert_int_equal(httpc_start(h, &r, on_http, &g, &call, NULL), ERR_OK);
		run_guarded(2000);
		assert_int_equal(g.code, r.allow_http ? ERR_OK : ERR_UPSTREAM);
	}
	httpc_free(h);
	tiny_server_stop(s);
}

static void test_http_too_many_headers_are_refused(void **state)
{
	const char *headers[HTTPC_HEADERS_MAX + 2] = {NULL};
	struct httpc_request r = {
	        .method = "GET", .url = "http://127.0.0.1:1/", .timeout_ms = 10, .headers = headers};
	struct httpc_call *call;
	struct httpc *h;
	(void)state;
	for (size_t i = 0; i <= HTTPC_HEADERS_MAX; i++)
		headers[i] = "X-Test: 1";
	assert_int_equal(httpc_new(loop, &h, NULL), ERR_OK);
	assert_int_equal(httpc_start(h, &r, on_http, NULL, &call, NULL), ERR_NOMEM);
	httpc_free(h);
}

static int rounds;

static bool count_round(struct loop_source *s)
{
	(void)s;
	rounds++;
	return false;
}

static int64_t never(struct loop_source *s)
{
	(void)s;
	return -1;
}

/* An idle connection stays in epoll; when the server closes it, that is seen once, not without end. */
static void test_http_closed_idle_connection_does_not_spin(void **state)
{
	struct tiny_server *s = tiny_server_start();
	struct got g = {.wanted = 1, .started = true};
	struct httpc_call *call;
	struct httpc *h;
	char url[64];
	(void)state;
	assert_int_equal(httpc_new(loop, &h, NULL), ERR_OK);
	struct httpc_request r = request_to(url, sizeof url, tiny_server_port(s), "/ok");
	assert_int_equal(httpc_start(h, &r, on_http, &g, &call, NULL), ERR_OK);
	run_guarded(2000);
	assert_int_equal(g.calls, 1);
	tiny_server_stop(s);
	struct loop_source counter = {.settle = count_round, .due_ms = never};
	loop_source_add(loop, &counter);
	rounds = 0;
	run_guarded(100);
	loop_source_del(&counter);
	assert_in_range(rounds, 1, 20);
	httpc_free(h);
}

static void test_http_cancelled_call_never_calls_back(void **state)
{
	struct tiny_server *s = tiny_server_start();
	struct got g = {.wanted = 1, .started = true};
	struct httpc_call *call;
	struct httpc *h;
	char url[64];
	(void)state;
	assert_int_equal(httpc_new(loop, &h, NULL), ERR_OK);
	struct httpc_request r = request_to(url, sizeof url, tiny_server_port(s), "/ok");
	assert_int_equal(httpc_start(h, &r, on_http, &g, &call, NULL), ERR_OK);
	httpc_cancel(call);
	run_guarded(100);
	assert_int_equal(g.calls, 0);
	httpc_free(h);
	tiny_server_stop(s);
}

/* A call that had no time left says nothing about the name service. */
static void test_http_look_up_given_up(void **state)
{
	struct httpc *h;
	(void)state;
	assert_int_equal(httpc_new(loop, &h, NULL), ERR_OK);
	int64_t now_ms = loop_now_ms(loop);
	struct httpc_lookups *l = &h->lookups[0];
	struct httpc_call c = {.owner = h, .lookups = l};
	static const struct {
		int64_t looked_ms;
		bool hung, noted;
	} rows[] = {{4, true, false}, {600, true, true}, {4, true, true}, {600, false, false}};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		c.looking = true;
		c.looking_since_ms = now_ms - rows[i].looked_ms;
		l->running = 1;
		httpc_looked_up(&c, rows[i].hung);
		assert_int_equal(l->running, 0);
		assert_int_equal(l->hung_until_ms > now_ms, rows[i].noted);
	}
	httpc_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_LOOP(test_http_calls_finish_without_a_stall),
	        WITH_LOOP(test_http_post_sends_its_body),
	        WITH_LOOP(test_http_silent_server_ends_at_the_deadline),
	        WITH_LOOP(test_http_answer_over_the_cap_fails),
	        WITH_LOOP(test_http_head_over_the_cap_fails),
	        WITH_LOOP(test_http_redirect_is_not_followed),
	        WITH_LOOP(test_http_closed_idle_connection_does_not_spin),
	        WITH_LOOP(test_http_without_tls_must_be_allowed),
	        WITH_LOOP(test_http_too_many_headers_are_refused),
	        WITH_LOOP(test_http_calls_follow_one_another),
	        WITH_LOOP(test_http_cancelled_call_never_calls_back),
	        WITH_LOOP(test_http_look_up_given_up),
	};
	if (httpc_global_start(NULL) != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
