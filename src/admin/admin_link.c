#include "admin/admin.h"
#include "admin/admin_json.h"
#include "base/clock.h"

static const char NOT_LINKED[] = "This Messenger profile is not linked.";

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
	struct link_call c = admin_call(r, on_found);
	struct link_op *op = NULL;
	struct err err;
	enum err_code code = link_find(&c, str_c(r->arg), &op, &err);
	admin_started(r, op, code, (struct audit){.action = "link_show", .psid = r->arg}, NOT_LINKED, &err);
}

void admin_link_delete(struct request *r)
{
	struct link_call c = admin_call(r, on_removed);
	struct link_removal in = {
	        .psid = str_c(r->arg),
	        .event_ms = clock_wall_ms(),
	        .reason = "admin",
	        .any_age = true,
	};
	struct link_op *op = NULL;
	struct err err;
	enum err_code code = link_remove(&c, &in, &op, &err);
	admin_started(r, op, code, (struct audit){.action = "link_remove", .psid = r->arg}, NOT_LINKED, &err);
}
