/*  store_start -> struct ddb_loop of the port -> dynamodb_op: calls and pauses on that loop -> store_finish
 *  monitor: a thread with a loop; holds the credentials; DescribeTable every minute selects index or scan for a
 *  PSID */
#include "store/dynamodb/dynamodb.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "obs/log.h"
#include "store/dynamodb/op.h"
#include "store/dynamodb/table_monitor.h"

enum {
	WARM_MS = 30000, /* a connection idle for longer is closed at the other side some day */
	WARM_LIMIT_MS = 2000,
};

/* Without a usable index nothing lags, and conflicts are not looked for: each look would read the table. */
static const struct store_traits indexed = {.name = "dynamodb", .index_lags = true, .find_psid = true};
static const struct store_traits scanned = {.name = "dynamodb", .index_lags = false, .find_psid = false};

static struct dynamodb_store *of(struct store *s)
{
	return (struct dynamodb_store *)(void *)s;
}

static void tell_way(const struct dynamodb_store *s, enum dynamodb_lookup way, const struct dynamodb_table *t)
{
	struct err err;
	if (way != DYNAMODB_BY_NOTHING) {
		log_line(LOG_INFO, "psid_lookup", log_z("by", way == DYNAMODB_BY_INDEX ? "index" : "scan"),
		         log_z("table", s->table));
		return;
	}
	/* Each unlinked is answered 503 from now on. */
	(void)dynamodb_table_no_lookup(s->table, DYNAMODB_PSID_INDEX, t, &err);
	log_line(LOG_ERROR, "psid_lookup", log_z("by", "nothing"), log_z("error", err.msg));
}

/* On the monitor's thread.  If DescribeTable fails, the last known state of the table stays in use. */
static void seen(void *arg, const struct dynamodb_table *t, const struct err *why)
{
	struct dynamodb_store *s = arg;
	if (t == NULL) {
		log_line(LOG_WARN, "table_not_seen", log_z("table", s->table), log_z("error", why->msg));
		return;
	}
	enum dynamodb_lookup psid = dynamodb_table_lookup(s->cfg->psid_lookup, t->psid, t);
	int before = atomic_exchange(&s->psid_way, (int)psid);
	atomic_store(&s->code_way, (int)dynamodb_table_lookup(PSID_LOOKUP_AUTO, t->code, t));
	atomic_store(&s->sort_key, t->sort_key); /* the table may have been made anew */
	atomic_store(&s->email_has_login, t->email_has_login);
	atomic_store(&s->email_has_link, t->email_has_link);
	atomic_store(&s->store.traits, psid == DYNAMODB_BY_SCAN ? &scanned : &indexed);
	if (before != (int)psid)
		tell_way(s, psid, t);
	s->last = *t;
}

/* What keeps the service from starting. */
static enum err_code check(struct dynamodb_store *s, struct err *reterr)
{
	const struct dynamodb_table *t = &s->last;
	enum err_code code = dynamodb_table_check(s->table, t, reterr);
	if (code != ERR_OK)
		return code;
	if (atomic_load(&s->psid_way) == DYNAMODB_BY_NOTHING)
		return dynamodb_table_no_lookup(s->table, DYNAMODB_PSID_INDEX, t, reterr);
	if (s->cfg->code_style == CODE_STYLE_RANDOM && atomic_load(&s->code_way) == DYNAMODB_BY_NOTHING)
		return dynamodb_table_no_lookup(s->table, DYNAMODB_CODE_INDEX, t, reterr);
	if (t->email_all)
		log_line(
		        LOG_INFO, "email_index_costs", log_z("table", s->table),
		        log_z("why", "it holds every attribute: each code and link costs a write unit more"));
	return ERR_OK;
}

static struct ddb_loop *on_of(struct store_port *p)
{
	return (struct ddb_loop *)(void *)p;
}

static void rearm(struct ddb_loop *l)
{
	if (loop_timer_set(l->loop, &l->warm, loop_now_ms(l->loop) + WARM_MS) != ERR_OK)
		log_line(LOG_WARN, "connection_not_kept_warm", log_z("table", l->owner->table));
}

static void on_warmed(void *arg, const struct ddb_reply *r)
{
	struct ddb_loop *l = arg;
	(void)r;
	l->warming = NULL;
	rearm(l);
}

static void on_warm(struct loop_timer *t)
{
	struct ddb_loop *l = LIST_ENTRY(t, struct ddb_loop, warm);
	static const struct store_key nobody = {.id = "account-linkd", .email = "account-linkd"};
	struct buf out;
	struct dynamodb_body b = {
	        .out = &out, .table = l->owner->table, .sort_key = atomic_load(&l->owner->sort_key)};
	if (loop_now_ms(l->loop) - ddb_idle_since_ms(l->client) < WARM_MS / 2) {
		rearm(l);
		return;
	}
	buf_init(&out, DYNAMODB_BODY_MAX);
	dynamodb_body_begin(&b);
	dynamodb_body_key(&b, "Key", &nobody);
	dynamodb_body_text(&b, "ProjectionExpression", STR("customer_id"));
	dynamodb_body_end(&b);
	struct ddb_request req = {.operation = "GetItem",
	                          .body = buf_view(&out),
	                          .deadline_ms = clock_mono_ms() + WARM_LIMIT_MS,
	                          .attempts = 1};
	if (ddb_start(l->client, &req, on_warmed, l, &l->warming, NULL) != ERR_OK)
		rearm(l);
	buf_done(&out);
}

static enum err_code attach(struct store *s, struct loop *loop, struct httpc *http, struct store_port **ret,
                            struct err *reterr)
{
	struct dynamodb_store *d = of(s);
	struct ddb_loop *l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for a DynamoDB client");
	struct ddb_options o = {.loop = loop,
	                        .http = http,
	                        .creds = table_monitor_creds(d->monitor),
	                        .endpoint = &d->endpoint,
	                        .table = d->table,
	                        .in_flight = (size_t)d->cfg->store_in_flight};
	enum err_code code = ddb_new(&o, &l->client, reterr);
	if (code != ERR_OK) {
		free(l);
		return code;
	}
	l->owner = d;
	l->loop = loop;
	l->warm.fn = on_warm;
	list_init(&l->ops);
	l->port.limiter = ddb_limiter(l->client);
	*ret = &l->port;
	if (loop_timer_set(loop, &l->warm, loop_now_ms(loop)) == ERR_OK) /* connects before it is needed */
		return ERR_OK;
	ddb_free(l->client);
	free(l);
	return err_set(reterr, ERR_NOMEM, "no memory for a timer");
}

static void detach(struct store_port *p)
{
	struct ddb_loop *l = on_of(p);
	while (!list_empty(&l->ops))
		dynamodb_op_stop(LIST_ENTRY(l->ops.next, struct dynamodb_op, node));
	loop_timer_clear(l->loop, &l->warm);
	ddb_free(l->client);
	l->client = NULL;
	p->limiter = NULL;
}

static void port_free(struct store_port *p)
{
	free(on_of(p));
}

static enum err_code start(struct store_port *p, struct store_op *op)
{
	struct ddb_loop *l = on_of(p);
	/* A ping is never refused, because it reports the health of the store. */
	if (!op->admitted && op->kind != STORE_PING && ddb_full(l->client, op->deadline_ms))
		return ERR_BUSY;
	switch (op->kind) {
	case STORE_FIND_EMAIL:
	case STORE_FIND_PSID:
	case STORE_FIND_CODE: return dynamodb_find_start(l, op);
	case STORE_FIND_ID:
	case STORE_ADD:
	case STORE_REMOVE:
	case STORE_PING: return dynamodb_customer_start(l, op);
	default: return dynamodb_write_start(l, op);
	}
}

static void store_free(struct store *s)
{
	struct dynamodb_store *d = of(s);
	table_monitor_free(d->monitor);
	free(d);
}

static const struct store_vtable vtable = {
        .traits = {.name = "dynamodb", .index_lags = true, .find_psid = true},
        .start = start,
        .free = store_free,
        .attach = attach,
        .detach = detach,
        .port_free = port_free};

static enum err_code bring_up(struct dynamodb_store *d, struct err *reterr)
{
	struct endpoint_options where = {.environ_ = environ, .service = "dynamodb"};
	struct table_monitor_options o = {
	        .endpoint = &d->endpoint, .table = d->table, .seen = seen, .arg = d};
	enum err_code code = endpoint_load(&where, &d->endpoint, reterr);
	if (code == ERR_OK)
		code = table_monitor_new(&o, &d->monitor, reterr);
	return code == ERR_OK ? check(d, reterr) : code;
}

static enum err_code dynamodb_open(const struct config *cfg, const char *where, struct store **ret,
                                   struct err *reterr)
{
	if (!dynamodb_table_name_ok(str_c(where)))
		return err_set(reterr, ERR_INVALID, "LINKD_STORE needs the name of a table: dynamodb:TABLE");
	struct dynamodb_store *d = calloc(1, sizeof *d);
	if (d == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for the store");
	d->store.vt = &vtable;
	atomic_init(&d->store.traits, &indexed);
	d->cfg = cfg;
	(void)str_copy(d->table, sizeof d->table, str_c(where));
	enum err_code code = bring_up(d, reterr);
	if (code != ERR_OK) {
		store_free(&d->store);
		return code;
	}
	*ret = &d->store;
	return ERR_OK;
}

const struct store_backend dynamodb_backend = {.scheme = "dynamodb", .open = dynamodb_open};
