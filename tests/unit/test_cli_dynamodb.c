/* Commands on a DynamoDB that answers as told, also while every allocation fails once: what they say, how
 * they end, and that what they print is whole. */
#include "test.h"

#include <unistd.h>

#include "cli/cli.h"
#include "obs/log.h"
#include "starve.h"
#include "store/script.h"

#define IS(name) "400 {\"__type\":\"x#" name "\"}"
#define FAILED "500 {\"__type\":\"x#InternalServerError\"}"
#define ALL SCRIPT_EMAIL "," SCRIPT_PSID "," SCRIPT_CODE
#define NONE                                                     \
	{                                                        \
		"DescribeTable", IS("ResourceNotFoundException") \
	}
#define CREATING                                                                                  \
	{                                                                                         \
		"DescribeTable", "200 {\"Table\":{\"TableStatus\":\"CREATING\"," SCRIPT_KEYS "}}" \
	}
#define READY                                           \
	{                                               \
		"DescribeTable", SCRIPT_TABLE("0", ALL) \
	}
#define ADA                                                                                           \
	"{\"customer_id\":{\"S\":\"ada\"},\"email\":{\"S\":\"ada@x\"},\"password\":{\"S\":\"$5$x\"}," \
	"\"fb_psid\":{\"S\":\"77\"},\"fb_linked_at\":{\"N\":\"5000\"},\"login_window_ends\":{\"N\":\"9\"}}"
#define FOUND                                        \
	{                                            \
		"Query", "200 {\"Items\":[" ADA "]}" \
	}
#define GOT                                         \
	{                                           \
		"GetItem", "200 {\"Item\":" ADA "}" \
	}

enum { SHELL_WORDS_MAX = 12, ROWS = 8 };

struct ran {
	int rc;
	char *out, *err;
};

/* "customer show --id ada", with what standard input holds. */
static void run(const char *line, struct ran *r)
{
	char text[256], *words[SHELL_WORDS_MAX], *rest = text;
	struct cli c = {.argv = words, .environ_ = environ};
	size_t out_n, err_n;
	(void)snprintf(text, sizeof text, "%s", line);
	while ((words[c.argc] = strsep(&rest, " ")) != NULL)
		c.argc++;
	c.in = fmemopen((void *)(uintptr_t) "a secret\n", 9, "r");
	c.out = open_memstream(&r->out, &out_n);
	c.err = open_memstream(&r->err, &err_n);
	assert_true(c.in != NULL && c.out != NULL && c.err != NULL);
	r->rc = cli_main(&c);
	(void)fclose(c.in);
	(void)fclose(c.out);
	(void)fclose(c.err);
}

static void done(struct ran *r)
{
	free(r->out);
	free(r->err);
}

static const struct one {
	const char *line;
	int rc;
	const char *out, *err; /* what is found there; "": nothing is there; NULL: whatever */
	struct script_row rows[ROWS];
} commands[] = {
        {"create-table",
         CLI_FAILED,
         "",
         "table shop exists already and is left as it is",
         {{"DescribeTable", SCRIPT_TABLE("0", "")}}},
        {"create-table", CLI_FAILED, "", "dynamodb:DescribeTable", {{"DescribeTable", IS("AccessDenied")}}},
        {"create-table", CLI_OK, "point_in_time_recovery: yes", "", {NONE, READY}},
        {"create-table",
         CLI_OK,
         "status: ACTIVE",
         "waiting: table CREATING, email-index CREATING, fb_psid-index CREATING (0 s)",
         {NONE, CREATING, READY}},
        {"create-table",
         CLI_OK,
         "billing: provisioned",
         "warning: point-in-time recovery is not on",
         {NONE, READY, {"UpdateContinuousBackups", IS("AccessDenied")}}},
        {"create-table", CLI_FAILED, "", "dynamodb:CreateTable", {NONE, {"CreateTable", IS("AccessDenied")}}},
        {"create-table",
         CLI_FAILED,
         "",
         "made by somebody else just now",
         {NONE, {"CreateTable", IS("ResourceInUseException")}}},
        /* the first copy of the call made it */
        {"create-table",
         CLI_OK,
         "table: shop",
         "",
         {NONE, {"CreateTable", FAILED}, {"CreateTable", IS("ResourceInUseException")}, READY}},

        {"doctor", CLI_OK, "store: dynamodb:shop", "", {READY}},
        {"doctor", CLI_OK, "LINKD_SEAL_KEY is not set here; serve needs it", "", {READY}},
        {"doctor", CLI_FAILED, "dynamodb:DescribeTable", NULL, {{"DescribeTable", IS("AccessDenied")}}},
        {"doctor", CLI_FAILED, "renew them", NULL, {{"DescribeTable", IS("ExpiredTokenException")}}},
        {"doctor",
         CLI_FAILED,
         "there is no table shop",
         "",
         {{"DescribeTable", IS("ResourceNotFoundException")}}},
        {"doctor", CLI_FAILED, "faults: 1", "", {{"DescribeTable", IS("ResourceNotFoundException")}}},
        {"doctor", CLI_FAILED, "result: skipped", "", {{"DescribeTable", IS("ResourceNotFoundException")}}},
        {"doctor", CLI_FAILED, "email-index", "", {{"DescribeTable", SCRIPT_TABLE("0", "")}}},
        {"doctor",
         CLI_OK,
         "by scanning 0 KiB, without looking for conflicts",
         "",
         {{"DescribeTable", SCRIPT_TABLE("0", SCRIPT_EMAIL)}}},
        {"doctor",
         CLI_FAILED,
         "is too large to be scanned",
         NULL,
         {{"DescribeTable", SCRIPT_TABLE("99000000", SCRIPT_EMAIL)}}},
        {"doctor", CLI_FAILED, "shop is CREATING", NULL, {CREATING}},
        {"doctor", CLI_FAILED, "described no table", NULL, {{"DescribeTable", "200 {}"}}},

        {"customer show --id ada", CLI_OK, "customer_id: ada", "", {FOUND}},
        {"customer show --email ada@x", CLI_OK, "psid: 77", "", {FOUND, GOT}},
        {"customer show --id ada", CLI_FAILED, "", "dynamodb:Query", {{"Query", IS("AccessDenied")}}},
        {"customer add --id bob --email bob@x --password-stdin",
         CLI_OK,
         "customer_id: bob",
         "",
         {{"Query", "200 {}"}}},
        {"customer add --id bob --email bob@x --password-stdin",
         CLI_FAILED,
         "",
         "dynamodb:PutItem",
         {{"PutItem", IS("AccessDenied")}}},
        {"customer add --id bob --email Ada@x --password-stdin",
         CLI_FAILED,
         "",
         "another customer has this e-mail: neither could log in",
         {{"Query", "200 {}"}, FOUND, GOT}}, /* as typed; in lower case */
        {"customer add --id bob --email ada@x --password-stdin --force",
         CLI_OK,
         "customer_id: bob",
         "warning: another customer has this e-mail",
         {FOUND, GOT, {"Query", "200 {}"}}},
        {"customer remove --id ada",
         CLI_OK,
         "links.1.psid: 77",
         "note: Facebook is not told",
         {FOUND, FOUND, FOUND, {"Query", "200 {}"}}},
        {"link show --psid 77", CLI_OK, "linked_at: 5000", "", {FOUND, GOT}},
        {"link show --customer ada", CLI_OK, "psid: 77", "", {FOUND}},
        {"link remove --psid 77",
         CLI_OK,
         "removed: 1",
         "note: Facebook is not told",
         {FOUND, {"Query", "200 {}"}, GOT}},
};

static bool holds(const char *text, const char *wanted)
{
	if (wanted == NULL)
		return true;
	return wanted[0] == '\0' ? text[0] == '\0' : strstr(text, wanted) != NULL;
}

static void test_what_commands_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		const struct one *o = &commands[i];
		struct ran r;
		script_set(o->rows, ROWS);
		run(o->line, &r);
		if (r.rc != o->rc || !holds(r.out, o->out) || !holds(r.err, o->err))
			fail_msg("row %zu, %s: %d\nout: %s\nerr: %s", i, o->line, r.rc, r.out, r.err);
		done(&r);
	}
}

static void must_say(const char *line, int rc, const char *in_out, const char *in_err)
{
	struct ran r;
	run(line, &r);
	if (r.rc != rc || !holds(r.out, in_out) || !holds(r.err, in_err))
		fail_msg("%s: %d\nout: %s\nerr: %s", line, r.rc, r.out, r.err);
	done(&r);
}

/* Settings the commands look at. */
static void test_settings(void **state)
{
	(void)state;
	script_set(NULL, 0);
	(void)setenv("LINKD_SEAL_KEY", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 1);
	(void)setenv("LINKD_CODE_STYLE", "random", 1);
	must_say("doctor", CLI_OK, "1 set; the first seals, all open", "");
	must_say("doctor", CLI_OK, "authorization_code-index", "");
	(void)unsetenv("LINKD_SEAL_KEY");
	(void)unsetenv("LINKD_CODE_STYLE");
	(void)unsetenv("AWS_REGION");
	(void)setenv("AWS_CONFIG_FILE", "/nowhere", 1);
	(void)setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	must_say("create-table", CLI_FAILED, "", "AWS_REGION");
	must_say("doctor", CLI_FAILED, "AWS_REGION", NULL);
	(void)setenv("AWS_REGION", "eu-central-1", 1);
	(void)setenv("LINKD_STORE", "sqlite:/tmp/nowhere/x.db", 1);
	must_say("create-table", CLI_FAILED, "", "names no DynamoDB table");
	must_say("doctor", CLI_FAILED, "kept beside the database", "");
	must_say("doctor", CLI_FAILED, "there is no database at /tmp/nowhere/x.db", "");
	(void)setenv("LINKD_STORE", "sqlite:/tmp", 1);
	must_say("doctor", CLI_FAILED, "serve would not start with it: the database is not a plain file", "");
	(void)setenv("LINKD_STORE", "dynamodb:shop", 1);
	must_say("serve --json", CLI_USAGE, "", "serve has no --json");
	must_say("healthcheck --url http://127.0.0.1:1/", CLI_FAILED, "", "does not answer");
	(void)setenv("LINKD_LISTEN", "127.0.0.1:0", 1);
	must_say("healthcheck", CLI_FAILED, "", "name the address with --url");
	(void)setenv("LINKD_LISTEN", "[::]:1", 1);
	must_say("healthcheck", CLI_FAILED, "", "http://127.0.0.1:1/healthz does not answer");
	(void)setenv("LINKD_LISTEN", "[::]:1,0.0.0.0:1", 1);
	must_say("healthcheck", CLI_FAILED, "", "http://[::1]:1/healthz does not answer");
	(void)setenv("LINKD_LISTEN", "0.0.0.0:1", 1);
	must_say("healthcheck", CLI_FAILED, "", "http://127.0.0.1:1/healthz does not answer");
	(void)unsetenv("LINKD_LISTEN");
}

/* What a command that fails has printed is nothing; it says why.  One that ends well printed all. */
static void starve_one(const struct one *o, const char *whole, size_t nth, bool *met)
{
	struct ran r;
	bool table = strncmp(o->line, "doctor", 6) == 0; /* its findings are its result, with times */
	script_set(o->rows, ROWS);
	starve_nth(nth);
	run(o->line, &r);
	*met = starve_calls() >= nth;
	if (r.rc == CLI_OK && !table && strstr(r.err, "warning: point-in-time recovery") == NULL)
		assert_string_equal(r.out, whole);
	if (r.rc != CLI_OK) {
		assert_int_equal(r.rc, CLI_FAILED);
		assert_true(*met);
		assert_true(table || r.out[0] == '\0');
		assert_true(r.err[0] != '\0' || table);
	}
	done(&r);
}

static void test_commands_without_memory(void **state)
{
	static const char *const lines[] = {"create-table", "doctor", "customer show --email ada@x",
	                                    "customer remove --id ada", "link remove --psid 77"};
	(void)state;
	for (size_t i = 0, k; i < sizeof lines / sizeof lines[0]; i++) {
		struct ran whole;
		for (k = 0; strcmp(commands[k].line, lines[i]) != 0 || commands[k].rc != CLI_OK;)
			k++;
		script_set(commands[k].rows, ROWS);
		run(lines[i], &whole);
		size_t nth = 1;
		for (bool met = true; met; nth++)
			starve_one(&commands[k], whole.out, nth, &met);
		assert_in_range(nth, 50, 1000);
		done(&whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_commands_say),
	                                   cmocka_unit_test(test_settings),
	                                   cmocka_unit_test(test_commands_without_memory)};
	if (log_start(LOG_ERROR, LOG_TEXT, STDERR_FILENO, NULL) != ERR_OK)
		return 1;
	script_start();
	script_table(SCRIPT_TABLE("0", ALL));
	(void)setenv("LINKD_STORE", "dynamodb:shop", 1);
	(void)setenv("LINKD_ARGON2_MEMORY_KIB", "64", 1);
	(void)setenv("LINKD_ARGON2_PASSES", "1", 1);
	int bad = cmocka_run_group_tests(tests, NULL, NULL);
	script_stop();
	log_stop();
	return bad;
}
