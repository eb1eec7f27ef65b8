/* Calls of the DynamoDB client on a server that answers as told: sent again or not, by whose clock and with
 * which keys, and who waits for whom. */
#include "test.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "aws/ddb/private.h"
#include "aws/ddb/session.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "starve.h"
#include "store/script.h"

#define ERROR(name) "400 {\"__type\":\"x#" name "\"}"
#define FAILED "500 {\"__type\":\"x#InternalServerError\"}"

enum { CALLS = 4, LIMIT_MS = 8000 };

static struct rig {
	struct httpc *http;
	struct loop *loop;
	struct endpoint endpoint;
	struct creds *creds;
	struct ddb *client;
	size_t done;
	struct got {
		enum ddb_class class;
		enum err_code code;
		unsigned attempts;
		bool twice, json;
		int64_t clock_off_ms;
		char why[ERR_MSG_MAX];
	} got[CALLS]; /* in order of their end */
} it;

static int start_rig(void **state)
{
	(void)state;
	it = (struct rig){.loop = NULL};
	struct endpoint_options where = {.environ_ = environ, .service = "dynamodb"};
	struct creds_options keys = {.environ_ = environ};
	struct ddb_options o = {.endpoint = &it.endpoint, .table = "shop", .in_flight = 1};
	assert_int_equal(loop_new(&it.loop, NULL), ERR_OK);
	assert_int_equal(endpoint_load(&where, &it.endpoint, NULL), ERR_OK);
	assert_int_equal(creds_new(&keys, &it.creds, NULL), ERR_OK);
	assert_int_equal(httpc_new(it.loop, &it.http, NULL), ERR_OK);
	assert_int_equal(creds_start(it.creds, it.loop, it.http, NULL), ERR_OK);
	o.loop = it.loop;
	o.http = it.http;
	o.creds = it.creds;
	assert_int_equal(ddb_new(&o, &it.client, NULL), ERR_OK);
	script_set(NULL, 0);
	script_head("");
	return 0;
}

static int end_rig(void **state)
{
	(void)state;
	ddb_free(it.client);
	creds_stop(it.creds);
	loop_drain(it.loop);
	creds_free(it.creds);
	httpc_free(it.http);
	loop_free(it.loop);
	return 0;
}

static void on_done(void *arg, const struct ddb_reply *r)
{
	struct got *g = &it.got[it.done];
	(void)arg;
	assert_true(it.done < CALLS);
	assert_true((r->err == NULL) == (r->class == DDB_SUCCESS || r->class == DDB_CONDITION));
	*g = (struct got){.class = r->class,
	                  .code = r->err == NULL ? ERR_OK : r->err->code,
	                  .attempts = r->attempts,
	                  .twice = r->twice,
	                  .json = r->json != NULL,
	                  .clock_off_ms = r->clock_off_ms};
	(void)snprintf(g->why, sizeof g->why, "%s", r->err == NULL ? "" : r->err->msg);
	it.done++;
	loop_stop(it.loop);
}

static struct ddb_call *begin(const char *operation, int64_t limit_ms)
{
	struct ddb_call *call = NULL;
	static struct err err; /* read in on_done at once */
	struct httpc_outgoing body;
	struct ddb_request req = {.operation = operation, .body = &body, .err = &err};
	req.deadline_ms = clock_mono_ms() + limit_ms;
	httpc_outgoing_init(&body, 2, 2);
	buf_z(&body.bytes, "{}");
	assert_int_equal(ddb_start(it.client, &req, on_done, NULL, &call, NULL), ERR_OK);
	return call;
}

/* One call from its start to its end. */
static const struct got *ask(const struct script_row *rows, size_t n)
{
	script_set(rows, n);
	it.done = 0;
	(void)begin("GetItem", LIMIT_MS);
	loop_run(it.loop);
	assert_int_equal(it.done, 1);
	return &it.got[0];
}

static const struct got *ask_once(const char *answer)
{
	static struct script_row row = {.operation = "GetItem"};
	row.answer = answer;
	return ask(&row, 1);
}

static void test_what_is_sent_again(void **state)
{
	static const struct {
		const char *answers[3];
		enum ddb_class class;
		unsigned attempts;
		bool twice;
	} table[] = {
	        {{"200 {}", "200 {}", "200 {}"}, DDB_SUCCESS, 1, false},
	        {{FAILED, "200 {}", "200 {}"}, DDB_SUCCESS, 2, true},
	        {{"503 no", "502 <html>", "200 {}"}, DDB_SUCCESS, 3, true},
	        {{"200 <html>", "200 {", "200 {}"}, DDB_SUCCESS, 3, true},
	        {{FAILED, SCRIPT_CONDITION, "200 {}"}, DDB_CONDITION, 2, true},
	        {{FAILED, FAILED, FAILED}, DDB_TRANSIENT, 4, true},
	        {{"400 no", "200 {}", "200 {}"}, DDB_FAULT, 1, false},
	        {{ERROR("AccessDeniedException"), "200 {}", "200 {}"}, DDB_DENIED, 1, false},
	        {{ERROR("ResourceNotFoundException"), "200 {}", "200 {}"}, DDB_NOT_FOUND, 1, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct script_row rows[3];
		for (size_t k = 0; k < 3; k++)
			rows[k] = (struct script_row){"GetItem", table[i].answers[k]};
		const struct got *g = ask(rows, 3);
		if (g->class != table[i].class || g->attempts != table[i].attempts ||
		    g->twice != table[i].twice)
			fail_msg("row %zu: class %d, %u attempts, twice %d: %s", i, (int)g->class,
			         g->attempts, g->twice, g->why);
		assert_int_equal(g->json, g->class == DDB_SUCCESS || g->class == DDB_CONDITION);
	}
}

static void test_a_throttle_waits_for_what_the_service_asks(void **state)
{
	static const struct script_row rows[] = {{"GetItem", ERROR("ThrottlingException")},
	                                         {"GetItem", "200 {}"}};
	(void)state;
	int64_t began = clock_mono_ms();
	script_head("x-amz-retry-after: 1200\r\n");
	const struct got *g = ask(rows, 2);
	assert_int_equal(g->class, DDB_SUCCESS);
	assert_int_equal(g->attempts, 2);
	assert_false(g->twice); /* what was throttled was not executed */
	assert_true(clock_mono_ms() - began >= 1200);
}

/* The sum is of the body; a sum that is no number is none. */
static void test_a_wrong_checksum_is_no_answer(void **state)
{
	static const char *const wrong[] = {"x-amz-crc32: 1\r\n", "x-amz-crc32: abc\r\n"};
	(void)state;
	script_head("x-amz-crc32: 2745614147\r\n");
	assert_int_equal(ask_once("200 {}")->class, DDB_SUCCESS);
	for (size_t i = 0; i < 2; i++) {
		script_head(wrong[i]);
		const struct got *g = ask_once("200 {}");
		assert_int_equal(g->class, DDB_TRANSIENT);
		assert_int_equal(g->attempts, 4);
		assert_non_null(strstr(g->why, "wrong checksum"));
	}
}

static void test_the_id_of_a_request_is_told_when_it_can_be(void **state)
{
	(void)state;
	script_head("x-amzn-RequestId: R123\r\n");
	assert_non_null(strstr(ask_once("400 {}")->why, "R123"));
	script_head("x-amzn-RequestId: R1\xc3\xa4\r\n");
	assert_null(strstr(ask_once("400 {}")->why, "R1"));
	script_head(
	        "x-amzn-RequestId: 1234567890123456789012345678901234567890123456789012345678901234567\r\n");
	assert_null(strstr(ask_once("400 {}")->why, "123456"));
}

static void date(char head[96], int64_t off_s, const char *more)
{
	char text[64];
	time_t t = (time_t)(clock_wall_ms() / 1000 + off_s);
	struct tm tm;
	(void)strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&t, &tm));
	(void)snprintf(head, 96, "Date: %s\r\n%s", text, more);
}

/* The last call's signature is of this hour. */
static bool signed_for(int64_t off_s)
{
	char text[64];
	time_t t = (time_t)(clock_wall_ms() / 1000 + off_s);
	struct tm tm;
	(void)strftime(text, sizeof text, "X-Amz-Date: %Y%m%dT%H", gmtime_r(&t, &tm));
	return script_last("GetItem", text);
}

/* Refused for the clock: signed again by the service's, once. */
static void test_signatures_follow_the_clock_of_the_service(void **state)
{
	static const struct script_row rows[] = {{"GetItem", ERROR("InvalidSignatureException")},
	                                         {"GetItem", "200 {}"}};
	char head[96], right[96];
	(void)state;
	date(head, 7200, "");
	script_head(head);
	const struct got *g = ask(rows, 2);
	assert_int_equal(g->class, DDB_SUCCESS);
	assert_int_equal(g->attempts, 2);
	assert_in_range(g->clock_off_ms, 7190000, 7210000);
	assert_true(signed_for(7200) || signed_for(7190));
	g = ask_once(ERROR("InvalidSignatureException")); /* by its clock already: for other keys, once */
	assert_int_equal(g->class, DDB_CREDENTIALS);
	assert_int_equal(g->attempts, 2);
	g = ask_once(ERROR("UnrecognizedClientException")); /* which have been asked for just now */
	assert_int_equal(g->class, DDB_CREDENTIALS);
	assert_int_equal(g->attempts, 1);
	date(right, 0, "");
	script_head(right);
	g = ask_once("200 {}");
	assert_true(g->clock_off_ms < 10000 && g->clock_off_ms > -10000);
}

static void test_a_date_that_says_nothing(void **state)
{
	static const char *const heads[] = {"Date: yesterday\r\n",
	                                    "Date: Mon, 01 Jan 2024 00:00:00 GMT+1\r\n",
	                                    "Date: 0123456789012345678901234567890123456789012345\r\n"};
	char cached[96];
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		script_head(heads[i]);
		assert_int_equal(ask_once("200 {}")->clock_off_ms, 0);
	}
	date(cached, 7200, "Age: 5\r\n");
	script_head(cached);
	assert_int_equal(ask_once("200 {}")->clock_off_ms, 0);
}

static void test_refused_keys_are_fetched_again_once(void **state)
{
	static const struct script_row rows[] = {{"GetItem", ERROR("ExpiredTokenException")},
	                                         {"GetItem", "200 {}"}};
	(void)state;
	assert_int_equal(ask_once("200 {}")->class, DDB_SUCCESS);
	assert_string_equal(ddb_keys_from(it.client), "env, AWS_ACCESS_KEY_ID");
	const struct got *g = ask(rows, 2);
	assert_int_equal(g->class, DDB_SUCCESS);
	assert_int_equal(g->attempts, 2);
	g = ask_once(
	        ERROR("UnrecognizedClientException")); /* less than a minute later: no others to be had */
	assert_int_equal(g->class, DDB_CREDENTIALS);
	assert_int_equal(g->attempts, 1);
	assert_non_null(strstr(g->why, "AWS_ACCESS_KEY_ID"));
}

/* An error that could not be read is not one that is never sent again. */
static void test_an_error_without_memory(void **state)
{
	static const long statuses[] = {400, 500, 200};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct httpc_response r = {.code = ERR_OK,
		                           .status = statuses[i],
		                           .head = STR("HTTP/1.1\r\n"),
		                           .body = STR("{\"__type\":\"x#ThrottlingException\"}")};
		struct ddb_answer a;
		starve_nth(1);
		ddb_answer_read(&r, 0, &a);
		assert_int_equal(starve_calls(), 1);
		assert_int_equal(a.error.class, DDB_TRANSIENT);
		assert_string_equal(a.error.name, "no memory for the answer");
		assert_int_equal(a.unanswered, statuses[i] != 400);
	}
}

static void test_keys_refused_twice(void **state)
{
	(void)state;
	const struct got *g = ask_once(ERROR("ExpiredTokenException"));
	assert_int_equal(g->class, DDB_CREDENTIALS);
	assert_int_equal(g->attempts, 2);
}

static void test_retries_have_a_budget(void **state)
{
	int64_t before = metric_value(M_DYNAMODB_NO_BUDGET);
	int calls = 0;
	(void)state;
	while (ask_once(FAILED)->attempts == 4)
		assert_true(calls++ < 20);
	assert_in_range(calls, 8, 16);
	assert_true(metric_value(M_DYNAMODB_NO_BUDGET) > before);
}

/* --- one at a time */

static void test_a_call_waits_for_its_place_and_its_time(void **state)
{
	static const struct script_row rows[] = {{"GetItem", "-"}, {"PutItem", "200 {}"}};
	(void)state;
	script_set(rows, 2);
	(void)begin("GetItem", 900);
	(void)begin("PutItem", 200);
	loop_run(it.loop);
	assert_int_equal(it.done, 1);
	assert_int_equal(it.got[0].code, ERR_TIMEOUT);
	assert_non_null(strstr(it.got[0].why, "PutItem on table shop: too many calls before it"));
	assert_int_equal(script_count("PutItem"), 0);
	(void)begin("PutItem", LIMIT_MS); /* comes when the first has ended */
	while (it.done < 3)
		loop_run(it.loop);
	assert_int_equal(it.got[1].class, DDB_TRANSIENT);
	assert_int_equal(it.got[2].class, DDB_SUCCESS);
}

static void test_a_cancelled_call_makes_room(void **state)
{
	static const struct script_row rows[] = {{"GetItem", "-"}, {"PutItem", "200 {}"}};
	(void)state;
	assert_int_equal(ask_once("200 {}")->class, DDB_SUCCESS);
	it.done = 0;
	script_set(rows, 2);
	struct ddb_call *first = begin("GetItem", LIMIT_MS);
	(void)begin("PutItem", LIMIT_MS);
	ddb_cancel(first);
	loop_run(it.loop);
	assert_int_equal(it.done, 1);
	assert_int_equal(it.got[0].class, DDB_SUCCESS);
}

static bool turned;

static void on_turn(struct limiter_waiter *t)
{
	(void)t;
	turned = true;
	(void)begin("PutItem", LIMIT_MS);
}

static void test_a_waiter_comes_next(void **state)
{
	static const struct script_row rows[] = {{"GetItem", "-"}};
	struct limiter_waiter turn = {.fn = on_turn}, other = {.fn = on_turn};
	(void)state;
	turned = false;
	assert_int_equal(ask_once("200 {}")->class, DDB_SUCCESS);
	assert_false(limiter_wait(ddb_limiter(it.client), &turn));
	assert_false(ddb_full(it.client, clock_mono_ms() + 1));
	it.done = 0;
	script_set(rows, 1);
	struct ddb_call *first = begin("GetItem", LIMIT_MS);
	assert_true(limiter_wait(ddb_limiter(it.client), &other));
	limiter_wait_end(&other);
	assert_true(limiter_wait(ddb_limiter(it.client), &turn));
	assert_true(ddb_full(it.client, clock_mono_ms() + 1));
	assert_false(turned);
	ddb_cancel(first);
	assert_true(turned);
	loop_run(it.loop);
	assert_int_equal(it.got[0].class, DDB_SUCCESS);
}

/* A program that gives keys too late. */
static void test_no_keys_in_time(void **state)
{
	char path[] = "/tmp/linkd-keys-XXXXXX", setting[64];
	static const char text[] = "[default]\ncredential_process = sleep 5\nregion = eu-central-1\n";
	int fd = mkstemp(path);
	(void)state;
	assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
	(void)close(fd);
	(void)snprintf(setting, sizeof setting, "AWS_CONFIG_FILE=%s", path);
	char *names[] = {setting, "PATH=/usr/bin:/bin", "HOME=/nowhere", NULL};
	struct creds_options keys = {.environ_ = names};
	struct ddb_options o = {.loop = it.loop, .http = it.http, .endpoint = &it.endpoint, .table = "shop"};
	struct creds *late = NULL;
	struct ddb *own = it.client;
	assert_int_equal(creds_new(&keys, &late, NULL), ERR_OK);
	assert_int_equal(creds_start(late, it.loop, it.http, NULL), ERR_OK);
	o.creds = late;
	assert_int_equal(ddb_new(&o, &it.client, NULL), ERR_OK);
	(void)begin("GetItem", 200);
	loop_run(it.loop);
	assert_int_equal(it.got[0].code, ERR_TIMEOUT);
	assert_non_null(strstr(it.got[0].why, "no AWS credentials came in time"));
	ddb_free(it.client);
	it.client = own;
	creds_stop(late);
	loop_drain(it.loop);
	creds_free(late);
	(void)unlink(path);
}

/* --- sessions */

static void take(void *arg, const struct json *answer)
{
	*(bool *)arg = json_is_object(answer);
}

static void test_a_session_without_memory(void **state)
{
	size_t failures = 0;
	(void)state;
	for (size_t nth = 1, met = 1; met; nth++) {
		struct ddb_session *s = NULL;
		struct ddb_result r = {.class = DDB_FAULT};
		struct err err = {.code = ERR_OK};
		bool taken = false;
		struct ddb_question q = {"GetItem", STR("{}"), LIMIT_MS, take, &taken};
		assert_true(nth < 500);
		starve_nth(nth);
		enum err_code code = ddb_session_new(environ, "shop", &s, &err);
		if (code == ERR_OK)
			ddb_session_ask(s, &q, &r);
		met = starve_calls() >= nth;
		failures += r.class != DDB_SUCCESS;
		assert_int_equal(code == ERR_OK, s != NULL);
		assert_int_equal(taken, r.class == DDB_SUCCESS);
		if (code == ERR_OK && r.class != DDB_SUCCESS)
			assert_true(r.err.msg[0] != '\0');
		if (!met)
			assert_int_equal(r.class, DDB_SUCCESS);
		ddb_session_free(s);
	}
	assert_true(failures > 10);
	ddb_session_free(NULL);
}

static int log_fd;

static int start(void **state)
{
	(void)state;
	log_fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	if (log_fd < 0 || crypto_start(NULL) != ERR_OK || httpc_global_start(NULL) != ERR_OK ||
	    log_start(LOG_DEBUG, LOG_TEXT, log_fd, NULL) != ERR_OK)
		return -1;
	script_start();
	return 0;
}

/* What was told of all of it: the clock, each attempt, no key. */
static int end(void **state)
{
	static char text[1 << 20];
	(void)state;
	script_stop();
	log_stop();
	ssize_t n = pread(log_fd, text, sizeof text - 1, 0);
	(void)close(log_fd);
	return n > 0 && strstr(text, "clock_is_wrong") != NULL &&
	                       strstr(text, "clock_is_right_again") != NULL &&
	                       strstr(text, "debug dynamodb operation=GetItem result=ok") != NULL &&
	                       strstr(text, "=secret") == NULL
	               ? 0
	               : -1;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start_rig, end_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_what_is_sent_again),
	        TEST(test_a_throttle_waits_for_what_the_service_asks),
	        TEST(test_a_wrong_checksum_is_no_answer),
	        TEST(test_the_id_of_a_request_is_told_when_it_can_be),
	        TEST(test_signatures_follow_the_clock_of_the_service),
	        TEST(test_a_date_that_says_nothing),
	        TEST(test_refused_keys_are_fetched_again_once),
	        cmocka_unit_test(test_an_error_without_memory),
	        TEST(test_keys_refused_twice),
	        TEST(test_retries_have_a_budget),
	        TEST(test_a_call_waits_for_its_place_and_its_time),
	        TEST(test_a_cancelled_call_makes_room),
	        TEST(test_a_waiter_comes_next),
	        TEST(test_no_keys_in_time),
	        cmocka_unit_test(test_a_session_without_memory),
	};
	return cmocka_run_group_tests(tests, start, end);
}
