#include "loop/httpc.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "loop/httpc_answer.h"
#include "loop/httpc_call.h"
#include "loop/httpc_socket.h"

enum {
	CONNECT_MS = 1000,
	CONNECTIONS_MAX = 64,
	IDLE_S = 45,      /* reuse a connection idle for less: servers drop theirs at about 60 s */
	LIFETIME_S = 300, /* so that a changed DNS answer is followed */
	HANG_MS = 15000,  /* a look-up of a name that did not answer is taken to hang so long */
	TARGET_MAX = 8192,
	HEAD_MAX = 65536,
	BODY_MAX = 1 << 20,
	KEEP_BYTES = 16384, /* of a buffer between two calls */
};

struct httpc {
	struct loop *loop;
	CURLM *multi;
	struct httpc_sockets sockets;
	struct loop_source source;
	int64_t due_ms; /* libcurl's timer, monotonic; -1: none */
	struct list_node calls, idle;
	size_t idle_n;
	size_t looking;        /* calls that look a name up, or connect after it */
	int64_t hung_until_ms; /* a look-up hung lately; 0: none did */
};

enum err_code httpc_global_start(struct err *reterr)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(reterr, ERR_INTERNAL, "libcurl does not start");
	return ERR_OK;
}

static int on_timer(CURLM *multi, long wait_ms, void *arg)
{
	struct httpc *h = arg;
	(void)multi;
	h->due_ms = wait_ms < 0 ? -1 : loop_now_ms(h->loop) + wait_ms;
	return 0;
}

/* Each look-up has a thread and descriptors of its own, which go on long after a call that gave up: while the
 * name service is silent one looks at a time, the others fail at once. */
static int on_look_up(void *state, void *unused, void *arg)
{
	struct httpc_call *c = arg;
	struct httpc *h = c->owner;
	(void)state;
	(void)unused;
	if (h->looking > 0 && !c->looking && h->hung_until_ms > loop_now_ms(h->loop))
		return 1;
	h->looking += !c->looking;
	c->looking = true;
	return 0;
}

static void looked_up(struct httpc_call *c, bool hung)
{
	struct httpc *h = c->owner;
	if (!c->looking)
		return;
	c->looking = false;
	h->looking--;
	h->hung_until_ms = hung ? loop_now_ms(h->loop) + HANG_MS : 0;
}

static bool found_nothing(const struct httpc_call *c)
{
	curl_off_t us = 0;
	return curl_easy_getinfo(c->easy, CURLINFO_NAMELOOKUP_TIME_T, &us) == CURLE_OK && us == 0;
}

static void call_free(struct httpc_call *c)
{
	list_del(&c->node);
	if (c->easy != NULL)
		curl_easy_cleanup(c->easy);
	buf_done(&c->target);
	buf_done(&c->head);
	buf_done(&c->body);
	buf_done(&c->answer);
	free(c);
}

static void call_end(struct httpc_call *c)
{
	struct httpc *h = c->owner;
	if (c->looking) /* it is cancelled meanwhile */
		looked_up(c, found_nothing(c));
	(void)curl_multi_remove_handle(h->multi, c->easy);
	crypto_reset_buf(&c->head, KEEP_BYTES); /* they may hold keys */
	crypto_reset_buf(&c->body, KEEP_BYTES);
	crypto_reset_buf(&c->answer, KEEP_BYTES);
	list_del(&c->node);
	if (h->idle_n == HTTPC_IDLE_MAX) {
		call_free(c);
		return;
	}
	list_push(&h->idle, &c->node);
	h->idle_n++;
}

struct str httpc_header(const struct httpc_response *r, const char *name)
{
	struct curl_header *h = NULL;
	if (r->head.n > 0)
		return httpc_answer_header(r->head, name);
	if (r->call == NULL || curl_easy_header(r->call->easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return (struct str){NULL, 0};
	return str_c(h->value);
}

static void finish(struct httpc_call *c, CURLcode result)
{
	struct httpc_response r = {
	        .code = ERR_OK, .error = "", .body = buf_view(&c->answer), .sends = c->sends, .call = c};
	(void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &r.status);
	looked_up(c, result == CURLE_OPERATION_TIMEDOUT && found_nothing(c));
	if (result != CURLE_OK) {
		r.code = result == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_UPSTREAM;
		r.error = c->error[0] != '\0' ? c->error : curl_easy_strerror(result);
	}
	bool stays = result == CURLE_OK && c->connect_only;
	c->done(c->arg, &r);
	if (!stays)
		call_end(c);
}

/* A call into libcurl may send, receive and finish inside itself, after which no descriptor announces
 * anything: so its timer and its messages are looked at before every sleep. */
static bool settle(struct loop_source *s)
{
	struct httpc *h = LIST_ENTRY(s, struct httpc, source);
	bool again = false;
	int running, left;
	if (h->due_ms >= 0 && h->due_ms <= loop_now_ms(h->loop)) {
		h->due_ms = -1;
		(void)curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
		again = true;
	}
	for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left)) != NULL; again = true) {
		struct httpc_call *c = NULL;
		CURLcode result = m->data.result;
		if (m->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c) == CURLE_OK)
			finish(c, result);
	}
	return again;
}

static int64_t due_ms(struct loop_source *s)
{
	return LIST_ENTRY(s, struct httpc, source)->due_ms;
}

void httpc_connections(struct httpc *h, long most)
{
	(void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, most);
	(void)curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, most);
}

enum err_code httpc_new(struct loop *l, struct httpc **ret, struct err *reterr)
{
	struct httpc *h = calloc(1, sizeof *h);
	if (h == NULL || (h->multi = curl_multi_init()) == NULL) {
		free(h);
		return err_set(reterr, ERR_NOMEM, "no memory for the HTTP client");
	}
	h->loop = l;
	h->due_ms = -1;
	h->source = (struct loop_source){.settle = settle, .due_ms = due_ms};
	list_init(&h->calls);
	list_init(&h->idle);
	httpc_sockets_init(&h->sockets, l, h->multi);
	(void)curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	(void)curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	httpc_connections(h, CONNECTIONS_MAX);
	loop_source_add(l, &h->source);
	*ret = h;
	return ERR_OK;
}

void httpc_free(struct httpc *h)
{
	if (h == NULL)
		return;
	while (!list_empty(&h->calls))
		call_end(LIST_ENTRY(h->calls.next, struct httpc_call, node));
	loop_source_del(&h->source);
	while (!list_empty(&h->idle))
		call_free(LIST_ENTRY(h->idle.next, struct httpc_call, node));
	(void)curl_multi_cleanup(h->multi);
	httpc_sockets_done(&h->sockets);
	free(h);
}

struct httpc_sockets *httpc_sockets_of(struct httpc *h)
{
	return &h->sockets;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct httpc_call *c = arg;
	buf_put(&c->answer, p, size * n);
	return c->answer.failed ? 0 : size * n;
}

/* Before each request on a connection, the silent repetitions of libcurl too. */
static int on_send(void *arg, char *peer, char *own, int peer_port, int own_port)
{
	struct httpc_call *c = arg;
	(void)peer;
	(void)own;
	(void)peer_port;
	(void)own_port;
	c->sends++;
	looked_up(c, false);
	return CURL_PREREQFUNC_OK;
}

/* QUICK_EXIT: else a silent DNS server holds the thread when a call ends; NOSIGNAL: threads. */
static bool set_bounds(CURL *e)
{
	return curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, (long)IDLE_S) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_MAXLIFETIME_CONN, (long)LIFETIME_S) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
}

static bool set_callbacks(struct httpc_call *c)
{
	CURL *e = c->easy;
	return curl_easy_setopt(e, CURLOPT_PRIVATE, c) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_WRITEDATA, c) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_send) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PREREQDATA, c) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_RESOLVER_START_FUNCTION, on_look_up) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_RESOLVER_START_DATA, c) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->error) == CURLE_OK &&
	       httpc_sockets_use(&c->owner->sockets, e);
}

static bool set_target(struct httpc_call *c, const struct httpc_request *req)
{
	CURL *e = c->easy;
	buf_reset(&c->target);
	curl_easy_reset(e);
	bool ok = set_bounds(e) && set_callbacks(c) && curl_easy_setopt(e, CURLOPT_URL, req->url) == CURLE_OK;
	c->connect_only = strcmp(req->method, HTTPC_CONNECT_ONLY) == 0;
	if (ok && c->connect_only)
		ok = curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK;
	else if (ok && strcmp(req->method, "POST") == 0)
		ok = curl_easy_setopt(e, CURLOPT_POST, 1L) == CURLE_OK;
	else if (ok && strcmp(req->method, "GET") != 0)
		ok = curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, req->method) == CURLE_OK;
	buf_z(&c->target, req->method);
	buf_z(&c->target, " ");
	buf_z(&c->target, req->url);
	return ok && !c->target.failed;
}

/* The lines as libcurl's list, in memory of the call's own. */
static bool set_headers(struct httpc_call *c, const char *const *headers)
{
	size_t at[1 + HTTPC_HEADERS_MAX], n = 0;
	at[n++] = 0;
	buf_put(&c->head, "Expect:", sizeof "Expect:");
	for (; headers != NULL && *headers != NULL; headers++) {
		if (n == 1 + HTTPC_HEADERS_MAX)
			return false;
		at[n++] = c->head.len;
		buf_put(&c->head, *headers, strlen(*headers) + 1);
	}
	if (c->head.failed)
		return false;
	for (size_t i = 0; i < n; i++)
		c->line[i] = (struct curl_slist){c->head.p + at[i], i + 1 < n ? &c->line[i + 1] : NULL};
	return curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->line) == CURLE_OK;
}

static bool set_request(struct httpc_call *c, const struct httpc_request *req)
{
	long connect_ms = req->connect_ms > 0 ? (long)req->connect_ms : (long)CONNECT_MS;
	buf_str(&c->body, req->body);
	return !c->body.failed && set_headers(c, req->headers) &&
	       curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE, (long)c->body.len) == CURLE_OK &&
	       (strcmp(req->method, "POST") != 0 ||
	        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->body.p) == CURLE_OK) &&
	       curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)req->timeout_ms) == CURLE_OK &&
	       curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) == CURLE_OK;
}

static bool set_up_for(const struct httpc_call *c, const struct httpc_request *req)
{
	size_t n = strlen(req->method);
	struct str have = buf_view(&c->target);
	return have.n > n && str_starts(have, str_c(req->method)) && have.p[n] == ' ' &&
	       strcmp(have.p + n + 1, req->url) == 0;
}

static struct httpc_call *call_new(struct httpc *h)
{
	struct httpc_call *c = calloc(1, sizeof *c);
	if (c == NULL || (c->easy = curl_easy_init()) == NULL) {
		free(c);
		return NULL;
	}
	c->owner = h;
	buf_init(&c->target, TARGET_MAX);
	buf_init(&c->head, HEAD_MAX);
	buf_init(&c->body, BODY_MAX);
	return c;
}

static struct httpc_call *call_take(struct httpc *h)
{
	struct httpc_call *c = NULL;
	if (h->idle_n > 0) {
		c = LIST_ENTRY(h->idle.prev, struct httpc_call, node);
		list_del(&c->node);
		h->idle_n--;
	} else
		c = call_new(h);
	if (c != NULL)
		list_push(&h->calls, &c->node);
	return c;
}

enum err_code httpc_start(struct httpc *h, const struct httpc_request *req, httpc_done_fn *done, void *arg,
                          struct httpc_call **ret_call, struct err *reterr)
{
	struct httpc_call *c = call_take(h);
	if (c == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for an HTTP call");
	c->done = done;
	c->arg = arg;
	c->sends = 0;
	c->wants_output = false;
	c->error[0] = '\0';
	c->answer.max = req->response_max;
	if ((!set_up_for(c, req) && !set_target(c, req)) || !set_request(c, req) ||
	    curl_multi_add_handle(h->multi, c->easy) != CURLM_OK) {
		buf_reset(&c->target);
		call_end(c);
		return err_set(reterr, ERR_NOMEM, "libcurl does not take the call");
	}
	*ret_call = c;
	return ERR_OK;
}

void httpc_cancel(struct httpc_call *c)
{
	call_end(c);
}

const char *httpc_version(void)
{
	return curl_version_info(CURLVERSION_NOW)->version;
}
