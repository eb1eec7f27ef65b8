/* sigv4_driver.c - the signer for the Python tests.
 *   sigv4_driver          one JSON object a line in, one out: {"kind": "request" or "call", ...}
 *   sigv4_driver bench N  time of rounds of N signatures with a cached key, 700 bytes of body, 1,000 bytes of
 * token */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aws/creds/creds.h"
#include "base/codec.h"
#include "base/crypto.h"
#include "base/json.h"
#include "unit/sigv4_oracle.h"

enum { HEADERS_MAX = 80, OUT_MAX = 1 << 20, ROUNDS = 25 };

static struct str text(const struct json *j, const char *key)
{
	return json_str(json_get(j, key));
}

static const char *z_or_null(const struct json *j, const char *key)
{
	return json_is_string(json_get(j, key)) ? text(j, key).p : NULL;
}

static struct creds_keys keys_of(const struct json *j)
{
	return (struct creds_keys){.access_key_id = z_or_null(j, "access_key"),
	                           .secret_access_key = z_or_null(j, "secret_key"),
	                           .session_token = z_or_null(j, "token")};
}

static struct sigv4_scope scope_of(const struct json *j)
{
	double time_s = -1;
	(void)json_num(json_get(j, "time"), &time_s);
	return (struct sigv4_scope){text(j, "region"), text(j, "service"), (int64_t)time_s};
}

static void put_member(struct buf *out, const char *name, struct str value)
{
	buf_printf(out, "%s\"%s\": ", out->len > 1 ? ", " : "", name);
	codec_json(out, value);
}

static enum err_code do_request(const struct json *j, struct buf *out, struct err *e)
{
	struct sigv4_header headers[HEADERS_MAX];
	struct creds_keys keys = keys_of(j);
	struct sigv4_scope scope = scope_of(j);
	struct sigv4_request req = {.method = text(j, "method"),
	                            .path = text(j, "path"),
	                            .query = text(j, "query"),
	                            .headers = headers,
	                            .body = text(j, "body")};
	struct buf canonical, names, auth;
	for (const struct json *h = json_first(json_get(j, "headers")); h != NULL; h = json_next(h)) {
		const struct json *name = json_first(h);
		headers[req.n_headers++] = (struct sigv4_header){json_str(name), json_str(json_next(name))};
		if (req.n_headers == HEADERS_MAX)
			break;
	}
	buf_init(&canonical, OUT_MAX);
	buf_init(&names, OUT_MAX);
	buf_init(&auth, OUT_MAX);
	enum err_code code = sigv4_authorize(&scope, &keys, &req, &auth, e);
	if (code == ERR_OK)
		code = sigv4_canonical(&req, &canonical, &names, e);
	if (code == ERR_OK) {
		put_member(out, "authorization", buf_view(&auth));
		put_member(out, "canonical", buf_view(&canonical));
	}
	buf_done(&canonical);
	buf_done(&names);
	buf_done(&auth);
	return code;
}

static enum err_code do_call(struct sigv4_cache *cache, const struct json *j, struct buf *out, struct err *e)
{
	struct sigv4_lines lines;
	struct creds_keys keys = keys_of(j);
	struct sigv4_call call = {scope_of(j), text(j, "host"), text(j, "content_type"), text(j, "target"),
	                          text(j, "body")};
	enum err_code code = sigv4_sign(cache, &call, &keys, &lines, e);
	if (code == ERR_OK) {
		put_member(out, "authorization", str_c(lines.authorization));
		put_member(out, "date", str_c(lines.date));
	}
	return code;
}

static void answer(struct sigv4_cache *cache, struct str line)
{
	const struct json_limits limits = {8, 1000};
	struct json *j = NULL;
	struct buf out;
	struct err e;
	buf_init(&out, OUT_MAX);
	buf_z(&out, "{");
	enum err_code code = json_parse(line, &limits, &j, &e);
	if (code == ERR_OK)
		code = str_is(text(j, "kind"), "call") ? do_call(cache, j, &out, &e)
		                                       : do_request(j, &out, &e);
	if (code != ERR_OK) {
		put_member(&out, "error", str_c(err_name(code)));
		put_member(&out, "message", str_c(e.msg));
	}
	printf("%s}\n", out.p);
	buf_done(&out);
	json_free(j);
}

/* Nanoseconds of this thread's processor time: another program on the machine does not count. */
static int64_t cpu_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int order(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* Time of one signature, from a round of n. */
static double round_us(struct sigv4_cache *cache, struct sigv4_call *call, const struct creds_keys *keys,
                       long n)
{
	struct sigv4_lines lines;
	struct err e;
	int64_t start = cpu_ns();
	for (long i = 0; i < n; i++) {
		call->scope.time_s++;
		if (sigv4_sign(cache, call, keys, &lines, &e) != ERR_OK) {
			printf("%s\n", e.msg);
			return 0;
		}
	}
	return (double)(cpu_ns() - start) / 1000.0 / (double)n;
}

static void bench(struct sigv4_cache *cache, long n)
{
	static char body[700], token[1001];
	double us[ROUNDS];
	memset(body, 'b', sizeof body);
	memset(token, 't', sizeof token - 1);
	const struct creds_keys keys = {.access_key_id = "AKIDEXAMPLE",
	                                .secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	                                .session_token = token};
	for (int i = 0; i < ROUNDS; i++) {
		struct sigv4_call call = {{STR("eu-central-1"), STR("dynamodb"), 1440892800},
		                          STR("dynamodb.eu-central-1.amazonaws.com"),
		                          STR("application/x-amz-json-1.0"),
		                          STR("DynamoDB_20120810.UpdateItem"),
		                          {body, sizeof body}};
		us[i] = round_us(cache, &call, &keys, n);
	}
	qsort(us, ROUNDS, sizeof *us, order);
	printf("signature with a cached key, 700 B body, 1000 B token, %d rounds of %ld: median %.2f us, "
	       "best %.2f us\n",
	       ROUNDS, n, us[ROUNDS / 2], us[0]);
}

int main(int argc, char **argv)
{
	struct sigv4_cache *cache;
	struct err e;
	char *line = NULL;
	size_t cap = 0;
	if (crypto_start(&e) != ERR_OK || sigv4_cache_new(&cache, &e) != ERR_OK)
		return 2;
	if (argc > 2 && strcmp(argv[1], "bench") == 0)
		bench(cache, strtol(argv[2], NULL, 10));
	else
		for (ssize_t n; (n = getline(&line, &cap, stdin)) > 0;)
			answer(cache, (struct str){line, (size_t)n});
	free(line);
	sigv4_cache_free(cache);
	return 0;
}
