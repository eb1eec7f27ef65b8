#include "test.h"

#include <stdlib.h>

#include "base/buf.h"

static void test_put(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 100);
	assert_null(b.p);
	assert_int_equal(buf_view(&b).n, 0);
	buf_put(&b, "ab", 2);
	buf_str(&b, STR("cd"));
	buf_str(&b, (struct str){NULL, 0});
	buf_z(&b, "ef");
	buf_printf(&b, "-%d-%s", 42, "x");
	assert_string_equal(b.p, "abcdef-42-x");
	assert_int_equal(b.len, 11);
	assert_false(b.failed);
	buf_done(&b);
	assert_null(b.p);
	assert_int_equal(b.max, 100);
}

/* Exactly max fits, one more does not, and a failure stays and changes nothing. */
static void test_max(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 4);
	buf_z(&b, "abcd");
	assert_false(b.failed);
	assert_int_equal(b.len, 4);
	buf_z(&b, "e");
	assert_true(b.failed);
	assert_string_equal(b.p, "abcd");
	buf_z(&b, "");
	assert_true(b.failed);
	buf_reset(&b);
	assert_false(b.failed);
	assert_string_equal(b.p, "");
	buf_printf(&b, "%s", "12345");
	assert_true(b.failed);
	buf_z(&b, "1");
	assert_int_equal(b.len, 0);
	buf_done(&b);
}

static void test_numbers(void **state)
{
	static const struct {
		int64_t i;
		const char *text;
	} rows[] = {{0, "0"},
	            {-1, "-1"},
	            {1234567890, "1234567890"},
	            {INT64_MAX, "9223372036854775807"},
	            {INT64_MIN, "-9223372036854775808"}};
	struct buf b;
	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_reset(&b);
		buf_int(&b, rows[i].i);
		assert_string_equal(b.p, rows[i].text);
	}
	buf_done(&b);
}

/* Text longer than the room there is; one that passes max leaves what was there. */
static void test_long_printf(void **state)
{
	struct buf b;
	char long_text[2001];
	(void)state;
	memset(long_text, 'x', sizeof long_text);
	long_text[2000] = '\0';
	buf_init(&b, 2005);
	buf_z(&b, "ab");
	buf_printf(&b, "-%s-", long_text);
	assert_false(b.failed);
	assert_int_equal(b.len, 2004);
	assert_memory_equal(b.p, "ab-x", 4);
	buf_printf(&b, "%s", "zz");
	assert_true(b.failed);
	assert_int_equal(b.len, 2004);
	assert_int_equal(strlen(b.p), 2004);
	buf_done(&b);
}

static void test_huge_put(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 10);
	buf_z(&b, "x");
	assert_false(buf_reserve(&b, SIZE_MAX));
	assert_true(b.failed);
	buf_done(&b);
}

static void test_grow(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 100000);
	for (int i = 0; i < 100000; i++)
		buf_put(&b, "x", 1);
	assert_false(b.failed);
	assert_int_equal(b.len, 100000);
	assert_int_equal(strlen(b.p), 100000);
	assert_true(b.cap <= 100001);
	buf_done(&b);
}

static void test_reserve(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 5000);
	assert_true(buf_reserve(&b, 5000));
	const char *at = b.p;
	for (int i = 0; i < 5000; i++)
		buf_put(&b, "y", 1);
	assert_ptr_equal(b.p, at);
	buf_done(&b);
}

static void test_take(void **state)
{
	struct buf b;
	size_t n = 7;
	(void)state;
	buf_init(&b, 4);
	assert_null(buf_take(&b, &n));
	assert_int_equal(n, 7);
	buf_z(&b, "abc");
	char *p = buf_take(&b, &n);
	assert_string_equal(p, "abc");
	assert_int_equal(n, 3);
	assert_null(b.p);
	assert_int_equal(b.len, 0);
	free(p);
	buf_z(&b, "abcde");
	assert_null(buf_take(&b, &n));
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_put),      cmocka_unit_test(test_max),
	        cmocka_unit_test(test_numbers),  cmocka_unit_test(test_long_printf),
	        cmocka_unit_test(test_huge_put), cmocka_unit_test(test_grow),
	        cmocka_unit_test(test_reserve),  cmocka_unit_test(test_take),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
