#include "test.h"

#include "net/breaker.h"

static const struct breaker_rule rule = {
        .failures = 5, .within_ms = 10000, .open_ms = 60000, .probe_ms = 2000};

static void fail_times(struct breaker *b, int n, int64_t first_ms, int64_t step_ms)
{
	for (int i = 0; i < n; i++)
		(void)breaker_failed(b, &rule, first_ms + i * step_ms);
}

static void opens_at_the_fifth_failure_within_the_window(void **state)
{
	struct breaker b = {0};
	(void)state;
	fail_times(&b, 4, 1000, 2500);
	assert_true(breaker_admit(&b, &rule, 11000));
	assert_true(breaker_failed(&b, &rule, 11000));
	assert_false(breaker_admit(&b, &rule, 11001));
	assert_false(breaker_admit(&b, &rule, 70999));
}

static void failures_that_are_spread_wider_do_not_open_it(void **state)
{
	struct breaker b = {0};
	(void)state;
	for (int i = 0; i < 100; i++)
		assert_false(breaker_failed(&b, &rule, i * 2501));
	assert_true(breaker_admit(&b, &rule, 100 * 2501));
}

static void a_success_forgets_the_failures(void **state)
{
	struct breaker b = {0};
	(void)state;
	fail_times(&b, 4, 0, 1);
	breaker_succeeded(&b);
	fail_times(&b, 4, 10, 1);
	assert_true(breaker_admit(&b, &rule, 20));
}

static void one_probe_decides(void **state)
{
	struct breaker b = {0};
	(void)state;
	fail_times(&b, 5, 0, 1); /* open at 4 */
	assert_false(breaker_admit(&b, &rule, 60003));
	assert_true(breaker_admit(&b, &rule, 60004));
	assert_false(breaker_admit(&b, &rule, 60005));  /* only one */
	assert_false(breaker_failed(&b, &rule, 60100)); /* it was not closed, so it is no news */
	assert_false(breaker_admit(&b, &rule, 120099));
	assert_true(breaker_admit(&b, &rule, 120100));
	breaker_succeeded(&b);
	assert_true(breaker_admit(&b, &rule, 120101));
	assert_true(breaker_admit(&b, &rule, 120101));
}

static void a_lost_probe_is_followed_by_another(void **state)
{
	struct breaker b = {0};
	(void)state;
	fail_times(&b, 5, 0, 0);
	assert_true(breaker_admit(&b, &rule, 60000));
	assert_false(breaker_admit(&b, &rule, 61999));
	assert_true(breaker_admit(&b, &rule, 62000));
}

static void a_probe_without_a_result_makes_room_for_another(void **state)
{
	struct breaker b = {0};
	(void)state;
	fail_times(&b, 5, 0, 0);
	assert_true(breaker_admit(&b, &rule, 60000));
	breaker_lost(&b);
	assert_true(breaker_admit(&b, &rule, 60000));
	assert_false(breaker_admit(&b, &rule, 60000));
}

static void a_late_success_of_an_earlier_call_does_not_close_it(void **state)
{
	struct breaker b = {0};
	(void)state;
	fail_times(&b, 5, 0, 0);
	breaker_succeeded(&b);
	assert_false(breaker_admit(&b, &rule, 1000));
}

static void late_failures_of_earlier_calls_do_not_prolong_the_pause(void **state)
{
	struct breaker b = {0};
	(void)state;
	fail_times(&b, 5, 0, 0);
	fail_times(&b, 20, 1000, 100);
	assert_true(breaker_admit(&b, &rule, 60000));
}

static void one_failure_is_enough_where_the_rule_says_so(void **state)
{
	const struct breaker_rule strict = {1, 0, 100, 10};
	struct breaker b = {0};
	(void)state;
	assert_true(breaker_failed(&b, &strict, 7));
	assert_false(breaker_admit(&b, &strict, 106));
	assert_true(breaker_admit(&b, &strict, 107));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(opens_at_the_fifth_failure_within_the_window),
	        cmocka_unit_test(failures_that_are_spread_wider_do_not_open_it),
	        cmocka_unit_test(a_success_forgets_the_failures),
	        cmocka_unit_test(one_probe_decides),
	        cmocka_unit_test(a_lost_probe_is_followed_by_another),
	        cmocka_unit_test(a_probe_without_a_result_makes_room_for_another),
	        cmocka_unit_test(a_late_success_of_an_earlier_call_does_not_close_it),
	        cmocka_unit_test(late_failures_of_earlier_calls_do_not_prolong_the_pause),
	        cmocka_unit_test(one_failure_is_enough_where_the_rule_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
