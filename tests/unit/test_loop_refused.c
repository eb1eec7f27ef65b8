/* The loop, its threads and the HTTP client while memory, descriptors or libcurl run out. */
#include "test.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/offload.h"
#include "net/httpc.h"
#include "refuse.h"
#include "tiny_server.h"

static struct loop *loop;

static int setup(void **state)
{
	(void)state;
	return loop_new(&loop, NULL) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

/* --- the loop */

static void no_loop(void **state)
{
	struct loop *other = NULL;
	(void)state;
	STARVE(loop_new(&other, NULL), ERR_OK);
	loop_free(other);
	loop_free(NULL);
}

static void on_fd(struct loop_watch *w, uint32_t events)
{
	(void)w, (void)events;
	loop_stop(loop);
}

static void a_descriptor_that_cannot_be_watched(void **state)
{
	struct loop_watch w = {.fd = eventfd(1, EFD_CLOEXEC), .fn = on_fd};
	struct err e;
	(void)state;
	STARVE(loop_watch_add(loop, &w, 0, &e), ERR_OK);
	assert_string_equal(e.msg, "cannot watch a descriptor: errno 28");
	STARVE_AS(loop_watch_mod(loop, &w, EPOLLIN), ERR_INTERNAL, ERR_OK);
	loop_run(loop); /* ends, since it is watched */
	loop_watch_del(loop, &w);
	(void)close(w.fd);
}

/* A post is not lost with the eventfd's read. */
static void on_post(struct loop_post *p)
{
	(void)p;
	loop_stop(loop);
}

static void an_inbox_that_cannot_be_read_once(void **state)
{
	struct loop_post p = {.fn = on_post};
	(void)state;
	loop_post(loop, &p);
	starve_only("read");
	starve_nth(1);
	loop_run(loop);
	assert_in_range(starve_calls(), 1, 2);
	starve_only(NULL);
}

static void on_timer(struct loop_timer *t)
{
	t->due_ms = -1;
	loop_stop(loop);
}

static void a_timer_without_memory_stays_cleared(void **state)
{
	struct loop_timer t = {.fn = on_timer};
	(void)state;
	starve_nth(1);
	assert_int_equal(loop_timer_set(loop, &t, 1), ERR_NOMEM);
	assert_int_equal(starve_calls(), 1);
	assert_int_equal(t.slot, 0);
	loop_timer_clear(loop, &t);
	assert_int_equal(loop_timer_set(loop, &t, 1), ERR_OK);
	loop_run(loop);
	assert_int_equal(t.due_ms, -1);
}

/* --- threads for work */

static void work(struct offload_job *j)
{
	(void)j;
}

static void done(struct offload_job *j)
{
	loop_stop(j->home);
}

static void threads_that_cannot_be_made(void **state)
{
	const struct offload_options o = {.name = "test", .threads = 2, .queue_max = 1};
	struct offload_job j = {.work = work, .done = done};
	struct offload *pool = NULL;
	(void)state;
	STARVE(offload_new(&o, &pool, NULL), ERR_OK); /* those made before are ended */
	assert_int_equal(offload_start(pool, loop, &j), ERR_OK);
	loop_run(loop);
	offload_free(pool);
	offload_free(NULL);
}

/* --- the client */

struct got {
	int calls;
	enum err_code code;
	char error[128], body[16], type[32], nothing[8];
};

static void on_answer(void *arg, const struct httpc_response *r)
{
	struct got *g = arg;
	g->calls++;
	g->code = r->code;
	(void)snprintf(g->error, sizeof g->error, "%s", r->error);
	assert_true(str_copy(g->body, sizeof g->body, r->body));
	assert_true(str_copy(g->type, sizeof g->type, httpc_header(r, "content-length")));
	assert_true(str_copy(g->nothing, sizeof g->nothing, httpc_header(r, "X-Nothing")));
	loop_stop(loop);
}

static enum err_code begin(struct httpc *h, const char *method, const char *url, struct got *g,
                           struct httpc_call **ret)
{
	static const char *const headers[] = {"X-One: 1", "X-Two: 2", NULL};
	const struct httpc_request r = {.method = method,
	                                .allow_http = true,
	                                .url = url,
	                                .headers = headers,
	                                .body = STR("abc"),
	                                .timeout_ms = patience(300),
	                                .connect_ms = patience(300),
	                                .response_max = 16};
	*g = (struct got){.calls = 0};
	return httpc_start(h, &r, on_answer, g, ret, NULL);
}

static void answered(struct httpc *h, const char *url)
{
	struct got g;
	struct httpc_call *c;
	assert_int_equal(begin(h, "POST", url, &g, &c), ERR_OK);
	loop_run(loop);
	assert_int_equal(g.calls, 1);
	assert_int_equal(g.code, ERR_OK);
	assert_string_equal(g.body, "abc");
	assert_string_equal(g.type, "3");
	assert_string_equal(g.nothing, "");
}

static void no_client(void **state)
{
	struct httpc *h = NULL;
	(void)state;
	STARVE_AS(httpc_global_start(NULL), ERR_INTERNAL, ERR_OK);
	STARVE(httpc_new(loop, &h, NULL), ERR_OK);
	httpc_free(h);
	httpc_free(NULL);
}

/* A call that libcurl does not take leaves nothing behind, be its handle new or used before. */
static void a_call_that_is_not_taken(void **state)
{
	static const char *const methods[] = {"POST", "GET", "PUT"};
	struct tiny_server *s = tiny_server_start();
	struct httpc *h;
	struct httpc_call *c;
	struct got g;
	char url[64];
	(void)state;
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d/echo", tiny_server_port(s));
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		assert_int_equal(httpc_new(loop, &h, NULL), ERR_OK);
		STARVE(begin(h, methods[i], url, &g, &c), ERR_OK);
		httpc_cancel(c);
		STARVE(begin(h, methods[i], url, &g, &c), ERR_OK);
		assert_int_equal(g.calls, 0);
		httpc_free(h); /* with the call in it */
		assert_int_equal(httpc_new(loop, &h, NULL), ERR_OK);
		answered(h, url);
		httpc_free(h);
	}
	tiny_server_stop(s);
}

/* Whatever fails while it runs ends in an answer or an error in its time, and the next call is served. */
static void a_call_that_fails_on_its_way(void **state)
{
	struct tiny_server *s = tiny_server_start();
	struct httpc *h;
	struct httpc_call *c;
	struct got g;
	char url[64];
	size_t failed = 0;
	(void)state;
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d/echo", tiny_server_port(s));
	for (size_t nth = 1, met = 1; met; nth++) {
		assert_int_equal(httpc_new(loop, &h, NULL), ERR_OK);
		assert_int_equal(begin(h, "POST", url, &g, &c), ERR_OK);
		starve_nth(nth);
		loop_run(loop);
		met = starve_calls() >= nth;
		assert_int_equal(g.calls, 1);
		if (g.code != ERR_OK) {
			failed++;
			assert_true(met && (g.code == ERR_TIMEOUT || g.code == ERR_UPSTREAM));
			assert_string_not_equal(g.error, "");
		}
		answered(h, url);
		httpc_free(h);
	}
	assert_in_range(failed, 2, 20); /* its descriptor, the answer's memory */
	tiny_server_stop(s);
}

/* The resolver's descriptors are none of our connections. */
static void a_name_that_is_none(void **state)
{
	struct httpc *h;
	struct httpc_call *c;
	struct got g;
	(void)state;
	assert_int_equal(httpc_new(loop, &h, NULL), ERR_OK);
	assert_int_equal(begin(h, "GET", "http://name.invalid/", &g, &c), ERR_OK);
	loop_run(loop);
	assert_int_equal(g.calls, 1);
	assert_true(g.code == ERR_UPSTREAM || g.code == ERR_TIMEOUT);
	assert_string_not_equal(g.error, "");
	httpc_free(h);
}

static void an_answer_over_the_kept_size(void **state)
{
	struct tiny_server *s = tiny_server_start();
	char url[64], large[20000];
	struct httpc *h;
	struct httpc_call *c;
	struct got g = {.calls = 0};
	(void)state;
	memset(large, 'x', sizeof large);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d/ok", tiny_server_port(s));
	struct httpc_request r = {.method = "POST",
	                          .allow_http = true,
	                          .url = url,
	                          .body = {large, sizeof large},
	                          .timeout_ms = patience(1000),
	                          .response_max = 16};
	assert_int_equal(httpc_new(loop, &h, NULL), ERR_OK);
	assert_int_equal(httpc_start(h, &r, on_answer, &g, &c, NULL), ERR_OK);
	loop_run(loop);
	assert_int_equal(g.code, ERR_OK);
	assert_string_equal(g.body, "ok");
	tiny_server_stop(s); /* it answers each piece */
	s = tiny_server_start();
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d/echo", tiny_server_port(s));
	answered(h, url);
	httpc_free(h);
	tiny_server_stop(s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	starve_here();
	const struct CMUnitTest tests[] = {
	        T(no_loop),
	        T(a_descriptor_that_cannot_be_watched),
	        T(an_inbox_that_cannot_be_read_once),
	        T(a_timer_without_memory_stays_cleared),
	        T(threads_that_cannot_be_made),
	        T(no_client),
	        T(a_call_that_is_not_taken),
	        T(a_call_that_fails_on_its_way),
	        T(a_name_that_is_none),
	        T(an_answer_over_the_kept_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
