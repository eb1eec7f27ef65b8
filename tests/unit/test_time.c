#include "base/time.h"
#include "test.h"

#include <time.h>

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
		assert_true(time_read_rfc3339(str_c(table[i].text), &s));
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
		assert_false(time_read_rfc3339(str_c(table[i]), &s));
		assert_int_equal(s, -1);
	}
}

static void test_dates_of_http(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t want; /* -1: refused */
	} table[] = {
	        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
	        {"Thu, 29 Feb 2024 23:59:60 GMT", 1709251200},
	        {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
	        {"Thu, 29 Feb 2023 00:00:00 GMT", -1},
	        {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
	        {"Sun, 06 Nov 1994 24:00:00 GMT", -1},
	        {"Sun, 06 Nof 1994 08:49:37 GMT", -1},
	        {"Sun, 06-Nov-1994 08:49:37 GMT", -1},
	        {"Sun, 00 Nov 1994 08:49:37 GMT", -1},
	        {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
	        {"Sun, 06 Nov 1994 08.49.37 GMT", -1},
	        {"Thu, 01 Jan 1970 00:00:00 GMT", -1},
	        {"", -1},
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		int64_t s = -1;
		assert_int_equal(time_read_http(str_c(table[i].text), &s), table[i].want >= 0);
		assert_int_equal(s, table[i].want);
	}
}

static void test_numbers(void **state)
{
	(void)state;
	static const struct {
		double seconds;
		int64_t want; /* -1: refused */
	} table[] = {{1, 1},
	             {1769900399.9, 1769900399},
	             {253402300799.0, 253402300799},
	             {0.5, -1},
	             {-1, -1},
	             {253402300800.0, -1},
	             {0.0 / 0.0, -1}};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		int64_t s = -1;
		assert_int_equal(time_read_number(table[i].seconds, &s), table[i].want >= 0);
		assert_int_equal(s, table[i].want);
	}
}

/* What the C library writes of the same moment. */
static void test_writes_what_it_reads(void **state)
{
	(void)state;
	for (int64_t s = 1; s <= INT64_C(253402300799); s += 97 * 86400 + 12345) {
		char text[TIME_RFC3339_LEN + 1], basic[TIME_BASIC_LEN + 1], want[32];
		struct tm tm;
		time_t t = s;
		int64_t back = -1;
		assert_non_null(gmtime_r(&t, &tm));
		assert_true(time_write_rfc3339(s, text) && time_write_basic(s, basic));
		assert_true(strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
		assert_string_equal(text, want);
		assert_true(strftime(want, sizeof want, "%Y%m%dT%H%M%SZ", &tm) > 0);
		assert_string_equal(basic, want);
		assert_true(time_read_rfc3339(str_c(text), &back));
		assert_int_equal(back, s);
		assert_true(strftime(want, sizeof want, "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0);
		assert_true(time_read_http(str_c(want), &back));
		assert_int_equal(back, s);
	}
}

static void test_the_basic_format(void **state)
{
	static const struct {
		int64_t time_s;
		const char *text;
	} rows[] = {{0, "19700101T000000Z"},           {951782399, "20000228T235959Z"},
	            {951782400, "20000229T000000Z"},   {1440938160, "20150830T123600Z"},
	            {4107542399, "21000228T235959Z"},  {4107542400, "21000301T000000Z"},
	            {253402300799, "99991231T235959Z"}};
	char date[TIME_BASIC_LEN + 1];
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_true(time_write_basic(rows[i].time_s, date));
		assert_string_equal(date, rows[i].text);
	}
	assert_false(time_write_basic(-1, date));
	assert_false(time_write_basic(253402300800, date));
}

static void test_writes_no_moment_out_of_range(void **state)
{
	char text[TIME_RFC3339_LEN + 1];
	(void)state;
	assert_true(time_write_rfc3339(0, text));
	assert_string_equal(text, "1970-01-01T00:00:00Z");
	assert_false(time_write_rfc3339(-1, text) || time_write_basic(-1, text));
	assert_false(time_write_rfc3339(INT64_C(253402300800), text) ||
	             time_write_basic(INT64_C(253402300800), text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_moments_are_seconds_since_1970),
	        cmocka_unit_test(test_what_is_no_moment_writes_nothing),
	        cmocka_unit_test(test_dates_of_http),
	        cmocka_unit_test(test_numbers),
	        cmocka_unit_test(test_writes_what_it_reads),
	        cmocka_unit_test(test_the_basic_format),
	        cmocka_unit_test(test_writes_no_moment_out_of_range),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
