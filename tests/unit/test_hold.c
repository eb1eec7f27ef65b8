/* Listeners delay an answer and release it. */
#include "link/change.h"
#include "starve.h"
#include "test.h"

static int released;

static void on_released(struct link_answer_hold *a)
{
	assert_null(a->taken);
	released++;
}

static void test_nobody_holds(void **state)
{
	struct link_answer_hold a = {.released = on_released};
	(void)state;
	assert_false(link_hold_wait(&a));
	link_hold_leave(&a);
	assert_null(link_hold_take(NULL)); /* nobody waits for an answer */
	link_hold_release(NULL);
}

static void test_the_last_release_lets_the_answer_go(void **state)
{
	struct link_answer_hold a = {.released = on_released};
	(void)state;
	released = 0;
	struct link_hold *one = link_hold_take(&a), *two = link_hold_take(&a);
	assert_true(one != NULL && two != NULL);
	assert_true(link_hold_wait(&a));
	link_hold_release(one);
	assert_int_equal(released, 0);
	link_hold_release(two);
	assert_int_equal(released, 1);
}

static void test_released_before_the_answer_waits(void **state)
{
	struct link_answer_hold a = {.released = on_released};
	(void)state;
	released = 0;
	link_hold_release(link_hold_take(&a));
	assert_int_equal(released, 0);
	assert_false(link_hold_wait(&a));
}

static void test_the_answer_does_not_wait_for_ever(void **state)
{
	struct link_answer_hold a = {.released = on_released};
	(void)state;
	released = 0;
	struct link_hold *h = link_hold_take(&a);
	assert_true(link_hold_wait(&a));
	link_hold_leave(&a);
	link_hold_release(h); /* the listener's work goes on */
	assert_int_equal(released, 0);
}

static void test_without_memory_nobody_holds(void **state)
{
	struct link_answer_hold a = {.released = on_released};
	(void)state;
	starve_nth(1);
	assert_null(link_hold_take(&a));
	assert_int_equal(starve_calls(), 1);
	assert_false(link_hold_wait(&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_nobody_holds),
	        cmocka_unit_test(test_the_last_release_lets_the_answer_go),
	        cmocka_unit_test(test_released_before_the_answer_waits),
	        cmocka_unit_test(test_the_answer_does_not_wait_for_ever),
	        cmocka_unit_test(test_without_memory_nobody_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
