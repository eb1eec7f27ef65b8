/* What a DynamoDB table is like, read from DescribeTable, and items as others may have written them. */
#include "test.h"

#include "config/config.h"
#include "store/dynamodb/private.h"
#include "store/dynamodb/table.h"

#define KEY(name, type) "{\"AttributeName\":\"" name "\",\"KeyType\":\"" type "\"}"
#define TYPE(name, type) "{\"AttributeName\":\"" name "\",\"AttributeType\":\"" type "\"}"
#define HASH KEY("customer_id", "HASH")
#define RANGE KEY("email", "RANGE")
#define TYPES TYPE("customer_id", "S") "," TYPE("email", "S") "," TYPE("fb_psid", "S")
#define TABLE(keys, types, more)                                                                           \
	"{\"Table\":{\"TableStatus\":\"ACTIVE\",\"KeySchema\":[" keys "],\"AttributeDefinitions\":[" types \
	"]" more "}}"
#define INDEX(name, key, status, projection)                                                 \
	",\"GlobalSecondaryIndexes\":[{\"IndexName\":\"" name "\",\"IndexStatus\":\"" status \
	"\",\"KeySchema\":[" KEY(key, "HASH") "],\"Projection\":" projection "}]"
#define EMAIL(status, projection) \
	TABLE(HASH "," RANGE, TYPES, INDEX("email-index", "email", status, projection))
#define INCLUDE(names) "{\"ProjectionType\":\"INCLUDE\",\"NonKeyAttributes\":[" names "]}"

static const struct json_limits limits = {.max_depth = 16, .max_values = 256};

static struct json *parse(const char *text)
{
	struct json *j = NULL;
	if (json_parse(str_c(text), &limits, &j, NULL) != ERR_OK)
		fail_msg("%s", text);
	return j;
}

static struct dynamodb_table read_table(const char *text)
{
	struct dynamodb_table t;
	struct json *j = parse(text);
	struct err err = {.msg = ""};
	if (dynamodb_table_read(j, &t, &err) != ERR_OK)
		fail_msg("%s: %s", err.msg, text);
	json_free(j);
	return t;
}

static void test_tables_that_are_none_for_us(void **state)
{
	static const struct {
		const char *text, *says;
		enum err_code code;
	} rows[] = {
	        {"{}", "described no table", ERR_STORE},
	        {"{\"Table\":[]}", "described no table", ERR_STORE},
	        {"{\"Table\":{\"TableStatus\":\"A STATUS NOBODY EVER HAS HEARD OF BEFORE\"}}",
	         "no known status", ERR_STORE},
	        {TABLE("", TYPES, ""), "partition key is not customer_id", ERR_INVALID},
	        {TABLE(KEY("id", "HASH"), TYPES, ""), "partition key is not customer_id", ERR_INVALID},
	        {TABLE(HASH, TYPE("customer_id", "N"), ""), "partition key is not customer_id", ERR_INVALID},
	        {TABLE(HASH, TYPE("other", "S"), ""), "partition key is not customer_id", ERR_INVALID},
	        {TABLE(HASH "," KEY("name", "RANGE"), TYPES, ""), "sort key is not email", ERR_INVALID},
	        {TABLE(HASH "," RANGE, TYPE("customer_id", "S") "," TYPE("email", "B"), ""),
	         "sort key is not email", ERR_INVALID},
	        {TABLE(HASH, TYPES, INDEX("email-index", "mail", "ACTIVE", "{}")),
	         "another partition key than email", ERR_INVALID},
	        {TABLE(HASH, TYPE("customer_id", "S") "," TYPE("email", "N"),
	               INDEX("email-index", "email", "ACTIVE", "{}")),
	         "another partition key than email", ERR_INVALID},
	        {TABLE(HASH, TYPES, INDEX("fb_psid-index", "psid", "ACTIVE", "{}")),
	         "another partition key than fb_psid", ERR_INVALID},
	        {TABLE(HASH, TYPES, INDEX("authorization_code-index", "code", "ACTIVE", "{}")),
	         "another partition key than authorization_code", ERR_INVALID},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct dynamodb_table t;
		struct err err = {.msg = ""};
		struct json *j = parse(rows[i].text);
		assert_int_equal(dynamodb_table_read(j, &t, &err), rows[i].code);
		if (strstr(err.msg, rows[i].says) == NULL)
			fail_msg("row %zu: %s", i, err.msg);
		json_free(j);
	}
}

static void test_what_is_read(void **state)
{
	static const struct {
		const char *text;
		bool sort_key, on_demand, protected;
		int64_t bytes;
	} rows[] = {
	        {TABLE(HASH, TYPES, ""), false, false, false, 0},
	        {TABLE(HASH "," RANGE, TYPES, ",\"TableSizeBytes\":7,\"DeletionProtectionEnabled\":true"),
	         true, false, true, 7},
	        {TABLE(HASH, TYPES,
	               ",\"TableSizeBytes\":-1,\"BillingModeSummary\":{\"BillingMode\":\"PAY_PER_REQUEST\"}"),
	         false, true, false, 0},
	        {TABLE(HASH, TYPES, ",\"TableSizeBytes\":1e300"), false, false, false, 0},
	        {"{\"TableDescription\":{\"TableStatus\":\"ACTIVE\",\"KeySchema\":[" HASH
	         "],\"AttributeDefinitions\":[" TYPES "]}}",
	         false, false, false, 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct dynamodb_table t = read_table(rows[i].text);
		assert_int_equal(t.sort_key, rows[i].sort_key);
		assert_int_equal(t.on_demand, rows[i].on_demand);
		assert_int_equal(t.delete_protected, rows[i].protected);
		assert_int_equal(t.bytes, rows[i].bytes);
		assert_int_equal(t.email, DYNAMODB_INDEX_NONE);
		assert_true(dynamodb_table_ready(&t));
	}
}

static void test_what_the_index_of_emails_holds(void **state)
{
	static const struct {
		const char *text;
		bool login, link, all;
	} rows[] = {
	        {EMAIL("ACTIVE", "{\"ProjectionType\":\"ALL\"}"), true, true, true},
	        {EMAIL("ACTIVE", "{\"ProjectionType\":\"KEYS_ONLY\"}"), false, false, false},
	        {EMAIL("ACTIVE", INCLUDE("\"password\",\"login_failures\"")), false, false, false},
	        {EMAIL("ACTIVE", INCLUDE("\"login_failures\",\"login_window_ends\",\"password\"")), true,
	         false, false},
	        {EMAIL("UPDATING", INCLUDE("\"fb_psid\"")), false, true, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct dynamodb_table t = read_table(rows[i].text);
		assert_int_equal(t.email, DYNAMODB_INDEX_ACTIVE);
		assert_int_equal(t.email_has_login, rows[i].login);
		assert_int_equal(t.email_has_link, rows[i].link);
		assert_int_equal(t.email_all, rows[i].all);
	}
	struct dynamodb_table t = read_table(EMAIL("CREATING", "{}"));
	assert_int_equal(t.email, DYNAMODB_INDEX_BUILDING);
	assert_false(dynamodb_table_ready(&t));
}

static void test_ready_when_all_of_it_is(void **state)
{
	const enum dynamodb_index building = DYNAMODB_INDEX_BUILDING;
	const struct dynamodb_table rows[] = {{.status = "CREATING"},
	                                      {.status = "ACTIVE", .email = building},
	                                      {.status = "ACTIVE", .psid = building},
	                                      {.status = "ACTIVE", .code = building}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_false(dynamodb_table_ready(&rows[i]));
}

static void test_names(void **state)
{
	static char long_name[DYNAMODB_TABLE_MAX + 2];
	(void)state;
	memset(long_name, 'a', sizeof long_name - 1);
	assert_true(dynamodb_table_name_ok(STR("a-Z_0.9")));
	assert_false(dynamodb_table_name_ok(STR("ab")));
	assert_false(dynamodb_table_name_ok(STR("a/b")));
	assert_false(dynamodb_table_name_ok(str_c(long_name)));
	long_name[DYNAMODB_TABLE_MAX] = '\0';
	assert_true(dynamodb_table_name_ok(str_c(long_name)));
}

static void test_what_keeps_the_service_from_starting(void **state)
{
	static const struct {
		struct dynamodb_table table;
		enum err_code code;
		const char *says;
	} rows[] = {
	        {{.status = "ACTIVE", .email = DYNAMODB_INDEX_ACTIVE}, ERR_OK, ""},
	        {{.status = "UPDATING", .email = DYNAMODB_INDEX_ACTIVE}, ERR_OK, ""},
	        {{.status = "DELETING", .email = DYNAMODB_INDEX_ACTIVE},
	         ERR_INVALID,
	         "table shop is DELETING"},
	        {{.status = "ACTIVE"}, ERR_INVALID, "ProvisionedThroughput"},
	        {{.status = "ACTIVE", .on_demand = true}, ERR_INVALID, "AttributeName=email"},
	        {{.status = "ACTIVE", .email = DYNAMODB_INDEX_BUILDING}, ERR_INVALID, "is being built"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct err err = {.msg = ""};
		assert_int_equal(dynamodb_table_check("shop", &rows[i].table, &err), rows[i].code);
		assert_non_null(strstr(err.msg, rows[i].says));
		assert_true(!rows[i].table.on_demand || strstr(err.msg, "ProvisionedThroughput") == NULL);
	}
}

/* Setting, state of the index, size: how a profile is found, and why not. */
static void test_ways(void **state)
{
	const int64_t large = (int64_t)33 << 20;
	const struct {
		enum config_psid_lookup setting;
		enum dynamodb_index psid;
		int64_t bytes;
		enum dynamodb_lookup way;
		const char *why;
	} rows[] = {
	        {PSID_LOOKUP_AUTO, DYNAMODB_INDEX_ACTIVE, large, DYNAMODB_BY_INDEX, NULL},
	        {PSID_LOOKUP_INDEX, DYNAMODB_INDEX_ACTIVE, 0, DYNAMODB_BY_INDEX, NULL},
	        {PSID_LOOKUP_SCAN, DYNAMODB_INDEX_ACTIVE, 0, DYNAMODB_BY_SCAN, NULL},
	        {PSID_LOOKUP_AUTO, DYNAMODB_INDEX_NONE, 32 << 20, DYNAMODB_BY_SCAN, NULL},
	        {PSID_LOOKUP_SCAN, DYNAMODB_INDEX_ACTIVE, large, DYNAMODB_BY_NOTHING, "set it to auto"},
	        {PSID_LOOKUP_AUTO, DYNAMODB_INDEX_BUILDING, large, DYNAMODB_BY_NOTHING, "is being built"},
	        {PSID_LOOKUP_AUTO, DYNAMODB_INDEX_NONE, large, DYNAMODB_BY_NOTHING,
	         "too large to be scanned"},
	        {PSID_LOOKUP_INDEX, DYNAMODB_INDEX_NONE, 0, DYNAMODB_BY_NOTHING, "LINKD_PSID_LOOKUP=index"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct dynamodb_table t = {.status = "ACTIVE",
		                           .psid = rows[i].psid,
		                           .code = rows[i].psid,
		                           .bytes = rows[i].bytes};
		struct err err = {.msg = ""};
		assert_int_equal(dynamodb_table_lookup(rows[i].setting, t.psid, &t), rows[i].way);
		if (rows[i].why == NULL)
			continue;
		assert_int_equal(dynamodb_table_no_lookup("shop", DYNAMODB_PSID_INDEX, &t, &err),
		                 ERR_INVALID);
		assert_non_null(strstr(err.msg, rows[i].why));
		assert_int_equal(dynamodb_table_no_lookup("shop", DYNAMODB_CODE_INDEX, &t, &err),
		                 ERR_INVALID);
		assert_non_null(strstr(err.msg, rows[i].why));
	}
}

/* --- items */

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} rows[] = {
	        {"{\"N\":\"12\"}", 12}, {"{\"N\":\"-3\"}", -3},    {"{\"N\":\"1.7E3\"}", 1700},
	        {"{\"N\":\"2.9\"}", 2}, {"{\"N\":\"1e300\"}", 99}, {"{\"N\":\"-1e300\"}", 99},
	        {"{\"N\":\"\"}", 99},   {"{\"N\":\"x\"}", 99},     {"{\"N\":\"99999999999999999999\"}", 99},
	        {"{\"S\":\"12\"}", 99}, {"{\"N\":12}", 99}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[128];
		(void)snprintf(text, sizeof text, "{\"at\":%s}", rows[i].text);
		struct json *j = parse(text);
		if (dynamodb_item_int(j, "at", 99) != rows[i].value)
			fail_msg("%s: %lld", text, (long long)dynamodb_item_int(j, "at", 99));
		json_free(j);
	}
}

static void test_what_does_not_fit_is_left_out(void **state)
{
	static char text[2048], many[STORE_ID_MAX + 2], half[STORE_EMAIL_MAX + 1], hash[STORE_HASH_MAX + 2];
	const struct {
		const char *id, *email, *hash;
		bool too_long;
	} rows[] = {{"i", "e", "h", false},       {many, "e", "h", true},  {"i", many, "h", true},
	            {"i", "e", hash, true},       {half, half, "h", true}, {"i\\u0000", "e", "h", true},
	            {"i", "e\\u0000", "h", true}, {half, "e", "h", false}};
	(void)state;
	memset(many, 'x', sizeof many - 1);
	memset(half, 'x', sizeof half - 1);
	memset(hash, 'h', sizeof hash - 1);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct store_customer c = {.hash = ""};
		(void)snprintf(text, sizeof text,
		               "{\"customer_id\":{\"S\":\"%s\"},\"email\":{\"S\":\"%s\"},\"password\":{\"S\":"
		               "\"%s\"}}",
		               rows[i].id, rows[i].email, rows[i].hash);
		struct json *j = parse(text);
		dynamodb_item_customer(j, &c);
		if (c.too_long != rows[i].too_long)
			fail_msg("row %zu: %d", i, c.too_long);
		assert_int_equal(c.link.linked_at_ms, -1);
		json_free(j);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_tables_that_are_none_for_us),
	        cmocka_unit_test(test_what_is_read),
	        cmocka_unit_test(test_what_the_index_of_emails_holds),
	        cmocka_unit_test(test_ready_when_all_of_it_is),
	        cmocka_unit_test(test_names),
	        cmocka_unit_test(test_what_keeps_the_service_from_starting),
	        cmocka_unit_test(test_ways),
	        cmocka_unit_test(test_numbers),
	        cmocka_unit_test(test_what_does_not_fit_is_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
