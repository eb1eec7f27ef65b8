#include "base/ini.h"
#include "test.h"

static const struct {
	enum ini_kind kind;
	unsigned number;
	size_t indent;
	const char *text, *key, *value;
} want[] = {
        {INI_PAIR, 2, 0, "a = b=c", "a", " b=c"},
        {INI_OTHER, 3, 2, "more", "", ""},
        {INI_SECTION, 5, 0, "[a]b] behind", "a]b", ""},
        {INI_PAIR, 6, 1, "Key:v ; c", "Key", "v ; c"},
        {INI_OTHER, 9, 0, "= v", "", ""},
        {INI_SECTION, 10, 0, "[]", "", ""},
        {INI_OTHER, 11, 0, "[open", "", ""},
        {INI_PAIR, 12, 0, "last =", "last", ""},
};

static void test_lines(void **state)
{
	struct ini f = {.rest = STR("# first\na = b=c\r\n  more\n\n[a]b] behind\n\tKey:v ; c\n ; c\n\n= v\n"
	                            "[]\n[open\nlast =")};
	struct ini_line line;
	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		assert_true(ini_next(&f, &line));
		assert_int_equal(line.kind, want[i].kind);
		assert_int_equal(line.number, want[i].number);
		assert_int_equal(line.indent, want[i].indent);
		assert_true(str_is(line.text, want[i].text));
		assert_true(str_is(line.key, want[i].key));
		assert_true(str_is(line.value, want[i].value));
	}
	assert_false(ini_next(&f, &line));
	assert_false(ini_next(&f, &line));
}

static void test_nothing(void **state)
{
	struct ini f = {.rest = STR("")};
	struct ini_line line;
	(void)state;
	assert_false(ini_next(&f, &line));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_lines),
	        cmocka_unit_test(test_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
