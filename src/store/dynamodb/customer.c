/* Customers by id: show, add, remove; and the read that checks whether the store answers. */
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "store/dynamodb/private.h"

/*  FIND_ID  (QUERY -> call -> QUERIED)* -> END: a page ends at 1 MiB of items, however few these are
 *  ADD      QUERY -> call -> QUERIED -> PUT -> call -> PUT_DONE -> (READ -> call -> WHY ->) END
 *  REMOVE   QUERY -> call -> QUERIED -> (DELETE -> call)* -> QUERY, until nothing is left -> END
 *  PING     READ -> call -> WHY -> END */
enum phase { P_WAIT, P_END, P_QUERY, P_QUERIED, P_PUT, P_PUT_DONE, P_DELETE, P_DELETED, P_READ, P_WHY };

static int query(struct dynamodb_op *x)
{
	struct dynamodb_body b;
	if (x->op->kind == STORE_PING)
		return P_READ;
	dynamodb_op_body(x, &b);
	const char *which = "customer_id=:k";
	if (x->op->kind == STORE_FIND_ID && x->op->in.find_id.past[0] != '\0' && b.sort_key)
		which = "customer_id=:k AND email>:a";
	dynamodb_body_text(&b, "KeyConditionExpression", str_c(which));
	dynamodb_body_values(&b, which, NULL);
	dynamodb_body_text(&b, "ProjectionExpression", STR(DYNAMODB_ITEM_CUSTOMER));
	dynamodb_body_raw(&b, "ConsistentRead", "true");
	dynamodb_body_raw(&b, "Limit", x->op->kind == STORE_ADD ? "1" : "8");
	return dynamodb_op_call(x, "Query", &b, P_QUERIED);
}

static void drop_found(struct store_out *out)
{
	if (out->customers != NULL)
		crypto_wipe(out->customers, STORE_HOLDERS_MAX * sizeof out->customers[0]);
	free(out->customers);
	out->customers = NULL;
	out->n = 0;
}

static bool take(struct dynamodb_op *x)
{
	struct store_out *out = &x->op->out;
	if (x->op->kind != STORE_FIND_ID)
		drop_found(out);
	if (out->customers == NULL)
		out->customers = calloc(STORE_HOLDERS_MAX, sizeof out->customers[0]);
	if (out->customers == NULL)
		return false;
	const struct json *item = json_first(json_get(x->reply->json, "Items"));
	for (; item != NULL && out->n < STORE_HOLDERS_MAX; item = json_next(item))
		dynamodb_item_customer(item, &out->customers[out->n++]);
	return true;
}

static int removed_all(struct dynamodb_op *x)
{
	drop_found(&x->op->out);
	return dynamodb_op_outcome(x, x->pages > 0 ? STORE_DONE : STORE_NO_CUSTOMER);
}

/* FIND_ID: the next page, past the last item of this one, until there are no more or enough. */
static int more(struct dynamodb_op *x)
{
	const struct store_out *out = &x->op->out;
	struct store_find_id *in = &x->op->in.find_id;
	if (out->n == STORE_HOLDERS_MAX || json_get(x->reply->json, "LastEvaluatedKey") == NULL)
		return DYNAMODB_OP_END;
	const char *last = out->n == 0 ? "" : out->customers[out->n - 1].key.email;
	if (strcmp(last, in->past) > 0) {
		(void)str_copy(in->past, sizeof in->past, str_c(last));
		return P_QUERY;
	}
	return dynamodb_op_fail(
	        x, err_set(&x->op->err, ERR_STORE,
	                   "not all items of a customer could be seen")); /* its e-mail is too long */
}

static int queried(struct dynamodb_op *x)
{
	if (!take(x)) {
		return dynamodb_op_fail(
		        x, err_set(&x->op->err, ERR_NOMEM, "no memory for what the store found"));
	}
	size_t n = x->op->out.n;
	switch (x->op->kind) {
	case STORE_ADD: drop_found(&x->op->out); return n > 0 ? dynamodb_op_outcome(x, STORE_EXISTS) : P_PUT;
	case STORE_REMOVE: x->at = 0; return n > 0 ? P_DELETE : removed_all(x);
	default: return more(x);
	}
}

static int put(struct dynamodb_op *x)
{
	struct dynamodb_body b;
	const struct store_add *in = &x->op->in.add;
	dynamodb_op_body(x, &b);
	dynamodb_body_item(&b, &in->key, str_c(in->hash));
	dynamodb_body_text(&b, "ConditionExpression", STR("attribute_not_exists(customer_id)"));
	return dynamodb_op_call(x, "PutItem", &b, P_PUT_DONE);
}

static int put_done(struct dynamodb_op *x)
{
	if (x->reply->class == DDB_SUCCESS)
		return dynamodb_op_outcome(x, STORE_DONE);
	return x->twice ? P_READ : dynamodb_op_outcome(x, STORE_EXISTS);
}

static int delete_next(struct dynamodb_op *x)
{
	struct dynamodb_body b;
	if (x->at == x->op->out.n)
		return P_QUERY; /* there may be more items than one query returns */
	dynamodb_op_body(x, &b);
	dynamodb_body_key(&b, "Key", &x->op->out.customers[x->at].key);
	return dynamodb_op_call(x, "DeleteItem", &b, P_DELETED);
}

static int deleted(struct dynamodb_op *x)
{
	x->at++;
	x->pages++;
	return P_DELETE;
}

static int read_one(struct dynamodb_op *x)
{
	static const struct store_key nobody = {.id = "account-linkd", .email = "account-linkd"};
	bool ping = x->op->kind == STORE_PING;
	return dynamodb_op_get(x, ping ? &nobody : &x->op->in.key, "customer_id,password", P_WHY);
}

/* Each new hash has a salt of its own, so an equal hash was stored by this same write. */
static int why(struct dynamodb_op *x)
{
	const struct json *item = json_get(x->reply->json, "Item");
	if (x->op->kind == STORE_PING)
		return dynamodb_op_outcome(x, STORE_DONE);
	const char *hash = x->op->in.add.hash;
	bool ours = hash[0] != '\0' && str_is(dynamodb_item_str(item, "password"), hash);
	return dynamodb_op_outcome(x, ours ? STORE_DONE : STORE_EXISTS);
}

void dynamodb_customer_run(struct dynamodb_op *x)
{
	for (;;) {
		switch ((enum phase)x->phase) {
		case P_QUERY: x->phase = query(x); break;
		case P_QUERIED: x->phase = queried(x); break;
		case P_PUT: x->phase = put(x); break;
		case P_PUT_DONE: x->phase = put_done(x); break;
		case P_DELETE: x->phase = delete_next(x); break;
		case P_DELETED: x->phase = deleted(x); break;
		case P_READ: x->phase = read_one(x); break;
		case P_WHY: x->phase = why(x); break;
		case P_WAIT: return;
		case P_END: dynamodb_op_end(x); return; /* x is dead after this */
		}
	}
}
