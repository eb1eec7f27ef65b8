#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "http/server_private.h"

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

void reply_close_all(struct request_answer *a)
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
	/* An answer that could not be built in full must not go out in part. */
	if (a->body.failed || a->text.failed) {
		a->status = err_http_status(ERR_NOMEM);
		a->n = 0;
		buf_done(&a->body);
		buf_done(&a->text);
		a->content_type = NULL;
		a->code = ERR_NOMEM;
	}
	server_request_answered(r);
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
	a->error = strdup(e != NULL ? e->msg : err_name(code)); /* without memory the log says less */
	if (err_http_status(code) == 503 && !has_header(a, "Retry-After"))
		reply_header(r, "Retry-After", STR("1"));
	const struct server_options *opt = &of(r)->server->opt;
	if (of(r)->people && opt->error_page != NULL)
		opt->error_page(r, code, detail);
	else
		problem(r, code, detail);
}
