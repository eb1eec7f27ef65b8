#include "store/dynamodb/table.h"

#include <string.h>

#include "base/codec.h"

enum { COMMAND_MAX = 1024 };
static const int64_t mib = (int64_t)1024 * 1024;

/* What a login reads of a customer, beside the key. */
static const char *const login_reads[] = {"password", "login_failures", "login_window_ends"};

bool dynamodb_table_name_ok(struct str name)
{
	return name.n >= 3 && name.n <= DYNAMODB_TABLE_MAX && str_of(name, "_.-");
}

/* The attribute that has a part in a key schema; empty: none has. */
static struct str key_of(const struct json *schema, const char *type)
{
	for (const struct json *k = json_first(schema); k != NULL; k = json_next(k))
		if (str_is(json_str(json_get(k, "KeyType")), type))
			return json_str(json_get(k, "AttributeName"));
	return (struct str){NULL, 0};
}

static bool is_text(const struct json *table, const char *attribute)
{
	const struct json *d = json_first(json_get(table, "AttributeDefinitions"));
	for (; d != NULL; d = json_next(d))
		if (str_is(json_str(json_get(d, "AttributeName")), attribute))
			return str_is(json_str(json_get(d, "AttributeType")), "S");
	return false;
}

static const struct json *index_named(const struct json *table, const char *name)
{
	const struct json *i = json_first(json_get(table, "GlobalSecondaryIndexes"));
	for (; i != NULL; i = json_next(i))
		if (str_is(json_str(json_get(i, "IndexName")), name))
			return i;
	return NULL;
}

static bool projects(const struct json *index, const char *attribute)
{
	const struct json *a = json_first(json_get(json_get(index, "Projection"), "NonKeyAttributes"));
	for (; a != NULL; a = json_next(a))
		if (str_is(json_str(a), attribute))
			return true;
	return false;
}

static bool projects_all(const struct json *index)
{
	return str_is(json_str(json_get(json_get(index, "Projection"), "ProjectionType")), "ALL");
}

static bool projects_login(const struct json *index)
{
	if (projects_all(index))
		return true;
	for (size_t i = 0; i < sizeof login_reads / sizeof login_reads[0]; i++)
		if (!projects(index, login_reads[i]))
			return false;
	return true;
}

static enum err_code read_index(const struct json *table, const char *name, const char *hash,
                                enum dynamodb_index *ret, struct err *reterr)
{
	const struct json *i = index_named(table, name);
	*ret = DYNAMODB_INDEX_NONE;
	if (i == NULL)
		return ERR_OK;
	if (!str_is(key_of(json_get(i, "KeySchema"), "HASH"), hash) || !is_text(table, hash))
		return err_set(reterr, ERR_INVALID,
		               "the index %s of the table has another partition key than %s (S)", name, hash);
	struct str status = json_str(json_get(i, "IndexStatus"));
	bool active = str_is(status, "ACTIVE") || str_is(status, "UPDATING");
	*ret = active ? DYNAMODB_INDEX_ACTIVE : DYNAMODB_INDEX_BUILDING;
	return ERR_OK;
}

static enum err_code read_keys(const struct json *table, struct dynamodb_table *ret, struct err *reterr)
{
	const struct json *schema = json_get(table, "KeySchema");
	struct str sort = key_of(schema, "RANGE");
	if (!str_is(key_of(schema, "HASH"), "customer_id") || !is_text(table, "customer_id"))
		return err_set(reterr, ERR_INVALID,
		               "the table's partition key is not customer_id (S): name another table in "
		               "LINKD_STORE");
	if (sort.n > 0 && (!str_is(sort, "email") || !is_text(table, "email")))
		return err_set(reterr, ERR_INVALID,
		               "the table's sort key is not email (S): name another table in LINKD_STORE");
	ret->sort_key = sort.n > 0;
	return ERR_OK;
}

static int64_t number(const struct json *object, const char *key)
{
	double v = 0;
	return json_num(json_get(object, key), &v) && v >= 0 && v < 9e15 ? (int64_t)v : 0;
}

enum err_code dynamodb_table_read(const struct json *answer, struct dynamodb_table *ret, struct err *reterr)
{
	const struct json *t = json_get(answer, "Table");
	struct dynamodb_table got = {.bytes = 0};
	if (t == NULL)
		t = json_get(answer, "TableDescription");
	if (!json_is_object(t))
		return err_set(reterr, ERR_STORE, "DynamoDB described no table");
	if (!str_copy(got.status, sizeof got.status, json_str(json_get(t, "TableStatus"))))
		return err_set(reterr, ERR_STORE, "DynamoDB described a table of no known status");
	got.bytes = number(t, "TableSizeBytes");
	got.items = number(t, "ItemCount");
	got.delete_protected = json_is_true(json_get(t, "DeletionProtectionEnabled"));
	got.on_demand = str_is(json_str(json_get(json_get(t, "BillingModeSummary"), "BillingMode")),
	                       "PAY_PER_REQUEST");
	enum err_code code = read_keys(t, &got, reterr);
	if (code == ERR_OK)
		code = read_index(t, DYNAMODB_EMAIL_INDEX, "email", &got.email, reterr);
	if (code == ERR_OK)
		code = read_index(t, DYNAMODB_PSID_INDEX, "fb_psid", &got.psid, reterr);
	if (code == ERR_OK)
		code = read_index(t, DYNAMODB_CODE_INDEX, "authorization_code", &got.code, reterr);
	if (code != ERR_OK)
		return code;
	got.email_all = projects_all(index_named(t, DYNAMODB_EMAIL_INDEX));
	got.email_has_link = got.email_all || projects(index_named(t, DYNAMODB_EMAIL_INDEX), "fb_psid");
	got.email_has_login = projects_login(index_named(t, DYNAMODB_EMAIL_INDEX));
	*ret = got;
	return ERR_OK;
}

bool dynamodb_table_ready(const struct dynamodb_table *t)
{
	return strcmp(t->status, "ACTIVE") == 0 && t->email != DYNAMODB_INDEX_BUILDING &&
	       t->psid != DYNAMODB_INDEX_BUILDING && t->code != DYNAMODB_INDEX_BUILDING;
}

static const char *attribute_of(const char *index)
{
	if (strcmp(index, DYNAMODB_EMAIL_INDEX) == 0)
		return "email";
	return strcmp(index, DYNAMODB_PSID_INDEX) == 0 ? "fb_psid" : "authorization_code";
}

void dynamodb_table_command(const char *table, const char *index, const struct dynamodb_table *t,
                            struct buf *out)
{
	const char *attribute = attribute_of(index);
	bool email = strcmp(attribute, "email") == 0;
	buf_printf(out, "aws dynamodb update-table --table-name %s --attribute-definitions ", table);
	buf_printf(out, "AttributeName=%s,AttributeType=S --global-secondary-index-updates ", attribute);
	buf_printf(out, "'[{\"Create\":{\"IndexName\":\"%s\",\"KeySchema\":[{\"AttributeName\":\"%s\",",
	           index, attribute);
	buf_z(out, "\"KeyType\":\"HASH\"}],\"Projection\":{\"ProjectionType\":");
	buf_z(out, email ? "\"INCLUDE\",\"NonKeyAttributes\":[\"password\",\"login_failures\","
	                   "\"login_window_ends\"]}"
	                 : "\"KEYS_ONLY\"}");
	if (!t->on_demand)
		buf_z(out, ",\"ProvisionedThroughput\":{\"ReadCapacityUnits\":5,\"WriteCapacityUnits\":5}");
	buf_z(out, "}}]'");
}

static enum err_code say_command(const char *why, const char *table, const char *index,
                                 const struct dynamodb_table *t, struct err *reterr)
{
	struct buf command;
	buf_init(&command, COMMAND_MAX);
	dynamodb_table_command(table, index, t, &command);
	enum err_code code = err_set(reterr, ERR_INVALID, "%s: make the index with %s", why,
	                             command.p == NULL ? "aws dynamodb update-table" : command.p);
	buf_done(&command);
	return code;
}

enum err_code dynamodb_table_check(const char *table, const struct dynamodb_table *t, struct err *reterr)
{
	if (strcmp(t->status, "ACTIVE") != 0 && strcmp(t->status, "UPDATING") != 0)
		return err_set(reterr, ERR_INVALID, "table %s is %s: wait until it is ACTIVE", table,
		               t->status);
	if (t->email == DYNAMODB_INDEX_NONE)
		return say_command("the table has no " DYNAMODB_EMAIL_INDEX ", by which a login finds its "
		                   "customer",
		                   table, DYNAMODB_EMAIL_INDEX, t, reterr);
	if (t->email == DYNAMODB_INDEX_BUILDING)
		return err_set(reterr, ERR_INVALID,
		               DYNAMODB_EMAIL_INDEX " of table %s is being built: wait until it is ACTIVE",
		               table);
	return ERR_OK;
}

enum dynamodb_lookup dynamodb_table_lookup(enum config_psid_lookup setting, enum dynamodb_index index,
                                           const struct dynamodb_table *t)
{
	bool small = t->bytes <= DYNAMODB_SCAN_MAX_MIB * mib;
	if (setting != PSID_LOOKUP_SCAN && index == DYNAMODB_INDEX_ACTIVE)
		return DYNAMODB_BY_INDEX;
	if (setting != PSID_LOOKUP_INDEX && small)
		return DYNAMODB_BY_SCAN;
	return DYNAMODB_BY_NOTHING;
}

enum err_code dynamodb_table_no_lookup(const char *table, const char *index, const struct dynamodb_table *t,
                                       struct err *reterr)
{
	enum dynamodb_index state = strcmp(index, DYNAMODB_PSID_INDEX) == 0 ? t->psid : t->code;
	struct err why;
	long long size = (long long)(t->bytes / mib);
	if (state == DYNAMODB_INDEX_BUILDING)
		return err_set(reterr, ERR_INVALID, "%s of table %s is being built: wait until it is ACTIVE",
		               index, table);
	if (state == DYNAMODB_INDEX_ACTIVE)
		return err_set(reterr, ERR_INVALID,
		               "LINKD_PSID_LOOKUP=scan, and table %s has %lld MiB, more than the %d that are "
		               "scanned: set it to auto",
		               table, size, DYNAMODB_SCAN_MAX_MIB);
	(void)err_set(&why, ERR_INVALID, "the table (%lld MiB) has no %s%s", size, index,
	              t->bytes > DYNAMODB_SCAN_MAX_MIB * mib ? " and is too large to be scanned"
	                                                     : ", which LINKD_PSID_LOOKUP=index asks for");
	return say_command(why.msg, table, index, t, reterr);
}

/* --- a new table */

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
