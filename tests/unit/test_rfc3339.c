#include "aws/rfc3339.h"
#include "test.h"

static void test_moments_are_seconds_since_1970(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t want;
	} table[] = {
	        {"1970-01-01T00:00:01Z", 1},
	        {"2000-02-29T12:00:00.5z", 951825600},
	        {"2026-01-31T23:59:59+01:00", 1769900399},
	        {"2026-01-31t23:59:59-0100", 1769907599},
	        {"9999-12-31T23:59:59Z", 253402300799},
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		int64_t s = -1;
		assert_true(rfc3339_parse(str_c(table[i].text), &s));
		assert_int_equal(s, table[i].want);
	}
}

static void test_what_is_no_moment_writes_nothing(void **state)
{
	(void)state;
	static const char *const table[] = {
	        "",
	        "2026-01-31T23:59:59",
	        "2026-02-29T00:00:00Z",
	        "2026-01-31T24:00:00Z",
	        "2026-01-31T23:59:59.Z",
	        "2026-01-31T23:59:59+24:00",
	        "1970-01-01T00:00:00Z",
	        "1970-01-01T00:00:30+00:01", /* before 1970 */
	        "9999-12-31T23:59:59-00:01", /* after 9999 */
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		int64_t s = -1;
		assert_false(rfc3339_parse(str_c(table[i]), &s));
		assert_int_equal(s, -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_moments_are_seconds_since_1970),
	        cmocka_unit_test(test_what_is_no_moment_writes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
