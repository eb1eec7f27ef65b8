/* account-linkd create-table */
#include <string.h>
#include <time.h>

#include "aws/ddb/session.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "cli/cli.h"
#include "net/httpc.h"
#include "store/dynamodb/table.h"

enum {
	CALL_MS = 20000,
	WAIT_MS = 600000, /* until everything is ACTIVE */
	POLL_MS = 2000,
	TELL_MS = 10000, /* a line of progress */
	PAUSE_MAX_MS = POLL_MS,
};

struct making {
	struct cli *c;
	const struct config *cfg;
	const char *table;
	struct ddb_session *session;
	struct dynamodb_table seen; /* last described */
	bool described;
};

static void take_table(void *arg, const struct json *answer)
{
	struct making *m = arg;
	m->described = dynamodb_table_read(answer, &m->seen, NULL) == ERR_OK;
}

static enum ddb_class ask(struct making *m, const char *operation, struct buf *body, struct ddb_result *got)
{
	struct ddb_question q = {.operation = operation,
	                         .body = buf_view(body),
	                         .limit_ms = CALL_MS,
	                         .take = take_table,
	                         .arg = m};
	ddb_session_ask(m->session, &q, got);
	buf_reset(body);
	return got->class;
}

/* Is there a table of that name? */
static int refuse_existing(struct making *m, struct buf *body)
{
	struct ddb_result got;
	dynamodb_create_describe(m->table, body);
	enum ddb_class class = ask(m, "DescribeTable", body, &got);
	if (class == DDB_NOT_FOUND)
		return CLI_OK;
	if (class == DDB_SUCCESS)
		return cli_fail(m->c,
		                "table %s exists already and is left as it is; account-linkd doctor tells "
		                "whether it fits",
		                m->table);
	return cli_fail(m->c, "%s", got.err.msg);
}

static int make(struct making *m, struct buf *body)
{
	struct ddb_result got;
	dynamodb_create_table(m->table, m->cfg->code_style == CODE_STYLE_RANDOM, true, body);
	enum ddb_class class = ask(m, "CreateTable", body, &got);
	if (class == DDB_SUCCESS ||
	    (class == DDB_IN_USE && got.twice)) { /* the first copy of the request made the table */
		cli_audit((struct audit){.action = "create_table", .result = "done"});
		return CLI_OK;
	}
	if (class == DDB_IN_USE)
		return cli_fail(m->c, "table %s was made by somebody else just now", m->table);
	return cli_fail(m->c, "%s", got.err.msg);
}

static void tell(const struct making *m, int64_t since_ms)
{
	(void)fprintf(m->c->err, "waiting: table %s, email-index %s, fb_psid-index %s (%lld s)\n",
	              m->seen.status, m->seen.email == DYNAMODB_INDEX_ACTIVE ? "ACTIVE" : "CREATING",
	              m->seen.psid == DYNAMODB_INDEX_ACTIVE ? "ACTIVE" : "CREATING",
	              (long long)(since_ms / 1000));
	(void)fflush(m->c->err);
}

static int wait_active(struct making *m, struct buf *body)
{
	struct ddb_result got = {.class = DDB_SUCCESS};
	int64_t began = clock_mono_ms(), told = began - TELL_MS;
	for (int64_t pause = POLL_MS / 10; clock_mono_ms() - began < WAIT_MS;) {
		dynamodb_create_describe(m->table, body);
		m->described = false;
		(void)ask(m, "DescribeTable", body, &got);
		if (m->described && dynamodb_table_ready(&m->seen))
			return CLI_OK;
		if (m->described && clock_mono_ms() - told >= TELL_MS) {
			tell(m, clock_mono_ms() - began);
			told = clock_mono_ms();
		}
		(void)nanosleep(&(struct timespec){.tv_sec = pause / 1000, .tv_nsec = pause % 1000 * 1000000},
		                NULL);
		pause = pause * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause * 2;
	}
	return cli_fail(m->c, "table %s did not become ACTIVE in %d s: %s", m->table, WAIT_MS / 1000,
	                got.err.msg);
}

/* A failure is not fatal: the table works without it, and the command can be repeated. */
static bool protect(struct making *m, struct buf *body)
{
	struct ddb_result got;
	dynamodb_create_recovery(m->table, body);
	if (ask(m, "UpdateContinuousBackups", body, &got) == DDB_SUCCESS)
		return true;
	(void)fprintf(m->c->err,
	              "warning: point-in-time recovery is not on (%s); switch it on with: aws dynamodb "
	              "update-continuous-backups --table-name %s --point-in-time-recovery-specification "
	              "PointInTimeRecoveryEnabled=true\n",
	              got.err.msg, m->table);
	return false;
}

/* Units of one link, as DynamoDB counts them for items under 1 KiB. */
static int report(struct making *m, bool recovery)
{
	struct cli *c = m->c;
	cli_str(c, "table", str_c(m->table));
	cli_str(c, "region", str_c(ddb_session_endpoint(m->session)->region));
	cli_str(c, "status", str_c(m->seen.status));
	cli_str(c, "billing", m->seen.on_demand ? STR("on demand") : STR("provisioned"));
	cli_bool(c, "deletion_protection", m->seen.delete_protected);
	cli_bool(c, "point_in_time_recovery", recovery);
	cli_str(c, "cost_of_a_first_link", STR("3 write units, 0.5 read units"));
	cli_str(c, "cost_of_a_relink", STR("4 write units, 0.5 read units"));
	cli_str(c, "cost_of_a_link_without_known_profile", STR("0.5 read units more"));
	cli_str(c, "price_of_a_million_first_links",
	        STR("1.94 US$ (us-east-1, on demand: 0.625 US$ a million writes, 0.125 US$ a million "
	            "reads)"));
	return cli_done(c);
}

static int run(struct making *m)
{
	struct err err;
	struct buf body;
	if (ddb_session_new(m->c->environ_, m->table, &m->session, &err) != ERR_OK)
		return cli_fail(m->c, "%s", err.msg);
	buf_init(&body, DYNAMODB_CREATE_MAX);
	int rc = refuse_existing(m, &body);
	if (rc == CLI_OK)
		rc = make(m, &body);
	if (rc == CLI_OK)
		rc = wait_active(m, &body);
	if (rc == CLI_OK)
		rc = report(m, protect(m, &body));
	buf_done(&body);
	ddb_session_free(m->session);
	return rc;
}

int cli_create_table(struct cli *c)
{
	struct config *cfg;
	struct str scheme, table;
	struct err err;
	if (!cli_parse(c, (const struct cli_option[]){{NULL, NULL, NULL}}, 0) ||
	    !cli_config(c, CONFIG_STORE, &cfg))
		return c->rc;
	struct making m = {.c = c, .cfg = cfg};
	(void)str_cut(str_c(cfg->store), ':', &scheme, &table);
	if (!str_is(scheme, "dynamodb"))
		c->rc = cli_fail(c, "LINKD_STORE names no DynamoDB table: set it to dynamodb:TABLE");
	else if (crypto_start(&err) != ERR_OK || httpc_global_start(&err) != ERR_OK)
		c->rc = cli_fail(c, "%s", err.msg);
	else {
		m.table = table.p;
		c->rc = run(&m);
	}
	config_free(cfg);
	return c->rc;
}
