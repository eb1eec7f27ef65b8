/* The DynamoDB part of doctor: credentials, endpoint, clock and table. */
#include <stdlib.h>
#include <string.h>

#include "aws/ddb/session.h"
#include "cli/doctor.h"
#include "store/dynamodb/table.h"

enum {
	CALL_MS = 5000,
	SLOW_US = 250000,
	COMMAND_MAX = 1024,
};

struct table_exam {
	struct doctor *d;
	const char *table;
	struct ddb_session *session;
	struct dynamodb_table seen;
	struct err why; /* of a table that does not fit */
	enum err_code fits;
};

static void take_table(void *arg, const struct json *answer)
{
	struct table_exam *e = arg;
	e->fits = dynamodb_table_read(answer, &e->seen, &e->why);
}

static void check_trip(struct table_exam *e, int64_t us)
{
	bool slow = us > SLOW_US;
	doctor_note(e->d, "round_trip", slow ? DOCTOR_ADVICE : DOCTOR_OK, "%lld.%lld ms%s",
	            (long long)(us / 1000), (long long)(us % 1000 / 100),
	            slow ? ": run the service in the table's region" : "");
}

static void check_index(struct table_exam *e, const char *index, enum dynamodb_index state, bool needed)
{
	struct buf command;
	buf_init(&command, COMMAND_MAX);
	dynamodb_table_command(e->table, index, &e->seen, &command);
	if (state == DYNAMODB_INDEX_ACTIVE)
		doctor_note(e->d, index, DOCTOR_OK, "ACTIVE");
	else if (state == DYNAMODB_INDEX_BUILDING)
		doctor_note(e->d, index, needed ? DOCTOR_FAULT : DOCTOR_ADVICE,
		            "being built: wait until it is ACTIVE");
	else
		doctor_note(e->d, index, needed ? DOCTOR_FAULT : DOCTOR_ADVICE, "not there; make it with: %s",
		            command.p == NULL ? "aws dynamodb update-table" : command.p);
	buf_done(&command);
}

static void check_projection(struct table_exam *e)
{
	const struct dynamodb_table *t = &e->seen;
	if (t->email == DYNAMODB_INDEX_NONE)
		return;
	if (t->email_all)
		doctor_note(e->d, "projection", DOCTOR_ADVICE,
		            "email-index holds every attribute: each code and each link costs a write unit "
		            "more; an index with only password, login_failures and login_window_ends does "
		            "not");
	else if (!t->email_has_login)
		doctor_note(e->d, "projection", DOCTOR_ADVICE,
		            "email-index does not hold password, login_failures and login_window_ends: each "
		            "login reads the item too");
	else
		doctor_note(e->d, "projection", DOCTOR_OK, "email-index holds what a login reads");
}

static void check_way(struct table_exam *e)
{
	const struct config *cfg = e->d->cfg;
	struct err why;
	enum dynamodb_lookup way = dynamodb_table_lookup(cfg->psid_lookup, e->seen.psid, &e->seen);
	if (way == DYNAMODB_BY_INDEX)
		doctor_note(e->d, "psid_lookup", DOCTOR_OK, "by fb_psid-index");
	else if (way == DYNAMODB_BY_SCAN)
		doctor_note(e->d, "psid_lookup", DOCTOR_ADVICE,
		            "by scanning %lld KiB, without looking for conflicts; above %d MiB the service "
		            "does not start without fb_psid-index",
		            (long long)(e->seen.bytes / 1024), DYNAMODB_SCAN_MAX_MIB);
	else {
		(void)dynamodb_table_no_lookup(e->table, DYNAMODB_PSID_INDEX, &e->seen, &why);
		doctor_note(e->d, "psid_lookup", DOCTOR_FAULT, "%s", why.msg);
	}
}

static void check_table(struct table_exam *e)
{
	const struct dynamodb_table *t = &e->seen;
	bool active = strcmp(t->status, "ACTIVE") == 0 || strcmp(t->status, "UPDATING") == 0;
	doctor_note(e->d, "table", active ? DOCTOR_OK : DOCTOR_FAULT,
	            "%s is %s, about %lld items, %lld KiB, billing %s%s", e->table, t->status,
	            (long long)t->items, (long long)(t->bytes / 1024),
	            t->on_demand ? "on demand" : "provisioned", active ? "" : ": wait until it is ACTIVE");
	doctor_note(e->d, "keys", DOCTOR_OK, "customer_id%s", t->sort_key ? " and email" : "");
	check_index(e, DYNAMODB_EMAIL_INDEX, t->email, true);
	check_projection(e);
	check_index(e, DYNAMODB_PSID_INDEX, t->psid, false);
	if (e->d->cfg->code_style == CODE_STYLE_RANDOM)
		check_index(e, DYNAMODB_CODE_INDEX, t->code, false);
	check_way(e);
	if (!t->delete_protected)
		doctor_note(e->d, "deletion_protection", DOCTOR_ADVICE,
		            "off; switch it on with: aws dynamodb update-table --table-name %s "
		            "--deletion-protection-enabled",
		            e->table);
}

/* The call is made twice, since the second one finds the connection open. */
static void describe(struct table_exam *e)
{
	struct buf body;
	struct ddb_result got;
	buf_init(&body, DYNAMODB_CREATE_MAX);
	dynamodb_create_describe(e->table, &body);
	struct ddb_question q = {.operation = "DescribeTable",
	                         .body = buf_view(&body),
	                         .limit_ms = CALL_MS,
	                         .take = take_table,
	                         .arg = e};
	ddb_session_ask(e->session, &q, &got);
	if (got.class == DDB_SUCCESS)
		ddb_session_ask(e->session, &q, &got);
	buf_done(&body);
	const char *keys = ddb_session_keys_from(e->session);
	if (keys[0] != '\0')
		doctor_note(e->d, "credentials", got.class == DDB_CREDENTIALS ? DOCTOR_FAULT : DOCTOR_OK,
		            "from %s", keys);
	if (got.class != DDB_SUCCESS) {
		doctor_note(e->d, keys[0] == '\0' ? "credentials" : "table", DOCTOR_FAULT, "%s", got.err.msg);
		return;
	}
	doctor_clock(e->d, "clock", "AWS's", got.clock_off_ms);
	check_trip(e, got.took_us);
	if (e->fits == ERR_OK)
		check_table(e);
	else
		doctor_note(e->d, "keys", DOCTOR_FAULT, "%s", e->why.msg);
}

void doctor_dynamodb(struct doctor *d)
{
	struct str scheme, table;
	struct err err;
	(void)str_cut(str_c(d->cfg->store), ':', &scheme, &table);
	struct table_exam e = {.d = d, .table = table.p};
	if (ddb_session_new(d->c->environ_, e.table, &e.session, &err) != ERR_OK) {
		doctor_note(d, "region", DOCTOR_FAULT, "%s", err.msg);
		return;
	}
	const struct endpoint *where = ddb_session_endpoint(e.session);
	doctor_note(d, "region", DOCTOR_OK, "%s from %s, address %s from %s", where->region,
	            where->region_from, where->url, where->url_from);
	describe(&e);
	ddb_session_free(e.session);
}
