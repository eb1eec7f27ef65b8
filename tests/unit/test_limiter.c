/* How many calls are sent at once, who is next, and when new work is refused; on a clock of the test's own.
 */
#include "test.h"

#include "base/clock.h"
#include "loop/limiter.h"

enum { PLACES = 4, LONG_MS = 60000 };

static int64_t now_us = 1000000;
static struct limiter limiter;
static struct limiter_slot slot[PLACES * 200];

int64_t clock_mono_us(void)
{
	return now_us;
}

static int setup(void **state)
{
	(void)state;
	memset(slot, 0, sizeof slot);
	limiter_init(&limiter, PLACES);
	return 0;
}

/* `n` calls of this time, one after another in each place. */
static void calls_take(int64_t us, int n)
{
	for (int i = 0; i < n; i++) {
		limiter_enter(&limiter, &slot[0], false);
		now_us += us;
		limiter_leave(&limiter, &slot[0], true);
	}
}

static void enter(size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++)
		limiter_enter(&limiter, &slot[i], false);
}

static void test_places_then_a_line_in_order(void **state)
{
	(void)state;
	enter(0, PLACES + 3);
	for (size_t i = 0; i < PLACES + 3; i++)
		assert_int_equal(slot[i].state, i < PLACES ? LIMITER_SLOT_RUNNING : LIMITER_SLOT_WAITING);
	assert_null(limiter_next(&limiter)); /* no place is free */
	limiter_leave(&limiter, &slot[1], true);
	assert_ptr_equal(limiter_next(&limiter), &slot[PLACES]);
	assert_int_equal(slot[PLACES].state, LIMITER_SLOT_RUNNING);
	assert_null(limiter_next(&limiter));
	limiter_leave(&limiter, &slot[PLACES + 1], false); /* gives up while it waits */
	assert_int_equal(limiter.running, PLACES);
	limiter_leave(&limiter, &slot[0], true);
	assert_ptr_equal(limiter_next(&limiter), &slot[PLACES + 2]);
	assert_int_equal(limiter.waiting, 0);
}

static void test_who_is_ahead(void **state)
{
	(void)state;
	enter(0, PLACES + 2);
	limiter_enter(&limiter, &slot[20], true);
	limiter_enter(&limiter, &slot[21], true);
	for (size_t i = 0; i < PLACES; i++)
		limiter_leave(&limiter, &slot[i], true);
	assert_ptr_equal(limiter_next(&limiter), &slot[20]); /* none of them is overtaken for ever */
	assert_ptr_equal(limiter_next(&limiter), &slot[21]);
	assert_ptr_equal(limiter_next(&limiter), &slot[PLACES]);
	assert_ptr_equal(limiter_next(&limiter), &slot[PLACES + 1]);
	assert_null(limiter_next(&limiter));
}

static void test_leaving_twice_is_harmless(void **state)
{
	(void)state;
	enter(0, PLACES + 1);
	for (int i = 0; i < 2; i++) {
		limiter_leave(&limiter, &slot[0], true);
		limiter_leave(&limiter, &slot[PLACES], true);
	}
	assert_int_equal(limiter.running, PLACES - 1);
	assert_int_equal(limiter.waiting, 0);
}

/* As many may wait as have their turn within half a second. */
static void test_full_by_the_time_of_calls(void **state)
{
	(void)state;
	static const struct {
		int64_t call_us;
		size_t line;
	} table[] = {{5000, 400}, {50000, 40}, {250000, 8}, {1000000, 2}};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		(void)setup(NULL);
		calls_take(table[i].call_us, 400);
		enter(0, PLACES);
		size_t n = PLACES;
		for (; !limiter_full(&limiter, LONG_MS); n++)
			limiter_enter(&limiter, &slot[n], false);
		assert_in_range(n - PLACES, table[i].line - table[i].line / 100 - 1, table[i].line + 1);
	}
}

static void test_full_when_its_own_time_would_not_do(void **state)
{
	(void)state;
	calls_take(50000, 400);
	assert_false(limiter_full(&limiter, 1)); /* a place is free: its own timeout is the judge */
	enter(0, PLACES);
	assert_false(limiter_full(&limiter, 65));
	assert_true(limiter_full(&limiter, 60)); /* a fourth of a call, then a call */
	assert_true(limiter_full(&limiter, -5));
}

/* Each of those before it may need many calls. */
static void test_full_while_the_first_in_line_waits_too_long(void **state)
{
	(void)state;
	enter(0, PLACES + 2);
	limiter_enter(&limiter, &slot[20], true); /* what was begun is not what is waited for */
	now_us += LIMITER_WAIT_MS * 1000;
	assert_false(limiter_full(&limiter, LONG_MS));
	now_us++;
	assert_true(limiter_full(&limiter, LONG_MS));
	limiter_leave(&limiter, &slot[PLACES], false);
	limiter_leave(&limiter, &slot[PLACES + 1], false);
	assert_false(limiter_full(&limiter, LONG_MS));
}

/* A store that was slow is believed to be quick again after some tens of calls. */
static void test_recovers(void **state)
{
	(void)state;
	calls_take(1000000, 400);
	enter(0, PLACES + 2);
	assert_true(limiter_full(&limiter, LONG_MS));
	for (size_t i = 0; i < PLACES + 2; i++)
		limiter_leave(&limiter, &slot[i], false); /* cancelled: says nothing of the store */
	assert_in_range(limiter.call_us, 900000, 1000000);
	calls_take(5000, 100);
	assert_in_range(limiter.call_us, 4900, 8000);
}

static struct limiter_waiter turn[3];
static int came;

/* What a turn does: its call enters, and finds the place. */
static void on_turn(struct limiter_waiter *t)
{
	came++;
	limiter_enter(&limiter, &slot[40 + (t - turn)], false);
	assert_int_equal(slot[40 + (t - turn)].state, LIMITER_SLOT_RUNNING);
}

static void set_turns(void)
{
	came = 0;
	for (size_t i = 0; i < 3; i++)
		turn[i] = (struct limiter_waiter){.fn = on_turn};
}

static void test_turns_of_those_without_a_call(void **state)
{
	(void)state;
	set_turns();
	enter(0, PLACES - 1);
	assert_false(limiter_wait(&limiter, &turn[0])); /* a place is free */
	enter(PLACES - 1, 1);
	for (size_t i = 0; i < 3; i++)
		assert_true(limiter_wait(&limiter, &turn[i]));
	assert_int_equal(limiter.waiting, 3);
	limiter_wait_end(&turn[1]);
	limiter_wait_end(&turn[1]);
	assert_int_equal(limiter.waiting, 2);
	for (size_t i = 0; i < 2; i++) {
		limiter_leave(&limiter, &slot[i], true);
		struct limiter_slot *next = limiter_next(&limiter);
		assert_ptr_equal(next, &turn[2 * i].slot);
		next->turn(next);
		assert_int_equal(came, i + 1);
		assert_int_equal(limiter.running, PLACES);
	}
	limiter_wait_end(&turn[0]); /* its turn has been */
	assert_int_equal(limiter.running, PLACES);
}

/* A delivery of several counts as the calls it will make. */
static void test_turns_that_bring_more_calls(void **state)
{
	(void)state;
	set_turns();
	calls_take(50000, 400);
	enter(0, PLACES);
	turn[0].slot.more = 19;
	turn[1].slot.more = 18;
	assert_true(limiter_wait(&limiter, &turn[0]) && limiter_wait(&limiter, &turn[1]));
	assert_false(limiter_full(&limiter, LONG_MS)); /* 39 of 40 */
	assert_true(limiter_wait(&limiter, &turn[2]));
	assert_true(limiter_full(&limiter, LONG_MS));
	limiter_wait_end(&turn[1]);
	assert_int_equal(limiter.waiting, 21);
	limiter_leave(&limiter, &slot[0], true);
	struct limiter_slot *next = limiter_next(&limiter);
	assert_ptr_equal(next, &turn[0].slot);
	assert_int_equal(limiter.waiting, 1);
}

static void test_an_end_with_turns_in_line(void **state)
{
	(void)state;
	set_turns();
	enter(0, PLACES);
	assert_true(limiter_wait(&limiter, &turn[0]) && limiter_wait(&limiter, &turn[1]));
	limiter_end(&limiter);
	assert_int_equal(limiter.waiting, 0);
	assert_null(turn[0].limiter);
	limiter_wait_end(&turn[1]);
	assert_int_equal(came, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(test_places_then_a_line_in_order, setup),
	        cmocka_unit_test_setup(test_who_is_ahead, setup),
	        cmocka_unit_test_setup(test_leaving_twice_is_harmless, setup),
	        cmocka_unit_test_setup(test_full_by_the_time_of_calls, setup),
	        cmocka_unit_test_setup(test_full_when_its_own_time_would_not_do, setup),
	        cmocka_unit_test_setup(test_full_while_the_first_in_line_waits_too_long, setup),
	        cmocka_unit_test_setup(test_recovers, setup),
	        cmocka_unit_test_setup(test_turns_of_those_without_a_call, setup),
	        cmocka_unit_test_setup(test_turns_that_bring_more_calls, setup),
	        cmocka_unit_test_setup(test_an_end_with_turns_in_line, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
