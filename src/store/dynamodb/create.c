#include "store/dynamodb/create.h"

#include "base/codec.h"
#include "store/dynamodb/table.h"

static void put_name(const char *table, struct buf *out)
{
	buf_z(out, "{\"TableName\":");
	codec_json(out, str_c(table));
}

static void put_attribute(const char *name, bool more, struct buf *out)
{
	buf_printf(out, "{\"AttributeName\":\"%s\",\"AttributeType\":\"S\"}%s", name, more ? "," : "");
}

static void put_index(const char *index, const char *attribute, const char *projection, struct buf *out)
{
	buf_printf(out,
	           "{\"IndexName\":\"%s\",\"KeySchema\":[{\"AttributeName\":\"%s\",\"KeyType\":\"HASH\"}],",
	           index, attribute);
	buf_printf(out, "\"Projection\":{\"ProjectionType\":%s}}", projection);
}

void dynamodb_create_table(const char *table, bool code_index, bool protect, struct buf *out)
{
	put_name(table, out);
	buf_z(out, ",\"BillingMode\":\"PAY_PER_REQUEST\",\"AttributeDefinitions\":[");
	put_attribute("customer_id", true, out);
	put_attribute("email", true, out);
	put_attribute("fb_psid", code_index, out);
	if (code_index)
		put_attribute("authorization_code", false, out);
	buf_z(out, "],\"KeySchema\":[{\"AttributeName\":\"customer_id\",\"KeyType\":\"HASH\"},"
	           "{\"AttributeName\":\"email\",\"KeyType\":\"RANGE\"}],\"GlobalSecondaryIndexes\":[");
	put_index(DYNAMODB_EMAIL_INDEX, "email",
	          "\"INCLUDE\",\"NonKeyAttributes\":[\"password\",\"login_failures\",\"login_window_ends\"]",
	          out);
	buf_z(out, ",");
	put_index(DYNAMODB_PSID_INDEX, "fb_psid", "\"KEYS_ONLY\"", out);
	if (code_index) {
		buf_z(out, ",");
		put_index(DYNAMODB_CODE_INDEX, "authorization_code", "\"KEYS_ONLY\"", out);
	}
	buf_printf(out, "],\"DeletionProtectionEnabled\":%s}", protect ? "true" : "false");
}

void dynamodb_create_recovery(const char *table, struct buf *out)
{
	put_name(table, out);
	buf_z(out, ",\"PointInTimeRecoverySpecification\":{\"PointInTimeRecoveryEnabled\":true}}");
}

void dynamodb_create_describe(const char *table, struct buf *out)
{
	put_name(table, out);
	buf_z(out, "}");
}
