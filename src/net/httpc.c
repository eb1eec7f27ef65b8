#include "net/httpc.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "net/httpc_call.h"
#include "net/httpc_socket.h"
#include "net/poster/httpc_head.h"

enum {
	CONNECTIONS_MAX = 64,
	TARGET_MAX = 8192,
	HEAD_MAX = 65536,
	BODY_MAX = 1 << 20,
	KEEP_BYTES = 16384, /* of a buffer between two calls */
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
		httpc_looked_up(c, httpc_found_nothing(c));
	(void)curl_multi_remove_handle(h->multi, c->easy);
	c->number = 0;
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
		return httpc_head_header(r->head, name);
	if (r->call == NULL || curl_easy_header(r->call->easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return (struct str){NULL, 0};
	return str_c(h->value);
}

static void finish(struct httpc_call *c, CURLcode result)
{
	struct httpc_response r = {
	        .code = ERR_OK, .error = "", .body = buf_view(&c->answer), .sends = c->sends, .call = c};
	(void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &r.status);
	httpc_looked_up(c, result == CURLE_OPERATION_TIMEDOUT && httpc_found_nothing(c));
	if (result != CURLE_OK) {
		r.code = result == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_UPSTREAM;
		r.error = c->error[0] != '\0' ? c->error : curl_easy_strerror(result);
	}
	bool stays = result == CURLE_OK && c->connect_only;
	c->number = 0;
	c->done(c->arg, &r);
	if (!stays)
		call_end(c);
}

static struct httpc_call *first_running(const struct httpc *h, uint64_t last)
{
	for (struct list_node *n = h->calls.next; n != &h->calls; n = n->next) {
		struct httpc_call *c = LIST_ENTRY(n, struct httpc_call, node);
		if (c->number > 0 && c->number <= last)
			return c;
	}
	return NULL;
}

/* Without memory libcurl 7.88 neither sets its timer, by which every call ends, nor leaves its tables as it
 * may use them again: what it works on is taken from it. */
static void end_running(struct httpc *h)
{
	uint64_t last = h->started;
	h->sockets.failed = false;
	for (struct httpc_call *c; (c = first_running(h, last)) != NULL;)
		finish(c, CURLE_OUT_OF_MEMORY);
}

/* A call into libcurl may send, receive and finish inside itself, after which no descriptor announces
 * anything: so its timer and its messages are looked at before every sleep. */
static bool settle(struct loop_source *s)
{
	struct httpc *h = LIST_ENTRY(s, struct httpc, source);
	bool again = false;
	int left;
	if (h->due_ms >= 0 && h->due_ms <= loop_now_ms(h->loop)) {
		h->due_ms = -1;
		httpc_sockets_act(&h->sockets, CURL_SOCKET_TIMEOUT, 0);
		again = true;
	}
	for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left)) != NULL; again = true) {
		struct httpc_call *c = NULL;
		CURLcode result = m->data.result;
		if (m->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c) == CURLE_OK)
			finish(c, result);
	}
	if (h->sockets.failed) {
		end_running(h);
		again = true;
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
	if (!httpc_call_set(c, req) || curl_multi_add_handle(h->multi, c->easy) != CURLM_OK) {
		buf_reset(&c->target);
		call_end(c);
		return err_set(reterr, ERR_NOMEM, "libcurl does not take the call");
	}
	c->number = ++h->started;
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
