#include "net/exchange.h"

#include <stdlib.h>

#include "base/crypto.h"

enum { URL_MAX = 2048, HEADER_MAX = 20 * 1024, PAUSE_MS = 200, PAUSE_MAX_MS = 2000 };

struct exchange {
	struct exchange_options o;
	struct exchange_request req;  /* the current one */
	struct exchange_request next; /* for a step to fill */
	struct httpc_call *call;
	struct loop_timer pause;
	unsigned sent; /* times the current request was sent */
};

static void request_empty(struct exchange_request *r)
{
	crypto_wipe_buf(&r->url);
	crypto_wipe_buf(&r->body);
	for (size_t i = 0; i < EXCHANGE_HEADERS_MAX; i++)
		crypto_wipe_buf(&r->header[i]);
	*r = (struct exchange_request){.method = "GET", .timeout_ms = 1000, .attempts = 1, .remedy = ""};
	buf_init(&r->url, URL_MAX);
	buf_init(&r->body, EXCHANGE_BODY_MAX);
	for (size_t i = 0; i < EXCHANGE_HEADERS_MAX; i++)
		buf_init(&r->header[i], HEADER_MAX);
}

static struct buf *next_line(struct exchange_request *r)
{
	return &r->header[r->headers < EXCHANGE_HEADERS_MAX ? r->headers++ : r->headers - 1];
}

void exchange_line(struct exchange_request *r, const char *line)
{
	buf_z(next_line(r), line);
}

void exchange_header(struct exchange_request *r, const char *name, struct str value)
{
	struct buf *line = next_line(r);
	if (str_has(value, '\r') || str_has(value, '\n') || str_has(value, '\0'))
		line->failed = true; /* never sent: see send */
	buf_z(line, name);
	buf_z(line, ": ");
	buf_str(line, value);
}

static void exchange_free(struct exchange *x)
{
	request_empty(&x->req);
	request_empty(&x->next);
	free(x);
}

static void finish(struct exchange *x, const struct err *err)
{
	x->o.done(x->o.arg, err);
	exchange_free(x);
}

static void on_answer(void *arg, const struct httpc_response *r);

static enum err_code send(struct exchange *x, struct err *reterr)
{
	struct exchange_request *r = &x->req;
	const char *lines[EXCHANGE_HEADERS_MAX + 1] = {NULL};
	bool failed = r->url.failed || r->body.failed;
	for (size_t i = 0; i < r->headers; i++) {
		failed |= r->header[i].failed;
		lines[i] = r->header[i].p;
	}
	if (failed)
		return err_set(reterr, ERR_INVALID, "a request for %s is too large or has a line break",
		               x->o.what);
	struct httpc_request req = {.method = r->method,
	                            .url = r->url.p,
	                            .headers = lines,
	                            .body = buf_view(&r->body),
	                            .allow_http = r->allow_http,
	                            .ca_file = r->ca_file,
	                            .timeout_ms = r->timeout_ms,
	                            .response_max = EXCHANGE_BODY_MAX};
	x->sent++;
	return httpc_start(x->o.http, &req, on_answer, x, &x->call, reterr);
}

/* Half of the pause is random. */
static bool send_later(struct exchange *x)
{
	int64_t pause = PAUSE_MS << (x->sent < 5 ? x->sent - 1 : 4);
	uint8_t chance = 0;
	if (pause > PAUSE_MAX_MS)
		pause = PAUSE_MAX_MS;
	if (crypto_random(&chance, 1) != ERR_OK)
		chance = 128;
	pause = pause / 2 + pause * chance / 512;
	return loop_timer_set(x->o.loop, &x->pause, loop_now_ms(x->o.loop) + pause) == ERR_OK;
}

static void on_pause(struct loop_timer *t)
{
	struct exchange *x = LIST_ENTRY(t, struct exchange, pause);
	struct err err;
	if (send(x, &err) != ERR_OK)
		finish(x, &err);
}

/* The filled request becomes the current one. */
static enum err_code send_next(struct exchange *x, struct err *reterr)
{
	request_empty(&x->req);
	struct exchange_request empty = x->req;
	x->req = x->next;
	x->next = empty;
	x->sent = 0;
	return send(x, reterr);
}

static void take_step(struct exchange *x, const struct exchange_answer *a)
{
	struct err err = {.code = ERR_INTERNAL};
	request_empty(&x->next);
	switch (x->o.step(x->o.arg, a, &x->next, &err)) {
	case EXCHANGE_SEND:
		if (send_next(x, &err) != ERR_OK)
			finish(x, &err);
		break;
	case EXCHANGE_AGAIN:
		if (x->sent >= x->req.attempts || !send_later(x))
			finish(x, &err);
		break;
	case EXCHANGE_DONE: finish(x, NULL); break;
	case EXCHANGE_FAILED: finish(x, &err); break;
	}
}

/* The length of scheme and host: the path may be secret. */
static int host_end(const char *url)
{
	int slashes = 0, n = 0;
	for (; n < 80 && url[n] != '\0'; n++)
		if (url[n] == '/' && ++slashes == 3)
			break;
	return n;
}

static void no_answer(struct exchange *x, const struct httpc_response *r)
{
	struct err err;
	if (x->sent < x->req.attempts && send_later(x))
		return;
	(void)err_set(&err, r->code, "no answer from %.*s: %.200s; %s", host_end(x->req.url.p), x->req.url.p,
	              r->error, x->req.remedy);
	finish(x, &err);
}

static void on_answer(void *arg, const struct httpc_response *r)
{
	struct exchange *x = arg;
	x->call = NULL;
	bool busy = r->status == 429 || r->status >= 500;
	if (r->code != ERR_OK)
		no_answer(x, r);
	else if (!busy || x->sent >= x->req.attempts || !send_later(x))
		take_step(x, &(struct exchange_answer){r->status, r->body});
}

enum err_code exchange_start(const struct exchange_options *o, struct exchange **ret, struct err *reterr)
{
	struct exchange *x = calloc(1, sizeof *x);
	struct err err = {.code = ERR_INTERNAL};
	if (x == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for a request for %s", o->what);
	x->o = *o;
	x->pause.fn = on_pause;
	request_empty(&x->req);
	request_empty(&x->next);
	enum err_code code = o->step(o->arg, NULL, &x->next, &err) == EXCHANGE_SEND ? ERR_OK : err.code;
	if (code == ERR_OK)
		code = send_next(x, &err);
	if (code == ERR_OK) {
		*ret = x;
		return ERR_OK;
	}
	exchange_free(x);
	return err_set(reterr, code, "%s", err.msg);
}

void exchange_cancel(struct exchange *x)
{
	if (x == NULL)
		return;
	loop_timer_clear(x->o.loop, &x->pause);
	if (x->call != NULL)
		httpc_cancel(x->call);
	exchange_free(x);
}
