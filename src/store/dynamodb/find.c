/* Find customers by e-mail, PSID or code: by an index, or by a scan. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/crypto.h"
#include "obs/log.h"
#include "store/dynamodb/private.h"

/*  FIRST -> QUERY -> call -> QUERIED -> (GET -> call -> GOT)* -> SORT -> END
 *      `--> TURN <-> pause, while another scan runs
 *             `-> SCAN -> call -> SCANNED -> SORT -> END
 *  FIND_CODE by index: QUERY by the code, at a miss once by the PSID, then the code again and again while the
 *  index may lag: MISSED -> pause -> QUERY. */
enum phase {
	P_WAIT,
	P_END,
	P_FIRST,
	P_QUERY,
	P_QUERIED,
	P_GET,
	P_GOT,
	P_TURN,
	P_SCAN,
	P_SCANNED,
	P_MISSED,
	P_SORT,
};

enum {
	EMAIL_MATCHES_MAX = 2, /* two are an error already */
	LAG_MS = 1500,         /* an index may show a write this much later */
	LAG_PAUSE_MS = 100,
	TURN_MS = 10,
	PAGES_MAX = 2 * DYNAMODB_SCAN_MAX_MIB, /* of at most 1 MiB; the table may have grown */
};

static size_t room(enum store_kind k)
{
	return k == STORE_FIND_EMAIL ? EMAIL_MATCHES_MAX : STORE_HOLDERS_MAX;
}

static enum dynamodb_lookup way(const struct dynamodb_op *x)
{
	struct dynamodb_store *s = x->on->owner;
	switch (x->op->kind) {
	case STORE_FIND_PSID: return (enum dynamodb_lookup)atomic_load(&s->psid_way);
	case STORE_FIND_CODE: return (enum dynamodb_lookup)atomic_load(&s->code_way);
	default: return DYNAMODB_BY_INDEX;
	}
}

static bool nothing_asked(const struct store_op *op)
{
	switch (op->kind) {
	case STORE_FIND_EMAIL: return op->in.find_email.email[0] == '\0';
	case STORE_FIND_PSID: return op->in.find_psid.psid[0] == '\0';
	default: return op->in.find_code.digest[0] == '\0';
	}
}

static int first(struct dynamodb_op *x)
{
	if (nothing_asked(x->op))
		return DYNAMODB_OP_END;
	x->op->out.customers = calloc(STORE_HOLDERS_MAX, sizeof x->op->out.customers[0]);
	x->until_ms = clock_mono_ms() + LAG_MS;
	if (x->op->out.customers == NULL) {
		return dynamodb_op_fail(
		        x, err_set(&x->op->err, ERR_NOMEM, "no memory for what the store found"));
	}
	switch (way(x)) {
	case DYNAMODB_BY_INDEX: return P_QUERY;
	case DYNAMODB_BY_SCAN: return P_TURN;
	case DYNAMODB_BY_NOTHING: break;
	}
	return dynamodb_op_fail(
	        x,
	        err_set(&x->op->err, ERR_STORE,
	                "nothing finds a customer by %s in table %s: account-linkd doctor tells what to do",
	                x->op->kind == STORE_FIND_PSID ? "PSID" : "code", x->on->owner->table));
}

/* Index and condition of a query. */
static void query_of(const struct dynamodb_op *x, const char **index, const char **condition)
{
	bool psid = x->op->kind == STORE_FIND_PSID || x->by_psid;
	*index = psid ? DYNAMODB_PSID_INDEX : DYNAMODB_CODE_INDEX;
	*condition = psid ? "fb_psid=:p" : "authorization_code=:d";
	if (x->op->kind == STORE_FIND_EMAIL) {
		*index = DYNAMODB_EMAIL_INDEX;
		*condition = "email=:l";
	}
}

static int query(struct dynamodb_op *x)
{
	const char *index, *condition;
	struct dynamodb_body b;
	query_of(x, &index, &condition);
	dynamodb_op_body(x, &b);
	dynamodb_body_text(&b, "IndexName", str_c(index));
	dynamodb_body_text(&b, "KeyConditionExpression", str_c(condition));
	dynamodb_body_values(&b, condition, NULL);
	dynamodb_body_raw(&b, "Limit", x->op->kind == STORE_FIND_EMAIL ? "2" : "8");
	return dynamodb_op_call(x, "Query", &b, P_QUERIED);
}

/* A key that is too long was read as empty.  A login reports that to its customer; nothing else can use it. */
static bool has_key(const struct dynamodb_op *x, const struct store_customer *c)
{
	return c->key.id[0] != '\0' && (c->key.email[0] != '\0' || !atomic_load(&x->on->owner->sort_key));
}

static void take_items(struct dynamodb_op *x)
{
	struct store_out *out = &x->op->out;
	const struct json *item = json_first(json_get(x->reply->json, "Items"));
	for (; item != NULL && out->n < room(x->op->kind); item = json_next(item)) {
		struct store_customer *c = &out->customers[out->n];
		dynamodb_item_customer(item, c);
		if (has_key(x, c) || x->op->kind == STORE_FIND_EMAIL) {
			out->n++;
			continue;
		}
		crypto_wipe(c, sizeof *c);
		log_line(LOG_WARN, "customer_left_out", log_z("table", x->on->owner->table),
		         log_z("why", "its customer_id or email is too long for account-linkd"));
	}
}

/* True: what the index holds is all that the caller needs.  Otherwise each item is read. */
static bool enough(const struct dynamodb_op *x)
{
	const struct store_out *out = &x->op->out;
	switch (x->op->kind) {
	case STORE_FIND_EMAIL: return out->n != 1 || atomic_load(&x->on->owner->email_has_login);
	case STORE_FIND_PSID: return x->op->in.find_psid.conflicts && out->n < 2;
	default: return false;
	}
}

static int queried(struct dynamodb_op *x)
{
	x->at = 0;
	take_items(x);
	if (x->op->out.n == 0)
		return x->op->kind == STORE_FIND_CODE ? P_MISSED : P_SORT;
	if (!enough(x))
		return P_GET;
	if (x->op->kind == STORE_FIND_EMAIL)
		x->op->out.customers[0].link_unknown = !atomic_load(&x->on->owner->email_has_link);
	return P_SORT;
}

static int get(struct dynamodb_op *x)
{
	if (x->at == x->op->out.n)
		return x->op->out.n == 0 && x->op->kind == STORE_FIND_CODE ? P_MISSED : P_SORT;
	const char *what = DYNAMODB_ITEM_CUSTOMER ",fb_link_code,authorization_code";
	if (x->op->kind == STORE_FIND_EMAIL) /* the only item of the current answer */
		return dynamodb_op_get_of(x, json_first(json_get(x->reply->json, "Items")), what, P_GOT);
	return dynamodb_op_get(x, &x->op->out.customers[x->at].key, what, P_GOT);
}

/* An index may show an older state; the item decides. */
static bool still_fits(const struct dynamodb_op *x, const struct json *item)
{
	struct store_values v = store_values(x->op);
	if (!json_is_object(item))
		return false;
	bool psid = str_is(dynamodb_item_str(item, "fb_psid"), v.psid);
	switch (x->op->kind) {
	case STORE_FIND_PSID: return psid;
	case STORE_FIND_CODE:
		return str_is(dynamodb_item_str(item, "authorization_code"), v.digest) ||
		       (psid && str_is(dynamodb_item_str(item, "fb_link_code"), v.digest));
	default: return true;
	}
}

static int got(struct dynamodb_op *x)
{
	struct store_out *out = &x->op->out;
	const struct json *item = json_get(x->reply->json, "Item");
	struct store_customer *c = &out->customers[x->at];
	*c = (struct store_customer){.hash = ""};
	if (still_fits(x, item)) {
		dynamodb_item_customer(item, c);
		x->at++;
		return P_GET;
	}
	*c = out->customers[--out->n];
	return P_GET;
}

static int missed(struct dynamodb_op *x)
{
	bool by_psid = x->op->in.find_code.psid[0] != '\0' &&
	               atomic_load(&x->on->owner->psid_way) == DYNAMODB_BY_INDEX;
	if (!x->by_psid && by_psid && x->pages++ == 0) {
		x->by_psid = true;
		return P_QUERY;
	}
	x->by_psid = false;
	if (clock_mono_ms() + LAG_PAUSE_MS >= x->until_ms ||
	    clock_mono_ms() + LAG_PAUSE_MS >= x->op->deadline_ms)
		return P_SORT;
	return dynamodb_op_pause(x, LAG_PAUSE_MS, P_QUERY);
}

static int turn(struct dynamodb_op *x)
{
	if (atomic_exchange(&x->on->owner->scanning, true))
		return dynamodb_op_pause(x, TURN_MS, P_TURN);
	x->scanning = true;
	x->pages = 0;
	return P_SCAN;
}

static const char *filter_of(const struct store_op *op)
{
	if (op->kind == STORE_FIND_PSID)
		return "fb_psid=:p";
	return op->in.find_code.psid[0] == '\0' ? "authorization_code=:d"
	                                        : "authorization_code=:d OR (fb_psid=:p AND fb_link_code=:d)";
}

/* Continue after the last page; its answer is valid only until the next call. */
static void put_start(struct dynamodb_op *x, const struct dynamodb_body *b)
{
	const struct json *last = x->reply == NULL ? NULL : json_get(x->reply->json, "LastEvaluatedKey");
	if (last != NULL)
		dynamodb_body_key_of(b, "ExclusiveStartKey", last);
}

static int scan(struct dynamodb_op *x)
{
	struct dynamodb_body b;
	if (x->pages++ == PAGES_MAX) {
		return dynamodb_op_fail(
		        x,
		        err_set(&x->op->err, ERR_STORE,
		                "table %s has grown too large to be scanned: account-linkd doctor prints the "
		                "command that makes %s",
		                x->on->owner->table, DYNAMODB_PSID_INDEX));
	}
	dynamodb_op_body(x, &b);
	dynamodb_body_text(&b, "FilterExpression", str_c(filter_of(x->op)));
	dynamodb_body_values(&b, filter_of(x->op), NULL);
	dynamodb_body_text(&b, "ProjectionExpression", STR(DYNAMODB_ITEM_CUSTOMER));
	dynamodb_body_raw(&b, "ConsistentRead", "true");
	put_start(x, &b);
	return dynamodb_op_call(x, "Scan", &b, P_SCANNED);
}

static int scanned(struct dynamodb_op *x)
{
	take_items(x);
	bool full = x->op->out.n == room(x->op->kind);
	if (!full && json_get(x->reply->json, "LastEvaluatedKey") != NULL)
		return P_SCAN;
	return P_SORT;
}

/* The newest link first, those without time last. */
static int newest_first(const void *va, const void *vb)
{
	const struct store_customer *a = va, *b = vb;
	if (a->link.linked_at_ms != b->link.linked_at_ms)
		return a->link.linked_at_ms < b->link.linked_at_ms ? 1 : -1;
	int by_id = strcmp(b->key.id, a->key.id);
	return by_id != 0 ? by_id : strcmp(b->key.email, a->key.email);
}

static int sort(struct dynamodb_op *x)
{
	struct store_out *out = &x->op->out;
	if (x->op->kind == STORE_FIND_PSID)
		qsort(out->customers, out->n, sizeof out->customers[0], newest_first);
	if (x->op->kind == STORE_FIND_CODE && out->n > 1)
		out->n = 1;
	return DYNAMODB_OP_END;
}

void dynamodb_find_run(struct dynamodb_op *x)
{
	for (;;) {
		switch ((enum phase)x->phase) {
		case P_FIRST: x->phase = first(x); break;
		case P_QUERY: x->phase = query(x); break;
		case P_QUERIED: x->phase = queried(x); break;
		case P_GET: x->phase = get(x); break;
		case P_GOT: x->phase = got(x); break;
		case P_MISSED: x->phase = missed(x); break;
		case P_TURN: x->phase = turn(x); break;
		case P_SCAN: x->phase = scan(x); break;
		case P_SCANNED: x->phase = scanned(x); break;
		case P_SORT: x->phase = sort(x); break;
		case P_WAIT: return;
		case P_END: dynamodb_op_end(x); return; /* x is dead after this */
		}
	}
}
