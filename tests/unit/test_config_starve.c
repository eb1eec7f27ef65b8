/* Settings while memory and files fail: a load says so, gives nothing, and the next one is whole. */
#include "test.h"

#include "config_fixture.h"
#include "refuse.h"

static char ini[32], secret[32], by_file[64];
static char *good[] = {"LINKD_APP_SECRET=0123456789abcdef",
                       "LINKD_PUBLIC_URL=https://link.example.com",
                       "LINKD_STORE=sqlite:x.db",
                       "LINKD_NOT_A_SETTING=1",
                       by_file,
                       NULL};
static char *bad[] = {"LINKD_APP_SECRET=0123456789abcdef", "LINKD_LOG_LEVEL=loud", "LINKD_WORKERS=many",
                      NULL};

static int make_files(void **state)
{
	(void)state;
	fixture_file(ini, STR("[x]\nworkers = 3\npage_ids = 1,\n 2\n 3\ntrusted_proxies = 10.0.0.0/8\n"
	                      "workers = 3\nstore = sqlite:y.db\n"));
	fixture_file(secret, STR("verify\n"));
	(void)snprintf(by_file, sizeof by_file, "LINKD_VERIFY_TOKEN_FILE=%s", secret);
	return 0;
}

static int drop_files(void **state)
{
	(void)state;
	return unlink(ini) + unlink(secret);
}

/* A load during which a call fails (and all after it when `on`); what it gave is dropped. */
static enum err_code load_without(const char *file, char *const *variables, size_t nth, bool on,
                                  struct err *e)
{
	struct config *c = NULL;
	struct config_from from = {.file = file, .environ_ = variables, .scope = CONFIG_SERVICE};
	struct config_findings found;
	config_findings_init(&found);
	(on ? starve_from : starve_nth)(nth);
	enum err_code code = config_load(&from, &c, &found, e);
	assert_int_equal(code == ERR_OK, c != NULL);
	if (code == ERR_INVALID)
		assert_true(found.problems.len > 0 || found.problems.failed);
	assert_int_equal(code == ERR_OK ? 0 : e->code, code == ERR_OK ? 0 : code);
	config_free(c);
	config_findings_done(&found);
	return code;
}

/* The first line of a setting counts, the second is a problem: so this file is refused in any case. */
static void none_is_taken(const char *file, char *const *variables, bool on)
{
	struct err e;
	bool nomem = false;
	for (size_t nth = 1, met = 1; met; nth++) {
		enum err_code code = load_without(file, variables, nth, on, &e);
		met = starve_calls() >= nth;
		assert_int_not_equal(code, ERR_OK);
		nomem |= code == ERR_NOMEM;
	}
	assert_true(nomem);
}

static void good_settings(void **state)
{
	struct err e;
	size_t nomem = 0, nth = 1;
	(void)state;
	for (size_t met = 1; met; nth++) {
		enum err_code code = load_without(NULL, good, nth, false, &e);
		met = starve_calls() >= nth;
		nomem += code == ERR_NOMEM;
		/* a file that cannot be opened or read is a problem of its own */
		assert_true(met ? code == ERR_NOMEM || code == ERR_INVALID : code == ERR_OK);
		assert_int_equal(load_without(NULL, good, SIZE_MAX, false, &e), ERR_OK);
	}
	assert_in_range(nomem, 20, nth);
	for (size_t from = 1; from <= nth - 2; from++) /* nth: two past the last call */
		assert_int_not_equal(load_without(NULL, good, from, true, &e), ERR_OK);
}

static void refused_settings(void **state)
{
	(void)state;
	none_is_taken(ini, good, false);
	none_is_taken(ini, good, true);
	none_is_taken(NULL, bad, false);
	none_is_taken(NULL, bad, true);
}

/* The message says which: no memory is no fault of the settings. */
static void the_reason_is_told(void **state)
{
	struct err e;
	(void)state;
	assert_int_equal(load_without(NULL, good, 1, false, &e), ERR_NOMEM);
	assert_string_equal(e.msg, "no memory for the settings");
	assert_int_equal(load_without(NULL, bad, SIZE_MAX, false, &e), ERR_INVALID);
	assert_string_equal(e.msg, "3 problems in the settings");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(good_settings, make_files, drop_files),
	        cmocka_unit_test_setup_teardown(refused_settings, make_files, drop_files),
	        cmocka_unit_test_setup_teardown(the_reason_is_told, make_files, drop_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
