#include "aws/creds/creds.h"
#include "base/crypto.h"
#include "sigv4_oracle.h"
#include "test.h"

#include <stdlib.h>

static const struct creds_keys example = {.access_key_id = "AKIDEXAMPLE",
                                          .secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};

/* The published example, stage by stage. */
static void test_stages(void **state)
{
	const struct sigv4_header headers[] = {{STR("X-Amz-Date"), STR("20150830T123600Z")},
	                                       {STR("Host"), STR("example.amazonaws.com")}};
	const struct sigv4_request req = {
	        .method = STR("GET"), .path = STR("/"), .headers = headers, .n_headers = 2};
	const struct sigv4_scope scope = {STR("us-east-1"), STR("service"), 1440938160};
	char signature[SIGV4_SIGNATURE_LEN + 1];
	struct buf canonical, names, text;
	(void)state;
	buf_init(&canonical, 4096);
	buf_init(&names, 4096);
	buf_init(&text, 4096);
	assert_int_equal(sigv4_canonical(&req, &canonical, &names, NULL), ERR_OK);
	assert_string_equal(canonical.p,
	                    "GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
	                    "host;x-amz-date\n"
	                    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_string_equal(names.p, "host;x-amz-date");
	assert_int_equal(sigv4_string_to_sign(&scope, buf_view(&canonical), &text, NULL), ERR_OK);
	assert_string_equal(text.p,
	                    "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n"
	                    "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63");
	assert_int_equal(
	        sigv4_signature(&scope, str_c(example.secret_access_key), buf_view(&text), signature, NULL),
	        ERR_OK);
	assert_string_equal(signature, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
	buf_done(&canonical);
	buf_done(&names);
	buf_done(&text);
}

/* No room is an error, not a short signature. */
static void test_no_room(void **state)
{
	const struct sigv4_header headers[] = {{STR("Host"), STR("h")}};
	const struct sigv4_request req = {
	        .method = STR("GET"), .path = STR("/"), .headers = headers, .n_headers = 1};
	const struct sigv4_scope scope = {STR("us-east-1"), STR("service"), 1440938160};
	struct buf out, names;
	(void)state;
	buf_init(&out, 20);
	buf_init(&names, 20);
	assert_int_equal(sigv4_canonical(&req, &out, &names, NULL), ERR_NOMEM);
	buf_reset(&out);
	assert_int_equal(sigv4_string_to_sign(&scope, STR("x"), &out, NULL), ERR_NOMEM);
	buf_reset(&out);
	assert_int_equal(sigv4_authorize(&scope, &example, &req, &out, NULL), ERR_NOMEM);
	buf_done(&out);
	buf_done(&names);
}

static struct sigv4_call call_of(void)
{
	return (struct sigv4_call){{STR("eu-central-1"), STR("dynamodb"), 1440938160},
	                           STR("dynamodb.eu-central-1.amazonaws.com"),
	                           STR("application/x-amz-json-1.0"),
	                           STR("DynamoDB_20120810.Query"),
	                           STR("{}")};
}

/* What the fast way says with a cache that was used before equals what a new cache says. */
static void same_as_new(struct sigv4_cache *used, const struct sigv4_call *call,
                        const struct creds_keys *keys)
{
	struct sigv4_cache *fresh = NULL;
	struct sigv4_lines a, b;
	assert_int_equal(sigv4_cache_new(&fresh, NULL), ERR_OK);
	assert_int_equal(sigv4_sign(used, call, keys, &a, NULL), ERR_OK);
	assert_int_equal(sigv4_sign(fresh, call, keys, &b, NULL), ERR_OK);
	assert_string_equal(a.authorization, b.authorization);
	assert_string_equal(a.date, b.date);
	sigv4_cache_free(fresh);
}

static void test_cached_key_follows_its_parts(void **state)
{
	struct sigv4_cache *c = NULL;
	struct sigv4_call call = call_of();
	struct creds_keys keys = example, with_token = example;
	(void)state;
	with_token.session_token = "token";
	assert_int_equal(sigv4_cache_new(&c, NULL), ERR_OK);
	same_as_new(c, &call, &keys);
	same_as_new(c, &call, &keys);
	call.scope.time_s += 86400;
	same_as_new(c, &call, &keys);
	call.scope.region = STR("eu-central-2");
	same_as_new(c, &call, &keys);
	call.scope.service = STR("sts");
	same_as_new(c, &call, &keys);
	keys.secret_access_key = "another";
	same_as_new(c, &call, &keys);
	same_as_new(c, &call, &with_token);
	sigv4_cache_free(c);
	sigv4_cache_free(NULL);
}

/* A call that was refused leaves a cache that still signs right. */
static void test_refused_call_leaves_the_cache(void **state)
{
	struct sigv4_cache *c = NULL;
	struct sigv4_call call = call_of(), wrong = call_of();
	struct creds_keys bad = example;
	struct sigv4_lines lines;
	struct err e;
	(void)state;
	assert_int_equal(sigv4_cache_new(&c, NULL), ERR_OK);
	same_as_new(c, &call, &example);
	wrong.host = STR("h\r\nX: y");
	assert_int_equal(sigv4_sign(c, &wrong, &example, &lines, &e), ERR_INVALID);
	bad.secret_access_key = "line\nbreak";
	assert_int_equal(sigv4_sign(c, &call, &bad, &lines, &e), ERR_INVALID);
	assert_null(strstr(e.msg, "line\nbreak"));
	bad = example;
	bad.session_token = "a\rb";
	assert_int_equal(sigv4_sign(c, &call, &bad, &lines, &e), ERR_INVALID);
	same_as_new(c, &call, &example);
	sigv4_cache_free(c);
}

/* The longest values that are taken fit into the lines. */
static void test_longest(void **state)
{
	char id[129], name[64];
	struct sigv4_cache *c = NULL;
	struct sigv4_call call = call_of();
	struct sigv4_lines lines;
	struct creds_keys keys = example;
	(void)state;
	memset(id, 'A', sizeof id - 1);
	id[128] = '\0';
	memset(name, 'r', sizeof name - 1);
	name[63] = '\0';
	keys.access_key_id = id;
	keys.session_token = "t";
	call.scope.region = call.scope.service = str_c(name);
	assert_int_equal(sigv4_cache_new(&c, NULL), ERR_OK);
	assert_int_equal(sigv4_sign(c, &call, &keys, &lines, NULL), ERR_OK);
	const char *signature = strstr(lines.authorization, "Signature=");
	assert_non_null(signature);
	assert_int_equal(strlen(signature + 10), SIGV4_SIGNATURE_LEN);
	sigv4_cache_free(c);
}

static int start(void **state)
{
	(void)state;
	return crypto_start(NULL) == ERR_OK ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_stages),
	        cmocka_unit_test(test_no_room),
	        cmocka_unit_test(test_cached_key_follows_its_parts),
	        cmocka_unit_test(test_refused_call_leaves_the_cache),
	        cmocka_unit_test(test_longest),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
