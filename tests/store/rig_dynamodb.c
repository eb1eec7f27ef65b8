/* The DynamoDB backend of the rig: a table for each directory, on the server AWS_ENDPOINT_URL_DYNAMODB names.
 */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/ddb/session.h"
#include "base/codec.h"
#include "net/httpc.h"
#include "store/dynamodb/table.h"

enum { ASK_MS = 10000 };

static const char *table_of(const char *dir)
{
	return strrchr(dir, '/') + 1;
}

static void ask(struct ddb_session *s, const char *operation, struct buf *body,
                void (*take)(void *arg, const struct json *answer), void *arg)
{
	struct ddb_result got;
	struct ddb_question q = {operation, buf_view(body), ASK_MS, take, arg};
	assert_false(body->failed);
	ddb_session_ask(s, &q, &got);
	if (got.class != DDB_SUCCESS && got.class != DDB_IN_USE)
		fail_msg("%s: %s", operation, got.err.msg);
	buf_reset(body);
}

static struct ddb_session *session(const char *dir)
{
	struct ddb_session *s = NULL;
	struct err err = {.msg = ""};
	if (ddb_session_new(environ, table_of(dir), &s, &err) != ERR_OK)
		fail_msg("no session: %s", err.msg);
	return s;
}

static void take_ready(void *arg, const struct json *answer)
{
	struct dynamodb_table t;
	*(bool *)arg = dynamodb_table_read(answer, &t, NULL) == ERR_OK && dynamodb_table_ready(&t);
}

static void make_table(const char *dir)
{
	struct ddb_session *s = session(dir);
	struct buf body;
	bool ready = false;
	buf_init(&body, DYNAMODB_CREATE_MAX);
	dynamodb_create_table(table_of(dir), true, false, &body);
	ask(s, "CreateTable", &body, NULL, NULL);
	for (int i = 0; i < 200 && !ready; i++) {
		dynamodb_create_describe(table_of(dir), &body);
		ask(s, "DescribeTable", &body, take_ready, &ready);
		if (!ready)
			(void)usleep(50000);
	}
	assert_true(ready);
	buf_done(&body);
	ddb_session_free(s);
}

static enum err_code open_dynamodb(const char *dir, struct store **ret, struct err *reterr)
{
	static bool started;
	char setting[RIG_DIR_MAX + 32];
	static struct config cfg; /* outlives the store */
	if (!started && httpc_global_start(reterr) != ERR_OK)
		return ERR_INTERNAL;
	started = true;
	make_table(dir);
	(void)snprintf(setting, sizeof setting, "dynamodb:%s", table_of(dir));
	cfg.store = setting;
	return store_open(&cfg, ret, reterr);
}

static void put(struct buf *b, const char *name, const char *type, const char *value)
{
	if (value[0] == '\0')
		return;
	buf_printf(b, "%s\"%s\":{\"%s\":", b->p[b->len - 1] == '{' ? "" : ",", name, type);
	codec_json(b, str_c(value));
	buf_z(b, "}");
}

static void plant_dynamodb(const char *dir, const struct store_customer *c)
{
	struct ddb_session *s = session(dir);
	struct buf body;
	char at[32] = "";
	if (c->link.psid[0] != '\0' && c->link.linked_at_ms >= 0)
		(void)snprintf(at, sizeof at, "%lld", (long long)c->link.linked_at_ms);
	buf_init(&body, 8192);
	buf_printf(&body, "{\"TableName\":\"%s\",\"Item\":{", table_of(dir));
	put(&body, "customer_id", "S", c->key.id);
	put(&body, "email", "S", c->key.email);
	put(&body, "password", "S", c->hash);
	put(&body, "fb_psid", "S", c->link.psid);
	put(&body, "fb_page_id", "S", c->link.page_id);
	put(&body, "fb_linked_at", "N", at);
	buf_z(&body, "}}");
	ask(s, "PutItem", &body, NULL, NULL);
	buf_done(&body);
	ddb_session_free(s);
}

/* False: an index takes only texts there. */
static bool spoil_dynamodb(const char *dir, const struct store_key *key, const char *attribute,
                           const char *type, const char *value)
{
	struct ddb_session *s = session(dir);
	struct ddb_result got;
	struct buf body;
	buf_init(&body, 16384);
	buf_printf(&body, "{\"TableName\":\"%s\",\"Key\":{", table_of(dir));
	put(&body, "customer_id", "S", key->id);
	put(&body, "email", "S", key->email);
	buf_printf(&body,
	           "},\"UpdateExpression\":\"SET "
	           "%s=:v\",\"ExpressionAttributeValues\":{\":v\":{\"%s\":%s%s%s}}}",
	           attribute, type, strcmp(type, "N") == 0 ? "\"" : "", value,
	           strcmp(type, "N") == 0 ? "\"" : "");
	assert_false(body.failed);
	struct ddb_question q = {"UpdateItem", buf_view(&body), ASK_MS, NULL, NULL};
	ddb_session_ask(s, &q, &got);
	assert_true(got.class == DDB_SUCCESS || got.class == DDB_VALIDATION);
	buf_done(&body);
	ddb_session_free(s);
	return got.class == DDB_SUCCESS;
}

const struct rig_backend rig_dynamodb = {.name = "dynamodb",
                                         .open = open_dynamodb,
                                         .plant = plant_dynamodb,
                                         .spoil = spoil_dynamodb,
                                         .reads_why = true};
