#include <microhttpd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "http/private.h"

static const char CSP_PAGE[] = "default-src 'none'; style-src 'self'; img-src 'self' https: data:; "
                               "form-action 'self'; base-uri 'none'; "
                               "frame-ancestors 'none'";
/* Chromium applies form-action to every hop of the redirect that follows the form, and Facebook may hop on.
 * On loopback the simulator stands in for Facebook. */
static const char CSP_CONSENT[] = "default-src 'none'; style-src 'self'; img-src 'self' https: data:; "
                                  "form-action 'self' https: fb-messenger: "
                                  "intent:; base-uri 'none'; frame-ancestors 'none'";
static const char CSP_CONSENT_LOOPBACK[] =
        "default-src 'none'; style-src 'self'; img-src 'self' https: data:; form-action 'self' "
        "http://127.0.0.1:* http://localhost:* https: fb-messenger: intent:; base-uri 'none'; "
        "frame-ancestors 'none'";

static struct server_request *of(struct request *r)
{
	return LIST_ENTRY(r, struct server_request, r);
}

void reply_done(struct request_answer *a)
{
	buf_done(&a->body);
	buf_done(&a->text);
	free(a->error);
	a->error = NULL;
}

void reply_header(struct request *r, const char *name, struct str value)
{
	struct request_answer *a = r->answer;
	if (request_answered(r))
		return;
	if (a->n == ANSWER_HEADERS_MAX || !str_utf8(value) || str_has(value, '\r') || str_has(value, '\n')) {
		a->text.failed = true;
		return;
	}
	a->header[a->n].name = name;
	a->header[a->n].value = a->text.len;
	buf_str(&a->text, value);
	buf_put(&a->text, "", 1);
	a->n++;
}

void reply_close(struct request *r)
{
	r->answer->close = true;
}

static bool has_header(const struct request_answer *a, const char *name)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->header[i].name, name) == 0)
			return true;
	return false;
}

static void answer(struct request *r, unsigned status, const char *type, struct buf *body)
{
	struct request_answer *a = r->answer;
	if (request_answered(r)) {
		if (body != NULL)
			buf_done(body);
		return;
	}
	if (body != NULL) {
		a->body = *body;
		buf_init(body, body->max);
	}
	a->content_type = type;
	a->status = status;
	/* An incomplete answer must not be sent. */
	if (a->body.failed || a->text.failed) {
		a->status = err_http_status(ERR_NOMEM);
		a->n = 0;
		buf_done(&a->body);
		buf_done(&a->text);
		a->content_type = NULL;
		a->code = ERR_NOMEM;
	}
	a->made(r);
}

void reply_body(struct request *r, unsigned status, const char *content_type, struct buf *body)
{
	answer(r, status, content_type, body);
}

void reply_text(struct request *r, unsigned status, struct str text)
{
	struct buf body;
	buf_init(&body, text.n);
	buf_str(&body, text);
	answer(r, status, "text/plain; charset=utf-8", &body);
}

void reply_json(struct request *r, unsigned status, struct buf *json)
{
	answer(r, status, "application/json", json);
}

void reply_html(struct request *r, unsigned status, enum reply_csp csp, struct buf *html)
{
	if (csp == REPLY_CSP_PAGE)
		r->answer->csp = CSP_PAGE;
	else
		r->answer->csp = of(r)->server->opt.cfg->public_loopback ? CSP_CONSENT_LOOPBACK : CSP_CONSENT;
	reply_header(r, "Referrer-Policy", STR("same-origin"));
	answer(r, status, "text/html; charset=utf-8", html);
}

void reply_empty(struct request *r, unsigned status)
{
	answer(r, status, NULL, NULL);
}

void reply_redirect(struct request *r, struct str url)
{
	reply_header(r, "Referrer-Policy", STR("no-referrer"));
	reply_header(r, "Location", url);
	answer(r, 303, NULL, NULL);
}

void reply_cacheable(struct request *r, const char *cache_control)
{
	r->answer->cache_control = cache_control;
}

/* RFC 9457. */
static void problem(struct request *r, enum err_code code, const char *detail)
{
	struct buf b;
	buf_init(&b, 4096);
	buf_printf(&b, "{\"type\":\"about:blank\",\"title\":");
	codec_json(&b, str_c(err_text(code)));
	buf_printf(&b, ",\"status\":%u", err_http_status(code));
	if (detail != NULL) {
		buf_z(&b, ",\"detail\":");
		codec_json(&b, str_c(detail));
	}
	buf_printf(&b, ",\"request_id\":\"%s\"}\n", r->id);
	answer(r, err_http_status(code), "application/problem+json", &b);
}

void reply_error(struct request *r, enum err_code code, const char *detail, const struct err *e)
{
	struct request_answer *a = r->answer;
	if (request_answered(r))
		return;
	a->code = code;
	a->error = strdup(e != NULL ? e->msg : err_name(code)); /* without memory the log line has no error */
	if (err_http_status(code) == 503 && !has_header(a, "Retry-After"))
		reply_header(r, "Retry-After", STR("1"));
	const struct server_options *opt = &of(r)->server->opt;
	if (of(r)->people && opt->error_page != NULL)
		opt->error_page(r, code, detail);
	else
		problem(r, code, detail);
}

/* --- the answer as libmicrohttpd's response */

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

/* Pages and the admin API: no other site may load them as a resource of its pages. */
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

enum MHD_Result reply_queue(struct server_request *q)
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
void reply_last_words(struct server_request *q)
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

enum MHD_Result reply_no_memory(const struct server *s, struct MHD_Connection *k)
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
