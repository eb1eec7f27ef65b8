#include "http/server_answer.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "http/server_private.h"

enum { LAST_WORDS_MAX = 65536 }; /* bytes of an answer that is written without libmicrohttpd */

static const char HSTS[] = "max-age=63072000; includeSubDomains";

typedef bool add_fn(void *to, const char *name, const char *value);

static bool add(void *to, const char *name, const char *value)
{
	return MHD_add_response_header(to, name, value) == MHD_YES;
}

static bool add_text(void *to, const char *name, const char *value)
{
	buf_printf(to, "%s: %s\r\n", name, value);
	return true;
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

static bool add_standard(add_fn *put, void *to, const struct server *s, const char *id)
{
	return put(to, "X-Request-Id", id) && put(to, "X-Content-Type-Options", "nosniff") &&
	       (!s->opt.cfg->public_https || put(to, "Strict-Transport-Security", HSTS));
}

/* Pages and the admin API: other sites may not load them into their pages, not even without reading them. */
static bool own_site_only(const struct server_request *q)
{
	return q->answer.csp != NULL || q->server->opt.listener == ROUTE_ADMIN;
}

static bool add_all(add_fn *put, void *to, const struct server_request *q, bool close)
{
	const struct request_answer *a = &q->answer;
	bool ok = add_standard(put, to, q->server, q->r.id) &&
	          put(to, "Cache-Control", a->cache_control != NULL ? a->cache_control : "no-store") &&
	          (a->content_type == NULL || put(to, "Content-Type", a->content_type)) &&
	          (a->csp == NULL || put(to, "Content-Security-Policy", a->csp)) &&
	          (!own_site_only(q) || put(to, "Cross-Origin-Resource-Policy", "same-origin")) &&
	          (!close || put(to, "Connection", "close"));
	for (size_t i = 0; i < a->n && ok; i++)
		ok = put(to, a->header[i].name, a->text.p + a->header[i].value);
	return ok;
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
	bool ok = m != NULL && add_all(add, m, q, close) &&
	          MHD_queue_response(q->conn->mhd, a->status, m) == MHD_YES;
	if (m != NULL)
		MHD_destroy_response(m);
	q->stage = STAGE_SENT;
	server_conn_send_deadline(q->conn);
	return ok ? MHD_YES : MHD_NO;
}

/* libmicrohttpd accepts no answer while a body is arriving. */
void server_answer_last_words(struct server_request *q)
{
	struct request_answer *a = &q->answer;
	struct buf out;
	buf_init(&out, LAST_WORDS_MAX);
	buf_printf(&out, "HTTP/1.1 %u %s\r\nContent-Length: %zu\r\n", a->status,
	           MHD_get_reason_phrase_for(a->status), a->body.len);
	(void)add_all(add_text, &out, q, true);
	buf_z(&out, "\r\n");
	buf_str(&out, buf_view(&a->body));
	if (!out.failed)
		(void)send(q->conn->fd, out.p, out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	buf_done(&out);
	q->stage = STAGE_SENT;
	server_conn_hang_up(q->conn);
}

enum MHD_Result server_answer_no_memory(const struct server *s, struct MHD_Connection *k)
{
	static const char no_id[] = "0000000000000000";
	static char empty[1];
	struct MHD_Response *m = MHD_create_response_from_buffer(0, empty, MHD_RESPMEM_PERSISTENT);
	if (m == NULL)
		return MHD_NO;
	bool whole = add_standard(add, m, s, no_id) && add(m, "Cache-Control", "no-store") &&
	             add(m, "Retry-After", "1") && add(m, "Connection", "close");
	enum MHD_Result ok = whole ? MHD_queue_response(k, 503, m) : MHD_NO;
	MHD_destroy_response(m);
	return ok;
}
