/* A delivery that stands in line for the store: its turn comes, or not in time, or nobody waits any more. */
#include "test.h"

#include "webhook_rig.h"

static bool full;
static struct store_turn *waits;
static int left;

static bool line(struct store *s, const struct loop *loop, struct store_turn *t)
{
	(void)s;
	assert_ptr_equal(loop, rig.loop);
	if (full) {
		waits = t;
		t->place = &full;
	}
	return full;
}

static void line_leave(struct store_turn *t)
{
	t->place = NULL;
	left++;
}

static const struct store_vtable lined = {.traits = {.name = "fake", .index_lags = false, .find_psid = true},
                                          .start = fake_start,
                                          .free = fake_close,
                                          .line = line,
                                          .line_leave = line_leave};

static void start(bool is_full)
{
	set_up(&lined);
	full = is_full;
	waits = NULL;
	left = 0;
	open_body();
	add_event(7, FAKE_WALL_MS, NULL);
	close_body();
	sign();
	deliver();
}

static void a_free_place(void **state)
{
	(void)state;
	start(false);
	expect(200);
	assert_true(rig.store.ops > 0);
	tear_down();
	assert_int_equal(left, 0);
}

static void its_turn_comes(void **state)
{
	(void)state;
	start(true);
	assert_non_null(waits);
	assert_int_equal(waits->more, 0); /* one event */
	assert_int_equal(rig.store.ops, 0);
	assert_int_equal(q.answers, 0);
	waits->place = NULL;
	waits->fn(waits);
	assert_true(rig.store.ops > 0);
	expect(200);
	tear_down();
	assert_int_equal(left, 0);
}

static void its_turn_does_not_come(void **state)
{
	(void)state;
	int64_t began = fake_now_ms, unsettled = metric_value(M_EVENT_UNSETTLED);
	start(true);
	expect(503);
	assert_in_range(fake_now_ms - began, 2500, 2600);
	assert_int_equal(left, 1);
	assert_int_equal(rig.store.ops, 0);
	assert_int_equal(metric_value(M_EVENT_UNSETTLED) - unsettled, 1);
	tear_down();
	assert_int_equal(left, 1);
}

static void the_client_leaves(void **state)
{
	(void)state;
	start(true);
	fake_end(&q);
	assert_int_equal(left, 1);
	assert_int_equal(q.answers, 0);
	tear_down();
	assert_int_equal(left, 1);
}

int main(void)
{
	if (crypto_start(NULL) != ERR_OK)
		return EXIT_FAILURE;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_free_place),
	        cmocka_unit_test(its_turn_comes),
	        cmocka_unit_test(its_turn_does_not_come),
	        cmocka_unit_test(the_client_leaves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
