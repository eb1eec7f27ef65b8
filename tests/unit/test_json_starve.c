/* JSON while memory runs out: an error of its own, nothing kept, and the same text is read the next time. */
#include "test.h"

#include "base/json.h"
#include "refuse.h"

static const struct json_limits usual = {.max_depth = 4, .max_values = 100};

static enum err_code read_it(const char *text)
{
	struct json *j = NULL;
	struct err e = {.code = ERR_OK};
	enum err_code code = json_parse(str_c(text), &usual, &j, &e);
	assert_int_equal(code == ERR_OK, j != NULL);
	assert_int_equal(e.code, code);
	json_free(j);
	return code;
}

/* Escaped keys and more keys than are kept without memory. */
static void every_allocation(void **state)
{
	struct buf many;
	(void)state;
	STARVE(read_it("{\"a\\u0062\":1,\"\\u20ac\":[true]}"), ERR_OK);
	buf_init(&many, 4096);
	buf_z(&many, "{\"\\\"\":0");
	for (int i = 0; i < 90; i++)
		buf_printf(&many, ",\"k%d\":%d", i, i);
	buf_z(&many, "}");
	STARVE(read_it(many.p), ERR_OK);
	buf_done(&many);
}

static void text_that_is_none_stays_none(void **state)
{
	(void)state;
	for (size_t nth = 1, met = 1; met; nth++) {
		starve_nth(nth);
		enum err_code code = read_it("{\"a\\u0062\":1,\"ab\":2}");
		met = starve_calls() >= nth;
		assert_true(code == ERR_INVALID || (met && code == ERR_NOMEM));
	}
}

/* Names no rule of the table reaches otherwise. */
static void corners(void **state)
{
	struct json *j;
	double v;
	(void)state;
	assert_int_equal(read_it("\"\\ud800\\ue000\""), ERR_INVALID); /* past the low surrogates */
	assert_int_equal(read_it("\"\\ud800\\ud7ff\""), ERR_INVALID);
	/* two empty keys among many, which are sorted */
	assert_int_equal(read_it("{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"\":1,\"\":1}"),
	                 ERR_INVALID);
	assert_int_equal(
	        json_parse(STR("[true,-1000000000000000000000000000000000000000000000000000000000000e999,"
	                       "1000000000000000000000000000000000000000000000000000000000000e999]"),
	                   &usual, &j, NULL),
	        ERR_OK);
	const struct json *first = json_first(j), *low = json_next(first);
	assert_true(json_is_true(first));
	assert_false(json_is_true(low));
	assert_false(json_num(low, &v));
	assert_false(json_num(json_next(low), &v));
	json_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_allocation),
	        cmocka_unit_test(text_that_is_none_stays_none),
	        cmocka_unit_test(corners),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
