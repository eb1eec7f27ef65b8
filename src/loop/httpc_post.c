#include "loop/httpc_post.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/crypto.h"
#include "loop/httpc_answer.h"
#include "loop/httpc_conn.h"

enum {
	IDLE_MS = 45000, /* servers drop theirs at about 60 s */
	LIFETIME_MS = 300000,
	REQUEST_MAX = 2 << 20,
	READ_BYTES = 8192,
	IN_MAX = HTTPC_ANSWER_HEAD_MAX + 2 * READ_BYTES, /* besides the body */
	KEEP_BYTES = 16384,                              /* of a buffer between two calls */
};

struct httpc_poster {
	struct httpc_poster_options o;
	struct httpc *http;          /* opens the connections */
	struct list_node idle, busy; /* of idle the longest unused first */
	size_t idle_n;
};

/* A connection, and the call on it. */
struct httpc_post {
	struct list_node node; /* in busy or idle */
	struct httpc_poster *owner;
	struct httpc_call *conn; /* NULL: none */
	int64_t opened_ms, idle_since_ms;
	struct buf out, in;
	size_t sent;
	struct httpc_answer answer;
	/* of the call */
	bool used_before; /* the connection, by another call */
	unsigned sends;
	struct loop_timer timer;
	int64_t connect_ms;
	httpc_done_fn *done;
	void *arg;
};

static int64_t now_ms(const struct httpc_post *c)
{
	return loop_now_ms(c->owner->o.loop);
}

enum err_code httpc_poster_new(const struct httpc_poster_options *o, struct httpc_poster **ret,
                               struct err *reterr)
{
	struct httpc_poster *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for an HTTP client");
	enum err_code code = httpc_new(o->loop, &p->http, reterr);
	if (code != ERR_OK) {
		free(p);
		return code;
	}
	httpc_connections(p->http, 2 * (long)o->idle_max + 1);
	p->o = *o;
	p->o.idle_ms = o->idle_ms > 0 ? o->idle_ms : IDLE_MS;
	p->o.lifetime_ms = o->lifetime_ms > 0 ? o->lifetime_ms : LIFETIME_MS;
	list_init(&p->idle);
	list_init(&p->busy);
	*ret = p;
	return ERR_OK;
}

static void hang_up(struct httpc_post *c)
{
	if (c->conn != NULL)
		httpc_cancel(c->conn);
	c->conn = NULL;
}

/* Request and answer may hold keys and password hashes. */
static void post_free(struct httpc_post *c)
{
	list_del(&c->node);
	loop_timer_clear(c->owner->o.loop, &c->timer);
	hang_up(c);
	crypto_wipe_buf(&c->out);
	crypto_wipe_buf(&c->in);
	free(c);
}

static struct httpc_post *first(struct list_node *l)
{
	return list_empty(l) ? NULL : LIST_ENTRY(l->next, struct httpc_post, node);
}

void httpc_poster_free(struct httpc_poster *p)
{
	if (p == NULL)
		return;
	for (struct httpc_post *c; (c = first(&p->idle)) != NULL || (c = first(&p->busy)) != NULL;)
		post_free(c);
	httpc_free(p->http);
	free(p);
}

void httpc_post_cancel(struct httpc_post *c)
{
	post_free(c);
}

static bool expired(const struct httpc_post *c)
{
	return now_ms(c) - c->idle_since_ms >= c->owner->o.idle_ms ||
	       now_ms(c) - c->opened_ms >= c->owner->o.lifetime_ms;
}

static void drop_idle(struct httpc_post *c)
{
	c->owner->idle_n--;
	post_free(c);
}

/* Keep the connection for the next call, and let go of one that nobody needs. */
static void keep(struct httpc_post *c)
{
	struct httpc_poster *p = c->owner;
	loop_timer_clear(p->o.loop, &c->timer);
	c->done = NULL;
	crypto_reset_buf(&c->out, KEEP_BYTES);
	crypto_reset_buf(&c->in, KEEP_BYTES);
	list_del(&c->node);
	list_push(&p->idle, &c->node);
	c->idle_since_ms = now_ms(c);
	p->idle_n++;
	struct httpc_post *oldest = LIST_ENTRY(p->idle.next, struct httpc_post, node);
	if (p->idle_n > p->o.idle_max || expired(oldest))
		drop_idle(oldest);
}

static void fail(struct httpc_post *c, enum err_code code, const char *error)
{
	struct httpc_response r = {.code = code, .error = error, .sends = c->sends};
	c->done(c->arg, &r);
	post_free(c);
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
		keep(c);
	else
		post_free(c);
}

static void on_connected(void *arg, const struct httpc_response *r);

static enum err_code connect_it(struct httpc_post *c, struct err *reterr)
{
	struct httpc_request req = {.method = HTTPC_CONNECT_ONLY,
	                            .url = c->owner->o.url,
	                            .timeout_ms = c->timer.due_ms - now_ms(c),
	                            .connect_ms = c->connect_ms};
	c->sent = 0;
	c->used_before = false;
	if (req.timeout_ms <= 0)
		req.timeout_ms = 1;
	return httpc_start(c->owner->http, &req, on_connected, c, &c->conn, reterr);
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
	hang_up(c);
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
	c->sends += c->sent == 0;
	enum httpc_conn_io io = httpc_conn_send(c->conn, (struct str){all.p + c->sent, all.n - c->sent}, &n);
	c->sent += n;
	return io;
}

static void on_ready(void *arg, uint32_t events)
{
	struct httpc_post *c = arg;
	if (c->done == NULL) { /* idle: the server closed it, or says what nobody asked for */
		drop_idle(c);
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
	c->opened_ms = now_ms(c);
	if (!httpc_conn_listen(c->conn, on_ready, c))
		fail(c, ERR_UPSTREAM, "no place in epoll for a connection");
	else if (transmit(c) == HTTPC_CONN_BROKEN)
		broken(c, httpc_conn_error(c->conn));
}

/* The last used, which is the least likely to be closed meanwhile. */
static struct httpc_post *take_idle(struct httpc_poster *p)
{
	while (p->idle_n > 0) {
		struct httpc_post *c = LIST_ENTRY(p->idle.prev, struct httpc_post, node);
		if (!expired(c)) {
			list_del(&c->node);
			p->idle_n--;
			c->used_before = true;
			return c;
		}
		drop_idle(c);
	}
	return NULL;
}

static struct httpc_post *take(struct httpc_poster *p)
{
	struct httpc_post *c = take_idle(p);
	if (c == NULL && (c = calloc(1, sizeof *c)) != NULL) {
		c->owner = p;
		c->timer.fn = on_timer;
		buf_init(&c->out, REQUEST_MAX);
	}
	if (c != NULL)
		list_push(&p->busy, &c->node);
	return c;
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

static enum err_code begin(struct httpc_post *c, const struct httpc_request *req, struct err *reterr)
{
	httpc_answer_init(&c->answer, req->response_max);
	c->in.max = IN_MAX + req->response_max;
	if (!write_request(c, req) ||
	    loop_timer_set(c->owner->o.loop, &c->timer, now_ms(c) + req->timeout_ms) != ERR_OK)
		return err_set(reterr, ERR_NOMEM, "no memory for a request");
	if (c->conn != NULL && transmit(c) != HTTPC_CONN_BROKEN)
		return ERR_OK;
	hang_up(c);
	return connect_it(c, reterr);
}

enum err_code httpc_post_start(struct httpc_poster *p, const struct httpc_request *req, httpc_done_fn *done,
                               void *arg, struct httpc_post **ret, struct err *reterr)
{
	struct httpc_post *c = take(p);
	if (c == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for an HTTP call");
	c->sends = 0;
	c->sent = 0;
	c->connect_ms = req->connect_ms;
	c->done = done;
	c->arg = arg;
	enum err_code code = begin(c, req, reterr);
	if (code != ERR_OK) {
		post_free(c);
		return code;
	}
	*ret = c;
	return ERR_OK;
}
