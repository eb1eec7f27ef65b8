#include "admin/admin.h"

#include "obs/metrics.h"

enum { METRICS_TEXT_MAX = 1024 * 1024 };

void admin_tell(const struct request *r, struct audit a)
{
	a.way = "admin";
	a.client = r->client;
	a.actor = r->actor;
	audit_line(&a);
}

struct link_call admin_call(struct request *r, link_done_fn *done)
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

void admin_started(struct request *r, struct link_op *op, enum err_code code, struct audit a,
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

void admin_metrics(struct request *r)
{
	struct buf text;
	buf_init(&text, METRICS_TEXT_MAX);
	metrics_write(&text);
	reply_cacheable(r, "no-cache");
	reply_body(r, 200, "text/plain; version=0.0.4; charset=utf-8", &text);
}
