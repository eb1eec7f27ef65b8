#include "aws/private.h"
#include "test.h"

#include <stdlib.h>

static const char good[] = "# first\n"
                           "[default]\n"
                           "Region = eu-central-1\n"
                           "key: a=b\n"
                           "long = one\n"
                           "  two\n"
                           "\n"
                           "  three\n"
                           "empty =\n"
                           "[services s]\n"
                           "dynamodb =\n"
                           "  endpoint_url = http://h:1\n"
                           "  ; no value\n"
                           "  other=2\n"
                           "[a]b] behind\n"
                           "x=1";

static void test_read(void **state)
{
	struct inifile *f = NULL;
	struct str s;
	(void)state;
	assert_int_equal(inifile_parse(str_c(good), "f", &f, NULL), ERR_OK);
	assert_string_equal(inifile_section(f, 0), "default");
	assert_string_equal(inifile_section(f, 2), "a]b");
	assert_null(inifile_section(f, 3));
	assert_string_equal(inifile_get(f, "default", "region"), "eu-central-1");
	assert_string_equal(inifile_get(f, "default", "key"), "a=b");
	assert_string_equal(inifile_get(f, "default", "long"), "one\ntwo\nthree");
	assert_string_equal(inifile_get(f, "default", "empty"), "");
	assert_string_equal(inifile_get(f, "a]b", "x"), "1");
	assert_null(inifile_get(f, "default", "x"));
	assert_null(inifile_get(f, "nowhere", "x"));
	assert_null(inifile_get(NULL, "default", "x"));
	const char *block = inifile_get(f, "services s", "dynamodb");
	assert_true(inifile_nested(block, "endpoint_url", &s) && str_is(s, "http://h:1"));
	assert_true(inifile_nested(block, "other", &s) && str_is(s, "2"));
	assert_false(inifile_nested(block, "third", &s));
	assert_false(inifile_nested("a = b", "a", &s));
	assert_false(inifile_nested(NULL, "a", &s));
	inifile_free(f);
}

static void test_refused(void **state)
{
	static const struct {
		struct str text;
		const char *part;
	} rows[] = {
	        {STR("a = 1\n"), "line 1"},
	        {STR("[s]\nnothing\n"), "line 2"},
	        {STR("[s]\n = 1\n"), "line 2"},
	        {STR("[s]\na=1\n[s]\n"), "line 3"},
	        {STR("[s]\na=1\nA=2\n"), "line 3"},
	        {STR("[]\n"), "line 1"},
	        {STR("[s\n"), "line 1"},
	        {STR("[s]\na=\n  b\n"), "below a"},
	        {STR("[s]\na=1\0\n"), "NUL"},
	        {STR("\xef\xbb\xbf[s]\n"), "line 1"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct inifile *f = NULL;
		struct err e;
		assert_int_equal(inifile_parse(rows[i].text, "the-file", &f, &e), ERR_INVALID);
		assert_non_null(strstr(e.msg, "the-file"));
		if (strstr(e.msg, rows[i].part) == NULL)
			fail_msg("row %zu: %s", i, e.msg);
		assert_null(f);
	}
}

static void test_limits(void **state)
{
	size_t n = (1 << 20) + 1;
	char *text = calloc(1, n);
	struct inifile *f = NULL;
	(void)state;
	assert_non_null(text);
	memset(text, '#', n);
	assert_int_equal(inifile_parse((struct str){text, n}, "f", &f, NULL), ERR_INVALID);
	assert_int_equal(inifile_parse((struct str){text, n - 1}, "f", &f, NULL), ERR_OK);
	assert_null(inifile_section(f, 0));
	inifile_free(f);
	free(text);
}

/* Any bytes: taken or refused, never more (the sanitizers watch). */
static void test_any_bytes(void **state)
{
	static const char alphabet[] = "[]=: \t\n\r#;ab\0";
	unsigned seed = 5;
	(void)state;
	for (int round = 0; round < 5000; round++) {
		char text[40];
		struct inifile *f = NULL;
		for (size_t i = 0; i < sizeof text; i++) {
			seed = seed * 1103515245U + 12345U;
			text[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
		}
		if (inifile_parse((struct str){text, sizeof text}, "f", &f, NULL) == ERR_OK)
			(void)inifile_get(f, "a", "b");
		inifile_free(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_read),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_limits),
	        cmocka_unit_test(test_any_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
