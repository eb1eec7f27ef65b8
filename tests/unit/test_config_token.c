/* LINKD_ADMIN_TOKEN: items as they are parsed, and lists that check-config refuses. */
#include "test.h"

#include "config/config.h"
#include "config_fixture.h"

#define T16 "0123456789abcdef"

static const struct {
	const char *item, *name, *token; /* token NULL: refused */
	bool read_only;
} items[] = {
        {T16, "", T16, false},
        {"ops=" T16, "ops", T16, false},
        {"ci:read=" T16, "ci", T16, true},
        {"A.b_c-9=" T16, "A.b_c-9", T16, false},
        {"ops=" T16 "==", "ops", T16 "==", false},
        {T16 "==", "", T16 "==", false}, /* base64 */
        {T16 "=", "", T16 "=", false},
        {"a234567890123456789012345678901b=" T16, "a234567890123456789012345678901b", T16, false},
        {"a234567890123456789012345678901bc=" T16, NULL, NULL, false},
        {"short", NULL, NULL, false},
        {"", NULL, NULL, false},
        {"=" T16, NULL, NULL, false},
        {"ops=0123456789abcde", NULL, NULL, false},
        {"ops:write=" T16, NULL, NULL, false},
        {"ops:=" T16, NULL, NULL, false},
        {":read=" T16, NULL, NULL, false},
        {"ops:read:read=" T16, NULL, NULL, false},
        {"o p=" T16, NULL, NULL, false},
        {"\xc3\xb6ps=" T16, NULL, NULL, false},
};

static void each_item(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
		struct config_token t;
		const char *fault = config_token_parse(str_c(items[i].item), &t);
		assert_int_equal(fault == NULL, items[i].token != NULL);
		if (fault != NULL) {
			assert_null(strstr(fault, T16));
			continue;
		}
		assert_true(str_is(t.name, items[i].name));
		assert_true(str_is(t.token, items[i].token));
		assert_int_equal(t.read_only, items[i].read_only);
	}
}

#define O16 "fedcba9876543210"
#define N(n) "n" #n "=012345678901234" #n

static const struct {
	const char *list, *problem; /* NULL: fine */
} lists[] = {
        {"", NULL},
        {T16, NULL},
        {"ops=" T16, NULL},
        {"ops=" T16 ", ci:read=" O16, NULL},
        {N(1) "," N(2) "," N(3) "," N(4) "," N(5) "," N(6) "," N(7) "," N(8), NULL},
        {N(1) "," N(2) "," N(3) "," N(4) "," N(5) "," N(6) "," N(7) "," N(8) "," N(9), "at most 8"},
        {"short", "needs at least 16"},
        {"ops=" T16 ",ci=short", "token 2 needs at least 16"},
        {T16 "," O16, "token 1 has no name"},
        {"ops=" T16 "," O16, "token 2 has no name"},
        {"ops=" T16 ",ops=" O16, "token 2 has the name of token 1"},
        {"ops=" T16 ",ops:read=" O16, "token 2 has the name of token 1"},
        {"ops=" T16 ",ci=" T16, "token 2 is the same as token 1"},
        {"ops:write=" T16, "other than :read"},
        {"o p=" T16, "has a name that is not"},
};

static void each_list(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		char variable[512];
		char *vars[] = {"LINKD_APP_SECRET=0123456789abcdef", "LINKD_PUBLIC_URL=https://a.b", variable,
		                NULL};
		(void)snprintf(variable, sizeof variable, "LINKD_ADMIN_TOKEN=%s", lists[i].list);
		struct loaded l = load(NULL, vars);
		assert_int_equal(l.c != NULL, lists[i].problem == NULL);
		if (lists[i].problem != NULL)
			assert_non_null(strstr(l.problems.p, lists[i].problem));
		assert_null(strstr(l.problems.p, T16));
		assert_null(strstr(l.warnings.p, T16));
		loaded_done(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_item),
	        cmocka_unit_test(each_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
