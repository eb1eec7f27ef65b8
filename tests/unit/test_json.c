#include "test.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct json_limits usual = {.max_depth = 64, .max_values = 1000};

static enum err_code code_of(struct str text, const struct json_limits *limits)
{
	struct json *j = NULL;
	struct err e = {.code = ERR_OK};
	enum err_code code = json_parse(text, limits, &j, &e);
	assert_int_equal(e.code, code);
	assert_true((code == ERR_OK) == (j != NULL));
	json_free(j);
	return code;
}

static void test_good(void **state)
{
	static const struct str rows[] = {
	        STR("{}"),
	        STR("[]"),
	        STR(" \t\r\n[ ] \n"),
	        STR("null"),
	        STR("true"),
	        STR("false"),
	        STR("\"\""),
	        STR("0"),
	        STR("-0"),
	        STR("-0.0e-0"),
	        STR("10.25E+3"),
	        STR("123456789012345678901234567890"),
	        STR("[1,2 , 3]"),
	        STR("{\"a\":1,\"b\":{\"a\":2},\"c\":[{\"a\":1},{\"a\":1}]}"),
	        STR("{\"\":0}"),
	        STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uD83D\\uDE00\""),
	        STR("\"\x7f\xc3\xa4\xf0\x9f\x98\x80\""),
	        STR("[1e400,-1e400]"),
	        STR("\"a\\u0000b\""),
	        STR("[-0."
	            "00000000000000000000000000000000000000000000000000000000000000000000000000000000001]"),
	        STR("[1000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
	            "]"),
	        STR("[[[[]]],{}]"),
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (code_of(rows[i], &usual) != ERR_OK)
			fail_msg("refused: %s", rows[i].p);
}

static const struct str bad_rows[] = {
        STR(""),
        STR(" "),
        STR("nul"),
        STR("nulL"),
        STR("True"),
        STR("NaN"),
        STR("Infinity"),
        STR("01"),
        STR("-"),
        STR("-01"),
        STR("+1"),
        STR("1."),
        STR(".5"),
        STR("1.e3"),
        STR("1e"),
        STR("1e+"),
        STR("0x10"),
        STR("1 2"),
        STR("{}x"),
        STR("{} {}"),
        STR("[]]"),
        STR("[}"),
        STR("{]"),
        STR("["),
        STR("{"),
        STR("[1"),
        STR("[1,"),
        STR("[1,]"),
        STR("[,1]"),
        STR("[1 2]"),
        STR("{\"a\":1,}"),
        STR("{,}"),
        STR("{\"a\"}"),
        STR("{\"a\":}"),
        STR("{\"a\" 1}"),
        STR("{\"a\":1"),
        STR("{\"a\":1 \"b\":2}"),
        STR("{a:1}"),
        STR("{1:1}"),
        STR("{'a':1}"),
        STR("\""),
        STR("\"a"),
        STR("\"\\\""),
        STR("\"\\"),
        STR("\"\\x41\""),
        STR("\"\\u12\""),
        STR("\"\\u123g\""),
        STR("\"\\u\""),
        STR("\"\\ud800\""),
        STR("\"\\ud800x\""),
        STR("\"\\ud800\\n\""),
        STR("\"\\ud800\\ud800\""),
        STR("\"\\udc00\""),
        STR("\"\\udc00\\udc00\""),
        STR("\"\\ud83d\\ude\""),
        STR("\"a\nb\""),
        STR("\"a\tb\""),
        STR("\"\x1f\""),
        STR("\"a\0b\""),
        STR("\0{}"),
        STR("{}\0"),
        STR("[1,\0 2]"),
        STR("\x01{}"),
        STR("{}\x0c"),
        STR("\xef\xbb\xbf{}"), /* BOM */
        STR("\xc2\xa0{}"),
        STR("\"\xff\""),
        STR("\"\xc0\xaf\""),
        STR("\"\xed\xa0\x80\""),
        STR("\"\xc3\""),
        STR("/* c */ {}"),
        STR("{} // c"),
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad_rows); i++)
		if (code_of(bad_rows[i], &usual) != ERR_INVALID)
			fail_msg("row %zu taken: %s", i, bad_rows[i].p);
}

/* Each byte at each place, in strings of each length: what needs an escape or is no UTF-8 is refused. */
static void test_every_byte(void **state)
{
	char text[24];
	(void)state;
	for (size_t n = 3; n <= sizeof text; n++)
		for (size_t at = 1; at < n - 1; at++)
			for (unsigned c = 0; c < 256; c++) {
				memset(text, 'a', n);
				text[0] = text[n - 1] = '"';
				text[at] = (char)c;
				bool good = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
				assert_int_equal(code_of((struct str){text, n}, &usual),
				                 good ? ERR_OK : ERR_INVALID);
			}
}

/* Every beginning of a text is refused, wherever it is cut. */
static void test_cut(void **state)
{
	static const char text[] = "{\"a\\u00e4\":[1.5e-3,true,null,\"\\ud83d\\ude00\xc3\xa4\"],\"b\":{}}";
	(void)state;
	for (size_t n = 0; n < sizeof text - 1; n++) {
		char *exact = malloc(n +
		                     1); /* its own memory, so that a sanitizer sees a read past the end */
		memcpy(exact, text, n);
		if (code_of((struct str){exact, n}, &usual) != ERR_INVALID)
			fail_msg("taken at %zu", n);
		free(exact);
	}
	assert_int_equal(code_of(str_c(text), &usual), ERR_OK);
}

static void test_doubled_keys(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
	        {"{\"a\":1,\"a\":1}", false},
	        {"{\"a\":1,\"A\":1}", true},
	        {"{\"a\":1,\"\\u0061\":1}", false},
	        {"{\"\":1,\"\":1}", false},
	        {"[{\"x\":{\"k\":1,\"j\":[],\"k\":2}}]", false},
	        {"{\"k\":{\"k\":1},\"l\":{\"k\":1}}", true},
	        {"{\"k\":{\"a\":1,\"b\":2},\"a\":1,\"k\":1}", false},
	        {"{\"\\n\":1,\"\\u000a\":1}", false},
	        {"{\"\\/\":1,\"/\":1}", false},
	        {"{\"\\\"\":1,\"\\u0022\":1}", false},
	        {"{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":1}", false},
	        {"{\"\\u20ac\":1,\"\xe2\x82\xac\":1}", false},
	        {"{\"\\u00E4\":1,\"\xc3\xa4\":1}", false},
	        {"{\"\\u0000\":1,\"\\uffff\":1}", false}, /* read as the same key */
	        {"{\"a\\u0000\":1,\"a\":1}", true},
	        {"{\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0,\"9\":0,\"10\":0}", true},
	        {"{\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0,\"9\":0,\"1\":0}", false},
	        {"{\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0,\"9\":0,\"\\u0038\":0}",
	         false},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if ((code_of(str_c(rows[i].text), &usual) == ERR_OK) != rows[i].good)
			fail_msg("%s", rows[i].text);
}

static void test_limits(void **state)
{
	const struct json_limits depth2 = {.max_depth = 2, .max_values = 100};
	const struct json_limits values3 = {.max_depth = 64, .max_values = 3};
	const struct json_limits endless = {.max_depth = SIZE_MAX, .max_values = SIZE_MAX};
	char deep[2000];
	(void)state;
	assert_int_equal(code_of(STR("[[]]"), &depth2), ERR_OK);
	assert_int_equal(code_of(STR("[[],[]]"), &depth2), ERR_OK);
	assert_int_equal(code_of(STR("[[[]]]"), &depth2), ERR_TOO_LARGE);
	assert_int_equal(code_of(STR("{\"a\":[{}]}"), &depth2), ERR_TOO_LARGE);
	assert_int_equal(code_of(STR("[1,2]"), &values3), ERR_OK);
	assert_int_equal(code_of(STR("[1,2,3]"), &values3), ERR_TOO_LARGE);
	assert_int_equal(code_of(STR("{\"a\":{\"b\":{\"c\":0}}}"), &values3), ERR_TOO_LARGE);
	for (size_t n = 255; n <= 1000; n += n < 257 ? 1 : 743) {
		memset(deep, '[', n);
		memset(deep + n, ']', n);
		enum err_code want = n <= 256 ? ERR_OK : ERR_TOO_LARGE;
		assert_int_equal(code_of((struct str){deep, 2 * n}, &endless), want);
	}
}

static void test_values(void **state)
{
	struct json *j;
	double d = 7;
	(void)state;
	assert_int_equal(
	        json_parse(STR("{\"s\":\"x\\u0041\",\"n\":9007199254740991,\"a\":[1,\"y\"],\"t\":true,"
	                       "\"big\":1e400,\"S\":\"upper\",\"z\":\"q\\u0000r\"}"),
	                   &usual, &j, NULL),
	        ERR_OK);
	assert_true(json_is_object(j));
	assert_true(str_is(json_str(json_get(j, "s")), "xA"));
	assert_true(str_is(json_str(json_get(j, "S")), "upper"));
	assert_true(json_num(json_get(j, "n"), &d));
	assert_true(d == 9007199254740991.0);
	assert_false(json_num(json_get(j, "big"), &d));
	assert_false(json_num(json_get(j, "s"), &d));
	assert_true(d == 9007199254740991.0);
	const struct json *a = json_get(j, "a"), *one = json_first(a), *two = json_next(one);
	assert_true(json_is_array(a));
	assert_null(json_key(one));
	assert_true(json_is_string(two));
	assert_true(str_is(json_str(two), "y"));
	assert_null(json_next(two));
	assert_string_equal(json_key(json_first(j)), "s");
	assert_true(json_has_nul(json_str(json_get(j, "z"))));
	assert_int_equal(json_str(json_get(j, "z")).n, 5); /* q, U+FFFF, r: not cut */
	assert_false(json_has_nul(json_str(json_get(j, "s"))));
	assert_null(json_get(j, "nothing"));
	assert_null(json_get(a, "s"));
	assert_int_equal(json_str(json_get(j, "n")).n, 0);
	json_free(j);
}

static void test_null_is_fine(void **state)
{
	double d;
	(void)state;
	assert_null(json_get(NULL, "a"));
	assert_null(json_first(NULL));
	assert_null(json_next(NULL));
	assert_null(json_key(NULL));
	assert_false(json_is_object(NULL) || json_is_array(NULL) || json_is_string(NULL));
	assert_int_equal(json_str(NULL).n, 0);
	assert_false(json_num(NULL, &d));
	assert_false(json_has_nul((struct str){NULL, 0}));
	json_free(NULL);
	assert_int_equal(strncmp(json_version(), "1.", 2), 0);
}

/* Some versions of cJSON read at most 63 characters of a number: none gets more. */
static void test_long_numbers(void **state)
{
	static const struct {
		const char *text;
		double want;
	} rows[] = {
	        {"[0.10000000000000000000000000000000000000000000000000000000000000000000000000000000000, 5]",
	         0.1},
	        {"[-12500000000000000000000000000000000000000000000000000000000000000000000000000000e-77,5]",
	         -125},
	        {"[1.000000000000000000000000000000000000000000000000000000000000000000000000000e00000001]",
	         10},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct json *j;
		double d = 0;
		assert_int_equal(json_parse(str_c(rows[i].text), &usual, &j, NULL), ERR_OK);
		assert_true(json_num(json_first(j), &d));
		assert_true(d == rows[i].want);
		json_free(j);
		char text[128];
		size_t n = strlen(rows[i].text);
		assert_true(str_copy(text, sizeof text, str_c(rows[i].text)));
		size_t values;
		assert_int_equal(json_scan(text, n, &usual, &values, NULL), ERR_OK);
		assert_in_range(strcspn(text + 1, " "), 1, 60);
		assert_int_equal(strlen(text), n);
	}
}

/* The message says where, never what. */
static void test_message(void **state)
{
	struct json *j;
	struct err e;
	(void)state;
	assert_int_equal(json_parse(STR("{\"secret\":sesame}"), &usual, &j, &e), ERR_INVALID);
	assert_string_equal(e.msg, "not JSON at byte 10 of 17");
	assert_int_equal(json_parse(STR("{\"k\":1,\"k\":2}"), &usual, &j, &e), ERR_INVALID);
	assert_non_null(strstr(e.msg, "doubled key"));
}

/* 4 MiB in one object, distinct keys: sorted, not compared each with each. */
static void test_many_keys(void **state)
{
	const struct json_limits limits = {.max_depth = 4, .max_values = SIZE_MAX};
	struct buf b;
	(void)state;
	buf_init(&b, 5 << 20);
	buf_z(&b, "{\"k\":0");
	for (unsigned i = 0; b.len < 4 << 20; i++)
		buf_printf(&b, ",\"%x\":0", i * 2654435761U);
	size_t good = b.len;
	buf_z(&b, "}");
	int64_t start = clock_mono_ms();
	assert_int_equal(code_of(buf_view(&b), &limits), ERR_OK);
	assert_in_range(clock_mono_ms() - start, 0, 60000); /* quadratic takes many minutes */
	b.len = good;
	buf_z(&b, ",\"k\":0}");
	assert_int_equal(code_of(buf_view(&b), &limits), ERR_INVALID);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_good),         cmocka_unit_test(test_bad),
	        cmocka_unit_test(test_cut),          cmocka_unit_test(test_doubled_keys),
	        cmocka_unit_test(test_limits),       cmocka_unit_test(test_values),
	        cmocka_unit_test(test_null_is_fine), cmocka_unit_test(test_long_numbers),
	        cmocka_unit_test(test_message),      cmocka_unit_test(test_many_keys),
	        cmocka_unit_test(test_every_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
