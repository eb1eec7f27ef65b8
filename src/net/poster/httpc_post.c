/*  start -> idle connection -> send -> answer -> idle
 *      `-> (libcurl) connect ---^   `-> closed before any answer, and reused: connect, once */
#include "net/poster/httpc_post.h"

#include <stdlib.h>
#include <sys/epoll.h>

#include "base/crypto.h"
#include "net/poster/httpc_answer.h"
#include "net/private.h"

enum {
	IDLE_MS = 45000,
	LIFETIME_MS = 300000,
	KEEP_BYTES = 16384, /* of the buffer for answers between two calls */
	READ_BYTES = 8192,
	IN_MAX = HTTPC_HEAD_MAX + 2 * READ_BYTES, /* besides the body */
	HEAD_ROOM = 2048,                         /* a larger head moves the body */
};

struct httpc_poster {
	struct httpc_poster_options o;
	struct list_node idle, busy; /* in idle the one that is unused for longest comes first */
	size_t idle_n;
};

/* A connection, and the call on it. */
struct httpc_post {
	struct list_node node; /* in busy or idle */
	struct httpc_poster *owner;
	struct httpc_call *conn; /* a call of libcurl that only connected; NULL: none */
	int64_t opened_ms, idle_since_ms;
	struct buf in;
	struct httpc_answer answer;
	/* of the call */
	struct str out;   /* head and body; borrowed */
	size_t sent;      /* bytes of it */
	bool begun;       /* the connection was given something of the request */
	bool used_before; /* the connection, by another call */
	unsigned sends;
	struct loop_timer timer;
	int64_t connect_ms;
	httpc_done_fn *done; /* NULL: idle */
	void *arg;
};

enum io {
	IO_OK,
	IO_AGAIN,  /* not now: wait for the descriptor */
	IO_CLOSED, /* by the peer, at the end of what it sent */
	IO_BROKEN,
};

static int64_t now_ms(const struct httpc_post *c)
{
	return loop_now_ms(c->owner->o.loop);
}

/* --- the connection */

static int descriptor(const struct httpc_post *c)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	CURLcode code = curl_easy_getinfo(c->conn->easy, CURLINFO_ACTIVESOCKET, &fd);
	return code == CURLE_OK ? fd : CURL_SOCKET_BAD;
}

static const char *conn_error(const struct httpc_post *c)
{
	return c->conn->error[0] != '\0' ? c->conn->error : "the connection broke";
}

static void hang_up(struct httpc_post *c)
{
	if (c->conn != NULL)
		httpc_cancel(c->conn);
	c->conn = NULL;
}

static enum io transmit(struct httpc_post *c)
{
	struct str rest = {c->out.p + c->sent, c->out.n - c->sent};
	size_t n = 0;
	c->sends += !c->begun;
	c->begun = true;
	CURLcode code = curl_easy_send(c->conn->easy, rest.p, rest.n, &n);
	if (code != CURLE_OK && code != CURLE_AGAIN)
		return IO_BROKEN;
	c->sent += n;
	bool more = n < rest.n;
	if (more != c->conn->wants_output) {
		c->conn->wants_output = more;
		httpc_sockets_want(&c->conn->owner->sockets, descriptor(c),
		                   more ? EPOLLIN | EPOLLOUT : EPOLLIN);
	}
	return more ? IO_AGAIN : IO_OK;
}

static enum io take_in(struct httpc_post *c, char *p, size_t n, size_t *ret_got)
{
	*ret_got = 0;
	CURLcode code = curl_easy_recv(c->conn->easy, p, n, ret_got);
	if (code == CURLE_AGAIN)
		return IO_AGAIN;
	if (code != CURLE_OK)
		return IO_BROKEN;
	return *ret_got == 0 ? IO_CLOSED : IO_OK;
}

/* Nothing came since the last answer, not even the end: otherwise it would be taken for the next answer. */
static bool quiet(struct httpc_post *c)
{
	char byte;
	size_t n;
	return take_in(c, &byte, 1, &n) == IO_AGAIN;
}

/* --- connections between two calls */

static long connections(const struct httpc_poster *p)
{
	return 2 * (long)p->o.idle_max + 1;
}

enum err_code httpc_poster_new(const struct httpc_poster_options *o, struct httpc_poster **ret,
                               struct err *reterr)
{
	struct httpc_poster *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for an HTTP client");
	p->o = *o;
	httpc_add_connections(p->o.http, connections(p));
	p->o.idle_ms = o->idle_ms > 0 ? o->idle_ms : IDLE_MS;
	p->o.lifetime_ms = o->lifetime_ms > 0 ? o->lifetime_ms : LIFETIME_MS;
	list_init(&p->idle);
	list_init(&p->busy);
	*ret = p;
	return ERR_OK;
}

/* The answer may hold keys and password hashes. */
void httpc_post_cancel(struct httpc_post *c)
{
	list_del(&c->node);
	loop_timer_clear(c->owner->o.loop, &c->timer);
	hang_up(c);
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
		httpc_post_cancel(c);
	httpc_add_connections(p->o.http, -connections(p));
	free(p);
}

static bool expired(const struct httpc_post *c)
{
	return now_ms(c) - c->idle_since_ms >= c->owner->o.idle_ms ||
	       now_ms(c) - c->opened_ms >= c->owner->o.lifetime_ms;
}

static void drop_idle(struct httpc_post *c)
{
	c->owner->idle_n--;
	httpc_post_cancel(c);
}

static void keep(struct httpc_post *c)
{
	struct httpc_poster *p = c->owner;
	loop_timer_clear(p->o.loop, &c->timer);
	c->done = NULL;
	crypto_reset_buf(&c->in, KEEP_BYTES);
	list_del(&c->node);
	list_push(&p->idle, &c->node);
	c->idle_since_ms = now_ms(c);
	p->idle_n++;
	struct httpc_post *oldest = LIST_ENTRY(p->idle.next, struct httpc_post, node);
	if (p->idle_n > p->o.idle_max || expired(oldest))
		drop_idle(oldest);
}

/* The one that was used last, which is the least likely to be closed meanwhile. */
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

/* --- the call */

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
	bool again = c->answer.keep && c->sent == c->out.n && c->answer.read_to == c->in.len;
	c->done(c->arg, &r);
	if (again)
		keep(c);
	else
		httpc_post_cancel(c);
}

static void on_connected(void *arg, const struct httpc_response *r);

static enum err_code connect_it(struct httpc_post *c, struct err *reterr)
{
	struct httpc_request req = {.method = HTTPC_CONNECT_ONLY,
	                            .url = c->owner->o.url,
	                            .allow_http = true, /* as the address is configured */
	                            .timeout_ms = c->timer.due_ms - now_ms(c),
	                            .connect_ms = c->connect_ms};
	c->sent = 0;
	c->begun = false;
	c->used_before = false;
	if (req.timeout_ms <= 0)
		req.timeout_ms = 1;
	return httpc_start(c->owner->o.http, &req, on_connected, c, &c->conn, reterr);
}

/* A server may close an idle connection at any time, and we may learn of it late. */
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
	enum io io = IO_OK;
	while (s == HTTPC_ANSWER_MORE && io == IO_OK) {
		size_t n = 0;
		if (!buf_reserve(&c->in, READ_BYTES)) {
			fail(c, ERR_UPSTREAM, "no room for the answer");
			return;
		}
		io = take_in(c, c->in.p + c->in.len, READ_BYTES, &n);
		c->in.len += n;
		if (io == IO_OK)
			s = httpc_answer_read(&c->answer, &c->in);
		else if (io == IO_CLOSED && httpc_answer_end(&c->answer) == HTTPC_ANSWER_WHOLE)
			s = HTTPC_ANSWER_WHOLE;
	}
	if (s == HTTPC_ANSWER_WHOLE)
		complete(c);
	else if (s == HTTPC_ANSWER_LARGE)
		fail(c, ERR_UPSTREAM, "the answer is larger than expected");
	else if (s == HTTPC_ANSWER_WRONG)
		fail(c, ERR_UPSTREAM, "the answer is not HTTP/1.1");
	else if (io == IO_CLOSED)
		broken(c, "the connection was closed without a whole answer");
	else if (io == IO_BROKEN)
		broken(c, conn_error(c));
}

static void on_ready(void *arg, uint32_t events)
{
	struct httpc_post *c = arg;
	if (c->done == NULL) /* idle: the server closed it, or sent what nobody asked for */
		drop_idle(c);
	else if (events & EPOLLOUT && c->sent < c->out.n && transmit(c) == IO_BROKEN)
		broken(c, conn_error(c));
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
	if (!httpc_sockets_lend(&c->conn->owner->sockets, descriptor(c), on_ready, c))
		fail(c, ERR_UPSTREAM, "no place in epoll for a connection");
	else if (transmit(c) == IO_BROKEN)
		broken(c, conn_error(c));
}

/* --- the request */

void httpc_outgoing_init(struct httpc_outgoing *out, size_t max, size_t first_bytes)
{
	buf_init(&out->bytes, HEAD_ROOM + max);
	out->body_at = HEAD_ROOM;
	if (buf_reserve(&out->bytes, HEAD_ROOM + first_bytes))
		out->bytes.len = HEAD_ROOM;
}

struct str httpc_outgoing_body(const struct httpc_outgoing *out)
{
	return (struct str){out->bytes.p + out->body_at, out->bytes.len - out->body_at};
}

static bool make_room(struct httpc_outgoing *out, size_t n)
{
	size_t more = n - out->body_at, body_n = out->bytes.len - out->body_at;
	out->bytes.max += more;
	if (!buf_reserve(&out->bytes, more))
		return false;
	memmove(out->bytes.p + n, out->bytes.p + out->body_at, body_n + 1);
	out->bytes.len += more;
	out->body_at = n;
	return true;
}

/* Write the head so that it ends where the body begins. */
static bool put_head(struct httpc_post *c, const struct httpc_post_request *req)
{
	struct str part[5 + 2 * HTTPC_HEADERS_MAX] = {STR("POST / HTTP/1.1\r\nHost: "),
	                                              str_c(c->owner->o.host)};
	char digits[24];
	struct buf length;
	size_t n = 2, bytes = 0;
	buf_over(&length, digits, sizeof digits);
	buf_int(&length, (int64_t)httpc_outgoing_body(req->out).n);
	for (const char *const *h = req->headers; *h != NULL; h++) {
		part[n++] = STR("\r\n");
		part[n++] = str_c(*h);
	}
	part[n++] = STR("\r\nContent-Length: ");
	part[n++] = buf_view(&length);
	part[n++] = STR("\r\n\r\n");
	for (size_t i = 0; i < n; i++)
		bytes += part[i].n;
	if (bytes > req->out->body_at && !make_room(req->out, bytes))
		return false;
	char *p = req->out->bytes.p + req->out->body_at - bytes;
	c->out = (struct str){p, bytes + httpc_outgoing_body(req->out).n};
	for (size_t i = 0; i < n; i++)
		p = mempcpy(p, part[i].p, part[i].n);
	return true;
}

static enum err_code begin(struct httpc_post *c, const struct httpc_post_request *req, struct err *reterr)
{
	httpc_answer_init(&c->answer, req->response_max);
	c->in.max = IN_MAX + req->response_max;
	if (!put_head(c, req) ||
	    loop_timer_set(c->owner->o.loop, &c->timer, now_ms(c) + req->timeout_ms) != ERR_OK)
		return err_set(reterr, ERR_NOMEM, "no memory for a request");
	if (c->conn != NULL && quiet(c) && transmit(c) != IO_BROKEN)
		return ERR_OK;
	hang_up(c);
	return connect_it(c, reterr);
}

enum err_code httpc_post_start(struct httpc_poster *p, const struct httpc_post_request *req,
                               httpc_done_fn *done, void *arg, struct httpc_post **ret, struct err *reterr)
{
	struct httpc_post *c = take_idle(p);
	if (c == NULL && (c = calloc(1, sizeof *c)) == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for an HTTP call");
	list_push(&p->busy, &c->node);
	c->owner = p;
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
