/* One POST in the name of a page: which page token is used, and what several answers together mean. */
#include "test.h"

#include "facebook/graph_post.h"
#include "loop_rig.h"

enum { PAGES_MAX = 3 };

/* In place of facebook/graph.c: each page token has an answer. */
static struct {
	size_t pages, calls, told;
	long status[PAGES_MAX];
	const char *body[PAGES_MAX];
	bool not_started[PAGES_MAX];
	size_t asked[PAGES_MAX];
	struct graph_request last;
	struct loop_timer timer;
	graph_done_fn *done;
	void *arg;
} g;

static const char OK[] = "{\"result\":\"unlink account success\"}";
static const char NOBODY[] = "{\"error\":{\"code\":100,\"error_subcode\":2018001}}";
static const char DEAD[] = "{\"error\":{\"code\":190}}";
static const char REFUSED[] = "{\"error\":{\"code\":100}}";
static const char NO_PROFILE[] = "{\"error\":{\"code\":100,\"error_subcode\":2018218}}";
static const char LINK_TOKEN[] = "{\"error\":{\"code\":10303}}";
static const char AWAY[] = "{\"error\":{\"code\":551}}";
static const char LIMIT[] = "{\"error\":{\"code\":613}}";

size_t graph_pages(const struct graph *graph)
{
	(void)graph;
	return g.pages;
}

size_t graph_page_of(const struct graph *graph, const char *page_id)
{
	(void)graph;
	size_t page = (size_t)(page_id[0] - '0');
	return page < g.pages ? page : g.pages;
}

void graph_tell_failure(size_t page, const char *call, const struct graph_answer *a, const char *error)
{
	(void)page, (void)call, (void)a, (void)error;
	g.told++;
}

static void on_due(struct loop_timer *t)
{
	size_t page = g.last.page;
	(void)t;
	g.done(g.arg, g.status[page], str_c(g.body[page]), g.status[page] > 0 ? NULL : "no answer");
}

enum err_code graph_start(struct graph *graph, const struct graph_request *r, graph_done_fn *done, void *arg,
                          struct graph_call **ret, struct err *reterr)
{
	(void)graph;
	g.asked[g.calls++] = r->page;
	if (g.not_started[r->page])
		return err_set(reterr, ERR_NOMEM, "as the test wants");
	g.last = *r;
	g.done = done;
	g.arg = arg;
	g.timer.fn = on_due;
	*ret = (struct graph_call *)&g;
	return loop_timer_set(loop, &g.timer, loop_now_ms(loop));
}

void graph_cancel(struct graph_call *c)
{
	if (c != NULL)
		loop_timer_clear(loop, &g.timer);
}

static struct graph_post post;
static int ended;

static void on_done(struct graph_post *p)
{
	assert_null(p->call);
	ended++;
	loop_stop(loop);
}

static void fresh(size_t pages, const char *page_id)
{
	memset(&g, 0, sizeof g);
	g.pages = pages;
	for (size_t i = 0; i < PAGES_MAX; i++) {
		g.status[i] = 200;
		g.body[i] = OK;
	}
	ended = 0;
	post = (struct graph_post){.loop = loop,
	                           .path = "me/unlink_accounts",
	                           .page_id = page_id,
	                           .json = STR("{}"),
	                           .deadline_ms = loop_now_ms(loop) + 5000,
	                           .done = on_done};
}

static void answer(size_t page, long status, const char *body)
{
	g.status[page] = status;
	g.body[page] = body;
}

static void expect(enum graph_class class, size_t calls, size_t told)
{
	assert_int_equal(graph_post_start(&post, NULL), ERR_OK);
	assert_int_equal(ended, 0);
	run_guarded(2000);
	assert_int_equal(ended, 1);
	assert_string_equal(graph_class_name(post.answer.class), graph_class_name(class));
	assert_int_equal(g.calls, calls);
	assert_int_equal(g.told, told);
}

static void test_the_token_of_the_page_is_used(void **state)
{
	(void)state;
	fresh(3, "1");
	answer(1, 400, NOBODY);
	expect(GRAPH_NOBODY, 1, 0);
	assert_int_equal(g.asked[0], 1);
	assert_false(post.maybe_done);
	fresh(3, "1");
	post.once = true;
	expect(GRAPH_DONE, 1, 0);
	assert_true(g.last.once);
	assert_string_equal(g.last.path, "me/unlink_accounts");
}

static void test_a_single_token_serves_an_unknown_page(void **state)
{
	(void)state;
	for (int once = 0; once < 2; once++) {
		fresh(1, "");
		post.once = once;
		expect(GRAPH_DONE, 1, 0);
	}
}

static void test_each_token_is_tried_for_an_unknown_page(void **state)
{
	static const struct {
		const char *body[PAGES_MAX];
		enum graph_class class;
		size_t calls, told;
	} rows[] = {
	        {{OK, OK, OK}, GRAPH_DONE, 1, 0},
	        {{NOBODY, OK, OK}, GRAPH_DONE, 2, 0},
	        {{DEAD, LIMIT, OK}, GRAPH_DONE, 3, 2},
	        {{NOBODY, NOBODY, NOBODY}, GRAPH_NOBODY, 3, 0},
	        {{DEAD, LIMIT, NOBODY}, GRAPH_RATE_LIMITED, 3, 2},
	        {{NOBODY, NOBODY, DEAD}, GRAPH_TOKEN_DEAD, 3, 1},
	        {{NOBODY, REFUSED, NOBODY}, GRAPH_NOBODY, 3, 1},
	        {{REFUSED, NO_PROFILE, NOBODY}, GRAPH_NOBODY, 3, 2},
	        {{NOBODY, LINK_TOKEN, NO_PROFILE}, GRAPH_NOBODY, 3, 2},
	        {{REFUSED, REFUSED, NO_PROFILE}, GRAPH_NO_PROFILE, 3, 3},
	        {{NO_PROFILE, DEAD, REFUSED}, GRAPH_TOKEN_DEAD, 3, 3},
	        {{NOBODY, AWAY, NOBODY}, GRAPH_UNAVAILABLE, 3, 0},
	        {{AWAY, DEAD, NOBODY}, GRAPH_UNAVAILABLE, 3, 1},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		fresh(3, "");
		for (size_t page = 0; page < PAGES_MAX; page++)
			answer(page, 200, rows[i].body[page]);
		expect(rows[i].class, rows[i].calls, rows[i].told);
	}
}

static void test_what_cannot_start(void **state)
{
	(void)state;
	fresh(2, "7");
	assert_int_equal(graph_post_start(&post, NULL), ERR_NOT_FOUND);
	fresh(2, "");
	post.once = true;
	assert_int_equal(graph_post_start(&post, NULL), ERR_NOT_FOUND);
	fresh(2, "1");
	post.deadline_ms = loop_now_ms(loop);
	assert_int_equal(graph_post_start(&post, NULL), ERR_TIMEOUT);
	assert_int_equal(g.calls, 0);
	fresh(2, "1");
	g.not_started[1] = true;
	assert_int_equal(graph_post_start(&post, NULL), ERR_NOMEM);
	fresh(2, "");
	answer(0, 400, NOBODY);
	g.not_started[1] = true; /* a later page token: it may work another time */
	expect(GRAPH_RETRY, 2, 0);
}

/* A refused call was not executed. */
static void test_what_graph_may_have_done(void **state)
{
	static const struct {
		long status;
		const char *body;
		enum graph_class class;
		bool maybe_done;
	} rows[] = {
	        {200, OK, GRAPH_DONE, true},
	        {GRAPH_NOT_SENT, "", GRAPH_RETRY, false},
	        {0, "", GRAPH_RETRY, true},
	        {500, "<html>", GRAPH_RETRY, true},
	        {200, "{\"error\":{\"code\":2}}", GRAPH_RETRY, true},
	        {400, LIMIT, GRAPH_RATE_LIMITED, false},
	        {400, DEAD, GRAPH_TOKEN_DEAD, false},
	        {400, NOBODY, GRAPH_NOBODY, false},
	        {400, AWAY, GRAPH_UNAVAILABLE, false},
	        {400, "{\"error\":{\"code\":10}}", GRAPH_NOT_ALLOWED, false},
	        {400, "{\"error\":{\"code\":100}}", GRAPH_REFUSED, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		fresh(1, "0");
		answer(0, rows[i].status, rows[i].body);
		expect(rows[i].class, 1,
		       rows[i].class != GRAPH_DONE && rows[i].class != GRAPH_NOBODY &&
		               rows[i].class != GRAPH_UNAVAILABLE);
		assert_int_equal(post.maybe_done, rows[i].maybe_done);
	}
	fresh(2, ""); /* one of several page tokens */
	answer(0, 0, "");
	answer(1, 400, LIMIT);
	expect(GRAPH_RATE_LIMITED, 2, 2);
	assert_true(post.maybe_done);
}

static void test_after_a_cancel_nothing_comes(void **state)
{
	(void)state;
	fresh(1, "0");
	assert_int_equal(graph_post_start(&post, NULL), ERR_OK);
	graph_post_cancel(&post);
	graph_post_cancel(&post);
	run_guarded(50);
	assert_int_equal(ended, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_LOOP(test_the_token_of_the_page_is_used),
	        WITH_LOOP(test_a_single_token_serves_an_unknown_page),
	        WITH_LOOP(test_each_token_is_tried_for_an_unknown_page),
	        WITH_LOOP(test_what_cannot_start),
	        WITH_LOOP(test_what_graph_may_have_done),
	        WITH_LOOP(test_after_a_cancel_nothing_comes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
