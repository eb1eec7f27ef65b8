#include <stdlib.h>

#include "admin/admin.h"
#include "admin/admin_json.h"
#include "base/clock.h"
#include "link/link.h"

static const char NOT_LINKED[] = "This Messenger profile is not linked.";

/* The flow is the one link operation: r->flow is it while it runs. */
static void cleanup(struct request *r)
{
	if (r->flow != NULL)
		link_cancel(r->flow);
	r->flow = NULL;
}

static struct link_call call(struct request *r, link_done_fn *done)
{
	return (struct link_call){
	        .service = r->service,
	        .deadline_ms = r->deadline_ms,
	        .done = done,
	        .arg = r,
	        .scope = r->id,
	        .source = {.way = "admin", .client = r->client, .actor = r->actor},
	};
}

static void started(struct request *r, struct link_op *op, enum err_code code, const struct err *e)
{
	if (code == ERR_INVALID) /* no PSID is that long */
		reply_error(r, ERR_NOT_FOUND, NOT_LINKED, NULL);
	else if (code != ERR_OK)
		reply_error(r, code, NULL, e);
	else
		r->flow = op;
}

static void reply_link(struct request *r, const struct store_customer *c)
{
	struct buf json;
	buf_init(&json, ADMIN_JSON_MAX);
	buf_z(&json, "{");
	admin_json_str(&json, "psid", c->link.psid, true);
	admin_json_str(&json, "page_id", c->link.page_id, false);
	admin_json_str(&json, "customer_id", c->key.id, false);
	admin_json_str(&json, "email", c->key.email, false);
	admin_json_linked_at(&json, c->link.linked_at_ms);
	buf_z(&json, "}\n");
	reply_json(r, 200, &json);
}

static void tell(const struct request *r, const char *action, const struct link_answer *a)
{
	admin_tell(r, (struct audit){.action = action,
	                             .result = a->result == LINK_R_UNSETTLED ? "failed"
	                                       : a->n > 0                    ? "done"
	                                                                     : "not_found",
	                             .customer_id = a->holder != NULL ? a->holder->key.id : NULL,
	                             .psid = r->arg});
}

static void on_found(void *arg, const struct link_answer *a)
{
	struct request *r = arg;
	r->flow = NULL;
	tell(r, "link_show", a);
	if (a->result == LINK_R_UNSETTLED)
		reply_error(r, ERR_STORE, NULL, a->err);
	else if (a->n == 0)
		reply_error(r, ERR_NOT_FOUND, NOT_LINKED, NULL);
	else
		reply_link(r, a->holder);
}

static void on_removed(void *arg, const struct link_answer *a)
{
	struct request *r = arg;
	r->flow = NULL;
	tell(r, "link_remove", a);
	if (a->result == LINK_R_UNSETTLED)
		reply_error(r, ERR_STORE, NULL, a->err);
	else if (a->n == 0)
		reply_error(r, ERR_NOT_FOUND, NOT_LINKED, NULL);
	else
		reply_empty(r, 204);
}

void admin_link_get(struct request *r)
{
	struct link_call c = call(r, on_found);
	struct link_op *op = NULL;
	struct err err;
	r->cleanup = cleanup;
	enum err_code code = link_find(&c, str_c(r->arg), &op, &err);
	started(r, op, code, &err);
}

void admin_link_delete(struct request *r)
{
	struct link_call c = call(r, on_removed);
	struct link_removal in = {
	        .psid = str_c(r->arg),
	        .event_ms = clock_wall_ms(),
	        .reason = "admin",
	        .any_age = true,
	};
	struct link_op *op = NULL;
	struct err err;
	r->cleanup = cleanup;
	enum err_code code = link_remove(&c, &in, &op, &err);
	started(r, op, code, &err);
}
