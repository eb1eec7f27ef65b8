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

void admin_metrics(struct request *r)
{
	struct buf text;
	buf_init(&text, METRICS_TEXT_MAX);
	metrics_write(&text);
	reply_cacheable(r, "no-cache");
	reply_body(r, 200, "text/plain; version=0.0.4; charset=utf-8", &text);
}
