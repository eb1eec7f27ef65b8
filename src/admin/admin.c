#include "admin/admin.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/codec.h"
#include "link/graph_later.h"
#include "obs/metrics.h"

enum {
	METRICS_TEXT_MAX = 1024 * 1024,
	JSON_MAX = 64 * 1024, /* an answer; a key escaped in full takes 6 times its bytes */
};

void admin_metrics(struct request *r)
{
	struct buf text;
	buf_init(&text, METRICS_TEXT_MAX);
	metrics_write(&text);
	reply_cacheable(r, "no-cache");
	reply_body(r, 200, "text/plain; version=0.0.4; charset=utf-8", &text);
}

/* --- a request is one operation of link/ */

void admin_tell(const struct request *r, struct audit a)
{
	a.way = "admin";
	a.client = r->client;
	a.actor = r->actor;
	audit_line(&a);
}

static struct link_call link_call_of(struct request *r, link_done_fn *done)
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

static void cleanup(struct request *r)
{
	if (r->flow != NULL)
		link_cancel(r->flow);
	r->flow = NULL;
}

/* After the start: keep the operation as the request's flow, or answer why it did not start.  ERR_INVALID: no id is
 * that long; that is a 404 with the sentence `missing`, and `a` is its audit line. */
static void started(struct request *r, struct link_op *op, enum err_code code, struct audit a,
                    const char *missing, const struct err *err)
{
	if (code == ERR_OK) {
		r->cleanup = cleanup;
		r->flow = op;
	} else if (code == ERR_INVALID) {
		a.result = "not_found";
		admin_tell(r, a);
		reply_error(r, ERR_NOT_FOUND, missing, NULL);
	} else {
		reply_error(r, code, NULL, err);
	}
}

/* ,"name":"value" or ,"name":null when empty; `first` leaves the comma out. */
static void put_str(struct buf *out, const char *name, const char *value, bool first)
{
	buf_printf(out, "%s\"%s\":", first ? "" : ",", name);
	if (value[0] == '\0')
		buf_z(out, "null");
	else
		codec_json(out, str_c(value));
}

static void put_linked_at(struct buf *out, int64_t linked_at_ms)
{
	if (linked_at_ms < 0)
		buf_z(out, ",\"linked_at\":null");
	else
		buf_printf(out, ",\"linked_at\":%" PRId64, linked_at_ms);
}

/* --- /v1/links/{psid} */

static const char NOT_LINKED[] = "This Messenger profile is not linked.";

static void reply_link(struct request *r, const struct store_customer *c)
{
	struct buf json;
	buf_init(&json, JSON_MAX);
	buf_z(&json, "{");
	put_str(&json, "psid", c->link.psid, true);
	put_str(&json, "page_id", c->link.page_id, false);
	put_str(&json, "customer_id", c->key.id, false);
	put_str(&json, "email", c->key.email, false);
	put_linked_at(&json, c->link.linked_at_ms);
	buf_z(&json, "}\n");
	reply_json(r, 200, &json);
}

static void tell_link(const struct request *r, const char *action, const struct link_answer *a)
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
	tell_link(r, "link_show", a);
	if (a->result == LINK_R_UNSETTLED)
		reply_error(r, ERR_STORE, NULL, a->err);
	else if (a->holder == NULL)
		reply_error(r, ERR_NOT_FOUND, NOT_LINKED, NULL);
	else
		reply_link(r, a->holder);
}

void admin_link_get(struct request *r)
{
	struct link_call c = link_call_of(r, on_found);
	struct link_op *op = NULL;
	struct err err;
	enum err_code code = link_find(&c, str_c(r->arg), &op, &err);
	started(r, op, code, (struct audit){.action = "link_show", .psid = r->arg}, NOT_LINKED, &err);
}

/* --- DELETE: removed here, then Facebook is asked to forget the link too */

enum { SPARE_MS = 200 }; /* left before the deadline for the answer */

struct deletion {
	struct request *r;
	struct link_op *op; /* running */
	struct graph_post post;
	bool done, removed;
	char customer_id[STORE_ID_MAX + 1], page_id[STORE_PSID_MAX + 1];
	char body[GRAPH_LATER_BODY_MAX];
};

static bool asks_facebook(const struct request *r)
{
	return r->service->graph != NULL && graph_id_ok(str_c(r->arg));
}

/* Facebook is told later, if the answer does not say that it was. */
static void later(const struct deletion *d, bool accepted)
{
	if (asks_facebook(d->r))
		graph_later_unlink(
		        d->r->service,
		        &(struct graph_later_unlink){.psid = d->r->arg,
		                                     .page_id = d->page_id,
		                                     .called_ms = d->post.maybe_done ? clock_wall_ms() : 0,
		                                     .accepted = accepted});
}

/* The client has gone, or the deadline has passed: what was removed here is still told to Facebook. */
static void cleanup_deletion(struct request *r)
{
	struct deletion *d = r->flow;
	r->flow = NULL;
	if (d->op != NULL)
		link_cancel(d->op);
	d->post.maybe_done |= d->post.call != NULL;
	graph_post_cancel(&d->post);
	if (!d->done)
		later(d, false);
	free(d);
}

static void tell_deletion(const struct deletion *d, const char *result, const char *reason)
{
	admin_tell(d->r, (struct audit){.action = "link_remove",
	                                .result = result,
	                                .reason = reason,
	                                .customer_id = d->customer_id,
	                                .psid = d->r->arg});
}

static void reply_deleted(struct deletion *d, bool at_facebook, const char *reason)
{
	d->done = true;
	tell_deletion(d, d->removed || at_facebook ? "done" : "not_found", reason);
	if (d->removed || at_facebook)
		reply_empty(d->r, 204);
	else
		reply_error(d->r, ERR_NOT_FOUND, NOT_LINKED, NULL);
}

static void reply_facebook_failed(struct deletion *d)
{
	struct buf json;
	d->done = true;
	later(d, false);
	tell_deletion(d, "failed", "facebook");
	buf_init(&json, JSON_MAX);
	buf_z(&json, "{\"local\":\"removed\",\"facebook\":\"failed\"}\n");
	reply_json(d->r, 502, &json);
}

static void on_told(struct graph_post *p)
{
	struct deletion *d = LIST_ENTRY(p, struct deletion, post);
	if (p->answer.class == GRAPH_DONE)
		later(d, true);
	if (p->answer.class == GRAPH_DONE || p->answer.class == GRAPH_NOBODY)
		reply_deleted(d, true, NULL);
	else
		reply_facebook_failed(d);
}

static void tell_facebook(struct deletion *d)
{
	struct err err;
	int64_t last_ms = d->r->deadline_ms - SPARE_MS;
	d->post = graph_later_post(d->r->service, d->r->arg, d->page_id, d->body);
	if (d->post.deadline_ms > last_ms)
		d->post.deadline_ms = last_ms;
	d->post.scope = d->r->id;
	d->post.done = on_told;
	switch (graph_post_start(&d->post, &err)) {
	case ERR_OK: break;
	case ERR_NOT_FOUND:
		later(d, false); /* that gives it up, with the remedy in the log */
		reply_deleted(d, false, "no_page_token");
		break;
	default: reply_facebook_failed(d);
	}
}

static void on_removed(void *arg, const struct link_answer *a)
{
	struct deletion *d = arg;
	d->op = NULL;
	d->removed = a->n > 0;
	if (a->holder != NULL) {
		(void)str_copy(d->customer_id, sizeof d->customer_id, str_c(a->holder->key.id));
		(void)str_copy(d->page_id, sizeof d->page_id, str_c(a->holder->link.page_id));
	}
	if (a->result == LINK_R_UNSETTLED) {
		d->done = true;
		later(d, false); /* what was sent may be applied */
		tell_deletion(d, "failed", NULL);
		reply_error(d->r, ERR_STORE, NULL, a->err);
	} else if (asks_facebook(d->r)) {
		tell_facebook(d);
	} else {
		reply_deleted(d, false, NULL);
	}
}

void admin_link_delete(struct request *r)
{
	struct deletion *d = calloc(1, sizeof *d);
	if (d == NULL) {
		reply_error(r, ERR_NOMEM, NULL, NULL);
		return;
	}
	d->r = r;
	struct link_call c = link_call_of(r, on_removed);
	struct link_removal in = {
	        .psid = str_c(r->arg),
	        .event_ms = clock_wall_ms(),
	        .reason = "admin",
	        .any_age = true,
	};
	struct err err;
	c.arg = d;
	enum err_code code = link_remove(&c, &in, &d->op, &err);
	started(r, d->op, code, (struct audit){.action = "link_remove", .psid = r->arg}, NOT_LINKED, &err);
	if (code != ERR_OK) {
		free(d);
		return;
	}
	r->cleanup = cleanup_deletion;
	r->flow = d;
}

/* --- /v1/customers/{customer_id}/links */

static const char UNKNOWN[] = "There is no such customer.";

static void tell_customer(const struct request *r, const char *action, const struct link_answer *a)
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
	put_str(json, "psid", item->link.psid, true);
	put_str(json, "page_id", item->link.page_id, false);
	put_str(json, "email", item->key.email, false);
	put_linked_at(json, item->link.linked_at_ms);
	buf_z(json, "}");
}

static void on_listed(void *arg, const struct link_answer *a)
{
	struct request *r = arg;
	struct buf json;
	const char *separator = "";
	tell_customer(r, "customer_links", a);
	if (!settled(r, a))
		return;
	buf_init(&json, JSON_MAX);
	buf_z(&json, "{");
	put_str(&json, "customer_id", a->holder[0].key.id, true);
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
	tell_customer(r, "customer_erase", a);
	if (settled(r, a))
		reply_empty(r, 204);
}

void admin_customer_links(struct request *r)
{
	struct link_call c = link_call_of(r, on_listed);
	struct link_op *op = NULL;
	struct err err;
	enum err_code code = link_of_customer(&c, str_c(r->arg), &op, &err);
	started(r, op, code, (struct audit){.action = "customer_links", .customer_id = r->arg}, UNKNOWN,
	        &err);
}

void admin_customer_erase(struct request *r)
{
	struct link_call c = link_call_of(r, on_erased);
	struct link_op *op = NULL;
	struct err err;
	enum err_code code = link_erase(&c, str_c(r->arg), &op, &err);
	started(r, op, code, (struct audit){.action = "customer_erase", .customer_id = r->arg}, UNKNOWN,
	        &err);
}
