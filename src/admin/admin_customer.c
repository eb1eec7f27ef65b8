#include "admin/admin.h"
#include "admin/admin_json.h"

static const char UNKNOWN[] = "There is no such customer.";

static void tell(const struct request *r, const char *action, const struct link_answer *a)
{
	admin_tell(r, (struct audit){.action = action,
	                             .result = a->result == LINK_R_UNSETTLED ? "failed"
	                                       : a->result == LINK_R_MISS    ? "not_found"
	                                                                     : "done",
	                             .customer_id = r->arg});
}

/* False: it is answered. */
static bool settled(struct request *r, const struct link_answer *a)
{
	r->flow = NULL;
	if (a->result == LINK_R_MISS)
		reply_error(r, ERR_NOT_FOUND, UNKNOWN, NULL);
	else if (a->result == LINK_R_UNSETTLED && a->err->code == ERR_INTERNAL)
		reply_error(r, ERR_INTERNAL, "The customer has items that could not be seen.", a->err);
	else if (a->result == LINK_R_UNSETTLED)
		reply_error(r, ERR_STORE, NULL, a->err);
	else
		return true;
	return false;
}

static void put_link(struct buf *json, const struct store_customer *item)
{
	buf_z(json, "{");
	admin_json_str(json, "psid", item->link.psid, true);
	admin_json_str(json, "page_id", item->link.page_id, false);
	admin_json_str(json, "email", item->key.email, false);
	admin_json_linked_at(json, item->link.linked_at_ms);
	buf_z(json, "}");
}

static void on_listed(void *arg, const struct link_answer *a)
{
	struct request *r = arg;
	struct buf json;
	const char *separator = "";
	tell(r, "customer_links", a);
	if (!settled(r, a))
		return;
	buf_init(&json, ADMIN_JSON_MAX);
	buf_z(&json, "{");
	admin_json_str(&json, "customer_id", a->holder[0].key.id, true);
	buf_z(&json, ",\"links\":[");
	for (size_t i = 0; i < a->n; i++) {
		if (a->holder[i].link.psid[0] == '\0')
			continue;
		buf_z(&json, separator);
		put_link(&json, &a->holder[i]);
		separator = ",";
	}
	buf_z(&json, "]}\n");
	reply_json(r, 200, &json);
}

static void on_erased(void *arg, const struct link_answer *a)
{
	struct request *r = arg;
	tell(r, "customer_erase", a);
	if (settled(r, a))
		reply_empty(r, 204);
}

void admin_customer_links(struct request *r)
{
	struct link_call c = admin_call(r, on_listed);
	struct link_op *op = NULL;
	struct err err;
	enum err_code code = link_of_customer(&c, str_c(r->arg), &op, &err);
	admin_started(r, op, code, (struct audit){.action = "customer_links", .customer_id = r->arg}, UNKNOWN,
	              &err);
}

void admin_customer_erase(struct request *r)
{
	struct link_call c = admin_call(r, on_erased);
	struct link_op *op = NULL;
	struct err err;
	enum err_code code = link_erase(&c, str_c(r->arg), &op, &err);
	admin_started(r, op, code, (struct audit){.action = "customer_erase", .customer_id = r->arg}, UNKNOWN,
	              &err);
}
