#include "test.h"

#include <stdlib.h>

#include "base/json.h"
#include "cli/cli.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* One run of the command line with what it printed. */
struct run {
	struct cli c;
	char *words[12];
	char *out, *err;
	size_t out_n, err_n;
};

static char *no_variables[] = {NULL};

static void start(struct run *r, char *const *words)
{
	*r = (struct run){.c = {.environ_ = no_variables}};
	for (; words[r->c.argc] != NULL; r->c.argc++)
		r->words[r->c.argc] = words[r->c.argc];
	r->c.argv = r->words;
	r->c.out = open_memstream(&r->out, &r->out_n);
	r->c.err = open_memstream(&r->err, &r->err_n);
}

static void finish(struct run *r)
{
	(void)fflush(r->c.out);
	(void)fflush(r->c.err);
}

static void done(struct run *r)
{
	(void)fclose(r->c.out);
	(void)fclose(r->c.err);
	free(r->out);
	free(r->err);
}

#define WORDS(...)                \
	(char *[])                \
	{                         \
		__VA_ARGS__, NULL \
	}

/* --- a table of our own */

static const char *got_id;
static bool got_flag;
static int got_argc;
static char got_word[20];

static int verb(struct cli *c)
{
	const struct cli_option options[] = {
	        {"--id", &got_id, NULL}, {"--flag", NULL, &got_flag}, {NULL, NULL, NULL}};
	got_id = NULL;
	got_flag = false;
	got_word[0] = '\0';
	if (!cli_parse(c, options, 1))
		return c->rc;
	got_argc = c->argc;
	if (c->argc > 0)
		(void)snprintf(got_word, sizeof got_word, "%s", c->argv[0]);
	return got_id != NULL && got_id[0] == '?' ? cli_usage(c, "id %s is odd", got_id) : CLI_OK;
}

static int nest(struct cli *c)
{
	static const struct cli_command verbs[] = {{"add", "--id ID [--flag] [WORD]", "Add one.", verb},
	                                           {NULL, NULL, NULL, NULL}};
	return cli_dispatch(c, verbs);
}

static const struct cli_command table[] = {{"plain", "[--id ID]", "Plain one.", verb},
                                           {"nest", "add", "Nested one.", nest},
                                           {NULL, NULL, NULL, NULL}};

static void test_options(void **state)
{
	const struct {
		char **words;
		int rc;
		const char *id, *word, *config; /* id NULL: none */
		bool flag, json;
	} rows[] = {
	        {WORDS("plain"), CLI_OK, NULL, "", NULL, false, false},
	        {WORDS("plain", "--id", "x"), CLI_OK, "x", "", NULL, false, false},
	        {WORDS("plain", "--id=x", "--flag"), CLI_OK, "x", "", NULL, true, false},
	        {WORDS("plain", "--id="), CLI_OK, "", "", NULL, false, false},
	        {WORDS("plain", "--id", "--flag"), CLI_OK, "--flag", "", NULL, false, false},
	        {WORDS("plain", "w", "--flag"), CLI_OK, NULL, "w", NULL, true, false},
	        {WORDS("plain", "--flag", "-"), CLI_OK, NULL, "-", NULL, true, false},
	        {WORDS("plain", "--", "--flag"), CLI_OK, NULL, "--flag", NULL, false, false},
	        {WORDS("--config", "f", "plain", "--json"), CLI_OK, NULL, "", "f", false, true},
	        {WORDS("--json", "nest", "--config=f", "add", "--id", "1", "w"), CLI_OK, "1", "w", "f", false,
	         true},
	        {WORDS("nest", "add", "w", "--config", "f"), CLI_OK, NULL, "w", "f", false, false},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct run r;
		start(&r, rows[i].words);
		assert_int_equal(cli_dispatch(&r.c, table), rows[i].rc);
		finish(&r);
		assert_string_equal(r.err, "");
		assert_string_equal(got_word, rows[i].word);
		assert_int_equal(got_argc, rows[i].word[0] != '\0');
		assert_int_equal(got_flag, rows[i].flag);
		assert_int_equal(r.c.json, rows[i].json);
		assert_true((got_id == NULL) == (rows[i].id == NULL));
		assert_true((r.c.config_file == NULL) == (rows[i].config == NULL));
		if (got_id != NULL)
			assert_string_equal(got_id, rows[i].id);
		done(&r);
	}
}

static void test_usage_errors(void **state)
{
	const struct {
		char **words;
		const char *says;
	} rows[] = {
	        {(char *[]){NULL}, "a command is missing; account-linkd --help lists them"},
	        {WORDS("nope"), "there is no command nope"},
	        {WORDS("--nope", "plain"), "there is no option --nope here"},
	        {WORDS("plain", "--nope"), "there is no option --nope here"},
	        {WORDS("plain", "-x"), "there is no option -x here"},
	        {WORDS("plain", "--idx"), "there is no option --idx here"},
	        {WORDS("plain", "--id"), "--id needs a value"},
	        {WORDS("plain", "--config"), "--config needs a value"},
	        {WORDS("plain", "--flag=1"), "--flag takes no value"},
	        {WORDS("plain", "--id", "a", "--id=b"), "--id is given twice"},
	        {WORDS("plain", "--flag", "--flag"), "--flag is given twice"},
	        {WORDS("--config", "a", "plain", "--config", "b"), "--config is given twice"},
	        {WORDS("--json", "plain", "--json"), "--json is given twice"},
	        {WORDS("plain", "a", "b"), "b is one word too many"},
	        {WORDS("plain", "--id", "?"), "id ? is odd"},
	        {WORDS("nest"), "a command is missing; account-linkd nest --help"},
	        {WORDS("nest", "nope"), "there is no command nope; account-linkd nest --help"},
	        {WORDS("nest", "add", "--nope"), "usage: account-linkd nest add --id ID [--flag] [WORD]"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct run r;
		start(&r, rows[i].words);
		assert_int_equal(cli_dispatch(&r.c, table), CLI_USAGE);
		finish(&r);
		assert_string_equal(r.out, "");
		if (strstr(r.err, rows[i].says) == NULL || strstr(r.err, "\nusage: account-linkd") == NULL)
			fail_msg("row %zu: %s", i, r.err);
		done(&r);
	}
}

static void test_help(void **state)
{
	const struct {
		char **words;
		const char *says;
	} rows[] = {
	        {WORDS("--help"), "  plain         [--id ID]              Plain one.\n"},
	        {WORDS("-h"), "usage: account-linkd COMMAND"},
	        {WORDS("plain", "--help"),
	         "usage: account-linkd plain [--id ID] [--config FILE] [--json]\n\nPlain one.\n"},
	        {WORDS("nest", "--help"), "  add           --id ID"},
	        {WORDS("nest", "add", "-h"), "usage: account-linkd nest add --id ID"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct run r;
		start(&r, rows[i].words);
		assert_int_equal(cli_dispatch(&r.c, table), CLI_OK);
		finish(&r);
		assert_string_equal(r.err, "");
		if (strstr(r.out, rows[i].says) == NULL)
			fail_msg("row %zu: %s", i, r.out);
		done(&r);
	}
}

/* --- results */

static void gather(struct cli *c)
{
	cli_str(c, "s", STR("\xc3\xa4 b"));
	cli_str(c, "odd", STR("a\x1b[2J\n"));
	cli_int(c, "i", -7);
	cli_bool(c, "yes", true);
	cli_list(c, "none");
	cli_list_end(c);
	cli_list(c, "links");
	for (int i = 1; i <= 2; i++) {
		cli_item(c);
		cli_int(c, "n", i);
		cli_str(c, "t", STR("x"));
	}
	cli_list_end(c);
	cli_bool(c, "no", false);
}

static void test_results(void **state)
{
	struct run r;
	(void)state;
	start(&r, WORDS("x"));
	gather(&r.c);
	assert_int_equal(cli_done(&r.c), CLI_OK);
	finish(&r);
	assert_string_equal(
	        r.out,
	        "s: \xc3\xa4 b\nodd: \"a\\u001b[2J\\u000a\"\ni: -7\nyes: yes\nlinks.1.n: 1\nlinks.1.t: x\n"
	        "links.2.n: 2\nlinks.2.t: x\nno: no\n");
	done(&r);
	start(&r, WORDS("x"));
	r.c.json = true;
	gather(&r.c);
	assert_int_equal(cli_done(&r.c), CLI_OK);
	finish(&r);
	assert_string_equal(
	        r.out,
	        "{\"s\":\"\xc3\xa4 b\",\"odd\":\"a\\u001b[2J\\u000a\",\"i\":-7,\"yes\":true,\"none\":[],"
	        "\"links\":[{\"n\":1,\"t\":\"x\"},{\"n\":2,\"t\":\"x\"}],\"no\":false}\n");
	done(&r);
	start(&r, WORDS("x"));
	r.c.json = true;
	assert_int_equal(cli_done(&r.c), CLI_OK);
	finish(&r);
	assert_string_equal(r.out, "{}\n");
	done(&r);
}

/* A list that comes first needs no comma before it. */
static void test_list_first(void **state)
{
	struct run r;
	(void)state;
	start(&r, WORDS("x"));
	r.c.json = true;
	cli_list(&r.c, "l");
	cli_item(&r.c);
	cli_item(&r.c);
	cli_list_end(&r.c);
	cli_int(&r.c, "i", 1);
	assert_int_equal(cli_done(&r.c), CLI_OK);
	finish(&r);
	assert_string_equal(r.out, "{\"l\":[{},{}],\"i\":1}\n");
	done(&r);
}

static void test_result_failures(void **state)
{
	struct run r;
	(void)state;
	start(&r, WORDS("x"));
	for (int i = 0; i < CLI_RESULT_MAX / 20; i++)
		cli_str(&r.c, "key", STR("0123456789abcdefghij"));
	assert_int_equal(cli_done(&r.c), CLI_FAILED);
	finish(&r);
	assert_string_equal(r.out, "");
	assert_non_null(strstr(r.err, "too large"));
	done(&r);
	start(&r, WORDS("x"));
	(void)fclose(r.c.out);
	free(r.out);
	r.c.out = fopen("/dev/full", "w");
	r.out = NULL;
	cli_int(&r.c, "i", 1);
	assert_int_equal(cli_done(&r.c), CLI_FAILED);
	(void)fflush(r.c.err);
	assert_non_null(strstr(r.err, "cannot be written"));
	done(&r);
}

static void test_read_secret(void **state)
{
	static const struct {
		struct str in;
		const char *want, *says;
	} rows[] = {
	        {STR("sesame\n"), "sesame", NULL},
	        {STR("sesame"), "sesame", NULL},
	        {STR("a\n\n"), "a\n", NULL},
	        {STR(" a \r\n"), " a \r", NULL},
	        {STR("12345678\n"), "12345678", NULL},
	        {STR("123456789\n"), NULL, "longer than 8 bytes"},
	        {STR("123456789"), NULL, "longer than 8 bytes"},
	        {STR("1234567890123456789"), NULL, "longer than 8 bytes"},
	        {STR("\n"), NULL, "is empty"},
	        {STR("a\0b"), NULL, "NUL byte"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct run r;
		struct buf b;
		char in[32];
		start(&r, WORDS("x"));
		memcpy(in, rows[i].in.p, rows[i].in.n);
		r.c.in = fmemopen(in, rows[i].in.n, "r");
		assert_int_equal(cli_read_secret(&r.c, 8, &b), rows[i].want != NULL);
		finish(&r);
		if (rows[i].want != NULL)
			assert_string_equal(b.p, rows[i].want);
		else {
			assert_int_equal(r.c.rc, CLI_FAILED);
			assert_non_null(strstr(r.err, rows[i].says));
		}
		buf_done(&b);
		(void)fclose(r.c.in);
		done(&r);
	}
}

/* --- the commands about settings */

static char *good_variables[] = {"LINKD_APP_SECRET=0123456789abcdef", "LINKD_PUBLIC_URL=https://a.b", NULL};

static void test_check_config(void **state)
{
	struct run r;
	(void)state;
	start(&r, (char *[]){NULL});
	assert_int_equal(cli_check_config(&r.c), CLI_FAILED);
	finish(&r);
	assert_string_equal(r.out, "");
	assert_non_null(strstr(r.err, "LINKD_APP_SECRET: must be set"));
	assert_non_null(strstr(r.err, "LINKD_PUBLIC_URL: must be set"));
	assert_non_null(strstr(r.err, "account-linkd: 2 problems in the settings; no settings file was named "
	                              "with --config FILE\n"));
	done(&r);
	start(&r, (char *[]){NULL});
	r.c.environ_ = good_variables;
	assert_int_equal(cli_check_config(&r.c), CLI_OK);
	finish(&r);
	assert_int_equal(strncmp(r.out, "status: ok\nwarnings.1.text: LINKD_", 34), 0);
	assert_string_equal(r.err, "");
	done(&r);
	start(&r, WORDS("--config", "/nonexistent/x.ini"));
	r.c.environ_ = good_variables;
	assert_int_equal(cli_check_config(&r.c), CLI_FAILED);
	done(&r);
}

static void test_print_config(void **state)
{
	const struct {
		char **words;
		const char *begins;
	} rows[] = {{(char *[]){NULL}, "listen: 0.0.0.0:8080\nadmin_listen: "},
	            {WORDS("--json"), "{\"listen\":[\"0.0.0.0:8080\"],"},
	            {WORDS("--readme"), "# Settings\n"}};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct run r;
		start(&r, rows[i].words);
		r.c.environ_ = good_variables;
		assert_int_equal(cli_print_config(&r.c), CLI_OK);
		finish(&r);
		assert_int_equal(strncmp(r.out, rows[i].begins, strlen(rows[i].begins)), 0);
		assert_null(strstr(r.out, "0123456789abcdef"));
		done(&r);
	}
}

static void test_version(void **state)
{
	const struct json_limits limits = {.max_depth = 1, .max_values = 20};
	static const char *const keys[] = {"name",    "version", "libmicrohttpd", "libcurl",
	                                   "openssl", "cjson",   "sqlite"};
	struct run r;
	struct json *j;
	(void)state;
	start(&r, WORDS("--json"));
	assert_int_equal(cli_version(&r.c), CLI_OK);
	finish(&r);
	assert_int_equal(json_parse((struct str){r.out, r.out_n - 1}, &limits, &j, NULL), ERR_OK);
	for (size_t i = 0; i < COUNT(keys); i++)
		assert_true(json_str(json_get(j, keys[i])).n > 0);
	json_free(j);
	done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_options),      cmocka_unit_test(test_usage_errors),
	        cmocka_unit_test(test_help),         cmocka_unit_test(test_results),
	        cmocka_unit_test(test_list_first),   cmocka_unit_test(test_result_failures),
	        cmocka_unit_test(test_read_secret),  cmocka_unit_test(test_check_config),
	        cmocka_unit_test(test_print_config), cmocka_unit_test(test_version),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
