/* Everything that can be refused before a request's body is read: framing, route, connection limit, body, and
 * what the route itself asks. */
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "config/config.h"
#include "http/private.h"
#include "obs/metrics.h"

enum { UNREAD_MAX = 8192 }; /* bytes of a body that no handler reads */

/* --- the row of the route table */

/* Does not allocate, so that running out of memory never looks like 404. */
static bool decode_arg(struct str raw, char *ret)
{
	char room[REQUEST_ARG_MAX + 1];
	struct buf text;
	buf_over(&text, room, sizeof room);
	return raw.n > 0 && !str_has(raw, '/') && codec_unpct(&text, raw, false) &&
	       str_utf8(buf_view(&text)) && str_copy(ret, raw.n + 1, buf_view(&text));
}

static bool matches(const char *pattern, struct str path, char *ret_arg)
{
	const char *hole = strchr(pattern, '{'); /* of "{}" */
	if (hole == NULL)
		return str_is(path, pattern);
	struct str head = {pattern, (size_t)(hole - pattern)}, tail = str_c(hole + 2);
	if (path.n < head.n + tail.n + 1 || !str_starts(path, head))
		return false;
	struct str end = {path.p + path.n - tail.n, tail.n};
	struct str middle = {path.p + head.n, path.n - head.n - tail.n};
	return str_eq(end, tail) && decode_arg(middle, ret_arg);
}

static void add_allow(char *allow, const char *method)
{
	size_t n = strlen(allow);
	(void)snprintf(allow + n, SERVER_ALLOW_MAX - n, "%s%s%s", n > 0 ? ", " : "", method,
	               strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

enum err_code server_route(const struct route *table, enum route_listener listener, struct request *r,
                           char ret_allow[SERVER_ALLOW_MAX])
{
	struct str method = str_is(r->method, "HEAD") ? STR("GET") : r->method;
	ret_allow[0] = '\0';
	for (const struct route *row = table; row->handler != NULL; row++) {
		if (row->listener != listener || !matches(row->path, r->path, r->arg))
			continue;
		r->route = row;
		if (str_is(method, row->method))
			return ERR_OK;
		add_allow(ret_allow, row->method);
	}
	return r->route == NULL ? ERR_NOT_FOUND : ERR_METHOD;
}

/* --- the request */

static void take_caller_id(struct server_request *q, bool trusted)
{
	size_t lines;
	struct str id = request_header(&q->r, "X-Request-Id", &lines);
	if (lines == 1 && id.n >= 8 && id.n <= REQUEST_ID_MAX && str_of(id, "._-")) {
		if (trusted)
			(void)str_copy(q->r.id, sizeof q->r.id, id);
		else
			(void)str_copy(q->caller_id, sizeof q->caller_id, id);
		return;
	}
	struct str trace = request_header(&q->r, "traceparent", &lines);
	if (lines == 1 && trace.n == 55 && str_of(trace, "-"))
		(void)str_copy(q->caller_id, sizeof q->caller_id, trace);
}

static void find_client(struct server_request *q)
{
	const struct strlist *proxies = &q->server->opt.cfg->trusted_proxies;
	struct buf forwarded;
	buf_init(&forwarded, GUARD_BLOCK_MAX);
	if (proxies->n > 0)
		request_join(q, "X-Forwarded-For", &forwarded);
	bool trusted = client_address_find(proxies, q->conn->peer, buf_view(&forwarded), q->r.client);
	buf_done(&forwarded);
	take_caller_id(q, trusted);
}

static bool wants_html(const struct server_request *q)
{
	struct buf accept;
	buf_init(&accept, GUARD_BLOCK_MAX);
	request_join(q, "Accept", &accept);
	struct str rest = buf_view(&accept), item;
	bool html = false;
	while (!html && str_next(&rest, ',', &item))
		html = str_starts(str_trim(item), STR("text/html"));
	buf_done(&accept);
	return html;
}

static enum err_code check_type(const struct request *r, const char *want, struct err *reterr)
{
	struct str type, more;
	size_t lines;
	(void)str_cut(request_header(r, "Content-Type", &lines), ';', &type, &more);
	if (lines != 1 || !str_ieq(str_trim(type), str_c(want)))
		return err_set(reterr, ERR_MEDIA_TYPE, "the content type is not %s", want);
	return ERR_OK;
}

static size_t body_max(const struct server_request *q)
{
	const struct route *route = q->r.route;
	return route->body_max != 0 ? route->body_max : (size_t)q->server->opt.cfg->webhook_max_body;
}

/* Forms are small, and there is one per connection.  So they are outside of the budget, which strangers can
 * fill with webhook bodies. */
static struct body_options body_options(const struct server_request *q, const struct guard_framing *f)
{
	const struct config *cfg = q->server->opt.cfg;
	enum route_body kind = q->r.route->body;
	return (struct body_options){.max = kind == ROUTE_NO_BODY ? 0 : body_max(q),
	                             .budget = kind == ROUTE_ANY_BODY ? (size_t)cfg->webhook_body_budget : 0,
	                             .length = f->has_length ? (size_t)f->length : BODY_NO_LENGTH,
	                             .since_ms = q->r.arrived_ms,
	                             .client = q->r.client};
}

/* Many clients send "{}" with each DELETE.  It is read and discarded; its framing is checked like others. */
static enum err_code check_unread_body(const struct server_request *q, const struct guard_framing *f,
                                       struct err *reterr)
{
	if (f->chunked)
		return err_set(reterr, ERR_LENGTH, "no Content-Length");
	if (f->length > 0 && !str_is(q->r.method, "DELETE"))
		return err_set(reterr, ERR_INVALID, "a body where none belongs");
	if (f->length > UNREAD_MAX)
		return err_set(reterr, ERR_TOO_LARGE, "a body of over %d bytes", UNREAD_MAX);
	return ERR_OK;
}

static enum err_code check_body(struct server_request *q, const struct guard_framing *f, struct err *reterr)
{
	enum route_body kind = q->r.route->body;
	if (kind == ROUTE_NO_BODY)
		return check_unread_body(q, f, reterr);
	if (kind != ROUTE_ANY_BODY && !f->has_length)
		return err_set(reterr, ERR_LENGTH, "no Content-Length");
	if (f->length > body_max(q))
		return err_set(reterr, ERR_TOO_LARGE, "a body of over %zu bytes", body_max(q));
	struct body_options o = body_options(q, f);
	if (!body_fits(&o)) {
		metric_add(M_BODY_BUDGET, 1);
		return err_set(reterr, ERR_BUSY, "the budget for bodies is used up");
	}
	if (kind == ROUTE_FORM)
		return check_type(&q->r, "application/x-www-form-urlencoded", reterr);
	if (kind == ROUTE_JSON)
		return check_type(&q->r, "application/json", reterr);
	return ERR_OK;
}

static enum err_code route(struct server_request *q, struct err *reterr)
{
	char allow[SERVER_ALLOW_MAX];
	enum err_code code = server_route(q->server->opt.table, q->server->opt.listener, &q->r, allow);
	if (code == ERR_METHOD)
		reply_header(&q->r, "Allow", str_c(allow));
	if (code != ERR_OK) {
		q->people = q->r.route != NULL ? q->r.route->people : wants_html(q);
		return err_set(reterr, code, code == ERR_METHOD ? "no such method here" : "no route");
	}
	q->people = q->r.route->people;
	q->route_slot = (size_t)(q->r.route - q->server->opt.table) + 1;
	int64_t limit = q->r.route->deadline_ms != 0 ? q->r.route->deadline_ms
	                                             : q->server->opt.cfg->webhook_deadline_ms;
	q->r.deadline_ms = q->r.arrived_ms + limit;
	server_conn_deadline(q->conn, q->r.deadline_ms + DEADLINE_GRACE_MS);
	return ERR_OK;
}

/* With DNS rebinding, a web page in a browser on this machine can reach a loopback address under a name of
 * its author.  Pre: there is exactly one Host. */
static enum err_code check_host(struct server_request *q, struct err *reterr)
{
	char text[CONFIG_HOST_MAX + sizeof ":65535"], host[CONFIG_HOST_MAX + 1];
	if (!q->server->opt.local ||
	    (str_copy(text, sizeof text, request_header(&q->r, "Host", NULL)) &&
	     config_host_of(text, host, sizeof host) && config_host_is_loopback(host)))
		return ERR_OK;
	metric_add(M_ADMIN_HOST, 1);
	return err_set(reterr, ERR_MISDIRECTED, "the Host header is not a loopback name");
}

enum err_code server_admit(struct server_request *q, const char *version, struct err *reterr)
{
	struct guard_framing framing;
	q->r.arrived_ms = loop_now_ms(q->server->opt.loop);
	enum err_code code = request_head_check(q, version, &framing, reterr);
	if (code != ERR_OK) {
		metric_add(M_GUARD_REFUSED, 1);
		(void)str_copy(q->r.client, sizeof q->r.client, str_c(q->conn->peer));
		request_refused(&q->r, LOG_REPEAT_FRAMING, NULL);
		reply_close(&q->r);
		return code;
	}
	find_client(q);
	code = check_host(q, reterr);
	if (code == ERR_OK)
		code = route(q, reterr);
	if (code == ERR_OK && q->conn->over && !q->r.route->stays) {
		metric_add(M_CONN_REFUSED, 1);
		request_refused(&q->r, LOG_REPEAT_CONNECTIONS, NULL);
		reply_close(&q->r);
		code = err_set(reterr, ERR_BUSY, "connection limit");
	}
	if (code == ERR_OK)
		code = check_body(q, &framing, reterr);
	if (code == ERR_OK && q->r.route->admit != NULL)
		code = q->r.route->admit(&q->r, reterr);
	if (q->conn->over || framing.chunked || (code != ERR_OK && framing.length > 0))
		reply_close(&q->r);
	q->conn->linger = code != ERR_OK && (framing.chunked || framing.length > 0);
	if (code == ERR_OK) {
		struct body_options o = body_options(q, &framing);
		body_init(&q->body, &o);
	}
	return code;
}
