/* fake_http.h - requests without a server: what handlers read is set by hand, what they answer is kept. */
#pragma once
#include <stdlib.h>

#include "http/body.h"
#include "http/request.h"

enum { FAKE_HEADERS = 6, FAKE_BODY = 8192 };

struct fake_request {
	struct request r;
	char arg[REQUEST_ARG_MAX + 1]; /* of r, where a test sets one */
	struct {
		const char *name;
		struct str value;
	} header[FAKE_HEADERS];
	size_t n;
	/* the answer */
	int answers;
	unsigned status;
	char type[64];
	char body[FAKE_BODY];
	char added[512];        /* "Name: value\n"... */
	void (*answered)(void); /* called with each answer */
};

static bool fake_draining;
static struct body fake_body; /* what request_take_body hands over */

static inline struct fake_request *fake_of(const struct request *r)
{
	return LIST_ENTRY((struct request *)(uintptr_t)r, struct fake_request, r);
}

static inline void fake_header(struct fake_request *q, const char *name, struct str value)
{
	assert_in_range(q->n, 0, FAKE_HEADERS - 1);
	q->header[q->n].name = name;
	q->header[q->n++].value = value;
}

static inline void fake_arg(struct fake_request *q, const char *arg)
{
	assert_true(str_copy(q->arg, sizeof q->arg, str_c(arg)));
	q->r.arg = q->arg;
}

/* The client is gone, or the answer is out. */
static inline void fake_end(struct fake_request *q)
{
	if (q->r.cleanup != NULL)
		q->r.cleanup(&q->r);
	q->r.cleanup = NULL;
}

struct str request_header(const struct request *r, const char *name, size_t *ret_count)
{
	const struct fake_request *q = fake_of(r);
	struct str found = {NULL, 0};
	size_t count = 0;
	for (size_t i = 0; i < q->n; i++)
		if (str_ieq(str_c(q->header[i].name), str_c(name)) && count++ == 0)
			found = q->header[i].value;
	if (ret_count != NULL)
		*ret_count = count;
	return found;
}

struct str request_cookie(const struct request *r, const char *name)
{
	(void)r, (void)name;
	return (struct str){NULL, 0};
}

void request_take_body(struct request *r, struct body *ret)
{
	(void)r;
	body_move(ret, &fake_body);
}

bool request_answered(const struct request *r)
{
	return fake_of(r)->answers > 0;
}

bool request_draining(const struct request *r)
{
	(void)r;
	return fake_draining;
}

static inline void fake_reply(struct request *r, unsigned status, const char *type, struct str body)
{
	struct fake_request *q = fake_of(r);
	q->answers++;
	q->status = status;
	(void)snprintf(q->type, sizeof q->type, "%s", type);
	assert_true(str_copy(q->body, sizeof q->body, body));
	if (q->answered != NULL)
		q->answered();
}

void reply_header(struct request *r, const char *name, struct str value)
{
	char *to = fake_of(r)->added;
	size_t n = strlen(to);
	(void)snprintf(to + n, sizeof fake_of(r)->added - n, "%s: %.*s\n", name, (int)value.n, value.p);
}

void reply_text(struct request *r, unsigned status, struct str text)
{
	fake_reply(r, status, "text/plain; charset=utf-8", text);
}

void reply_body(struct request *r, unsigned status, const char *content_type, struct buf *body)
{
	struct str text = buf_view(body);
	text.n = text.n < FAKE_BODY ? text.n : FAKE_BODY - 1;
	if (body->failed) /* as the server does */
		fake_reply(r, err_http_status(ERR_NOMEM), "", STR(""));
	else
		fake_reply(r, status, content_type, text);
	buf_done(body);
}

void reply_json(struct request *r, unsigned status, struct buf *json)
{
	reply_body(r, status, "application/json", json);
}

void reply_html(struct request *r, unsigned status, enum reply_csp csp, struct buf *html)
{
	(void)csp;
	reply_body(r, status, "text/html; charset=utf-8", html);
}

void reply_empty(struct request *r, unsigned status)
{
	fake_reply(r, status, "", STR(""));
}

void reply_redirect(struct request *r, struct str url)
{
	fake_reply(r, 303, "", url);
}

void reply_error(struct request *r, enum err_code code, const char *detail, const struct err *e)
{
	(void)e;
	fake_reply(r, err_http_status(code), "application/problem+json", str_c(detail != NULL ? detail : ""));
}

void reply_cacheable(struct request *r, const char *cache_control)
{
	(void)r, (void)cache_control;
}

void reply_close(struct request *r)
{
	(void)r;
}
