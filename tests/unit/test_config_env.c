/* The process's own environment: what is secret is no longer in the strings it was started with. */
#include "test.h"

#include <unistd.h>

#include "aws/creds/private.h"
#include "config/config.h"
#include "refuse.h"

/* Variables whose value is secret, and others; NAME=value. */
static const char *const secrets[] = {"LINKD_APP_SECRET=sesame",
                                      "LINKD_ADMIN_TOKEN=sesame",
                                      "LINKD_VERIFY_TOKEN=sesame",
                                      "LINKD_SEAL_KEY=sesame",
                                      "LINKD_APP_SECRETS=sesame",
                                      "LINKD_TOKEN_FILE=sesame",
                                      "LINKD_=sesame",
                                      "LINKD__FILE=sesame",
                                      "AWS_SECRET_ACCESS_KEY=sesame",
                                      "AWS_SESSION_TOKEN=sesame",
                                      "AWS_SECURITY_TOKEN=sesame",
                                      "LINKD_APP_SECRET=sesame=twice",
                                      "AWS_CONTAINER_AUTHORIZATION_TOKEN=sesame"};
static const char *const others[] = {"PATH=/usr/bin",    "HOME=/", "AWS_ACCESS_KEY_ID=AKID",
                                     "AWS_PROFILE=shop", "EMPTY=", "no equals sign"};
static const char *const settings[] = {"LINKD_WORKERS=2", "LINKD_APP_SECRET_FILE=/run/secret",
                                       "LINKD_ADMIN_TOKEN=", "LINKD_LISTEN=127.0.0.1:0"};

enum {
	SECRETS = sizeof secrets / sizeof secrets[0],
	OTHERS = sizeof others / sizeof others[0],
	SETTINGS = sizeof settings / sizeof settings[0],
	ALL = SECRETS + OTHERS + SETTINGS,
};

static char text[ALL][64];
static char *started_with[ALL + 1];

static const char *source(size_t i)
{
	return i < SECRETS            ? secrets[i]
	       : i < SECRETS + OTHERS ? others[i - SECRETS]
	                              : settings[i - SECRETS - OTHERS];
}

/* Take the environment while the nth call fails; true: fewer calls were made, and it is taken. */
static bool take(size_t nth, char *const **ret)
{
	struct err e = {.msg = ""};
	starve_nth(nth);
	enum err_code code = config_env_take(ret, &e);
	bool met = starve_calls() >= nth;
	assert_int_equal(code, met ? ERR_NOMEM : ERR_OK);
	assert_int_equal(e.msg[0] != '\0', met);
	return !met;
}

static bool listed(char *const *list, const char *entry)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, entry) == 0)
			return true;
	return false;
}

static void taken(char *const *all)
{
	for (size_t i = 0; i < ALL; i++) {
		const char *value = memchr(source(i), '=', strlen(source(i)));
		bool secret = i < SECRETS;
		assert_string_equal(all[i], source(i));
		assert_int_equal(listed(environ, source(i)), strncmp(source(i), "LINKD_", 6) != 0);
		assert_int_equal(strcmp(text[i], source(i)) == 0, !secret);
		for (size_t at = secret ? (size_t)(value - source(i)) + 1 : sizeof text[i];
		     at < sizeof text[i]; at++)
			assert_int_equal(text[i][at], '\0');
	}
	assert_null(all[ALL]);
}

/* The first take that succeeds is the one of the process: the failing ones before it changed nothing. */
static void is_taken_in_whole_or_not_at_all(void **state)
{
	char *const *all = NULL;
	(void)state;
	for (size_t i = 0; i < ALL; i++) {
		(void)snprintf(text[i], sizeof text[i], "%s", source(i));
		started_with[i] = text[i];
	}
	char **of_the_test = environ;
	environ = started_with;
	for (size_t nth = 1; !take(nth, &all); nth++) {
		assert_ptr_equal(environ, started_with);
		for (size_t i = 0; i < ALL; i++)
			assert_string_equal(text[i], source(i));
	}
	taken(all);
	environ = of_the_test;
}

static void a_program_gets_none_of_our_settings(void **state)
{
	char *variables[] = {(char[]){"LINKD_APP_SECRET=sesame"},
	                     (char[]){"PATH=/usr/bin"},
	                     (char[]){"LINKD_WORKERS=2"},
	                     (char[]){"AWS_SECRET_ACCESS_KEY=s"},
	                     (char[]){"XLINKD_A=1"},
	                     (char[]){"LINKD_"},
	                     NULL};
	(void)state;
	char **list = creds_process_environ(variables);
	assert_ptr_equal(list[0], variables[1]);
	assert_ptr_equal(list[1], variables[3]);
	assert_ptr_equal(list[2], variables[4]);
	assert_null(list[3]);
	free(list);
	starve_nth(1);
	assert_null(creds_process_environ(variables));
	(void)starve_calls();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(is_taken_in_whole_or_not_at_all),
	        cmocka_unit_test(a_program_gets_none_of_our_settings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
