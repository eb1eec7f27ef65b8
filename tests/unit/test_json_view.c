/* JSON by its grammar alone, and values read where they stand. */
#include "test.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "starve.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static enum err_code grammar(struct str text)
{
	struct err e = {.code = ERR_OK};
	enum err_code code = json_scan_grammar(text, NULL, &e);
	assert_int_equal(e.code, code);
	return code;
}

static void odd_but_json(void **state)
{
	static const struct str rows[] = {
	        STR("\"\\ud800\""),
	        STR("\"\\ud800x\""),
	        STR("\"\\ud800\\n\""),
	        STR("\"\\ud800\\ud800\""),
	        STR("\"\\udc00\""),
	        STR("\"\\udc00\\ud800\""),
	        STR("\"\\u0000\""),
	        STR("\"\xff\""),
	        STR("\"\xc0\xaf\""),
	        STR("\"\xed\xa0\x80\""),
	        STR("\"\xc3\""),
	        STR("{\"\xff\":1,\"\\udfff\":2}"),
	        STR("{\"a\":1,\"a\":2,\"\\u0061\":3}"),
	        STR("[1e999,-1e-999]"),
	        STR("1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
	            "90"),
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (grammar(rows[i]) != ERR_OK)
			fail_msg("row %zu: %s", i, rows[i].p);
}

static void not_json(void **state)
{
	static const struct str rows[] = {
	        STR(""),
	        STR("01"),
	        STR("1."),
	        STR("{}x"),
	        STR("{}\0"),
	        STR("\0{}"),
	        STR("[1,]"),
	        STR("[1,\0 2]"),
	        STR("{\"a\":1,}"),
	        STR("{a:1}"),
	        STR("\"\\x41\""),
	        STR("\"\\u12\""),
	        STR("\"\\ud83d\\u\""),
	        STR("\"a\nb\""),
	        STR("\"a\0b\""),
	        STR("\"\x1f\""),
	        STR("\""),
	        STR("\"\\\""),
	        STR("\xff"),
	        STR("\xef\xbb\xbf{}"),
	        STR("[\xc2\xa0]"),
	        STR("{\"a\" 1}"),
	        STR("[}"),
	        STR("[[]"),
	        STR("tru"),
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (grammar(rows[i]) != ERR_INVALID)
			fail_msg("row %zu taken: %s", i, rows[i].p);
}

static void nesting(void **state)
{
	enum { MAX = JSON_SCAN_DEPTH_MAX };
	static char deep[2 * MAX + 2];
	(void)state;
	for (size_t n = MAX; n <= MAX + 1; n++) {
		memset(deep, '[', n);
		memset(deep + n, ']', n);
		assert_int_equal(grammar((struct str){deep, 2 * n}), n == MAX ? ERR_OK : ERR_TOO_LARGE);
	}
	memset(deep, '[', MAX);
	deep[MAX] = '}'; /* each level knows what it is */
	assert_int_equal(grammar((struct str){deep, MAX + 1}), ERR_INVALID);
}

/* An object has the key, or a key with escapes, which may be it. */
static void a_wanted_key(void **state)
{
	static const struct {
		const char *text;
		bool found;
		size_t objects;
	} rows[] = {{"[{}]", false, 1},          {"[{\"a\":\"k\"},{\"b\":[{}]}]", false, 2},
	            {"[{\"k\":1}]", true, 1},    {"[{\"\\u006b\":1}]", true, 1},
	            {"[{\"x\\n\":1}]", true, 1}, {"[{\"a\":[[{\"k\":1}]]}]", true, 1},
	            {"{\"k\":1}", true, 0},      {"{\"kk\":[]}", false, 0},
	            {"[\"k\"]", false, 0}};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct json_scan_wanted w = {.key = STR("k"), .depth = 1};
		assert_int_equal(json_scan_grammar(str_c(rows[i].text), &w, NULL), ERR_OK);
		assert_int_equal(w.found, rows[i].found);
		assert_int_equal(w.objects, rows[i].objects);
	}
}

static void expect_field(const struct json_view_field *f, const char *value, bool doubled)
{
	if (!str_is(f->value, value) || f->doubled != doubled)
		fail_msg("%s: %.*s, doubled %d", f->name, (int)f->value.n, f->value.p, f->doubled);
}

static void fields(void **state)
{
	static const struct {
		const char *text, *id, *name;
		bool doubled; /* the id */
	} rows[] = {
	        {"{\"id\":1,\"name\":\"x\"}", "1", "\"x\"", false},
	        {" { \"id\" : 1 , \"name\" : [ 1 , \"]\" ] } ", "1", "[ 1 , \"]\" ]", false},
	        {"{\"name\":{\"id\":2},\"a\":{\"id\":3}}", "", "{\"id\":2}", false},
	        {"{\"id\":\"\\\"}\",\"name\":\"\\\\\"}", "\"\\\"}\"", "\"\\\\\"", false},
	        {"{\"i\\u0064\":true,\"\\u006eam\\u0065\":null}", "true", "null", false},
	        {"{\"id\":1,\"id\":2}", "1", "", true},
	        {"{\"id\":1,\"\\u0069d\":2,\"id\":3}", "1", "", true},
	        {"{\"ID\":1,\"idd\":1,\"i\":1,\"\":1,\"i\\\\d\":1,\"id\\u0000\":1,\"\\u1069d\":1}", "", "",
	         false},
	        {"{\"\\ud83did\":1,\"\xffid\":1,\"name\":-1.5e3}", "", "-1.5e3", false},
	        {"{}", "", "", false},
	        {"[\"id\",1]", "", "", false},
	        {"\"id\"", "", "", false},
	        {"7", "", "", false},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct json_view_field f[] = {{.name = "id"}, {.name = "name"}};
		struct str text = str_c(rows[i].text);
		assert_int_equal(grammar(text), ERR_OK);
		json_view_fields(str_trim(text), f, COUNT(f));
		expect_field(&f[0], rows[i].id, rows[i].doubled);
		expect_field(&f[1], rows[i].name, false);
	}
	struct json_view_field none = {.name = "id"};
	json_view_fields((struct str){NULL, 0}, &none, 1);
	expect_field(&none, "", false);
}

static void words(void **state)
{
	static const struct {
		const char *value;
		bool same;
	} rows[] = {{"\"b_c\"", true},
	            {"\"\\u0062_\\u0063\"", true},
	            {"\"b\\u005Fc\"", true},
	            {"\"b\"", false},
	            {"\"b_cd\"", false},
	            {"\"\"", false},
	            {"b_c", false},
	            {"\"B_c\"", false},
	            {"\"b_c\\ud800\"", false},
	            {"\"b_c\\u0000\"", false},
	            {"\"\\b_c\"", false},
	            {"[\"b_c\"]", false},
	            {"\"b_\\u1063\"", false},
	            {"", false}};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (json_view_is(str_c(rows[i].value), "b_c") != rows[i].same)
			fail_msg("%s", rows[i].value);
}

static void items(void **state)
{
	static const char *const want[] = {"1", "\"a,]\"", "[2,[3]]", "{\"k\":[4]}", "null", "[]"};
	struct str rest = json_view_items(STR("[1 , \"a,]\",[2,[3]],{\"k\":[4]},null\n,[] ]")), item;
	(void)state;
	for (size_t i = 0; i < COUNT(want); i++) {
		assert_true(json_view_next(&rest, &item));
		assert_true(str_is(item, want[i]));
		assert_int_equal(json_view_is_object(item), i == 3);
		assert_int_equal(json_view_is_array(item), i == 2 || i == 5);
	}
	assert_false(json_view_next(&rest, &item));
	rest = json_view_items(STR("{\"a\":1}"));
	assert_false(json_view_next(&rest, &item));
	rest = json_view_items(STR("[ ]"));
	assert_false(json_view_next(&rest, &item));
	assert_false(json_view_is_object((struct str){NULL, 0}) || json_view_is_array((struct str){NULL, 0}));
}

/* A value that is read is read strictly. */
static void scalars(void **state)
{
	static const struct {
		struct str text;
		enum err_code want;
	} rows[] = {{STR("\"a\\u0062\""), ERR_OK},
	            {STR("7"), ERR_OK},
	            {STR("null"), ERR_OK},
	            {STR("\"\\u0000\""), ERR_OK},
	            {STR("\"\\ud800\""), ERR_INVALID},
	            {STR("\"\xff\""), ERR_INVALID},
	            {STR("[]"), ERR_TOO_LARGE},
	            {STR("{\"a\":1}"), ERR_TOO_LARGE},
	            {STR(""), ERR_INVALID}};
	struct json *j;
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(json_view_scalar(rows[i].text, &j, NULL), rows[i].want);
		json_free(j);
	}
	assert_int_equal(json_view_scalar(rows[0].text, &j, NULL), ERR_OK);
	assert_true(str_is(json_str(j), "ab"));
	json_free(j);
}

static void without_memory(void **state)
{
	(void)state;
	STARVE(grammar(STR("[1]")), ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(odd_but_json), cmocka_unit_test(not_json), cmocka_unit_test(nesting),
	        cmocka_unit_test(a_wanted_key), cmocka_unit_test(fields),   cmocka_unit_test(words),
	        cmocka_unit_test(items),        cmocka_unit_test(scalars),  cmocka_unit_test(without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
