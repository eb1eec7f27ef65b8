/* When DynamoDB calls are sent again, and how its answers are classed. */
#include "test.h"

#include <string.h>

#include "aws/dynamodb_answer.h"
#include "aws/dynamodb_error.h"
#include "aws/dynamodb_retry.h"
#include "base/codec.h"

static void test_pauses_double_up_to_twenty_seconds(void **state)
{
	(void)state;
	static const struct {
		enum dynamodb_class why;
		unsigned retry;
		int64_t most_ms;
	} table[] = {{DYNAMODB_TRANSIENT, 0, 25},   {DYNAMODB_TRANSIENT, 1, 50},
	             {DYNAMODB_TRANSIENT, 2, 100},  {DYNAMODB_TRANSIENT, 40, 20000},
	             {DYNAMODB_THROTTLE, 0, 1000},  {DYNAMODB_THROTTLE, 1, 2000},
	             {DYNAMODB_THROTTLE, 4, 16000}, {DYNAMODB_THROTTLE, 5, 20000}};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		int64_t most = table[i].most_ms;
		assert_int_equal(dynamodb_retry_pause_ms(table[i].why, table[i].retry, 0, -1), 0);
		assert_int_equal(dynamodb_retry_pause_ms(table[i].why, table[i].retry, 1U << 31, -1),
		                 most / 2);
		assert_int_equal(dynamodb_retry_pause_ms(table[i].why, table[i].retry, UINT32_MAX, -1),
		                 most - 1);
	}
}

static void test_what_the_service_asks_for_is_honoured_within_five_seconds(void **state)
{
	(void)state;
	const uint32_t half = 1U << 31; /* 12 ms of 25 */
	assert_int_equal(dynamodb_retry_pause_ms(DYNAMODB_TRANSIENT, 0, half, 5), 12);
	assert_int_equal(dynamodb_retry_pause_ms(DYNAMODB_TRANSIENT, 0, half, 700), 700);
	assert_int_equal(dynamodb_retry_pause_ms(DYNAMODB_TRANSIENT, 0, half, 60000), 5012);
}

static void test_the_bucket_bounds_retries(void **state)
{
	(void)state;
	struct dynamodb_bucket b = {.tokens = DYNAMODB_TOKENS};
	int price = 0, retries = 0;
	while (dynamodb_retry_take(&b, DYNAMODB_TRANSIENT, &price))
		retries++;
	assert_int_equal(retries, 35);
	assert_int_equal(price, 14);
	assert_int_equal(b.tokens, 10);
	assert_true(dynamodb_retry_take(&b, DYNAMODB_THROTTLE, &price));
	assert_int_equal(price, 5);
	dynamodb_retry_refund(&b, price);
	assert_int_equal(b.tokens, 10);
	dynamodb_retry_refund(&b, 0);
	assert_int_equal(b.tokens, 11);
	b.tokens = DYNAMODB_TOKENS - 3;
	dynamodb_retry_refund(&b, 14);
	assert_int_equal(b.tokens, DYNAMODB_TOKENS);
}

static struct dynamodb_error read_error(long status, const char *text)
{
	static const struct json_limits limits = {.max_depth = 8, .max_values = 64};
	struct json *json = NULL;
	struct dynamodb_error e;
	if (text != NULL)
		assert_int_equal(json_parse(str_c(text), &limits, &json, NULL), ERR_OK);
	dynamodb_error_read(status, json, &e);
	json_free(json);
	return e;
}

static void test_answers_are_classed_by_their_name(void **state)
{
	(void)state;
	static const struct {
		long status;
		const char *body;
		enum dynamodb_class want;
		const char *name;
	} table[] = {
	        {400, "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException\"}",
	         DYNAMODB_CONDITION, "ConditionalCheckFailedException"},
	        {400, "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ThrottlingException:http://x/#y\"}",
	         DYNAMODB_THROTTLE, "ThrottlingException"},
	        {400, "{\"__type\":\"ProvisionedThroughputExceededException\"}", DYNAMODB_THROTTLE,
	         "ProvisionedThroughputExceededException"},
	        {400, "{\"__type\":\"com.amazon.coral.validate#ValidationException\",\"message\":\"m\"}",
	         DYNAMODB_VALIDATION, "ValidationException"},
	        {400,
	         "{\"__type\":\"x#ValidationException\","
	         "\"message\":\"The provided key element does not match the schema\"}",
	         DYNAMODB_KEYS, "ValidationException"},
	        {400,
	         "{\"__type\":\"x#ValidationException\","
	         "\"message\":\"Item size to update has exceeded the maximum allowed size\"}",
	         DYNAMODB_TOO_LARGE, "ValidationException"},
	        {409, "{\"__type\":\"x#ReplicatedWriteConflictException\"}", DYNAMODB_TRANSIENT,
	         "ReplicatedWriteConflictException"},
	        {400, "{\"__type\":\"x#ExpiredTokenException\"}", DYNAMODB_CREDENTIALS,
	         "ExpiredTokenException"},
	        {400, "{\"__type\":\"x#AccessDeniedException\"}", DYNAMODB_DENIED, "AccessDeniedException"},
	        {400, "{\"__type\":\"x#ResourceNotFoundException\"}", DYNAMODB_NOT_FOUND,
	         "ResourceNotFoundException"},
	        {400, "{\"__type\":\"x#ResourceInUseException\"}", DYNAMODB_IN_USE, "ResourceInUseException"},
	        {400, "{\"__type\":\"x#SomethingNew\"}", DYNAMODB_FAULT, "SomethingNew"},
	        {400, "{\"__type\":\"x#Bad\\nName\"}", DYNAMODB_FAULT, "Bad?Name"},
	        {500, "{\"__type\":\"x#SerializationException\"}", DYNAMODB_TRANSIENT,
	         "SerializationException"},
	        {500, "{\"__type\":\"x#InternalServerError\"}", DYNAMODB_TRANSIENT, "InternalServerError"},
	        {502, NULL, DYNAMODB_TRANSIENT, "HTTP 502"},
	        {429, NULL, DYNAMODB_THROTTLE, "HTTP 429"},
	        {403, NULL, DYNAMODB_DENIED, "HTTP 403"},
	        {413, "{}", DYNAMODB_FAULT, "HTTP 413"},
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct dynamodb_error e = read_error(table[i].status, table[i].body);
		assert_int_equal(e.class, table[i].want);
		assert_string_equal(e.name, table[i].name);
	}
}

static void test_every_class_has_words_with_a_remedy(void **state)
{
	(void)state;
	static const struct {
		enum dynamodb_class class;
		const char *words;
	} table[] = {{DYNAMODB_THROTTLE, "on-demand"},     {DYNAMODB_TRANSIENT, "did not answer"},
	             {DYNAMODB_CREDENTIALS, "renew them"}, {DYNAMODB_DENIED, "dynamodb:UpdateItem"},
	             {DYNAMODB_NOT_FOUND, "LINKD_STORE"},  {DYNAMODB_IN_USE, "being changed"},
	             {DYNAMODB_VALIDATION, "cannot"},      {DYNAMODB_FAULT, "refuses"},
	             {DYNAMODB_KEYS, "other keys"},        {DYNAMODB_TOO_LARGE, "remove or shorten"}};
	struct dynamodb_context x = {"UpdateItem", "shop", "eu-central-1", "env, AWS_ACCESS_KEY_ID", "REQ1"};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct dynamodb_error e = {.class = table[i].class, .name = "Name", .text = "a@example.com"};
		struct err err = {.msg = ""};
		assert_int_not_equal(dynamodb_error_say(&e, &x, &err), ERR_OK);
		assert_non_null(strstr(err.msg, table[i].words));
		assert_non_null(strstr(err.msg, table[i].class == DYNAMODB_CREDENTIALS ? "env" : "shop"));
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
	for (int class = DYNAMODB_SUCCESS + 1; class <= DYNAMODB_FAULT; class ++)
		for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
			struct dynamodb_context x = {"DescribeTable", "shop", "eu-central-1", "env",
			                             table[i].id};
			struct dynamodb_error e = {.class = (enum dynamodb_class) class,
			                           .own_text = table[i].own_text};
			struct err err = {.msg = ""};
			(void)snprintf(e.name, sizeof e.name, "Name");
			(void)snprintf(e.text, sizeof e.text, "%s", table[i].text);
			assert_int_not_equal(dynamodb_error_say(&e, &x, &err), ERR_OK);
			size_t n = strlen(err.msg);
			if (n == 0 || strchr(" ,:;(", err.msg[n - 1]) != NULL ||
			    strstr(err.msg, "  ") != NULL || strstr(err.msg, ": ,") != NULL ||
			    strstr(err.msg, "()") != NULL)
				fail_msg("class %d, row %zu: %s", class, i, err.msg);
			if (class == DYNAMODB_TRANSIENT &&
			    (n < strlen(table[i].ends) ||
			     strcmp(err.msg + n - strlen(table[i].ends), table[i].ends) != 0))
				fail_msg("row %zu: %s", i, err.msg);
		}
}

/* What a 5xx says comes from the service as much as what a 4xx says; "connection reset" does not. */
static void test_the_words_of_the_service_are_told_of_tables_only(void **state)
{
	(void)state;
	struct dynamodb_error e = read_error(
	        500, "{\"__type\":\"x#InternalServerError\",\"message\":\"a@example.com\"}");
	struct dynamodb_context x = {"UpdateItem", "shop", "eu-central-1", "env", "REQ1"};
	struct err err = {.msg = ""};
	assert_int_equal(dynamodb_error_say(&e, &x, &err), ERR_STORE);
	assert_null(strstr(err.msg, "a@example.com"));
	x.operation = "DescribeTable";
	assert_int_equal(dynamodb_error_say(&e, &x, &err), ERR_STORE);
	assert_non_null(strstr(err.msg, "a@example.com"));
	x.operation = "UpdateItem";
	e.own_text = true;
	assert_int_equal(dynamodb_error_say(&e, &x, &err), ERR_STORE);
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
