/* Conditional updates of one item: links are made, removed and repaired, codes issued, failed logins counted. */
#include <string.h>

#include "store/dynamodb/private.h"
#include "store/record.h"

/*  REDEEM and the like:  WRITE -> call -> WRITTEN -> END
 *                                   `-> condition failed -> READ -> call -> WHY -> END
 *  ISSUE:  READ -> call -> WHY -> ISSUE -> call -> WRITTEN -> END, or READ again if the item has changed
 *  FAILURE:  WRITE -> condition failed -> WINDOW -> call -> END, or again WRITE
 *  ERASE:  READ -> call -> WRITE as above: a repeated write finds nothing to report, so it is read before */
enum phase { P_WAIT, P_END, P_FIRST, P_WRITE, P_WRITTEN, P_ISSUE, P_WINDOW, P_WINDOW_SET, P_READ, P_WHY };

#define THERE "attribute_exists(customer_id)"
#define LINK_SET "fb_psid=:p,fb_linked_at=:t,fb_link_code=:d"
#define LINK_ATTRIBUTES "fb_psid,fb_page_id,fb_linked_at"
#define CODE_ATTRIBUTES                                                                                \
	"authorization_code,authorization_code_expires_at,authorization_code_psid,authorization_code_" \
	"replaces"
#define NOT_USED THERE " AND (attribute_not_exists(fb_link_code) OR fb_link_code<>:d)"

#define ISSUE_SET "authorization_code=:d,authorization_code_expires_at=:e"

/* A comparison with an attribute that is missing, or of another type, is false, and NOT makes it true.  So a
 * counter goes on only with a valid window and counter, and only a valid time of a link keeps the link. */
#define COUNTED "login_window_ends>:s AND login_window_ends<=:u AND login_failures BETWEEN :1 AND :c"

/* Set where the operation has a value, else removed. */
struct optional {
	const char *attribute;
	char letter;
};

static const struct plan {
	const char *set; /* NULL: none */
	struct optional optional[3];
	const char *remove; /* NULL: none */
	const char *condition;
	bool reads_back; /* a failed condition has several reasons */
} plans[STORE_KINDS] = {
        [STORE_ISSUE] = {ISSUE_SET,
                         {{"authorization_code_psid", 'p'}, {"authorization_code_replaces", 'r'}},
                         "login_failures,login_window_ends",
                         NULL, /* made from the item that was read: issue() */
                         true},
        [STORE_REDEEM] = {LINK_SET,
                          {{"fb_page_id", 'g'}},
                          CODE_ATTRIBUTES,
                          "authorization_code=:d AND authorization_code_expires_at>=:s AND"
                          " (attribute_not_exists(authorization_code_psid) OR authorization_code_psid=:p)",
                          true},
        [STORE_LINK] = {LINK_SET, {{"fb_page_id", 'g'}}, NULL, NOT_USED, true},
        [STORE_UNLINK] = {NULL,
                          {{NULL, 0}},
                          LINK_ATTRIBUTES,
                          "fb_psid=:p AND NOT (fb_linked_at>:t AND fb_linked_at<=:j)",
                          false},
        [STORE_REPAIR] = {NULL,
                          {{NULL, 0}},
                          LINK_ATTRIBUTES,
                          "fb_psid=:p AND NOT (fb_linked_at<=:j AND (fb_linked_at>:t OR"
                          " (fb_linked_at=:t AND customer_id>=:m)))",
                          false},
        [STORE_FAILURE] = {"login_failures=login_failures+:1", {{NULL, 0}}, NULL, COUNTED, false},
        [STORE_UPGRADE] = {"password=:n", {{NULL, 0}}, NULL, "password=:o", false},
        [STORE_ERASE] = {NULL,
                         {{NULL, 0}},
                         LINK_ATTRIBUTES "," CODE_ATTRIBUTES ",login_failures,login_window_ends",
                         THERE,
                         false},
};
/* Of several concurrent failures one opens the window; the others are then counted in it. */
static const struct plan new_window = {
        "login_failures=:1,login_window_ends=:w", {{NULL, 0}}, NULL, THERE " AND NOT (" COUNTED ")", false};

enum {
	EXPRESSION_MAX = 1024, /* bytes, also of a condition */
	WINDOW_TRIES = 2,
	ISSUE_TRIES = 8, /* each failed because of a concurrent issue for the same customer */
};

static bool has_value(const struct store_values *v, char letter)
{
	switch (letter) {
	case 'p': return v->psid[0] != '\0';
	case 'g': return v->page_id[0] != '\0';
	default: return v->replaces != NULL;
	}
}

static void put_optional(const struct plan *p, const struct store_values *v, bool set, struct buf *out,
                         const char *separator)
{
	for (const struct optional *o = p->optional; o->attribute != NULL; o++) {
		if (has_value(v, o->letter) != set)
			continue;
		buf_z(out, separator);
		buf_z(out, o->attribute);
		if (set) {
			buf_z(out, "=:");
			buf_put(out, &o->letter, 1);
		}
		separator = ",";
	}
}

static void update_expression(const struct plan *p, const struct store_values *v, struct buf *out)
{
	if (p->set != NULL) {
		buf_z(out, "SET ");
		buf_z(out, p->set);
	}
	put_optional(p, v, true, out, ",");
	if (p->remove != NULL) {
		buf_z(out, " REMOVE ");
		buf_z(out, p->remove);
	}
	put_optional(p, v, false, out, p->remove == NULL ? " REMOVE " : ",");
}

static int update(struct dynamodb_op *x, const struct plan *p, int next)
{
	struct dynamodb_body b;
	char text[EXPRESSION_MAX] NOT_ZEROED;
	struct buf expression;
	struct store_values v = store_values(x->op);
	buf_over(&expression, text, sizeof text);
	update_expression(p, &v, &expression);
	dynamodb_op_body(x, &b);
	dynamodb_body_key(&b, "Key", &x->op->in.key);
	dynamodb_body_text(&b, "UpdateExpression", buf_view(&expression));
	dynamodb_body_text(&b, "ConditionExpression", str_c(p->condition));
	if (strchr(p->condition, ':') != NULL || p->set != NULL)
		dynamodb_body_values(&b, expression.p, p->condition);
	if (p->reads_back || x->op->kind == STORE_ERASE)
		dynamodb_body_raw(&b, "ReturnValues", "\"UPDATED_OLD\"");
	b.out->failed |= expression.failed;
	return dynamodb_op_call(x, "UpdateItem", &b, next);
}

/* An empty PSID is no PSID: no link is made with it, and none is held by it. */
static int first(struct dynamodb_op *x)
{
	bool psid = store_values(x->op).psid[0] != '\0';
	switch (x->op->kind) {
	case STORE_REDEEM:
	case STORE_LINK: return psid ? P_WRITE : P_READ;
	case STORE_UNLINK:
	case STORE_REPAIR: return psid ? P_WRITE : dynamodb_op_outcome(x, STORE_KEPT);
	case STORE_ISSUE:
	case STORE_ERASE: return P_READ;
	default: return P_WRITE;
	}
}

static int not_told(struct dynamodb_op *x)
{
	return dynamodb_op_fail(
	        x, err_set(&x->op->err, ERR_STORE,
	                   "an answer without what was asked for; look at AWS_ENDPOINT_URL_DYNAMODB"));
}

static int done(struct dynamodb_op *x)
{
	const struct json *old = json_get(x->reply->json, "Attributes");
	struct store_out *out = &x->op->out;
	if (x->op->kind == STORE_REDEEM && dynamodb_item_str(old, "authorization_code").n == 0)
		return not_told(x); /* the condition requires the code, so the old item had it */
	out->former = x->former;
	if (x->op->kind != STORE_ISSUE && dynamodb_item_str(old, "fb_psid").n > 0)
		dynamodb_item_link(old, &out->former);
	out->bound = dynamodb_item_str(old, "authorization_code_psid").n > 0;
	if (x->op->kind == STORE_REDEEM)
		(void)record_unpack_key(dynamodb_item_str(old, "authorization_code_replaces"),
		                        &out->replaces);
	return dynamodb_op_outcome(x, STORE_DONE);
}

static int written(struct dynamodb_op *x)
{
	if (x->reply->class == DDB_SUCCESS)
		return done(x);
	switch (x->op->kind) {
	case STORE_FAILURE:
		return x->at++ < WINDOW_TRIES ? P_WINDOW : dynamodb_op_outcome(x, STORE_NO_CUSTOMER);
	case STORE_ERASE: return dynamodb_op_outcome(x, STORE_NO_CUSTOMER);
	default: break;
	}
	/* The condition may have failed because a first copy of this very write was executed. */
	return plans[x->op->kind].reads_back || x->twice ? P_READ : dynamodb_op_outcome(x, STORE_KEPT);
}

/* The attribute is as it was seen: absent, the text of this letter, or a value that our writes never store. */
static void put_unchanged(struct buf *out, const struct json *seen, const char *attribute, size_t max,
                          const char *letter)
{
	enum dynamodb_item_state state = dynamodb_item_state(seen, attribute, max);
	buf_z(out, state == DYNAMODB_ITEM_ABSENT ? " AND attribute_not_exists(" : " AND ");
	if (state == DYNAMODB_ITEM_ODD)
		buf_printf(out, "attribute_exists(%s) AND ", attribute);
	buf_z(out, attribute);
	buf_z(out, state == DYNAMODB_ITEM_ABSENT ? ")" : state == DYNAMODB_ITEM_TEXT ? letter : "<>:d");
}

/* Write only if the item is as it was read.  A late copy of this write may be executed long after its caller
 * was told that it failed.  It must not replace a code issued since, and must not restore its own code after
 * that was used, not even when the link from it is gone again.  The condition also ensures that the customer
 * is still the one of the consent. */
static int issue(struct dynamodb_op *x)
{
	struct plan p = plans[STORE_ISSUE];
	const struct json *seen = json_get(x->reply->json, "Item");
	char text[EXPRESSION_MAX] NOT_ZEROED;
	struct buf condition;
	buf_over(&condition, text, sizeof text);
	buf_z(&condition, THERE);
	put_unchanged(&condition, seen, "authorization_code", STORE_DIGEST_LEN, "=:x");
	put_unchanged(&condition, seen, "fb_link_code", STORE_DIGEST_LEN, "=:y");
	if (x->op->in.issue.record[0] != '\0')
		put_unchanged(&condition, seen, "password", STORE_HASH_MAX, "=:h");
	p.condition = condition.p;
	return update(x, &p, P_WRITTEN);
}

static int window_set(struct dynamodb_op *x)
{
	return x->reply->class == DDB_SUCCESS ? dynamodb_op_outcome(x, STORE_DONE) : P_WRITE;
}

static enum store_outcome why_not_linked(const struct store_values *v, const struct json *item)
{
	struct str psid = dynamodb_item_str(item, "fb_psid");
	if (!json_is_object(item))
		return STORE_NO_CUSTOMER;
	if (str_is(dynamodb_item_str(item, "fb_link_code"), v->digest)) {
		if (psid.n == 0)
			return STORE_UNLINKED_SINCE;
		return str_is(psid, v->psid) ? STORE_ALREADY : STORE_USED;
	}
	return str_is(dynamodb_item_str(item, "authorization_code"), v->digest) ? STORE_REFUSED
	                                                                        : STORE_SUPERSEDED;
}

/* The outcome of a write that may have been executed twice, judged by the item as it is now. */
static enum store_outcome why_kept(const struct store_op *op, const struct json *item)
{
	struct str psid = dynamodb_item_str(item, "fb_psid");
	if (op->kind == STORE_UPGRADE)
		return str_is(dynamodb_item_str(item, "password"), op->in.upgrade.new_hash) ? STORE_DONE
		                                                                            : STORE_KEPT;
	return json_is_object(item) && psid.n == 0 ? STORE_DONE : STORE_KEPT;
}

static int may_issue(struct dynamodb_op *x, const struct json *item)
{
	const struct store_issue *in = &x->op->in.issue;
	bool same; /* still the record for which the consent was made */
	if (!json_is_object(item))
		return dynamodb_op_outcome(x, STORE_NO_CUSTOMER);
	if (str_is(dynamodb_item_str(item, "fb_link_code"), in->digest))
		return dynamodb_op_outcome(x, STORE_USED);
	if (x->at++ == ISSUE_TRIES)
		return dynamodb_op_fail(x, err_set(&x->op->err, ERR_BUSY,
		                                   "too many codes are issued for one customer at once"));
	bool has_hash = dynamodb_item_state(item, "password", STORE_HASH_MAX) == DYNAMODB_ITEM_TEXT;
	struct str hash = has_hash ? dynamodb_item_str(item, "password") : STR("");
	if (record_is(hash, in->record, &same) != ERR_OK)
		return dynamodb_op_fail(x, err_set(&x->op->err, ERR_NOMEM, "no memory for a digest"));
	return same ? P_ISSUE : dynamodb_op_outcome(x, STORE_KEPT);
}

static int why(struct dynamodb_op *x)
{
	const struct json *item = json_get(x->reply->json, "Item");
	struct store_values v = store_values(x->op);
	dynamodb_item_tell_odd(item);
	switch (x->op->kind) {
	case STORE_REDEEM:
	case STORE_LINK: return dynamodb_op_outcome(x, why_not_linked(&v, item));
	case STORE_ISSUE: return may_issue(x, item);
	case STORE_ERASE:
		if (!json_is_object(item))
			return dynamodb_op_outcome(x, STORE_NO_CUSTOMER);
		dynamodb_item_link(item, &x->former);
		return P_WRITE;
	default: return dynamodb_op_outcome(x, why_kept(x->op, item));
	}
}

static const char *attributes_of(enum store_kind k)
{
	switch (k) {
	case STORE_UPGRADE: return "customer_id,password";
	case STORE_ISSUE: return "customer_id,password,fb_link_code,authorization_code";
	default: return "customer_id,fb_psid,fb_page_id,fb_linked_at,fb_link_code,authorization_code";
	}
}

static int read_back(struct dynamodb_op *x)
{
	return dynamodb_op_get(x, &x->op->in.key, attributes_of(x->op->kind), P_WHY);
}

void dynamodb_write_run(struct dynamodb_op *x)
{
	for (;;) {
		switch ((enum phase)x->phase) {
		case P_FIRST: x->phase = first(x); break;
		case P_WRITE: x->phase = update(x, &plans[x->op->kind], P_WRITTEN); break;
		case P_WRITTEN: x->phase = written(x); break;
		case P_ISSUE: x->phase = issue(x); break;
		case P_WINDOW: x->phase = update(x, &new_window, P_WINDOW_SET); break;
		case P_WINDOW_SET: x->phase = window_set(x); break;
		case P_READ: x->phase = read_back(x); break;
		case P_WHY: x->phase = why(x); break;
		case P_WAIT: return;
		case P_END: dynamodb_op_end(x); return; /* x is dead after this */
		}
	}
}
