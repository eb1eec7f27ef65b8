#include "http/server_answer.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "http/internal.h"

static bool add(struct MHD_Response *m, const char *name, const char *value)
{
	return MHD_add_response_header(m, name, value) == MHD_YES;
}

static struct MHD_Response *make(struct request_answer *a)
{
	static char empty[1];
	size_t n = 0;
	char *body = buf_take(&a->body, &n);
	if (body == NULL)
		return MHD_create_response_from_buffer(0, empty, MHD_RESPMEM_PERSISTENT);
	struct MHD_Response *m = MHD_create_response_from_buffer(n, body, MHD_RESPMEM_MUST_FREE);
	if (m == NULL)
		free(body);
	return m;
}

static bool add_standard(struct MHD_Response *m, const struct server_request *q)
{
	const struct request_answer *a = &q->answer;
	return add(m, "X-Request-Id", q->r.id) && add(m, "X-Content-Type-Options", "nosniff") &&
	       add(m, "Cache-Control", a->cache_control != NULL ? a->cache_control : "no-store") &&
	       (a->content_type == NULL || add(m, "Content-Type", a->content_type)) &&
	       (a->csp == NULL || add(m, "Content-Security-Policy", a->csp)) &&
	       (!q->server->opt.cfg->public_https ||
	        add(m, "Strict-Transport-Security", "max-age=63072000; includeSubDomains"));
}

static bool add_own(struct MHD_Response *m, const struct request_answer *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (!add(m, a->header[i].name, a->text.p + a->header[i].value))
			return false;
	return true;
}

enum MHD_Result server_answer_queue(struct server_request *q)
{
	struct request_answer *a = &q->answer;
	if (q->stage == STAGE_SENT)
		return MHD_NO;
	bool close = a->close || q->server->quiesced ||
	             atomic_load_explicit(q->server->opt.draining, memory_order_relaxed) ||
	             !server_conn_keep(q->conn);
	struct MHD_Response *m = make(a);
	bool ok = m != NULL && add_standard(m, q) && add_own(m, a) &&
	          (!close || add(m, "Connection", "close")) &&
	          MHD_queue_response(q->conn->mhd, a->status, m) == MHD_YES;
	if (m != NULL)
		MHD_destroy_response(m);
	q->stage = STAGE_SENT;
	server_conn_send_deadline(q->conn);
	return ok ? MHD_YES : MHD_NO;
}

enum MHD_Result server_answer_no_memory(struct MHD_Connection *k)
{
	static char empty[1];
	struct MHD_Response *m = MHD_create_response_from_buffer(0, empty, MHD_RESPMEM_PERSISTENT);
	if (m == NULL)
		return MHD_NO;
	enum MHD_Result ok = add(m, "Connection", "close") ? MHD_queue_response(k, 503, m) : MHD_NO;
	MHD_destroy_response(m);
	return ok;
}
