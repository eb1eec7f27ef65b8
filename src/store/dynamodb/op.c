#include "store/dynamodb/op.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "obs/audit.h"
#include "obs/log.h"
#include "store/odd.h"

enum { WEBHOOK_ATTEMPTS = 2 };

static void drop_body(struct dynamodb_op *x)
{
	crypto_wipe_buf(&x->body); /* password hashes */
}

static void op_free(struct dynamodb_op *x)
{
	list_del(&x->node);
	loop_timer_clear(x->on->loop, &x->timer);
	if (x->call != NULL)
		ddb_cancel(x->call);
	if (x->scanning)
		atomic_store(&x->on->owner->scanning, false);
	drop_body(x);
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

/* Facebook delivers an event again: a throttled write of one is not worth a wait. */
static bool of_webhook(enum store_kind k)
{
	return k == STORE_REDEEM || k == STORE_LINK || k == STORE_UNLINK || k == STORE_REPAIR;
}

struct dynamodb_body dynamodb_op_body(struct dynamodb_op *x)
{
	return (struct dynamodb_body){.out = &x->body,
	                              .table = x->on->owner->table,
	                              .op = x->op,
	                              .seen = x->reply == NULL ? NULL : json_get(x->reply->json, "Item"),
	                              .sort_key = atomic_load(&x->on->owner->sort_key)};
}

int dynamodb_op_fail(struct dynamodb_op *x, const struct err *why)
{
	x->op->code = why->code;
	x->op->err = *why;
	if (x->op->code == ERR_INVALID) /* of the table, not of the request */
		x->op->code = x->op->err.code = ERR_STORE;
	return DYNAMODB_OP_END;
}

static int out_of_time(struct dynamodb_op *x)
{
	struct err why;
	(void)err_set(&why, ERR_TIMEOUT, "the store had no time for it");
	return dynamodb_op_fail(x, &why);
}

int dynamodb_op_outcome(struct dynamodb_op *x, enum store_outcome o)
{
	x->op->out.outcome = o;
	return DYNAMODB_OP_END;
}

/* What DynamoDB can never execute is settled: an event that came again and again would only stop others. */
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
		odd_tell_full(str_c(store_values(x->op).id), store_kind_name(x->op->kind));
	if (r->class == DDB_SUCCESS || r->class == DDB_CONDITION)
		x->phase = x->next;
	else if ((r->class == DDB_VALIDATION || r->class == DDB_TOO_LARGE) && of_webhook(x->op->kind))
		x->phase = refuse(x, r->err);
	else
		x->phase = dynamodb_op_fail(x, r->err);
	x->run(x);
}

int dynamodb_op_call(struct dynamodb_op *x, const char *operation, int next)
{
	struct err why;
	struct ddb_request req = {.operation = operation,
	                          .body = buf_view(&x->body),
	                          .deadline_ms = x->op->deadline_ms,
	                          .attempts = x->no_wait ? WEBHOOK_ATTEMPTS : 0,
	                          .no_wait = x->no_wait,
	                          .ahead = x->op->admitted || x->op->kind == STORE_PING};
	x->reply = NULL;
	x->next = next;
	x->op->admitted = true;
	enum err_code code = ERR_OK;
	if (x->body.failed)
		code = err_set(&why, ERR_NOMEM, "no memory for a request to DynamoDB");
	if (code == ERR_OK)
		code = ddb_start(x->on->client, &req, on_reply, x, &x->call, &why);
	drop_body(x); /* the call has a copy, and thousands may wait */
	return code == ERR_OK ? DYNAMODB_OP_WAIT : dynamodb_op_fail(x, &why);
}

int dynamodb_op_pause(struct dynamodb_op *x, int64_t ms, int next)
{
	struct err why;
	int64_t due = clock_mono_ms() + ms;
	x->reply = NULL;
	x->next = next;
	if (due >= x->op->deadline_ms)
		return out_of_time(x);
	if (loop_timer_set(x->on->loop, &x->timer, due) == ERR_OK)
		return DYNAMODB_OP_WAIT;
	(void)err_set(&why, ERR_NOMEM, "no memory for a timer");
	return dynamodb_op_fail(x, &why);
}

static int send_get(struct dynamodb_op *x, const struct dynamodb_body *b, const char *attributes, int next)
{
	dynamodb_body_raw(b, "ConsistentRead", "true");
	dynamodb_body_text(b, "ProjectionExpression", str_c(attributes));
	dynamodb_body_end(b);
	return dynamodb_op_call(x, "GetItem", next);
}

int dynamodb_op_get(struct dynamodb_op *x, const struct store_key *key, const char *attributes, int next)
{
	struct dynamodb_body b = dynamodb_op_body(x);
	dynamodb_body_begin(&b);
	dynamodb_body_key(&b, "Key", key);
	return send_get(x, &b, attributes, next);
}

int dynamodb_op_get_of(struct dynamodb_op *x, const struct json *item, const char *attributes, int next)
{
	struct dynamodb_body b = dynamodb_op_body(x);
	dynamodb_body_begin(&b);
	dynamodb_body_key_of(&b, "Key", item);
	return send_get(x, &b, attributes, next);
}

enum err_code dynamodb_op_begin(struct ddb_loop *on, struct store_op *op, void (*run)(struct dynamodb_op *x))
{
	struct dynamodb_op *x = malloc(sizeof *x);
	if (x == NULL)
		return ERR_NOMEM;
	*x = (struct dynamodb_op){.on = on,
	                          .op = op,
	                          .run = run,
	                          .phase = 2,
	                          .timer = {.fn = on_timer},
	                          .no_wait = of_webhook(op->kind),
	                          .former = {.linked_at_ms = -1}};
	buf_init(&x->body, DYNAMODB_BODY_MAX);
	list_push(&on->ops, &x->node);
	if (clock_mono_ms() >= op->deadline_ms)
		x->phase = out_of_time(x);
	x->run(x); /* an end comes through the loop's inbox, not before start returns */
	return ERR_OK;
}
