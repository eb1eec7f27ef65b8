/* A delivery that waits for a slot of the store: it gets one, or not in time, or nobody waits any more. */
#include "test.h"

#include "webhook_rig.h"

static struct limiter calls; /* one slot */
static struct limiter_slot busy;

static void start(bool is_full)
{
	set_up(&fake_sharp);
	limiter_init(&calls, 1);
	busy = (struct limiter_slot){.more = 0};
	rig.port.limiter = &calls;
	if (is_full)
		limiter_enter(&calls, &busy, false);
	open_body();
	add_event(7, FAKE_WALL_MS, NULL);
	close_body();
	sign();
	deliver();
}

static void a_free_slot(void **state)
{
	(void)state;
	start(false);
	expect(200);
	assert_true(rig.store.ops > 0);
	tear_down();
}

static void it_gets_a_slot(void **state)
{
	(void)state;
	start(true);
	assert_int_equal(calls.waiting, 1); /* one event */
	assert_int_equal(rig.store.ops, 0);
	assert_int_equal(q.answers, 0);
	limiter_leave(&calls, &busy, true);
	struct limiter_slot *next = limiter_next(&calls);
	assert_non_null(next);
	next->turn(next);
	assert_true(rig.store.ops > 0);
	assert_int_equal(calls.running, 0); /* the slot is free for the call that follows */
	expect(200);
	tear_down();
}

static void it_gets_no_slot_in_time(void **state)
{
	(void)state;
	int64_t began = fake_now_ms, unsettled = metric_value(M_EVENT_UNSETTLED);
	start(true);
	expect(503);
	assert_in_range(fake_now_ms - began, 2500, 2600);
	assert_int_equal(calls.waiting, 0);
	assert_int_equal(rig.store.ops, 0);
	assert_int_equal(metric_value(M_EVENT_UNSETTLED) - unsettled, 1);
	tear_down();
}

static void the_client_leaves(void **state)
{
	(void)state;
	start(true);
	fake_end(&q);
	assert_int_equal(calls.waiting, 0);
	assert_int_equal(q.answers, 0);
	tear_down();
}

int main(void)
{
	if (crypto_start(NULL) != ERR_OK)
		return EXIT_FAILURE;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_free_slot),
	        cmocka_unit_test(it_gets_a_slot),
	        cmocka_unit_test(it_gets_no_slot_in_time),
	        cmocka_unit_test(the_client_leaves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
