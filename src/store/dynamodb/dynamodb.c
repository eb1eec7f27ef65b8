/*  store_start -> struct ddb_loop of the port -> dynamodb_op: calls and pauses on that loop -> store_finish
 *  monitor: a thread with a loop; holds the credentials; DescribeTable every minute selects index or scan for a
 *  PSID */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "obs/audit.h"
#include "obs/log.h"
#include "store/dynamodb/private.h"
#include "store/record.h"

enum {
	WARM_MS = 30000, /* the server closes a connection that is idle for longer */
	WARM_LIMIT_MS = 2000,
	WEBHOOK_ATTEMPTS = 2,
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

/* Errors  that keep the service from starting. */
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

/* --- an operation */

static void op_free(struct dynamodb_op *x)
{
	list_del(&x->node);
	loop_timer_clear(x->on->loop, &x->timer);
	if (x->call != NULL)
		ddb_cancel(x->call);
	if (x->scanning)
		atomic_store(&x->on->owner->scanning, false);
	free(x);
}

void dynamodb_op_end(struct dynamodb_op *x)
{
	struct store_op *op = x->op;
	op_free(x);
	store_finish(op);
}

void dynamodb_op_stop(struct dynamodb_op *x)
{
	x->op->code = err_set(&x->op->err, ERR_STOPPING, "the service is stopping");
	dynamodb_op_end(x);
}

static void on_timer(struct loop_timer *t)
{
	struct dynamodb_op *x = LIST_ENTRY(t, struct dynamodb_op, timer);
	x->phase = x->next;
	x->run(x);
}

/* Facebook repeats an event, so a throttled write of one does not wait. */
static bool of_webhook(enum store_kind k)
{
	return k == STORE_REDEEM || k == STORE_LINK || k == STORE_UNLINK || k == STORE_REPAIR;
}

void dynamodb_op_body(struct dynamodb_op *x, struct dynamodb_body *ret)
{
	*ret = (struct dynamodb_body){.table = x->on->owner->table,
	                              .op = x->op,
	                              .seen = x->reply == NULL ? NULL : json_get(x->reply->json, "Item"),
	                              .sort_key = atomic_load(&x->on->owner->sort_key)};
	dynamodb_body_begin(ret);
}

int dynamodb_op_fail(struct dynamodb_op *x, enum err_code code)
{
	/* INVALID is about the table, not about the caller's request */
	x->op->code = x->op->err.code = code == ERR_INVALID ? ERR_STORE : code;
	return DYNAMODB_OP_END;
}

static int out_of_time(struct dynamodb_op *x)
{
	return dynamodb_op_fail(x, err_set(&x->op->err, ERR_TIMEOUT, "the store had no time for it"));
}

int dynamodb_op_outcome(struct dynamodb_op *x, enum store_outcome o)
{
	x->op->out.outcome = o;
	return DYNAMODB_OP_END;
}

/* An event that DynamoDB can never execute is answered as done: repeated forever it would only delay others. */
static int refuse(struct dynamodb_op *x, const struct err *why)
{
	log_line(LOG_ERROR, "store_refused", log_z("operation", store_kind_name(x->op->kind)),
	         log_z("customer_digest", audit_digest(str_c(store_values(x->op).id)).s),
	         log_z("error", why->msg));
	return dynamodb_op_outcome(
	        x, x->op->kind == STORE_UNLINK || x->op->kind == STORE_REPAIR ? STORE_KEPT : STORE_REFUSED);
}

static void on_reply(void *arg, const struct ddb_reply *r)
{
	struct dynamodb_op *x = arg;
	x->call = NULL;
	x->twice |= r->twice;
	x->reply = r;
	if (r->class == DDB_TOO_LARGE)
		record_tell_full(str_c(store_values(x->op).id), store_kind_name(x->op->kind));
	if (r->class == DDB_SUCCESS || r->class == DDB_CONDITION)
		x->phase = x->next;
	else if ((r->class == DDB_VALIDATION || r->class == DDB_TOO_LARGE) && of_webhook(x->op->kind))
		x->phase = refuse(x, r->err);
	else
		x->phase = dynamodb_op_fail(x, r->err->code);
	x->run(x);
}

int dynamodb_op_call(struct dynamodb_op *x, const char *operation, struct dynamodb_body *b, int next)
{
	struct ddb_request req = {.operation = operation,
	                          .body = &b->http,
	                          .err = &x->op->err,
	                          .deadline_ms = x->op->deadline_ms,
	                          .attempts = x->no_wait ? WEBHOOK_ATTEMPTS : 0,
	                          .no_wait = x->no_wait,
	                          .ahead = x->op->admitted || x->op->kind == STORE_PING};
	x->reply = NULL;
	x->next = next;
	x->op->admitted = true;
	dynamodb_body_end(b);
	enum err_code code = ddb_start(x->on->client, &req, on_reply, x, &x->call, &x->op->err);
	if (code == ERR_OK)
		return DYNAMODB_OP_WAIT;
	crypto_wipe_buf(b->out); /* password hashes */
	return dynamodb_op_fail(x, code);
}

int dynamodb_op_pause(struct dynamodb_op *x, int64_t ms, int next)
{
	int64_t due = clock_mono_ms() + ms;
	x->reply = NULL;
	x->next = next;
	if (due >= x->op->deadline_ms)
		return out_of_time(x);
	if (loop_timer_set(x->on->loop, &x->timer, due) == ERR_OK)
		return DYNAMODB_OP_WAIT;
	return dynamodb_op_fail(x, err_set(&x->op->err, ERR_NOMEM, "no memory for a timer"));
}

static int send_get(struct dynamodb_op *x, struct dynamodb_body *b, const char *attributes, int next)
{
	dynamodb_body_raw(b, "ConsistentRead", "true");
	dynamodb_body_text(b, "ProjectionExpression", str_c(attributes));
	return dynamodb_op_call(x, "GetItem", b, next);
}

int dynamodb_op_get(struct dynamodb_op *x, const struct store_key *key, const char *attributes, int next)
{
	struct dynamodb_body b;
	dynamodb_op_body(x, &b);
	dynamodb_body_key(&b, "Key", key);
	return send_get(x, &b, attributes, next);
}

int dynamodb_op_get_of(struct dynamodb_op *x, const struct json *item, const char *attributes, int next)
{
	struct dynamodb_body b;
	dynamodb_op_body(x, &b);
	dynamodb_body_key_of(&b, "Key", item);
	return send_get(x, &b, attributes, next);
}

/* --- a loop */

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
	struct dynamodb_body b = {.table = l->owner->table, .sort_key = atomic_load(&l->owner->sort_key)};
	if (loop_now_ms(l->loop) - ddb_idle_since_ms(l->client) < WARM_MS / 2) {
		rearm(l);
		return;
	}
	dynamodb_body_begin(&b);
	dynamodb_body_key(&b, "Key", &nobody);
	dynamodb_body_text(&b, "ProjectionExpression", STR("customer_id"));
	dynamodb_body_end(&b);
	struct ddb_request req = {.operation = "GetItem",
	                          .body = &b.http,
	                          .deadline_ms = clock_mono_ms() + WARM_LIMIT_MS,
	                          .attempts = 1};
	if (ddb_start(l->client, &req, on_warmed, l, &l->warming, NULL) != ERR_OK)
		rearm(l);
	buf_done(b.out);
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

static void (*run_of(enum store_kind kind))(struct dynamodb_op *x)
{
	switch (kind) {
	case STORE_FIND_EMAIL:
	case STORE_FIND_PSID:
	case STORE_FIND_CODE: return dynamodb_find_run;
	case STORE_FIND_ID:
	case STORE_ADD:
	case STORE_REMOVE:
	case STORE_PING: return dynamodb_customer_run;
	default: return dynamodb_write_run;
	}
}

static enum err_code start(struct store_port *p, struct store_op *op)
{
	struct ddb_loop *on = on_of(p);
	/* A ping is never refused, because it reports the health of the store. */
	if (!op->admitted && op->kind != STORE_PING && ddb_full(on->client, op->deadline_ms))
		return ERR_BUSY;
	struct dynamodb_op *x = malloc(sizeof *x);
	if (x == NULL)
		return ERR_NOMEM;
	op->out.former.linked_at_ms = -1;
	*x = (struct dynamodb_op){.on = on,
	                          .op = op,
	                          .run = run_of(op->kind),
	                          .phase = 2, /* the first of each flow */
	                          .timer = {.fn = on_timer},
	                          .no_wait = of_webhook(op->kind),
	                          .former = {.linked_at_ms = -1}};
	list_push(&on->ops, &x->node);
	if (clock_mono_ms() >= op->deadline_ms)
		x->phase = out_of_time(x);
	x->run(x); /* an end comes through the loop's inbox, not before start returns */
	return ERR_OK;
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
