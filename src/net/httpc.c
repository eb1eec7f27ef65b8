#include "net/httpc.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "net/poster/httpc_answer.h"
#include "net/private.h"

enum {
	CONNECTIONS_MAX = 64,
	TARGET_PARTS = 4, /* method, URL, schemes, CA file */
	TARGET_MAX = 8192,
	LINES_MAX = 65536, /* header lines of a request */
	BODY_MAX = 1 << 20,
	KEEP_BYTES = 16384, /* of a buffer between two calls */
	CONNECT_MS = 1000,
	IDLE_S = 45,      /* an idle connection is used again: servers close theirs at about 60 s */
	LIFETIME_S = 300, /* then it is replaced, so that a changed address is followed */
	HANG_MS = 15000,  /* for this time a host whose look-up hung counts as hanging */
	SILENT_MS = 500,  /* a look-up that ended sooner did not hang */
};

enum err_code httpc_global_start(struct err *reterr)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(reterr, ERR_INTERNAL, "libcurl does not start");
	return ERR_OK;
}

/* --- name look-ups */

/* Of a host.  Hosts with the same digest share them, and can delay each other's look-ups. */
static struct httpc_lookups *lookups_of(struct httpc *h, const char *url)
{
	static const uint8_t no_key[CRYPTO_SIPHASH_KEY_LEN];
	const char *scheme_end = strstr(url, "://"), *host = scheme_end == NULL ? url : scheme_end + 3;
	return &h->lookups[crypto_siphash(no_key, (struct str){host, strcspn(host, "/?#")}) % HTTPC_LOOKUPS];
}

/* Each look-up has a thread and descriptors of its own, which stay after its call has ended.  So while the name
 * service is silent about a host, one call at a time asks for it and the others fail at once. */
static int on_look_up(void *state, void *unused, void *arg)
{
	struct httpc_call *c = arg;
	int64_t now_ms = loop_now_ms(c->owner->loop);
	(void)state;
	(void)unused;
	if (c->looking)
		return 0;
	if (c->lookups->running > 0 && c->lookups->hung_until_ms > now_ms)
		return 1;
	c->looking = true;
	c->looking_since_ms = now_ms;
	c->lookups->running++;
	return 0;
}

void httpc_looked_up(struct httpc_call *c, bool hung)
{
	if (!c->looking)
		return;
	c->looking = false;
	c->lookups->running--;
	int64_t now_ms = loop_now_ms(c->owner->loop);
	if (!hung)
		c->lookups->hung_until_ms = 0;
	else if (now_ms - c->looking_since_ms >= SILENT_MS)
		c->lookups->hung_until_ms = now_ms + HANG_MS;
}

static bool found_nothing(const struct httpc_call *c)
{
	curl_off_t us = 0;
	return curl_easy_getinfo(c->easy, CURLINFO_NAMELOOKUP_TIME_T, &us) == CURLE_OK && us == 0;
}

/* --- the end of a call */

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
	crypto_wipe_buf(&c->target); /* an address may carry a proof or a linking token */
	buf_done(&c->head);
	buf_done(&c->body);
	buf_done(&c->answer);
	free(c);
}

static void call_end(struct httpc_call *c)
{
	struct httpc *h = c->owner;
	if (c->looking) /* it was cancelled during its look-up */
		httpc_looked_up(c, found_nothing(c));
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
		return httpc_answer_header(r->head, name);
	if (r->call == NULL || curl_easy_header(r->call->easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return (struct str){NULL, 0};
	return str_c(h->value);
}

static long info(const struct httpc_call *c, CURLINFO what)
{
	long value = 0;
	return curl_easy_getinfo(c->easy, what, &value) == CURLE_OK ? value : 0;
}

static enum httpc_fault fault_of(const struct httpc_call *c, CURLcode result)
{
	enum { NONE = 1, NOT_YET_VALID = 9, EXPIRED = 10 }; /* X509_V_ERR_...; NONE: the chain is right */
	curl_off_t connected_us = 0;
	long verdict = info(c, CURLINFO_SSL_VERIFYRESULT);
	switch (result) {
	case CURLE_OK: return HTTPC_NO_FAULT;
	case CURLE_COULDNT_RESOLVE_HOST: return HTTPC_NO_NAME;
	case CURLE_COULDNT_CONNECT: return HTTPC_NO_CONNECTION;
	case CURLE_OPERATION_TIMEDOUT:
		(void)curl_easy_getinfo(c->easy, CURLINFO_CONNECT_TIME_T, &connected_us);
		return connected_us == 0 ? HTTPC_NO_CONNECTION : HTTPC_NO_ANSWER;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CLIENTCERT: return HTTPC_NO_TLS;
	case CURLE_PEER_FAILED_VERIFICATION:
		if (verdict == NOT_YET_VALID || verdict == EXPIRED)
			return HTTPC_CERT_TIME;
		return verdict <= NONE ? HTTPC_CERT_NAME : HTTPC_CERT_ISSUER;
	case CURLE_UNSUPPORTED_PROTOCOL: /* the answer is not HTTP/1 */
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_PARTIAL_FILE:
	case CURLE_WRITE_ERROR: /* past a limit */
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR: return HTTPC_NO_ANSWER;
	default: return HTTPC_LOCAL;
	}
}

static void finish(struct httpc_call *c, CURLcode result)
{
	struct httpc_response r = {
	        .code = ERR_OK, .error = "", .body = buf_view(&c->answer), .sends = c->sends, .call = c};
	r.status = info(c, CURLINFO_RESPONSE_CODE);
	r.fault = fault_of(c, result);
	httpc_looked_up(c, result == CURLE_OPERATION_TIMEDOUT && found_nothing(c));
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

/* Out of memory, libcurl 7.88 does not set its timer, by which every call ends, and its tables are not usable any
 * more.  So all calls it works on are ended. */
static void end_running(struct httpc *h)
{
	uint64_t last = h->started;
	h->sockets.failed = false;
	for (struct httpc_call *c; (c = first_running(h, last)) != NULL;)
		finish(c, CURLE_OUT_OF_MEMORY);
}

/* A call into libcurl may send, receive and finish in itself, and no descriptor shows that afterwards.  So the timer
 * and the messages of libcurl are read before every sleep. */
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

static void limit_connections(struct httpc *h)
{
	(void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, h->connections);
	(void)curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, h->connections);
}

void httpc_add_connections(struct httpc *h, long n)
{
	h->connections += n;
	if (h->multi != NULL)
		limit_connections(h);
}

/* At the first call: the handle has descriptors that libcurl does not mark close-on-exec, and many programs make
 * no call at all. */
static bool make_multi(struct httpc *h)
{
	if (h->multi != NULL)
		return true;
	if ((h->multi = curl_multi_init()) == NULL)
		return false;
	httpc_sockets_init(&h->sockets, h->loop, h->multi);
	(void)curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	(void)curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	limit_connections(h);
	loop_source_add(h->loop, &h->source);
	return true;
}

enum err_code httpc_new(struct loop *l, struct httpc **ret, struct err *reterr)
{
	struct httpc *h = calloc(1, sizeof *h);
	if (h == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for the HTTP client");
	h->loop = l;
	h->connections = CONNECTIONS_MAX;
	h->due_ms = -1;
	h->source = (struct loop_source){.settle = settle, .due_ms = due_ms};
	list_init(&h->calls);
	list_init(&h->idle);
	*ret = h;
	return ERR_OK;
}

void httpc_free(struct httpc *h)
{
	if (h == NULL)
		return;
	while (!list_empty(&h->calls))
		call_end(LIST_ENTRY(h->calls.next, struct httpc_call, node));
	while (!list_empty(&h->idle))
		call_free(LIST_ENTRY(h->idle.next, struct httpc_call, node));
	if (h->multi != NULL) {
		loop_source_del(&h->source);
		(void)curl_multi_cleanup(h->multi);
		httpc_sockets_done(&h->sockets);
	}
	free(h);
}

/* --- the start of a call */

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct httpc_call *c = arg;
	buf_put(&c->answer, p, size * n);
	return c->answer.failed ? 0 : size * n;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct httpc_call *c = arg;
	(void)p;
	c->head_bytes += size * n;
	return c->head_bytes > HTTPC_HEAD_MAX ? 0 : size * n;
}

/* Before each request on a connection, also before those that libcurl repeats by itself. */
static int on_send(void *arg, char *peer, char *own, int peer_port, int own_port)
{
	struct httpc_call *c = arg;
	(void)peer;
	(void)own;
	(void)peer_port;
	(void)own_port;
	c->sends++;
	httpc_looked_up(c, false);
	return CURL_PREREQFUNC_OK;
}

/* QUICK_EXIT: without it a silent name service blocks the thread when a call ends.  NOSIGNAL: there are threads. */
static bool set_bounds(CURL *e)
{
	return curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, (long)IDLE_S) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_MAXLIFETIME_CONN, (long)LIFETIME_S) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
}

static bool set_callbacks(struct httpc_call *c)
{
	CURL *e = c->easy;
	return curl_easy_setopt(e, CURLOPT_PRIVATE, c) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_WRITEDATA, c) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_HEADERDATA, c) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_send) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_PREREQDATA, c) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_RESOLVER_START_FUNCTION, on_look_up) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_RESOLVER_START_DATA, c) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->error) == CURLE_OK &&
	       httpc_sockets_use(&c->owner->sockets, e);
}

/* What a handle is set up for; calls that differ in the rest only can share the set-up. */
static void target_of(const struct httpc_request *req, const char *ret[TARGET_PARTS])
{
	ret[0] = req->method;
	ret[1] = req->url;
	ret[2] = req->allow_http ? "http,https" : "https";
	ret[3] = req->ca_file != NULL ? req->ca_file : "";
}

static bool is_set_up(const struct httpc_call *c, const char *const part[TARGET_PARTS])
{
	struct str have = buf_view(&c->target);
	for (size_t i = 0; i < TARGET_PARTS; i++) {
		size_t n = strlen(part[i]) + 1;
		if (have.n < n || memcmp(have.p, part[i], n) != 0)
			return false;
		have = (struct str){have.p + n, have.n - n};
	}
	return have.n == 0;
}

static bool set_method(struct httpc_call *c, const char *method)
{
	c->connect_only = strcmp(method, HTTPC_CONNECT_ONLY) == 0;
	if (c->connect_only)
		return curl_easy_setopt(c->easy, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK;
	if (strcmp(method, "POST") == 0)
		return curl_easy_setopt(c->easy, CURLOPT_POST, 1L) == CURLE_OK;
	return strcmp(method, "GET") == 0 ||
	       curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
}

/* The system's certificates are in a file, a folder, or both. */
static bool set_ca(CURL *e, const char *file)
{
	return file == NULL || (curl_easy_setopt(e, CURLOPT_CAINFO, file) == CURLE_OK &&
	                        curl_easy_setopt(e, CURLOPT_CAPATH, NULL) == CURLE_OK);
}

static bool set_target(struct httpc_call *c, const struct httpc_request *req)
{
	CURL *e = c->easy;
	const char *part[TARGET_PARTS];
	target_of(req, part);
	if (is_set_up(c, part))
		return true;
	crypto_reset_buf(&c->target, TARGET_MAX);
	curl_easy_reset(e);
	bool ok = set_bounds(e) && set_callbacks(c) && set_method(c, req->method) &&
	          set_ca(e, req->ca_file) && curl_easy_setopt(e, CURLOPT_URL, req->url) == CURLE_OK &&
	          curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, part[2]) == CURLE_OK;
	for (size_t i = 0; i < TARGET_PARTS; i++)
		buf_put(&c->target, part[i], strlen(part[i]) + 1);
	return ok && !c->target.failed;
}

/* The header lines as libcurl's list, in memory of the call. */
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
	       curl_easy_setopt(c->easy, CURLOPT_FRESH_CONNECT, req->fresh ? 1L : 0L) == CURLE_OK &&
	       curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)req->timeout_ms) == CURLE_OK &&
	       curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) == CURLE_OK;
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
	buf_init(&c->head, LINES_MAX);
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
	struct httpc_call *c = make_multi(h) ? call_take(h) : NULL;
	if (c == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for an HTTP call");
	c->done = done;
	c->arg = arg;
	c->sends = 0;
	c->head_bytes = 0;
	c->wants_output = false;
	c->lookups = lookups_of(h, req->url);
	c->error[0] = '\0';
	c->answer.max = req->response_max;
	if (!set_target(c, req) || !set_request(c, req) ||
	    curl_multi_add_handle(h->multi, c->easy) != CURLM_OK) {
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
