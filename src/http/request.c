/* One request through libmicrohttpd's access handler:
 *
 *   HEAD --guard, route, admit--> BODY --all received--> [handler] --answered--> SENT
 *     \                             \                       \
 *      refused: SENT at once         too large, too late     not answered: WAIT (suspended) --reply_*--> SENT
 *
 * libmicrohttpd calls once with the headers, then with each piece of the body, then once without data; after
 * a resume it calls once more. */
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "http/private.h"
#include "obs/log.h"
#include "obs/metrics.h"

static struct server_request *of(struct request *r)
{
	return LIST_ENTRY(r, struct server_request, r);
}

static const struct server_request *const_of(const struct request *r)
{
	return (const void *)((const char *)r - offsetof(struct server_request, r));
}

/* --- the head */

/* libmicrohttpd 1.0 has a strict parser, and its buffer may have another layout. */
enum { OLD_PARSER = MHD_VERSION < 0x01000000 };

static enum MHD_Result collect(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_n,
                               const char *value, size_t value_n)
{
	struct guard_head *h = arg;
	(void)kind;
	if (h->n < GUARD_HEADERS_MAX) {
		h->header[h->n].name = (struct str){name, name_n};
		h->header[h->n].value = (struct str){value, value_n};
	}
	h->n++;
	return MHD_YES;
}

enum err_code request_head_check(struct server_request *q, const char *version, struct guard_framing *ret,
                                 struct err *reterr)
{
	struct MHD_Connection *k = q->conn->mhd;
	struct guard_head h NOT_ZEROED; /* only the headers that came are read */
	h.method = q->r.method;
	h.uri = str_c(q->uri);
	h.version = str_c(version);
	h.n = 0;
	(void)MHD_get_connection_values_n(k, MHD_HEADER_KIND, collect, &h);
	const union MHD_ConnectionInfo *size = MHD_get_connection_info(
	        k, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	h.block = size != NULL ? size->header_size : 0;
	h.wire = OLD_PARSER;
	return guard_check(&h, ret, reterr);
}

struct joined {
	const char *name;
	struct buf *out;
};

static enum MHD_Result join(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_n,
                            const char *value, size_t value_n)
{
	struct joined *j = arg;
	(void)kind;
	if (str_ieq((struct str){name, name_n}, str_c(j->name))) {
		buf_z(j->out, j->out->len > 0 ? "," : "");
		buf_put(j->out, value, value_n);
	}
	return MHD_YES;
}

void request_join(const struct server_request *q, const char *name, struct buf *out)
{
	struct joined j = {name, out};
	(void)MHD_get_connection_values_n(q->conn->mhd, MHD_HEADER_KIND, join, &j);
}

struct wanted {
	struct str name, value;
	size_t count;
};

static enum MHD_Result look(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_n,
                            const char *value, size_t value_n)
{
	struct wanted *w = arg;
	(void)kind;
	if (str_ieq((struct str){name, name_n}, w->name)) {
		w->value = (struct str){value, value_n};
		w->count++;
	}
	return MHD_YES;
}

struct cookie {
	const char *name;
	struct str value;
	size_t count;
};

/* Our own parser of Cookie: that of libmicrohttpd unquotes, reads the first line only and does not report
 * duplicate names.  A proxy that speaks HTTP/2 with the browser may send one line for each cookie (RFC
 * 9113 8.2.3). */
static enum MHD_Result look_for_cookie(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_n,
                                       const char *value, size_t value_n)
{
	struct cookie *c = arg;
	struct str rest = {value, value_n}, pair, key, text;
	(void)kind;
	if (!str_ieq((struct str){name, name_n}, STR("Cookie")))
		return MHD_YES;
	while (str_next(&rest, ';', &pair)) {
		if (!str_cut(str_trim(pair), '=', &key, &text) || !str_is(key, c->name))
			continue;
		c->value = text;
		c->count++;
	}
	return MHD_YES;
}

struct str request_cookie(const struct request *r, const char *name)
{
	struct cookie c = {.name = name};
	(void)MHD_get_connection_values_n(const_of(r)->conn->mhd, MHD_HEADER_KIND, look_for_cookie, &c);
	return c.count == 1 ? c.value : (struct str){NULL, 0};
}

struct str request_header(const struct request *r, const char *name, size_t *ret_count)
{
	struct wanted w = {.name = str_c(name)};
	(void)MHD_get_connection_values_n(const_of(r)->conn->mhd, MHD_HEADER_KIND, look, &w);
	if (ret_count != NULL)
		*ret_count = w.count;
	return w.value;
}

/* --- what handlers ask */

void request_take_body(struct request *r, struct body *ret)
{
	body_move(ret, &of(r)->body);
}

bool request_answered(const struct request *r)
{
	return r->answer->status != 0;
}

bool request_draining(const struct request *r)
{
	return atomic_load_explicit(const_of(r)->server->opt.draining, memory_order_relaxed);
}

/* --- the way of a request */

enum { ID_BYTES = 8 };

static void set_id(struct server *s, struct request *r)
{
	static const char digits[] = "0123456789abcdef";
	if (s->random_left < ID_BYTES) {
		if (crypto_random(s->random, sizeof s->random) != ERR_OK)
			memset(s->random, 0,
			       sizeof s->random); /* an id that is not unique is better than no answer */
		s->random_left = sizeof s->random;
	}
	const uint8_t *raw = s->random + (s->random_left -= ID_BYTES);
	for (size_t i = 0; i < 16; i++)
		r->id[i] = digits[i % 2 == 0 ? raw[i / 2] >> 4 : raw[i / 2] & 15];
	r->id[16] = '\0';
}

static void split_uri(struct server_request *q)
{
	struct str uri = str_c(q->uri);
	if (!str_cut(uri, '?', &q->r.path, &q->r.query))
		q->r.query = (struct str){NULL, 0};
}

/* An answer was made: wake the connection if it is suspended. */
static void on_made(struct request *r)
{
	struct server_request *q = of(r);
	if (q->stage != STAGE_WAIT)
		return;
	q->stage = STAGE_BODY;
	server_conn_active(q->conn);
	MHD_resume_connection(q->conn->mhd);
	q->server->ready = true;
}

/* Called once per request, with the raw request target.  The result is the context of the request. */
void *request_new(void *arg, const char *uri, struct MHD_Connection *k)
{
	struct server *s = arg;
	struct server_conn *c = server_conn_of(k);
	size_t n = strlen(uri);
	struct server_request *q = c == NULL ? NULL : malloc(sizeof *q + 2 * (n + 1));
	if (q == NULL)
		return NULL;
	*q = (struct server_request){.server = s, .conn = c};
	q->r.service = s->opt.service;
	q->r.loop = s->opt.loop;
	q->r.answer = &q->answer;
	q->r.arg = q->uri + n + 1;
	q->r.arg[0] = '\0';
	memcpy(q->uri, uri, n + 1);
	q->answer.made = on_made;
	buf_init(&q->answer.text, ANSWER_TEXT_MAX);
	set_id(s, &q->r);
	split_uri(q);
	q->r.arrived_ms = loop_now_ms(s->opt.loop);
	c->q = q;
	server_conn_active(c);
	server_conn_head_deadline(c);
	metric_add(M_REQUESTS, 1);
	return q;
}

static enum MHD_Result on_head(struct server_request *q, const char *method, const char *version)
{
	struct err why = {.code = ERR_OK};
	q->r.method = str_c(method);
	enum err_code code = server_admit(q, version, &why);
	q->stage = STAGE_BODY;
	if (code == ERR_OK && !request_answered(&q->r))
		return MHD_YES;
	/* What is wrong with the framing is not secret. */
	reply_error(&q->r, code, code == ERR_INVALID ? why.msg : NULL, &why);
	return reply_queue(q);
}

static void cut_off(struct server_request *q, enum err_code code)
{
	if (code == ERR_BUSY)
		metric_add(M_BODY_BUDGET, 1);
	reply_error(&q->r, code, NULL, NULL);
	reply_last_words(q);
}

static enum MHD_Result on_data(struct server_request *q, const char *data, size_t *n)
{
	bool wanted = q->stage == STAGE_BODY && q->r.route->body != ROUTE_NO_BODY;
	enum err_code code = wanted ? body_add(&q->body, data, *n) : ERR_OK;
	*n = 0;
	if (code != ERR_OK)
		cut_off(q, code);
	return MHD_YES;
}

static enum MHD_Result on_received(struct server_request *q)
{
	if (body_hold(&q->body) != ERR_OK) {
		metric_add(M_BODY_BUDGET, 1);
		reply_error(&q->r, ERR_BUSY, NULL, NULL);
	}
	q->r.body = buf_view(&q->body.bytes);
	q->r.received_ms = loop_now_ms(q->server->opt.loop);
	if (q->server->stopping)
		reply_error(&q->r, ERR_STOPPING, NULL, NULL);
	if (!request_answered(&q->r))
		(q->r.instead != NULL ? q->r.instead : q->r.route->handler)(&q->r);
	if (request_answered(&q->r))
		return reply_queue(q);
	q->stage = STAGE_WAIT;
	server_conn_held(q->conn);
	MHD_suspend_connection(q->conn->mhd);
	return MHD_YES;
}

enum MHD_Result request_handle(void *arg, struct MHD_Connection *k, const char *url, const char *method,
                               const char *version, const char *data, size_t *n, void **context)
{
	struct server_request *q = *context;
	(void)url;
	if (q == NULL)
		return reply_no_memory(arg, k);
	log_scope(q->r.id);
	enum MHD_Result more;
	if (q->stage == STAGE_HEAD)
		more = on_head(q, method, version);
	else if (*n > 0)
		more = on_data(q, data, n);
	else if (q->stage == STAGE_BODY)
		more = on_received(q);
	else
		more = reply_queue(q);
	log_scope(NULL);
	return more;
}

static void stop_flow(struct server_request *q)
{
	void (*cleanup)(struct request *) = q->r.cleanup;
	q->r.cleanup = NULL;
	if (cleanup != NULL)
		cleanup(&q->r);
}

void request_fail(struct server_request *q, enum err_code code, const struct err *why)
{
	log_scope(q->r.id);
	stop_flow(q);
	reply_close(&q->r);
	reply_error(&q->r, code, NULL, why);
	log_scope(NULL);
}

void request_deadline(struct server_conn *c)
{
	static const struct err late = {.code = ERR_TIMEOUT, .msg = "the request's deadline passed"};
	struct server_request *q = c->q;
	if (q->stage == STAGE_SENT) {
		server_conn_hang_up(c);
		return;
	}
	if (q->stage == STAGE_WAIT)
		request_fail(q, ERR_TIMEOUT, &late);
	if (request_answered(&q->r)) { /* answered in this turn: the answer is not sent yet */
		server_conn_send_deadline(c);
		return;
	}
	reply_error(&q->r, ERR_SLOW_REQUEST, NULL, NULL);
	reply_last_words(q);
}

static void log_request(const struct server_request *q, bool sent)
{
	const struct request *r = &q->r;
	int64_t us = (clock_mono_ms() - r->arrived_ms) * 1000;
	unsigned status = sent                       ? q->answer.status
	                  : q->answer.code != ERR_OK ? err_http_status(q->answer.code)
	                                             : 0;
	enum log_level level = r->counted || (r->route != NULL && r->route->quiet) ? LOG_DEBUG : LOG_INFO;
	metric_http(q->route_slot, status, us);
	struct log_field f[7] = {log_z("route", r->route != NULL ? r->route->label : "none"),
	                         log_int("status", status), log_int("duration_ms", us / 1000)};
	size_t n = 3;
	if (q->answer.error != NULL)
		f[n++] = log_z("error", q->answer.error);
	if (q->caller_id[0] != '\0')
		f[n++] = log_z("caller_request_id", q->caller_id);
	if (r->browser[0] != '\0')
		f[n++] = log_z("browser_digest", r->browser);
	if (!sent)
		f[n++] = log_z("end", "connection closed before the answer was out");
	if (log_on(level))
		log_event(level, "request", f, n);
}

static void end(struct server_request *q, bool sent)
{
	log_scope(q->r.id);
	stop_flow(q);
	log_request(q, sent);
	log_scope(NULL);
	q->conn->q = NULL;
	metric_add(M_REQUESTS, -1);
	body_done(&q->body);
	reply_done(&q->answer);
	free(q);
}

void request_done(void *arg, struct MHD_Connection *k, void **context, enum MHD_RequestTerminationCode why)
{
	struct server_request *q = *context;
	(void)arg, (void)k;
	if (q == NULL)
		return;
	*context = NULL;
	struct server_conn *c = q->conn;
	end(q, q->answer.status != 0 && why == MHD_REQUEST_TERMINATED_COMPLETED_OK);
	server_conn_idle(c);
}

void request_lost(struct server_conn *c)
{
	if (c->q != NULL)
		end(c->q, false);
}
