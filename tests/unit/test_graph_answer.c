#include "test.h"

#include "base/buf.h"
#include "facebook/graph_answer.h"

#define RECIPIENT "{\"id\":\"1908\",\"recipient\":\"7263\"}"

static enum graph_class recipient(long status, const char *body)
{
	struct graph_recipient who;
	return graph_answer_recipient(status, str_c(body), &who).class;
}

static void reads_the_owner_of_a_linking_token(void **state)
{
	struct graph_recipient who;
	(void)state;
	assert_int_equal(graph_answer_recipient(200, str_c(RECIPIENT), &who).class, GRAPH_DONE);
	assert_string_equal(who.page_id, "1908");
	assert_string_equal(who.psid, "7263");
}

static void an_answer_that_is_not_as_documented_may_be_asked_for_again(void **state)
{
	static const char *const bodies[] = {
	        "",
	        "{",
	        "null",
	        "[]",
	        "{}",
	        "Sorry, something went wrong.",
	        "<html></html>",
	        "{\"id\":\"1\"}",
	        "{\"recipient\":\"1\"}",
	        "{\"id\":1,\"recipient\":\"1\"}",
	        "{\"id\":\"1\",\"recipient\":1}",
	        "{\"id\":\"1\",\"recipient\":\"\"}",
	        "{\"id\":\"1\",\"recipient\":\"1 OR 1=1\"}",
	        "{\"id\":\"1\",\"recipient\":\"-1\"}",
	        "{\"id\":\"1\",\"recipient\":\"1\\u0000\"}",
	        "{\"id\":\"x\",\"recipient\":\"1\"}",
	        "{\"id\":\"1\",\"recipient\":\"1\",\"recipient\":\"2\"}",
	        "{\"id\":\"1\",\"recipient\":\"1\"} {}",
	        "{\"id\":\"1\",\"recipient\":"
	        "\"11111111111111111111111111111111111111111111111111111111111111111\"}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
		assert_int_equal(recipient(200, bodies[i]), GRAPH_RETRY);
	assert_int_equal(recipient(204, RECIPIENT), GRAPH_RETRY);
	assert_int_equal(recipient(302, RECIPIENT), GRAPH_RETRY);
	assert_int_equal(recipient(500, RECIPIENT), GRAPH_RETRY);
	assert_int_equal(recipient(404, RECIPIENT), GRAPH_RETRY);
}

static void a_body_over_the_limit_is_not_read(void **state)
{
	static char body[GRAPH_ANSWER_MAX + 64];
	struct graph_recipient who;
	(void)state;
	memset(body, ' ', sizeof body);
	memcpy(body, RECIPIENT, sizeof RECIPIENT - 1);
	assert_int_equal(graph_answer_recipient(200, (struct str){body, GRAPH_ANSWER_MAX}, &who).class,
	                 GRAPH_DONE);
	assert_int_equal(graph_answer_recipient(200, (struct str){body, GRAPH_ANSWER_MAX + 1}, &who).class,
	                 GRAPH_RETRY);
}

static void classes_of_errors(void **state)
{
	static const struct {
		int code, subcode;
		enum graph_class class;
	} cases[] = {
	        {1, 0, GRAPH_RETRY},
	        {1, 1357046, GRAPH_RETRY},
	        {2, 0, GRAPH_RETRY},
	        {1200, 0, GRAPH_RETRY},
	        {0, 0, GRAPH_RETRY},
	        {4, 0, GRAPH_RATE_LIMITED},
	        {17, 0, GRAPH_RATE_LIMITED},
	        {613, 0, GRAPH_RATE_LIMITED},
	        {102, 0, GRAPH_TOKEN_DEAD},
	        {190, 463, GRAPH_TOKEN_DEAD},
	        {10, 2018278, GRAPH_NOT_ALLOWED},
	        {200, 2018028, GRAPH_NOT_ALLOWED},
	        {299, 0, GRAPH_NOT_ALLOWED},
	        {300, 0, GRAPH_REFUSED},
	        {551, 0, GRAPH_UNAVAILABLE},
	        {100, 2018001, GRAPH_NOBODY},
	        {100, 2018218, GRAPH_NO_PROFILE},
	        {100, 2018247, GRAPH_NO_PROFILE},
	        {100, 0, GRAPH_REFUSED},
	        {10303, 0, GRAPH_LINK_TOKEN},
	        {10304, 0, GRAPH_REFUSED},
	};
	static const long statuses[] = {200, 400, 401, 403};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (size_t k = 0; k < sizeof statuses / sizeof statuses[0]; k++) {
			char body[256];
			(void)snprintf(body, sizeof body,
			               "{\"error\":{\"message\":\"m\",\"code\":%d,\"error_subcode\":%d,"
			               "\"fbtrace_id\":\"AbC_-9\"}}",
			               cases[i].code, cases[i].subcode);
			struct graph_answer a = graph_answer_accepted(statuses[k], str_c(body));
			assert_int_equal(a.class, cases[i].class);
			assert_int_equal(a.code, cases[i].code);
			assert_int_equal(a.subcode, cases[i].subcode);
			assert_string_equal(a.trace, "AbC_-9");
			assert_int_equal(graph_answer_accepted(503, str_c(body)).class, GRAPH_RETRY);
		}
}

static void a_trace_that_could_spoil_a_log_is_dropped(void **state)
{
	struct graph_answer a = graph_answer_accepted(
	        400, STR("{\"error\":{\"code\":190,\"fbtrace_id\":\"a\\nb\",\"message\":7}}"));
	(void)state;
	assert_int_equal(a.class, GRAPH_TOKEN_DEAD);
	assert_string_equal(a.trace, "");
	a = graph_answer_accepted(400, STR("{\"error\":\"190\"}"));
	assert_int_equal(a.class, GRAPH_RETRY);
	assert_int_equal(a.code, 0);
}

static void accepted_is_any_object(void **state)
{
	(void)state;
	assert_int_equal(graph_answer_accepted(200, STR("{\"result\":\"unlink account success\"}")).class,
	                 GRAPH_DONE);
	assert_int_equal(graph_answer_accepted(200, STR("\"ok\"")).class, GRAPH_RETRY);
}

static const char *name_of(const char *first, const char *last)
{
	static struct graph_name name;
	struct buf body;
	buf_init(&body, GRAPH_ANSWER_MAX);
	buf_z(&body, "{\"first_name\":\"");
	buf_z(&body, first);
	buf_z(&body, "\",\"last_name\":\"");
	buf_z(&body, last);
	buf_z(&body, "\",\"id\":\"1\"}");
	(void)graph_answer_name(200, buf_view(&body), &name);
	buf_done(&body);
	return name.s;
}

static void names(void **state)
{
	static const struct {
		const char *first, *last, *name;
	} cases[] = {
	        {"Ada", "Berger", "Ada Berger"},
	        {"Ada", "", "Ada"},
	        {"", "Berger", "Berger"},
	        {" Ada ", "\\tBerger", "Ada Berger"},
	        {"", "", ""},
	        {"\\u0000", "\\u202e", ""},
	        {"a\\u0000b", "c\\u0007", "ab c"},
	        {"\\u202eadA", "\\u2066x\\u2069", "adA x"},
	        {"<b>A</b>", "\\\"&'", "<b>A</b> \"&'"}, /* escaped by the page */
	        {"\xc3\x89lodie", "\xe6\x9d\x8e", "\xc3\x89lodie \xe6\x9d\x8e"},
	        {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7", "", "\xf0\x9f\x91\xa9\xf0\x9f\x91\xa7"},
	        {"\xc2\x85\xc2\xadx", "\xef\xbb\xbf", "x"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_string_equal(name_of(cases[i].first, cases[i].last), cases[i].name);
}

static void a_long_name_is_cut_between_characters(void **state)
{
	char long_name[3 * 1000 + 1];
	(void)state;
	for (size_t i = 0; i < 1000; i++)
		memcpy(long_name + 3 * i, "\xe6\x9d\x8e", 4);
	for (size_t skip = 0; skip < 3; skip++) {
		char first[4] = "xxx";
		first[skip] = '\0';
		const char *got = name_of(first, long_name);
		assert_true(strlen(got) <= GRAPH_NAME_MAX && strlen(got) > GRAPH_NAME_MAX - 6);
		assert_true(str_utf8(str_c(got)));
		assert_string_equal(got + strlen(got) - 3, "\xe2\x80\xa6");
	}
	long_name[GRAPH_NAME_MAX] = '\0';
	assert_true(strlen(name_of(long_name, "x")) <= GRAPH_NAME_MAX);
}

static void no_name_without_a_profile(void **state)
{
	struct graph_name name = {"left over"};
	(void)state;
	struct graph_answer a = graph_answer_name(
	        400, STR("{\"error\":{\"code\":100,\"error_subcode\":2018218,\"message\":\"m\"}}"), &name);
	assert_int_equal(a.class, GRAPH_NO_PROFILE);
	assert_string_equal(name.s, "");
	assert_int_equal(graph_answer_name(200, STR("{\"first_name\":7,\"id\":\"1\"}"), &name).class,
	                 GRAPH_RETRY);
}

static void each_class_has_a_name(void **state)
{
	(void)state;
	for (int c = 0; c < GRAPH_CLASSES; c++)
		assert_true(strlen(graph_class_name((enum graph_class)c)) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(reads_the_owner_of_a_linking_token),
	        cmocka_unit_test(an_answer_that_is_not_as_documented_may_be_asked_for_again),
	        cmocka_unit_test(a_body_over_the_limit_is_not_read),
	        cmocka_unit_test(classes_of_errors),
	        cmocka_unit_test(a_trace_that_could_spoil_a_log_is_dropped),
	        cmocka_unit_test(accepted_is_any_object),
	        cmocka_unit_test(names),
	        cmocka_unit_test(a_long_name_is_cut_between_characters),
	        cmocka_unit_test(no_name_without_a_profile),
	        cmocka_unit_test(each_class_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
