/* Request bodies: bounds, the budget they share, memory that moves. */
#include "test.h"

#include "http/body.h"
#include "metrics.h"

static void test_bytes_are_charged_as_they_come(void **state)
{
	struct body b;
	(void)state;
	body_init(&b, 100, 1000);
	assert_int_equal(metric_value(M_BODY_BYTES), 0);
	assert_int_equal(body_add(&b, "abc", 3), ERR_OK);
	assert_int_equal(body_add(&b, "de", 2), ERR_OK);
	assert_int_equal(metric_value(M_BODY_BYTES), 5);
	assert_true(str_is(buf_view(&b.bytes), "abcde"));
	body_done(&b);
	assert_int_equal(metric_value(M_BODY_BYTES), 0);
}

static void test_a_body_has_its_own_bound(void **state)
{
	struct body b;
	(void)state;
	body_init(&b, 4, 1000);
	assert_int_equal(body_add(&b, "abc", 3), ERR_OK);
	assert_int_equal(body_add(&b, "de", 2), ERR_TOO_LARGE);
	assert_int_equal(metric_value(M_BODY_BYTES), 3);
	body_done(&b);
}

static void test_all_bodies_share_one_budget(void **state)
{
	struct body one, two;
	(void)state;
	body_init(&one, 100, 10);
	body_init(&two, 100, 10);
	assert_int_equal(body_add(&one, "1234567", 7), ERR_OK);
	assert_int_equal(body_add(&two, "123", 3), ERR_OK);
	assert_int_equal(body_add(&two, "4", 1), ERR_BUSY);
	assert_false(body_fits(1, 10));
	assert_true(body_fits(0, 10));
	body_done(&one);
	assert_true(body_fits(7, 10));
	assert_false(body_fits(8, 10));
	assert_int_equal(body_add(&two, "4", 1), ERR_OK);
	body_done(&two);
	assert_int_equal(metric_value(M_BODY_BYTES), 0);
}

static void test_a_moved_body_takes_its_charge_along(void **state)
{
	struct body from, to;
	(void)state;
	body_init(&from, 100, 1000);
	assert_int_equal(body_add(&from, "abc", 3), ERR_OK);
	const char *bytes = from.bytes.p;
	body_move(&to, &from);
	body_done(&from);
	assert_int_equal(metric_value(M_BODY_BYTES), 3);
	assert_ptr_equal(to.bytes.p, bytes);
	body_done(&to);
	body_done(&to);
	assert_int_equal(metric_value(M_BODY_BYTES), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_bytes_are_charged_as_they_come),
	        cmocka_unit_test(test_a_body_has_its_own_bound),
	        cmocka_unit_test(test_all_bodies_share_one_budget),
	        cmocka_unit_test(test_a_moved_body_takes_its_charge_along),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
