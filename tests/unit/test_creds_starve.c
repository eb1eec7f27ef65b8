/* Every source of AWS credentials while each allocation and each cryptographic call fails once: keys that are
 * right, or an error that says why; and the same source works afterwards. */
#include "test.h"

#include <unistd.h>

#include "aws/creds/creds.h"
#include "base/crypto.h"
#include "net/httpc.h"
#include "obs/log.h"
#include "starve.h"
#include "store/script.h"

#define JSON(token)                                                                                  \
	"200 {\"Code\":\"Success\",\"AccessKeyId\":\"AKIDGOT\",\"SecretAccessKey\":\"got\",\"" token \
	"\":\"tok\",\"Expiration\":\"2099-01-01T00:00:00Z\"}"
#define STS(name)                                                                                     \
	"200 <" name "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" name            \
	"Result><Credentials>"                                                                        \
	"<AccessKeyId>AKIDGOT</AccessKeyId><SecretAccessKey>got</SecretAccessKey><SessionToken>tok</" \
	"SessionToken>"                                                                               \
	"<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></" name "Result></" name "Response>"

enum { ROWS = 4, NAMES = 8 };

static char dir[] = "/tmp/linkd-creds-XXXXXX";

/* "@" in a name's value is the address of the server, "~" this test's folder. */
static const struct source {
	const char *names[NAMES];
	const char *file; /* ~/config */
	const char *provider;
	struct script_row rows[ROWS];
} sources[] = {
        {{"AWS_ACCESS_KEY_ID=AKIDGOT", "AWS_SECRET_ACCESS_KEY=got", "AWS_SESSION_TOKEN=tok",
          "AWS_CREDENTIAL_EXPIRATION=2099-01-01T00:00:00Z", "AWS_ACCOUNT_ID=123456789012"},
         "",
         "env",
         {{NULL, NULL}}},
        {{"AWS_PROFILE=one"},
         "[profile one]\naws_access_key_id = AKIDGOT\naws_secret_access_key = got\naws_session_token = tok\n"
         "services = s\n[services s]\nsts =\n  endpoint_url = http://x\n",
         "config-file",
         {{NULL, NULL}}},
        {{"PATH=/usr/bin:/bin"},
         "[default]\ncredential_process = printf '{\"Version\":1,\"AccessKeyId\":\"AKIDGOT\","
         "\"SecretAccessKey\":\"got\",\"SessionToken\":\"tok\"}'\n",
         "custom-process",
         {{NULL, NULL}}},
        {{"AWS_PROFILE=role", "AWS_REGION=eu-central-1", "AWS_ENDPOINT_URL_STS=@"},
         "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\nexternal_id = "
         "e\n"
         "role_session_name = sess\n[profile base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = "
         "base\n",
         "assume-role",
         {{"POST /", STS("AssumeRole")}}},
        {{"AWS_ROLE_ARN=arn:aws:iam::123456789012:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE=~/config",
          "AWS_REGION=eu-central-1", "AWS_ENDPOINT_URL_STS=@"},
         "#a.web.token",
         "assume-role-with-web-identity",
         {{"POST /", STS("AssumeRoleWithWebIdentity")}}},
        {{"AWS_CONTAINER_CREDENTIALS_FULL_URI=@/keys", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=~/config"},
         "#token-of-the-container",
         "container-role",
         {{"GET /keys", JSON("Token")}}},
        {{"AWS_EC2_METADATA_SERVICE_ENDPOINT=@"},
         "",
         "iam-role",
         {{"PUT /latest/api/token", "200 tok"},
          {"GET /latest/meta-data/iam/security-credentials/", "200 r"},
          {"GET /latest/meta-data/iam/security-credentials/r", JSON("Token")}}},
};

/* The environment of a source. */
struct world {
	char text[NAMES + 2][160];
	char *names[NAMES + 3];
};

static void prepare(const struct source *s, struct world *w)
{
	char path[64];
	size_t n = 0;
	(void)snprintf(path, sizeof path, "%s/config", dir);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	(void)fputs(s->file, f);
	(void)fclose(f);
	for (; s->names[n] != NULL; n++) {
		size_t at = strcspn(s->names[n], "@~");
		const char *put = s->names[n][at] == '@' ? script_url() : s->names[n][at] == '~' ? dir : "";
		(void)snprintf(w->text[n], sizeof w->text[n], "%.*s%s%s", (int)at, s->names[n], put,
		               s->names[n][at] == '\0' ? "" : s->names[n] + at + 1);
	}
	(void)snprintf(w->text[n++], sizeof w->text[0], "AWS_CONFIG_FILE=%s", path);
	(void)snprintf(w->text[n++], sizeof w->text[0], "AWS_SHARED_CREDENTIALS_FILE=%s/none", dir);
	for (size_t i = 0; i <= n; i++)
		w->names[i] = i == n ? NULL : w->text[i];
	script_set(s->rows, ROWS);
}

struct answer {
	struct loop *loop;
	enum err_code code;
	struct creds_keys *keys;
	struct err err;
};

static void on_answer(void *arg, const struct err *err, struct creds_keys *keys)
{
	struct answer *a = arg;
	a->code = err == NULL ? ERR_OK : err->code;
	if (err != NULL)
		a->err = *err;
	a->keys = keys == NULL ? NULL : creds_keys_acquire(keys);
	loop_stop(a->loop);
}

/* Ask once, as the service does at its start.  False: there is no such call. */
static bool ask(const struct source *s, size_t nth, struct answer *a)
{
	struct world w;
	struct httpc *http = NULL;
	struct creds *c = NULL;
	struct creds_wait *wait = NULL;
	prepare(s, &w);
	struct creds_options o = {.environ_ = w.names};
	*a = (struct answer){.err = {.msg = ""}};
	assert_int_equal(loop_new(&a->loop, NULL), ERR_OK);
	assert_int_equal(httpc_new(a->loop, &http, NULL), ERR_OK);
	starve_nth(nth);
	a->code = creds_new(&o, &c, &a->err);
	if (a->code == ERR_OK)
		a->code = creds_start(c, a->loop, http, &a->err);
	if (a->code == ERR_OK && (a->code = creds_wait(c, a->loop, on_answer, a, &wait)) == ERR_OK)
		loop_run(a->loop);
	bool met = starve_calls() >= nth;
	creds_stop(c);
	loop_drain(a->loop);
	creds_free(c);
	httpc_free(http);
	loop_free(a->loop);
	return met;
}

static void must_be_right(const struct source *s, const struct answer *a)
{
	if (a->code != ERR_OK)
		fail_msg("%s: %s", s->provider, a->err.msg);
	assert_string_equal(a->keys->provider, s->provider);
	assert_string_equal(a->keys->access_key_id, "AKIDGOT");
	assert_string_equal(a->keys->secret_access_key, "got");
	assert_string_equal(a->keys->session_token, "tok");
}

static void test_each_source(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
		struct answer a;
		size_t failures = 0;
		for (size_t nth = 1; ask(&sources[i], nth, &a); nth++) {
			assert_true(nth < 400);
			if (a.code == ERR_OK)
				must_be_right(&sources[i], &a);
			else
				failures++;
			creds_keys_release(a.keys);
		}
		must_be_right(&sources[i], &a);
		creds_keys_release(a.keys);
		assert_true(failures > 5);
	}
}

/* What is wrong with a source is told, with its setting. */
static void test_what_is_wrong(void **state)
{
	static const struct {
		struct source source;
		const char *says;
	} table[] = {
	        {{{"AWS_CONFIG_FILE=x", "AWS_PROFILE=none"}, "", "", {{NULL, NULL}}}, "none"},
	        {{{"AWS_CONTAINER_CREDENTIALS_FULL_URI=@/keys"},
	          "",
	          "",
	          {{"GET /keys", "200 {\"Code\":\"no\",\"Message\":\"because\"}"}}},
	         "because"},
	        {{{"AWS_CONTAINER_CREDENTIALS_FULL_URI=@/keys"}, "", "", {{"GET /keys", "404 no"}}}, "404"},
	        {{{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://[::2]/keys"}, "", "", {{NULL, NULL}}},
	         "must be https"},
	        {{{"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://10.0.0.1/keys"}, "", "", {{NULL, NULL}}},
	         "must be https"},
	        {{{"AWS_EC2_METADATA_SERVICE_ENDPOINT=@"}, "", "", {{"PUT /latest/api/token", "403 no"}}},
	         ""},
	        {{{"PATH=/bin"}, "[default]\ncredential_process = /nowhere/program\n", "", {{NULL, NULL}}},
	         "/nowhere/program"},
	        {{{"PATH=/bin"}, "[default]\ncredential_process = 'a\n", "", {{NULL, NULL}}},
	         "credential_process"},
	        {{{"PATH=/bin:/usr/bin"},
	          "[default]\ncredential_process = sh -c 'kill -9 $$'\n",
	          "",
	          {{NULL, NULL}}},
	         "signal 9"},
	        {{{"PATH=/bin:/usr/bin"},
	          "[default]\ncredential_process = sh -c 'echo sorry >&2; exit 3'\n",
	          "",
	          {{NULL, NULL}}},
	         "exit status 3: sorry"},
	        {{{"PATH=/bin:/usr/bin"},
	          "[default]\ncredential_process = head -c 70000 /dev/zero\n",
	          "",
	          {{NULL, NULL}}},
	         "printed more than"},
	        {{{"PATH=/bin:/usr/bin"},
	          "[default]\ncredential_process = sh -c 'head -c 9000 /dev/zero >&2; exit 4'\n",
	          "",
	          {{NULL, NULL}}},
	         "exit status 4"},
	        {{{"AWS_PROFILE=role", "AWS_REGION=eu-central-1", "AWS_ENDPOINT_URL_STS=@"},
	          "[profile role]\nrole_arn =\nsource_profile = role\n",
	          "",
	          {{NULL, NULL}}},
	         "role_arn is empty"},
	        {{{"AWS_PROFILE=role", "AWS_REGION=eu-central-1", "AWS_ENDPOINT_URL_STS=@"},
	          "[profile role]\nrole_arn = arn:x\nsource_profile = base\n[profile base]\n"
	          "aws_access_key_id = AKIDBASE\naws_secret_access_key = base\n",
	          "",
	          {{"POST /",
	            "403 <ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>"
	            "<Code>SignatureDoesNotMatch</Code><Message>m</Message></Error></ErrorResponse>"}}},
	         "check the source profile's keys and the clock"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct answer a;
		(void)ask(&table[i].source, SIZE_MAX, &a);
		assert_null(a.keys);
		if (a.code == ERR_OK || strstr(a.err.msg, table[i].says) == NULL)
			fail_msg("row %zu: %d, %s", i, (int)a.code, a.err.msg);
	}
}

static int start(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL || crypto_start(NULL) != ERR_OK || httpc_global_start(NULL) != ERR_OK ||
	    log_start(LOG_ERROR, LOG_TEXT, STDERR_FILENO, NULL) != ERR_OK)
		return -1;
	script_start();
	return 0;
}

static int end(void **state)
{
	char path[64];
	(void)state;
	script_stop();
	log_stop();
	(void)snprintf(path, sizeof path, "%s/config", dir);
	(void)unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_source),
	                                   cmocka_unit_test(test_what_is_wrong)};
	(void)alarm((unsigned)patience(120)); /* an answer that never comes */
	return cmocka_run_group_tests(tests, start, end);
}
