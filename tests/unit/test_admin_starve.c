/* The admin API, the probes and the error page while memory or the store's places run out. */
#include "test.h"

#include "admin/admin.h"
#include "admin/health.h"
#include "admin_rig.h"
#include "obs/log.h"
#include "refuse.h"
#include "web/web.h"

static void rows(size_t same)
{
	set_up(&fake_sharp);
	for (size_t i = 0; i < same; i++)
		rig.store.row[i] = (struct fake_row){.id = "a", .psid = "7", .at = 1};
	rig.store.n = same;
}

static void ask(void (*handler)(struct request *r), const char *arg)
{
	new_request();
	fake_arg(&q, arg);
	handler(&q.r);
	if (q.answers == 0)
		assert_true(fake_run(&rig, 10000));
	assert_int_equal(q.answers, 1);
}

static const struct {
	void (*handler)(struct request *r);
	const char *arg;
	unsigned status;
} calls[] = {{admin_link_get, "7", 200},
             {admin_link_delete, "7", 204},
             {admin_customer_links, "a", 200},
             {admin_customer_erase, "a", 204},
             {admin_metrics, "", 200}};

/* What it has not done it does not call done: 503, and the same call succeeds afterwards. */
static void starve_call(size_t i, const char *function)
{
	for (size_t nth = 1, met = 1; met; nth++) {
		rows(1);
		starve_only(function);
		starve_nth(nth);
		ask(calls[i].handler, calls[i].arg);
		met = starve_calls() >= nth;
		if (q.status != (met ? 503 : calls[i].status))
			fail_msg("call %zu, the %zu. %s: %u", i, nth, function, q.status);
		if (met) {
			fake_end(&q);
			rig.over = false;
			ask(calls[i].handler, calls[i].arg);
			assert_int_equal(q.status, calls[i].status);
		}
		tear_down();
	}
}

static void every_allocation(void **state)
{
	static const char *const functions[] = {"calloc", "realloc", "loop_timer_set"};
	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
		for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++)
			starve_call(i, functions[f]);
	starve_only(NULL);
}

static void no_place_in_the_store(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (size_t at = 1; at <= 2; at++) {
			rows(1);
			rig.store.busy_at = at;
			ask(calls[i].handler, calls[i].arg);
			assert_int_equal(q.status, at <= rig.store.ops ? 503 : calls[i].status);
			tear_down();
		}
}

/* --- more items than one look shows */

static size_t shown; /* by each look but the first, which shows all there is room for */

static void after_the_first(struct fake *f, const struct store_op *op, bool end)
{
	struct store_op *o = (struct store_op *)(uintptr_t)op;
	if (!end || op->kind != STORE_FIND_ID || f->ops == 1)
		return;
	assert_string_equal(op->in.find_id.past, "a@example.com"); /* goes on from the last */
	o->out.n = shown;
	for (size_t i = 0; i < shown; i++)
		fake_copy(o->out.customers[i].key.email, sizeof o->out.customers[i].key.email,
		          "b@example.com");
}

static void erase_many(size_t more)
{
	rows(STORE_HOLDERS_MAX);
	shown = more;
	rig.store.saw = after_the_first;
	ask(admin_customer_erase, "a");
	tear_down();
}

static void more_items_than_one_look_shows(void **state)
{
	(void)state;
	erase_many(0);
	assert_int_equal(q.status, 204);
	assert_int_equal(rig.store.ops, 1 + STORE_HOLDERS_MAX + 1);
	erase_many(3);
	assert_int_equal(q.status, 204);
	assert_int_equal(rig.store.ops, 1 + STORE_HOLDERS_MAX + 1 + 3);
	/* a look that goes on from an e-mail and shows it again: there may be more, so it is not done */
	rows(STORE_HOLDERS_MAX);
	ask(admin_customer_erase, "a");
	assert_int_equal(q.status, 500);
	assert_string_equal(q.body, "The customer has items that could not be seen.");
	tear_down();
}

/* The item is gone before it is erased: nobody is told of a link. */
static void look_away(struct fake *f, const struct store_op *op, bool end)
{
	if (!end && op->kind == STORE_ERASE)
		f->n = 0;
}

static void an_item_that_is_gone(void **state)
{
	(void)state;
	rows(1);
	rig.store.saw = look_away;
	ask(admin_customer_erase, "a");
	assert_int_equal(q.status, 204);
	assert_string_equal(fake_heard, "");
	tear_down();
}

/* --- the probes */

static struct loop_timer end;

static void on_end(struct loop_timer *t)
{
	(void)t;
	(void)starve_calls();
	rig.over = true;
}

static void beat_for(int64_t ms)
{
	rig.over = false;
	end = (struct loop_timer){.fn = on_end};
	assert_int_equal(loop_timer_set(rig.loop, &end, loop_now_ms(rig.loop) + ms), ERR_OK);
	(void)fake_run(&rig, ms + 1000);
}

static const char *ready(void)
{
	new_request();
	health_readyz(&q.r);
	return q.body;
}

static void start_health(void)
{
	set_up(&fake_sharp);
	rig.service.health = NULL;
	STARVE(health_new(&rig.service.health, NULL), ERR_OK);
	assert_int_equal(health_start(&rig.service, NULL), ERR_OK);
}

static void stop_health(void)
{
	health_stop(&rig.service);
	health_free(rig.service.health);
	health_free(NULL);
	tear_down();
}

static void a_question_that_cannot_be_put(void **state)
{
	(void)state;
	start_health();
	starve_only("malloc");
	starve_from(1);
	beat_for(100);
	starve_only(NULL);
	assert_int_equal(rig.store.ops, 0);
	assert_non_null(strstr(ready(), "\"error\":\"NOMEM: "));
	beat_for(3000); /* asked again */
	assert_int_equal(q.status, 503);
	assert_non_null(strstr(ready(), "\"ok\":true"));
	rig.store.busy_at = rig.store.ops + 1;
	beat_for(2100);
	assert_non_null(strstr(ready(), "\"error\":\"BUSY: "));
	stop_health();
}

/* A good answer that is old is none: the loop that asks does not turn. */
static void an_old_answer(void **state)
{
	(void)state;
	start_health();
	beat_for(100);
	(void)ready();
	assert_int_equal(q.status, 200);
	fake_now_ms += HEALTH_FRESH_MS + 1000;
	assert_non_null(strstr(ready(), "\"ok\":false"));
	assert_non_null(strstr(q.body, "\"error\":null"));
	assert_int_equal(q.status, 503);
	stop_health();
}

/* Only the first loop asks the store; there is a place for so many loops. */
static void many_loops(void **state)
{
	static struct service other[HEALTH_LOOPS_MAX];
	struct err e;
	(void)state;
	start_health();
	for (size_t i = 1; i < HEALTH_LOOPS_MAX; i++) {
		other[i] = rig.service;
		assert_int_equal(health_start(&other[i], NULL), ERR_OK);
	}
	other[0] = rig.service;
	assert_int_equal(health_start(&other[0], &e), ERR_BUSY);
	assert_string_equal(e.msg, "more than 256 event loops");
	beat_for(1500);
	assert_int_equal(rig.store.ops, 1);
	for (size_t i = 1; i < HEALTH_LOOPS_MAX; i++)
		health_stop(&other[i]);
	stop_health();
}

static void a_loop_without_memory_for_its_beat(void **state)
{
	(void)state;
	set_up(&fake_sharp);
	assert_int_equal(health_new(&rig.service.health, NULL), ERR_OK);
	starve_nth(1);
	assert_int_equal(health_start(&rig.service, NULL), ERR_NOMEM);
	assert_int_equal(starve_calls(), 1);
	new_request();
	health_livez(&q.r);
	assert_int_equal(q.status, 200); /* a loop that did not start is not stuck */
	stop_health();
}

/* It says so, and is found to be stuck. */
static void a_beat_that_is_the_last(void **state)
{
	(void)state;
	start_health();
	beat_for(100);
	rig.over = false;
	end = (struct loop_timer){.fn = on_end};
	assert_int_equal(loop_timer_set(rig.loop, &end, loop_now_ms(rig.loop) + HEALTH_STUCK_MS + 3000),
	                 ERR_OK);
	starve_only("loop_timer_set");
	starve_nth(1);
	(void)fake_run(&rig, HEALTH_STUCK_MS + 4000);
	starve_only(NULL);
	new_request();
	health_livez(&q.r);
	assert_int_equal(q.status, 503);
	assert_string_equal(q.body, "stuck");
	stop_health();
}

/* --- the error page */

static const char *page_of(enum err_code code, const char *detail)
{
	new_request();
	web_error_page(&q.r, code, detail);
	assert_int_equal(q.answers, 1);
	return q.body;
}

static void error_pages(void **state)
{
	static char huge[40000];
	(void)state;
	set_up(&fake_sharp);
	memset(huge, 'x', sizeof huge - 1);
	assert_non_null(strstr(page_of(ERR_NOT_FOUND, NULL), "<h1>Page not found</h1>"));
	assert_int_equal(q.status, 404);
	assert_non_null(strstr(page_of(ERR_THROTTLED, NULL), "<h1>Too many tries</h1>"));
	assert_int_equal(q.status, 429);
	assert_non_null(strstr(page_of(ERR_INVALID, "no <token>"), "no &lt;token&gt;"));
	assert_int_equal(q.status, 400);
	assert_non_null(strstr(q.body, "<h1>This did not work</h1>"));
	assert_non_null(strstr(page_of(ERR_STORE, NULL), "<h1>Please try again</h1>"));
	/* what has no room, or no memory, is said without the detail */
	assert_null(strstr(page_of(ERR_INVALID, huge), "xxx"));
	assert_int_equal(q.status, 400);
	assert_non_null(strstr(q.body, err_text(ERR_INVALID)));
	starve_nth(1);
	assert_non_null(strstr(page_of(ERR_INVALID, "the detail"), err_text(ERR_INVALID)));
	assert_int_not_equal(starve_calls(), 0);
	assert_null(strstr(q.body, "the detail"));
	new_request();
	web_style(&q.r);
	assert_string_equal(q.type, "text/css; charset=utf-8");
	tear_down();
}

int main(void)
{
	if (crypto_start(NULL) != ERR_OK)
		return EXIT_FAILURE;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_allocation),
	        cmocka_unit_test(no_place_in_the_store),
	        cmocka_unit_test(more_items_than_one_look_shows),
	        cmocka_unit_test(an_item_that_is_gone),
	        cmocka_unit_test(a_question_that_cannot_be_put),
	        cmocka_unit_test(an_old_answer),
	        cmocka_unit_test(many_loops),
	        cmocka_unit_test(a_loop_without_memory_for_its_beat),
	        cmocka_unit_test(a_beat_that_is_the_last),
	        cmocka_unit_test(error_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
