#include "loop/httpc.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/buf.h"
#include "base/crypto.h"

enum {
	CONNECT_MS = 1000,
	CONNECTIONS_MAX = 64,
	IDLE_S = 45,      /* reuse a connection idle for less: servers drop theirs at about 60 s */
	LIFETIME_S = 300, /* so that a changed DNS answer is followed */
};

struct httpc {
	struct loop *loop;
	CURLM *multi;
	struct loop_source source;
	int64_t due_ms; /* libcurl's timer, monotonic; -1: none */
	struct list_node calls;
	CURL *idle[HTTPC_IDLE_MAX];
	size_t idle_n;
};

struct httpc_call {
	struct list_node node;
	struct httpc *owner;
	CURL *easy;
	struct curl_slist *headers;
	struct buf answer;
	httpc_done_fn *done;
	void *arg;
	unsigned sends;
	char error[CURL_ERROR_SIZE];
};

struct socket { /* one descriptor libcurl asked us to watch */
	struct loop_watch watch;
	struct httpc *owner;
};

enum err_code httpc_global_start(struct err *reterr)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(reterr, ERR_INTERNAL, "libcurl does not start");
	return ERR_OK;
}

static void socket_ready(struct loop_watch *w, uint32_t events)
{
	struct socket *s = LIST_ENTRY(w, struct socket, watch);
	int running, bits = 0;
	if (events & EPOLLIN)
		bits |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		bits |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		bits |= CURL_CSELECT_ERR;
	(void)curl_multi_socket_action(s->owner->multi, w->fd, bits, &running);
}

static void socket_drop(struct httpc *h, struct socket *s)
{
	if (s == NULL)
		return;
	loop_watch_del(h->loop, &s->watch);
	(void)curl_multi_assign(h->multi, s->watch.fd, NULL);
	free(s);
}

static int socket_add(struct httpc *h, curl_socket_t fd, uint32_t bits)
{
	struct socket *s = calloc(1, sizeof *s);
	if (s == NULL)
		return -1;
	*s = (struct socket){.watch = {.fd = fd, .fn = socket_ready}, .owner = h};
	if (loop_watch_add(h->loop, &s->watch, bits, NULL) != ERR_OK) {
		free(s);
		return -1;
	}
	(void)curl_multi_assign(h->multi, fd, s);
	return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *owner, void *assigned)
{
	struct socket *s = assigned;
	uint32_t bits = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
	                (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		socket_drop(owner, s);
		return 0;
	}
	if (s == NULL)
		return socket_add(owner, fd, bits);
	return loop_watch_mod(s->owner->loop, &s->watch, bits) == ERR_OK ? 0 : -1;
}

static int on_timer(CURLM *multi, long wait_ms, void *arg)
{
	struct httpc *h = arg;
	(void)multi;
	h->due_ms = wait_ms < 0 ? -1 : loop_now_ms(h->loop) + wait_ms;
	return 0;
}

/* A handle costs 10 KiB and many allocations: the bounded few of the last calls are kept. */
static CURL *handle_take(struct httpc *h)
{
	return h->idle_n > 0 ? h->idle[--h->idle_n] : curl_easy_init();
}

static void handle_give(struct httpc *h, CURL *easy)
{
	(void)curl_multi_remove_handle(h->multi, easy);
	if (h->idle_n == HTTPC_IDLE_MAX) {
		curl_easy_cleanup(easy);
		return;
	}
	curl_easy_reset(easy);
	h->idle[h->idle_n++] = easy;
}

static void call_free(struct httpc_call *c)
{
	list_del(&c->node);
	if (c->easy != NULL)
		handle_give(c->owner, c->easy);
	curl_slist_free_all(c->headers);
	crypto_wipe(c->answer.p, c->answer.cap); /* it may hold keys */
	buf_done(&c->answer);
	free(c);
}

struct str httpc_header(const struct httpc_response *r, const char *name)
{
	struct curl_header *h = NULL;
	if (r->call == NULL || curl_easy_header(r->call->easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return (struct str){NULL, 0};
	return str_c(h->value);
}

static void finish(struct httpc_call *c, CURLcode result)
{
	struct httpc_response r = {
	        .code = ERR_OK, .error = "", .body = buf_view(&c->answer), .sends = c->sends, .call = c};
	(void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &r.status);
	if (result != CURLE_OK) {
		r.code = result == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_UPSTREAM;
		r.error = c->error[0] != '\0' ? c->error : curl_easy_strerror(result);
	}
	c->done(c->arg, &r);
	call_free(c);
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
	(void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	(void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
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
		call_free(LIST_ENTRY(h->calls.next, struct httpc_call, node));
	loop_source_del(&h->source);
	while (h->idle_n > 0)
		curl_easy_cleanup(h->idle[--h->idle_n]);
	(void)curl_multi_cleanup(h->multi);
	free(h);
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
	return CURL_PREREQFUNC_OK;
}

/* QUICK_EXIT: else a silent DNS server holds the thread when a call ends; NOSIGNAL: threads. */
static bool set_bounds(CURL *e, const struct httpc_request *req)
{
	return curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, (long)IDLE_S) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_MAXLIFETIME_CONN, (long)LIFETIME_S) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)req->timeout_ms) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
	                        req->connect_ms > 0 ? (long)req->connect_ms : (long)CONNECT_MS) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
}

static bool add_headers(struct httpc_call *c, const char *const *headers)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	for (; list != NULL && headers != NULL && *headers != NULL; headers++) {
		struct curl_slist *longer = curl_slist_append(list, *headers);
		if (longer == NULL)
			break;
		list = longer;
	}
	c->headers = list;
	return list != NULL && (headers == NULL || *headers == NULL) &&
	       curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, list) == CURLE_OK;
}

static bool set_request(struct httpc_call *c, const struct httpc_request *req)
{
	CURL *e = c->easy;
	bool ok = curl_easy_setopt(e, CURLOPT_URL, req->url) == CURLE_OK &&
	          curl_easy_setopt(e, CURLOPT_PRIVATE, c) == CURLE_OK &&
	          curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	          curl_easy_setopt(e, CURLOPT_WRITEDATA, c) == CURLE_OK &&
	          curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_send) == CURLE_OK &&
	          curl_easy_setopt(e, CURLOPT_PREREQDATA, c) == CURLE_OK &&
	          curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->error) == CURLE_OK &&
	          add_headers(c, req->headers);
	if (ok && strcmp(req->method, "POST") == 0)
		ok = curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)req->body.n) == CURLE_OK &&
		     curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, req->body.n > 0 ? req->body.p : "") ==
		             CURLE_OK;
	else if (ok && strcmp(req->method, "GET") != 0)
		ok = curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, req->method) == CURLE_OK;
	return ok;
}

enum err_code httpc_start(struct httpc *h, const struct httpc_request *req, httpc_done_fn *done, void *arg,
                          struct httpc_call **ret_call, struct err *reterr)
{
	struct httpc_call *c = calloc(1, sizeof *c);
	if (c == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for an HTTP call");
	*c = (struct httpc_call){.owner = h, .done = done, .arg = arg};
	buf_init(&c->answer, req->response_max);
	list_push(&h->calls, &c->node);
	c->easy = handle_take(h);
	if (c->easy == NULL || !set_bounds(c->easy, req) || !set_request(c, req) ||
	    curl_multi_add_handle(h->multi, c->easy) != CURLM_OK) {
		call_free(c);
		return err_set(reterr, ERR_NOMEM, "libcurl does not take the call");
	}
	*ret_call = c;
	return ERR_OK;
}

void httpc_cancel(struct httpc_call *c)
{
	call_free(c);
}

const char *httpc_version(void)
{
	return curl_version_info(CURLVERSION_NOW)->version;
}
