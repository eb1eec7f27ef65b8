#include "test.h"

#include "base/str.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct str none = {NULL, 0};

static void test_equal(void **state)
{
	(void)state;
	assert_true(str_eq(STR("ab"), STR("ab")));
	assert_false(str_eq(STR("ab"), STR("aB")));
	assert_false(str_eq(STR("ab"), STR("abc")));
	assert_true(str_eq(none, STR("")));
	assert_true(str_ieq(STR("aB-1"), STR("Ab-1")));
	assert_false(str_ieq(STR("aB"), STR("ac")));
	assert_false(str_ieq(STR("a"), STR("ab")));
	assert_true(str_is(STR("x"), "x"));
	assert_false(str_is(STR("x\0y"), "x"));
	assert_int_equal(str_c(NULL).n, 0);
	assert_int_equal(str_c("abc").n, 3);
}

static void test_starts_has(void **state)
{
	(void)state;
	assert_true(str_starts(STR("https://x"), STR("https://")));
	assert_true(str_starts(STR("a"), none));
	assert_false(str_starts(STR("http"), STR("https")));
	assert_true(str_has(STR("a,b"), ','));
	assert_true(str_has(STR("a\0b"), '\0'));
	assert_false(str_has(STR("ab"), '\0'));
	assert_false(str_has(none, 'a'));
}

static void test_trim(void **state)
{
	static const struct {
		struct str in;
		const char *out;
	} rows[] = {{STR(" \t\r\n\v\f x y \n"), "x y"}, {STR("   "), ""}, {STR(""), ""}, {STR("x"), "x"}};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_true(str_is(str_trim(rows[i].in), rows[i].out));
	assert_int_equal(str_trim(none).n, 0);
}

static void test_utf8(void **state)
{
	static const struct {
		struct str s;
		bool good;
	} rows[] = {
	        {STR(""), true},
	        {STR("plain"), true},
	        {STR("\x7f"), true},
	        {STR("\xc2\x80"), true},
	        {STR("\xdf\xbf"), true},
	        {STR("\xe0\xa0\x80"), true},
	        {STR("\xed\x9f\xbf"), true},
	        {STR("\xee\x80\x80"), true},
	        {STR("\xef\xbf\xbf"), true},
	        {STR("\xf0\x90\x80\x80"), true},
	        {STR("\xf4\x8f\xbf\xbf"), true},
	        {STR("\x80"), false}, /* continuation alone */
	        {STR("\xbf"), false},
	        {STR("\xc0\xaf"), false}, /* overlong */
	        {STR("\xc1\xbf"), false},
	        {STR("\xe0\x9f\xbf"), false},
	        {STR("\xf0\x8f\xbf\xbf"), false},
	        {STR("\xed\xa0\x80"), false}, /* surrogates */
	        {STR("\xed\xbf\xbf"), false},
	        {STR("\xf4\x90\x80\x80"), false}, /* over U+10FFFF */
	        {STR("\xf5\x80\x80\x80"), false},
	        {STR("\xff"), false},
	        {STR("\xc2"), false}, /* cut */
	        {STR("\xe2\x82"), false},
	        {STR("\xf0\x9f\x98"), false},
	        {STR("\xc2\x41"), false},
	        {STR("\xe2\x82\x41"), false},
	        {STR("\xf0\x9f\x98\xc0"), false},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (str_utf8(rows[i].s) != rows[i].good)
			fail_msg("row %zu", i);
}

static void test_classes(void **state)
{
	(void)state;
	assert_true(str_printable(STR(" ~")));
	assert_false(str_printable(STR("a\x7f")));
	assert_false(str_printable(STR("a\x1f")));
	assert_false(str_printable(STR("\xc3\xa4")));
	assert_true(str_of(STR("azAZ09-_"), "-_"));
	assert_false(str_of(STR("a-b"), ""));
	assert_false(str_of(STR("a\0b"), "x")); /* the NUL that ends `extra` is not one of its characters */
	assert_false(str_of(STR("@[`{/:"), ""));
}

static void test_copy(void **state)
{
	char to[4] = "zzz";
	(void)state;
	assert_true(str_copy(to, sizeof to, STR("abc")));
	assert_string_equal(to, "abc");
	assert_false(str_copy(to, sizeof to, STR("abcd")));
	assert_string_equal(to, "");
	assert_false(str_copy(to, sizeof to, STR("a\0b")));
	assert_string_equal(to, "");
	assert_true(str_copy(to, sizeof to, none));
	assert_string_equal(to, "");
}

static void test_u64(void **state)
{
	static const struct {
		const char *s;
		uint64_t max, want;
		bool good;
	} rows[] = {
	        {"0", 0, 0, true},
	        {"1", 0, 0, false},
	        {"00012", 12, 12, true},
	        {"13", 12, 0, false},
	        {"9", 5, 0, false},
	        {"18446744073709551615", UINT64_MAX, UINT64_MAX, true},
	        {"18446744073709551616", UINT64_MAX, 0, false},
	        {"99999999999999999999999", UINT64_MAX, 0, false},
	        {"", 10, 0, false},
	        {"+1", 10, 0, false},
	        {"-1", 10, 0, false},
	        {" 1", 10, 0, false},
	        {"1 ", 10, 0, false},
	        {"0x1", 10, 0, false},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t v = 77;
		if (str_u64(str_c(rows[i].s), rows[i].max, &v) != rows[i].good)
			fail_msg("%s", rows[i].s);
		assert_true(v == (rows[i].good ? rows[i].want : 77));
	}
}

static void test_next(void **state)
{
	static const struct {
		const char *in, *items; /* each item followed by '|' */
	} rows[] = {{"a,,b", "a||b|"}, {"", "|"}, {",", "||"}, {"a", "a|"}, {"a,", "a||"}};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char got[32] = "";
		size_t n = 0;
		struct str rest = str_c(rows[i].in), item;
		while (str_next(&rest, ',', &item)) {
			memcpy(got + n, item.n > 0 ? item.p : "", item.n);
			n += item.n;
			got[n++] = '|';
		}
		assert_string_equal(got, rows[i].items);
	}
	struct str rest = none, item;
	assert_false(str_next(&rest, ',', &item));
}

static void test_cut(void **state)
{
	struct str head, tail;
	(void)state;
	assert_true(str_cut(STR("a=b=c"), '=', &head, &tail));
	assert_true(str_is(head, "a"));
	assert_true(str_is(tail, "b=c"));
	assert_true(str_cut(STR("="), '=', &head, &tail));
	assert_int_equal(head.n, 0);
	assert_int_equal(tail.n, 0);
	assert_non_null(tail.p);
	assert_false(str_cut(STR("abc"), '=', &head, &tail));
	assert_true(str_is(head, "abc"));
	assert_null(tail.p);
	assert_false(str_cut(none, '=', &head, &tail));
}

static void test_code_point(void **state)
{
	static const struct {
		const char *text;
		uint32_t c;
		size_t n;
	} cases[] = {{"a\xc3", 'a', 1},
	             {"\xc3\xa9", 0xe9, 2},
	             {"\xe2\x80\xaex", 0x202e, 3},
	             {"\xef\xbf\xbf", 0xffff, 3},
	             {"\xf0\x9f\x91\xa9", 0x1f469, 4},
	             {"\xf4\x8f\xbf\xbf", 0x10ffff, 4}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t n = 0;
		assert_int_equal(str_code_point(str_c(cases[i].text), &n), cases[i].c);
		assert_int_equal(n, cases[i].n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_equal),   cmocka_unit_test(test_starts_has),
	        cmocka_unit_test(test_trim),    cmocka_unit_test(test_utf8),
	        cmocka_unit_test(test_classes), cmocka_unit_test(test_copy),
	        cmocka_unit_test(test_u64),     cmocka_unit_test(test_next),
	        cmocka_unit_test(test_cut),     cmocka_unit_test(test_code_point),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
