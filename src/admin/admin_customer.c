#include <stdlib.h>
#include <string.h>

#include "admin/admin.h"
#include "admin/admin_json.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "link/events.h"
#include "service.h"
#include "obs/log.h"

/*  FIND -> store -> FOUND -> LIST
 *    ^                 \--> ERASE <-> store -> ERASED
 *    |__ there may be more than one look shows __|
 *  A customer may be several items (one customer_id, several e-mails): the first are listed, all are erased.
 */
enum phase {
	P_FIND,
	P_FOUND,
	P_LIST,
	P_ERASE,
	P_ERASE_NOTE,
	P_ERASED,
	P_WAIT,
	P_FAILED,
};

static const char UNKNOWN[] = "There is no such customer.";

struct customer {
	struct request *r;
	bool erase;
	enum phase phase, next;
	struct store_op *op; /* running */
	enum err_code code;  /* of the last store operation */
	struct err err;
	struct store_out out; /* customers is always NULL: see item */
	struct store_customer *item;
	size_t n, at;
	bool more; /* looking for items past the last one erased */
	char past[STORE_EMAIL_MAX + 1];
};

static void customer_run(struct customer *c);

static void drop_items(struct customer *c)
{
	if (c->item != NULL)
		crypto_wipe(c->item, c->n * sizeof c->item[0]); /* password hashes */
	free(c->item);
	c->item = NULL;
	c->n = c->at = 0;
}

static void cleanup(struct request *r)
{
	struct customer *c = r->flow;
	if (c->op != NULL)
		store_cancel(c->op);
	drop_items(c);
	free(c);
	r->flow = NULL;
}

static void on_store(void *arg, struct store_op *op)
{
	struct customer *c = arg;
	c->op = NULL;
	c->code = op->code;
	c->err = op->err;
	c->out = op->out;
	if (op->kind == STORE_FIND_ID) {
		drop_items(c);
		c->item = op->out.customers;
		c->n = op->out.n;
		op->out.customers = NULL;
		op->out.n = 0;
	}
	c->out.customers = NULL;
	c->phase = c->next;
	log_scope(c->r->id);
	customer_run(c);
	log_scope(NULL);
}

static enum phase start(struct customer *c, struct store_op *op, enum phase next)
{
	struct service *s = c->r->service;
	if (op == NULL) {
		c->code = err_set(&c->err, ERR_NOMEM, "no memory for a store operation");
		return P_FAILED;
	}
	c->code = store_start(s->store, s->loop, op, on_store, c, &c->err);
	if (c->code != ERR_OK)
		return P_FAILED;
	c->op = op;
	c->next = next;
	return P_WAIT;
}

static enum phase find(struct customer *c)
{
	struct store_op *op = store_op_new(STORE_FIND_ID, c->r->deadline_ms);
	if (op != NULL && !str_copy(op->in.key.id, sizeof op->in.key.id, str_c(c->r->arg))) {
		store_op_free(op);
		c->code = ERR_NOT_FOUND; /* no key is that long */
		return P_FAILED;
	}
	if (op != NULL) {
		op->begun = c->more;
		(void)str_copy(op->in.email, sizeof op->in.email, str_c(c->past));
	}
	return start(c, op, P_FOUND);
}

static enum phase found(struct customer *c)
{
	if (c->code != ERR_OK)
		return P_FAILED;
	if (c->n == 0 && c->more)
		return P_ERASED;
	if (c->n == 0) {
		c->code = ERR_NOT_FOUND;
		return P_FAILED;
	}
	return c->erase ? P_ERASE : P_LIST;
}

static void list(struct customer *c)
{
	struct buf json;
	buf_init(&json, ADMIN_JSON_MAX);
	buf_z(&json, "{");
	admin_json_str(&json, "customer_id", c->item[0].key.id, true);
	buf_z(&json, ",\"links\":[");
	bool first = true;
	for (size_t i = 0; i < c->n; i++) {
		const struct store_customer *item = &c->item[i];
		if (item->link.psid[0] == '\0')
			continue;
		buf_z(&json, first ? "{" : ",{");
		first = false;
		admin_json_str(&json, "psid", item->link.psid, true);
		admin_json_str(&json, "page_id", item->link.page_id, false);
		admin_json_str(&json, "email", item->key.email, false);
		admin_json_linked_at(&json, item->link.linked_at_ms);
		buf_z(&json, "}");
	}
	buf_z(&json, "]}\n");
	reply_json(c->r, 200, &json);
}

/* One look shows so many items at most: never call it done while there may be more. */
static enum phase erase_more(struct customer *c)
{
	if (c->n < STORE_HOLDERS_MAX)
		return P_ERASED;
	const char *last = c->item[c->n - 1].key.email;
	if (strcmp(last, c->past) <= 0) { /* its e-mail is too long to go on from */
		c->code = err_set(&c->err, ERR_INTERNAL, "not all items of a customer could be seen");
		return P_FAILED;
	}
	(void)str_copy(c->past, sizeof c->past, str_c(last));
	c->more = true;
	return P_FIND;
}

static enum phase erase(struct customer *c)
{
	if (c->at == c->n)
		return erase_more(c);
	struct store_op *op = store_op_new(STORE_ERASE, c->r->deadline_ms);
	if (op != NULL) {
		op->begun = true;
		op->in.key = c->item[c->at].key;
	}
	return start(c, op, P_ERASE_NOTE);
}

static enum phase note(struct customer *c)
{
	if (c->code != ERR_OK)
		return P_FAILED;
	const struct store_customer *item = &c->item[c->at++];
	const struct store_link *former = &c->out.former;
	if (c->out.outcome != STORE_DONE || former->psid[0] == '\0')
		return P_ERASE;
	struct link_event e = {
	        .kind = LINK_REMOVED,
	        .source = {.way = "admin", .client = c->r->client},
	        .customer_id = item->key.id,
	        .psid = former->psid,
	        .page_id = former->page_id,
	        .time_ms = clock_wall_ms(),
	        .reason = "erased",
	};
	link_events_tell(c->r->service->events, &e);
	return P_ERASE;
}

static void tell(const struct customer *c, const char *result)
{
	admin_tell(c->r, (struct audit){.action = c->erase ? "customer_erase" : "customer_links",
	                                .result = result,
	                                .customer_id = c->r->arg});
}

static void fail(struct customer *c)
{
	tell(c, c->code == ERR_NOT_FOUND ? "not_found" : "failed");
	if (c->code == ERR_NOT_FOUND)
		reply_error(c->r, ERR_NOT_FOUND, UNKNOWN, NULL);
	else if (c->code == ERR_INTERNAL)
		reply_error(c->r, ERR_INTERNAL, "The customer has items that could not be seen.", &c->err);
	else
		reply_error(c->r, ERR_STORE, NULL, &c->err);
}

static void customer_run(struct customer *c)
{
	for (;;) {
		switch (c->phase) {
		case P_FIND: c->phase = find(c); break;
		case P_FOUND: c->phase = found(c); break;
		case P_LIST:
			tell(c, "done");
			list(c);
			return;
		case P_ERASE: c->phase = erase(c); break;
		case P_ERASE_NOTE: c->phase = note(c); break;
		case P_ERASED:
			tell(c, "done");
			reply_empty(c->r, 204);
			return;
		case P_WAIT: return;
		case P_FAILED: fail(c); return;
		}
	}
}

static void begin(struct request *r, bool erase_it)
{
	struct customer *c = calloc(1, sizeof *c);
	if (c == NULL) {
		reply_error(r, ERR_NOMEM, NULL, NULL);
		return;
	}
	c->r = r;
	c->erase = erase_it;
	r->flow = c;
	r->cleanup = cleanup;
	c->phase = P_FIND;
	customer_run(c);
}

void admin_customer_links(struct request *r)
{
	begin(r, false);
}

void admin_customer_erase(struct request *r)
{
	begin(r, true);
}
