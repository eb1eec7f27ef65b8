/* When DynamoDB calls are sent again, and how its answers are classed. */
#include "test.h"

#include <string.h>

#include "aws/ddb/private.h"
#include "base/codec.h"

static void test_pauses_double_up_to_twenty_seconds(void **state)
{
	(void)state;
	static const struct {
		enum ddb_class why;
		unsigned retry;
		int64_t most_ms;
	} table[] = {{DDB_TRANSIENT, 0, 25},     {DDB_TRANSIENT, 1, 50},  {DDB_TRANSIENT, 2, 100},
	             {DDB_TRANSIENT, 40, 20000}, {DDB_THROTTLE, 0, 1000}, {DDB_THROTTLE, 1, 2000},
	             {DDB_THROTTLE, 4, 16000},   {DDB_THROTTLE, 5, 20000}};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		int64_t most = table[i].most_ms;
		assert_int_equal(ddb_retry_pause_ms(table[i].why, table[i].retry, 0, -1), 0);
		assert_int_equal(ddb_retry_pause_ms(table[i].why, table[i].retry, 1U << 31, -1), most / 2);
		assert_int_equal(ddb_retry_pause_ms(table[i].why, table[i].retry, UINT32_MAX, -1), most - 1);
	}
}

static void test_what_the_service_asks_for_is_honoured_within_five_seconds(void **state)
{
	(void)state;
	const uint32_t half = 1U << 31; /* 12 ms of 25 */
	assert_int_equal(ddb_retry_pause_ms(DDB_TRANSIENT, 0, half, 5), 12);
	assert_int_equal(ddb_retry_pause_ms(DDB_TRANSIENT, 0, half, 700), 700);
	assert_int_equal(ddb_retry_pause_ms(DDB_TRANSIENT, 0, half, 60000), 5012);
}

static void test_the_bucket_bounds_retries(void **state)
{
	(void)state;
	struct ddb_bucket b = {.tokens = DDB_TOKENS};
	int price = 0, retries = 0;
	while (ddb_retry_take(&b, DDB_TRANSIENT, &price))
		retries++;
	assert_int_equal(retries, 35);
	assert_int_equal(price, 14);
	assert_int_equal(b.tokens, 10);
	assert_true(ddb_retry_take(&b, DDB_THROTTLE, &price));
	assert_int_equal(price, 5);
	ddb_retry_refund(&b, price);
	assert_int_equal(b.tokens, 10);
	ddb_retry_refund(&b, 0);
	assert_int_equal(b.tokens, 11);
	b.tokens = DDB_TOKENS - 3;
	ddb_retry_refund(&b, 14);
	assert_int_equal(b.tokens, DDB_TOKENS);
}

static struct ddb_error read_error(long status, const char *text)
{
	static const struct json_limits limits = {.max_depth = 8, .max_values = 64};
	struct json *json = NULL;
	struct ddb_error e;
	if (text != NULL)
		assert_int_equal(json_parse(str_c(text), &limits, &json, NULL), ERR_OK);
	ddb_error_read(status, json, &e);
	json_free(json);
	return e;
}

static void test_answers_are_classed_by_their_name(void **state)
{
	(void)state;
	static const struct {
		long status;
		const char *body;
		enum ddb_class want;
		const char *name;
	} table[] = {
	        {400, "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException\"}",
	         DDB_CONDITION, "ConditionalCheckFailedException"},
	        {400, "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ThrottlingException:http://x/#y\"}",
	         DDB_THROTTLE, "ThrottlingException"},
	        {400, "{\"__type\":\"ProvisionedThroughputExceededException\"}", DDB_THROTTLE,
	         "ProvisionedThroughputExceededException"},
	        {400, "{\"__type\":\"com.amazon.coral.validate#ValidationException\",\"message\":\"m\"}",
	         DDB_VALIDATION, "ValidationException"},
	        {400,
	         "{\"__type\":\"x#ValidationException\","
	         "\"message\":\"The provided key element does not match the schema\"}",
	         DDB_KEYS, "ValidationException"},
	        {400,
	         "{\"__type\":\"x#ValidationException\","
	         "\"message\":\"Item size to update has exceeded the maximum allowed size\"}",
	         DDB_TOO_LARGE, "ValidationException"},
	        {409, "{\"__type\":\"x#ReplicatedWriteConflictException\"}", DDB_TRANSIENT,
	         "ReplicatedWriteConflictException"},
	        {400, "{\"__type\":\"x#ExpiredTokenException\"}", DDB_CREDENTIALS, "ExpiredTokenException"},
	        {400, "{\"__type\":\"x#AccessDeniedException\"}", DDB_DENIED, "AccessDeniedException"},
	        {400, "{\"__type\":\"x#ResourceNotFoundException\"}", DDB_NOT_FOUND,
	         "ResourceNotFoundException"},
	        {400, "{\"__type\":\"x#ResourceInUseException\"}", DDB_IN_USE, "ResourceInUseException"},
	        {400, "{\"__type\":\"x#SomethingNew\"}", DDB_FAULT, "SomethingNew"},
	        {400, "{\"__type\":\"x#Bad\\nName\"}", DDB_FAULT, "Bad?Name"},
	        {500, "{\"__type\":\"x#SerializationException\"}", DDB_TRANSIENT, "SerializationException"},
	        {500, "{\"__type\":\"x#InternalServerError\"}", DDB_TRANSIENT, "InternalServerError"},
	        {502, NULL, DDB_TRANSIENT, "HTTP 502"},
	        {429, NULL, DDB_THROTTLE, "HTTP 429"},
	        {403, NULL, DDB_DENIED, "HTTP 403"},
	        {413, "{}", DDB_FAULT, "HTTP 413"},
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct ddb_error e = read_error(table[i].status, table[i].body);
		assert_int_equal(e.class, table[i].want);
		assert_string_equal(e.name, table[i].name);
	}
}

static void test_every_class_has_words_with_a_remedy(void **state)
{
	(void)state;
	static const struct {
		enum ddb_class class;
		const char *words;
	} table[] = {{DDB_THROTTLE, "on-demand"},     {DDB_TRANSIENT, "did not answer"},
	             {DDB_CREDENTIALS, "renew them"}, {DDB_DENIED, "dynamodb:UpdateItem"},
	             {DDB_NOT_FOUND, "LINKD_STORE"},  {DDB_IN_USE, "being changed"},
	             {DDB_VALIDATION, "cannot"},      {DDB_FAULT, "refuses"},
	             {DDB_KEYS, "other keys"},        {DDB_TOO_LARGE, "remove or shorten"}};
	struct ddb_context x = {"UpdateItem", "shop", "eu-central-1", "env, AWS_ACCESS_KEY_ID", "REQ1"};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct ddb_error e = {.class = table[i].class, .name = "Name", .text = "a@example.com"};
		struct err err = {.msg = ""};
		assert_int_not_equal(ddb_error_say(&e, &x, &err), ERR_OK);
		assert_non_null(strstr(err.msg, table[i].words));
		assert_non_null(strstr(err.msg, table[i].class == DDB_CREDENTIALS ? "env" : "shop"));
		assert_null(strstr(err.msg, "a@example.com"));
	}
}

/* Every message is whole, with an answer's id and text and without: no blank or colon is left over. */
static void test_messages_are_whole_sentences(void **state)
{
	static const struct {
		const char *id, *text;
		bool own_text;
		const char *ends;
	} table[] = {
	        {"", "", false, "DescribeTable on table shop: Name"},
	        {"REQ1", "", false, "DescribeTable on table shop: Name, request REQ1"},
	        {"REQ1", "why", false, "DescribeTable on table shop: Name: why, request REQ1"},
	        {NULL, "Could not resolve host: nowhere.invalid", true,
	         "DescribeTable on table shop: Could not resolve host: nowhere.invalid; check the network, "
	         "AWS_REGION and AWS_ENDPOINT_URL_DYNAMODB"},
	        {NULL, "", true, "DescribeTable on table shop: Name"},
	};
	(void)state;
	for (int class = DDB_SUCCESS + 1; class <= DDB_FAULT; class ++)
		for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
			struct ddb_context x = {"DescribeTable", "shop", "eu-central-1", "env", table[i].id};
			struct ddb_error e = {.class = (enum ddb_class) class, .own_text = table[i].own_text};
			struct err err = {.msg = ""};
			(void)snprintf(e.name, sizeof e.name, "Name");
			(void)snprintf(e.text, sizeof e.text, "%s", table[i].text);
			assert_int_not_equal(ddb_error_say(&e, &x, &err), ERR_OK);
			size_t n = strlen(err.msg);
			if (n == 0 || strchr(" ,:;(", err.msg[n - 1]) != NULL ||
			    strstr(err.msg, "  ") != NULL || strstr(err.msg, ": ,") != NULL ||
			    strstr(err.msg, "()") != NULL)
				fail_msg("class %d, row %zu: %s", class, i, err.msg);
			if (class == DDB_TRANSIENT &&
			    (n < strlen(table[i].ends) ||
			     strcmp(err.msg + n - strlen(table[i].ends), table[i].ends) != 0))
				fail_msg("row %zu: %s", i, err.msg);
		}
}

/* What a 5xx says comes from the service as much as what a 4xx says; "connection reset" does not. */
static void test_the_words_of_the_service_are_told_of_tables_only(void **state)
{
	(void)state;
	struct ddb_error e = read_error(
	        500, "{\"__type\":\"x#InternalServerError\",\"message\":\"a@example.com\"}");
	struct ddb_context x = {"UpdateItem", "shop", "eu-central-1", "env", "REQ1"};
	struct err err = {.msg = ""};
	assert_int_equal(ddb_error_say(&e, &x, &err), ERR_STORE);
	assert_null(strstr(err.msg, "a@example.com"));
	x.operation = "DescribeTable";
	assert_int_equal(ddb_error_say(&e, &x, &err), ERR_STORE);
	assert_non_null(strstr(err.msg, "a@example.com"));
	x.operation = "UpdateItem";
	e.own_text = true;
	assert_int_equal(ddb_error_say(&e, &x, &err), ERR_STORE);
	assert_non_null(strstr(err.msg, "a@example.com"));
}

/* As ISO 3309 has it: bit by bit. */
static uint32_t sum_of(const unsigned char *p, size_t n)
{
	uint32_t sum = ~0U;
	for (size_t i = 0; i < n * 8; i++) {
		sum ^= (uint32_t)(p[i / 8] >> i % 8 & 1);
		sum = sum >> 1 ^ (sum & 1 ? 0xedb88320 : 0);
	}
	return ~sum;
}

static void test_checksums_are_those_of_zlib(void **state)
{
	unsigned char text[64];
	(void)state;
	assert_int_equal(codec_crc32(STR("")), 0);
	assert_int_equal(codec_crc32(STR("123456789")), 0xcbf43926);
	assert_int_equal(codec_crc32((struct str){"\0\xff\0", 3}), 0x6c652460);
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (unsigned char)(i * 151 + 43);
	for (size_t n = 0; n < sizeof text; n++)
		assert_int_equal(codec_crc32((struct str){(char *)text, n}), sum_of(text, n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pauses_double_up_to_twenty_seconds),
	        cmocka_unit_test(test_what_the_service_asks_for_is_honoured_within_five_seconds),
	        cmocka_unit_test(test_the_bucket_bounds_retries),
	        cmocka_unit_test(test_answers_are_classed_by_their_name),
	        cmocka_unit_test(test_every_class_has_words_with_a_remedy),
	        cmocka_unit_test(test_messages_are_whole_sentences),
	        cmocka_unit_test(test_the_words_of_the_service_are_told_of_tables_only),
	        cmocka_unit_test(test_checksums_are_those_of_zlib),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
