#include <sys/epoll.h>

#include "net/poster/httpc_conn.h"
#include "net/poster/httpc_poster.h"

enum {
	READ_BYTES = 8192,
	IN_MAX = HTTPC_HEAD_MAX + 2 * READ_BYTES, /* besides the body */
};

static void fail(struct httpc_post *c, enum err_code code, const char *error)
{
	struct httpc_response r = {.code = code, .error = error, .sends = c->sends};
	c->done(c->arg, &r);
	httpc_post_cancel(c);
}

static void on_timer(struct loop_timer *t)
{
	struct httpc_post *c = LIST_ENTRY(t, struct httpc_post, timer);
	fail(c, ERR_TIMEOUT, c->sends > 0 ? "no answer in time" : "no connection in time");
}

static void complete(struct httpc_post *c)
{
	struct httpc_response r = {.code = ERR_OK,
	                           .error = "",
	                           .status = c->answer.status,
	                           .head = httpc_answer_head(&c->answer, &c->in),
	                           .body = httpc_answer_body(&c->answer, &c->in),
	                           .sends = c->sends};
	bool again = c->answer.keep && c->sent == c->out.len && c->answer.read_to == c->in.len;
	c->done(c->arg, &r);
	if (again)
		httpc_poster_keep(c);
	else
		httpc_post_cancel(c);
}

static void on_connected(void *arg, const struct httpc_response *r);

static enum err_code connect_it(struct httpc_post *c, struct err *reterr)
{
	struct httpc_request req = {.method = HTTPC_CONNECT_ONLY,
	                            .url = c->owner->o.url,
	                            .allow_http = true, /* as the address is configured */
	                            .timeout_ms = c->timer.due_ms - httpc_post_now_ms(c),
	                            .connect_ms = c->connect_ms};
	c->sent = 0;
	c->begun = false;
	c->used_before = false;
	if (req.timeout_ms <= 0)
		req.timeout_ms = 1;
	return httpc_start(c->owner->o.http, &req, on_connected, c, &c->conn, reterr);
}

/* An idle connection is closed by the server at any time, and we may hear of it late. */
static void broken(struct httpc_post *c, const char *why)
{
	struct err err;
	bool again = c->used_before && c->in.len == 0;
	if (!again) {
		fail(c, ERR_UPSTREAM, why);
		return;
	}
	httpc_post_hang_up(c);
	if (connect_it(c, &err) != ERR_OK)
		fail(c, ERR_UPSTREAM, err.msg);
}

static void receive(struct httpc_post *c)
{
	enum httpc_answer_state s = HTTPC_ANSWER_MORE;
	enum httpc_conn_io io = HTTPC_CONN_OK;
	while (s == HTTPC_ANSWER_MORE && io == HTTPC_CONN_OK) {
		size_t n = 0;
		if (!buf_reserve(&c->in, READ_BYTES)) {
			fail(c, ERR_UPSTREAM, "no room for the answer");
			return;
		}
		io = httpc_conn_recv(c->conn, c->in.p + c->in.len, READ_BYTES, &n);
		c->in.len += n;
		if (io == HTTPC_CONN_OK)
			s = httpc_answer_read(&c->answer, &c->in);
		else if (io == HTTPC_CONN_CLOSED && httpc_answer_end(&c->answer) == HTTPC_ANSWER_WHOLE)
			s = HTTPC_ANSWER_WHOLE;
	}
	if (s == HTTPC_ANSWER_WHOLE)
		complete(c);
	else if (s == HTTPC_ANSWER_LARGE)
		fail(c, ERR_UPSTREAM, "the answer is larger than expected");
	else if (s == HTTPC_ANSWER_WRONG)
		fail(c, ERR_UPSTREAM, "the answer is not HTTP/1.1");
	else if (io == HTTPC_CONN_CLOSED)
		broken(c, "the connection was closed without a whole answer");
	else if (io == HTTPC_CONN_BROKEN)
		broken(c, httpc_conn_error(c->conn));
}

static enum httpc_conn_io transmit(struct httpc_post *c)
{
	struct str all = buf_view(&c->out);
	size_t n;
	c->sends += !c->begun;
	c->begun = true;
	enum httpc_conn_io io = httpc_conn_send(c->conn, (struct str){all.p + c->sent, all.n - c->sent}, &n);
	c->sent += n;
	return io;
}

static void on_ready(void *arg, uint32_t events)
{
	struct httpc_post *c = arg;
	if (c->done == NULL) { /* idle: the server closed it, or says what nobody asked for */
		httpc_poster_drop(c);
		return;
	}
	if (events & EPOLLOUT && c->sent < c->out.len && transmit(c) == HTTPC_CONN_BROKEN)
		broken(c, httpc_conn_error(c->conn));
	else if (events & ~(uint32_t)EPOLLOUT)
		receive(c);
}

static void on_connected(void *arg, const struct httpc_response *r)
{
	struct httpc_post *c = arg;
	if (r->code != ERR_OK) {
		c->conn = NULL;
		fail(c, r->code, r->error);
		return;
	}
	c->opened_ms = httpc_post_now_ms(c);
	if (!httpc_conn_listen(c->conn, on_ready, c))
		fail(c, ERR_UPSTREAM, "no place in epoll for a connection");
	else if (transmit(c) == HTTPC_CONN_BROKEN)
		broken(c, httpc_conn_error(c->conn));
}

static bool write_request(struct httpc_post *c, const struct httpc_request *req)
{
	struct buf *b = &c->out;
	buf_z(b, "POST / HTTP/1.1\r\nHost: ");
	buf_z(b, c->owner->o.host);
	for (const char *const *h = req->headers; *h != NULL; h++) {
		buf_put(b, "\r\n", 2);
		buf_z(b, *h);
	}
	buf_z(b, "\r\nContent-Length: ");
	buf_int(b, (int64_t)req->body.n);
	buf_put(b, "\r\n\r\n", 4);
	buf_str(b, req->body);
	return !b->failed;
}

/* Nothing came since the last answer, not even the end: else it would be taken for the next answer. */
static bool quiet(struct httpc_post *c)
{
	char byte;
	size_t n;
	return httpc_conn_recv(c->conn, &byte, 1, &n) == HTTPC_CONN_AGAIN;
}

static enum err_code begin(struct httpc_post *c, const struct httpc_request *req, struct err *reterr)
{
	httpc_answer_init(&c->answer, req->response_max);
	c->in.max = IN_MAX + req->response_max;
	if (!write_request(c, req) ||
	    loop_timer_set(c->owner->o.loop, &c->timer, httpc_post_now_ms(c) + req->timeout_ms) != ERR_OK)
		return err_set(reterr, ERR_NOMEM, "no memory for a request");
	if (c->conn != NULL && quiet(c) && transmit(c) != HTTPC_CONN_BROKEN)
		return ERR_OK;
	httpc_post_hang_up(c);
	return connect_it(c, reterr);
}

enum err_code httpc_post_start(struct httpc_poster *p, const struct httpc_request *req, httpc_done_fn *done,
                               void *arg, struct httpc_post **ret, struct err *reterr)
{
	struct httpc_post *c = httpc_poster_take(p);
	if (c == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for an HTTP call");
	c->sends = 0;
	c->sent = 0;
	c->begun = false;
	c->connect_ms = req->connect_ms;
	c->timer.fn = on_timer;
	c->done = done;
	c->arg = arg;
	enum err_code code = begin(c, req, reterr);
	if (code != ERR_OK) {
		httpc_post_cancel(c);
		return code;
	}
	*ret = c;
	return ERR_OK;
}
