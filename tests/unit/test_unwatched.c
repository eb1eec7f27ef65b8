/* A descriptor that epoll does not take (no memory, too many watches) ends one call or request, nothing else.
 */
#include "server_rig.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/epoll.h>

#include "net/poster/httpc_post.h"
#include "obs/metrics.h"
#include "tiny_server.h"

static atomic_int refuse; /* so many of the next additions */

/* In place of the C library's, for the whole program with its libraries. */
int epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
	static int (*real)(int, int, int, struct epoll_event *);
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "epoll_ctl");
	if (what != EPOLL_CTL_DEL && atomic_load(&refuse) > 0) {
		atomic_fetch_sub(&refuse, 1);
		errno = ENOSPC;
		return -1;
	}
	return real(epoll, what, fd, event);
}

/* --- the client */

struct got {
	struct loop *loop;
	struct loop_timer guard; /* no answer at all */
	enum err_code code;
	long status;
	int calls;
};

static void on_answer(void *arg, const struct httpc_response *r)
{
	struct got *g = arg;
	g->code = r->code;
	g->status = r->status;
	g->calls++;
	loop_stop(g->loop);
}

static void give_up(struct loop_timer *t)
{
	loop_stop(LIST_ENTRY(t, struct got, guard)->loop);
}

static void one_call(struct httpc *h, int to, struct got *g)
{
	char url[64];
	struct httpc_call *call;
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d/ok", to);
	struct httpc_request r = {.method = "GET",
	                          .allow_http = true,
	                          .url = url,
	                          .timeout_ms = patience(500),
	                          .response_max = 32};
	*g = (struct got){.loop = g->loop, .guard = {.fn = give_up}};
	assert_int_equal(httpc_start(h, &r, on_answer, g, &call, NULL), ERR_OK);
	assert_int_equal(loop_timer_set(g->loop, &g->guard, loop_now_ms(g->loop) + patience(4000)), ERR_OK);
	loop_run(g->loop);
	loop_timer_clear(g->loop, &g->guard);
	assert_int_equal(g->calls, 1);
}

static void test_a_call_that_cannot_be_watched_ends_and_the_next_works(void **state)
{
	struct tiny_server *s = tiny_server_start();
	struct got g = {.loop = NULL};
	struct httpc *h;
	(void)state;
	assert_int_equal(loop_new(&g.loop, NULL), ERR_OK);
	assert_int_equal(httpc_new(g.loop, &h, NULL), ERR_OK);
	for (int i = 0; i < 3; i++) {
		atomic_store(&refuse, 1);
		one_call(h, tiny_server_port(s), &g);
		atomic_store(&refuse, 0); /* it came through, or ended at its deadline */
		one_call(h, tiny_server_port(s), &g);
		assert_int_equal(g.code, ERR_OK);
		assert_int_equal(g.status, 200);
	}
	httpc_free(h);
	loop_free(g.loop);
	tiny_server_stop(s);
}

static void one_post(struct httpc_poster *p, struct got *g)
{
	struct httpc_post *call;
	struct httpc_outgoing out;
	struct httpc_post_request r = {.out = &out,
	                               .headers = (const char *const[]){NULL},
	                               .timeout_ms = patience(500),
	                               .connect_ms = patience(500),
	                               .response_max = 32};
	httpc_outgoing_init(&out, 0, 0);
	*g = (struct got){.loop = g->loop, .guard = {.fn = give_up}};
	assert_int_equal(httpc_post_start(p, &r, on_answer, g, &call, NULL), ERR_OK);
	assert_int_equal(loop_timer_set(g->loop, &g->guard, loop_now_ms(g->loop) + patience(4000)), ERR_OK);
	loop_run(g->loop);
	loop_timer_clear(g->loop, &g->guard);
	buf_done(&out.bytes);
	assert_int_equal(g->calls, 1);
}

/* Refused at each step of opening a connection. */
static void test_a_post_that_cannot_be_watched_ends_and_the_next_works(void **state)
{
	struct tiny_server *s = tiny_server_start();
	struct got g = {.loop = NULL};
	char url[64], host[32];
	struct httpc_poster_options o = {.url = url, .host = host};
	struct httpc_poster *p;
	(void)state;
	(void)snprintf(host, sizeof host, "127.0.0.1:%d", tiny_server_port(s));
	(void)snprintf(url, sizeof url, "http://%s/", host);
	assert_int_equal(loop_new(&g.loop, NULL), ERR_OK);
	o.loop = g.loop;
	assert_int_equal(httpc_new(g.loop, &o.http, NULL), ERR_OK);
	assert_int_equal(httpc_poster_new(&o, &p, NULL), ERR_OK);
	for (int i = 1; i <= 3; i++) {
		atomic_store(&refuse, i);
		one_post(p, &g);
		atomic_store(&refuse, 0); /* it came through, or ended */
		one_post(p, &g);
		assert_int_equal(g.code, ERR_OK);
		assert_int_equal(g.status, 200);
	}
	httpc_poster_free(p);
	httpc_free(o.http);
	loop_free(g.loop);
	tiny_server_stop(s);
}

/* --- the server */

static void wait_until_zero(enum metric m)
{
	for (int i = 0; i < 200 && metric_value(m) != 0; i++)
		(void)usleep(10000);
	assert_int_equal(metric_value(m), 0);
}

static bool refused_soon(void)
{
	for (int i = 0; i < 100 && atomic_load(&refuse) != 0; i++)
		(void)usleep(1000);
	return atomic_exchange(&refuse, 0) == 0;
}

/* Its request is there when the server looks first, most times: else it is watched before. */
static int refused_connection(void)
{
	for (int i = 0; i < 50; i++) {
		int fd = raw_connect(port);
		atomic_store(&refuse, 1);
		/* the rest of the body is to be waited for */
		raw_say(fd, "POST /any HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\nsome of it");
		if (refused_soon())
			return fd;
		(void)close(fd);
	}
	return -1;
}

static void test_a_connection_that_cannot_be_watched_takes_its_request_along(void **state)
{
	(void)state;
	int fd = refused_connection();
	assert_true(fd >= 0);
	assert_true(raw_read(fd, text, sizeof text, ANSWER_MS));
	wait_until_zero(M_REQUESTS);
	wait_until_zero(M_BODY_BYTES);
	wait_until_zero(M_CONNECTIONS);
	(void)close(fd);
	assert_int_equal(status_of("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_a_call_that_cannot_be_watched_ends_and_the_next_works),
	        cmocka_unit_test(test_a_post_that_cannot_be_watched_ends_and_the_next_works),
	        WITH_SERVER(test_a_connection_that_cannot_be_watched_takes_its_request_along),
	};
	if (httpc_global_start(NULL) != ERR_OK)
		return 1;
	return run_group(tests);
}
