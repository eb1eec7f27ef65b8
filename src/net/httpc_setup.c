#include <string.h>

#include "net/httpc_call.h"

enum {
	CONNECT_MS = 1000,
	IDLE_S = 45,      /* reuse a connection idle for less: servers drop theirs at about 60 s */
	LIFETIME_S = 300, /* so that a changed DNS answer is followed */
	HANG_MS = 15000,  /* a look-up of a name that did not answer is taken to hang so long */
	SILENT_MS = 500,  /* one that was given up sooner tells nothing */
};

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
	if (!c->looking)
		c->looking_since_ms = loop_now_ms(h->loop);
	h->looking += !c->looking;
	c->looking = true;
	return 0;
}

void httpc_looked_up(struct httpc_call *c, bool hung)
{
	struct httpc *h = c->owner;
	if (!c->looking)
		return;
	c->looking = false;
	h->looking--;
	int64_t now_ms = loop_now_ms(h->loop);
	if (!hung)
		h->hung_until_ms = 0;
	else if (now_ms - c->looking_since_ms >= SILENT_MS)
		h->hung_until_ms = now_ms + HANG_MS;
}

bool httpc_found_nothing(const struct httpc_call *c)
{
	curl_off_t us = 0;
	return curl_easy_getinfo(c->easy, CURLINFO_NAMELOOKUP_TIME_T, &us) == CURLE_OK && us == 0;
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
	httpc_looked_up(c, false);
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

bool httpc_call_set(struct httpc_call *c, const struct httpc_request *req)
{
	return (set_up_for(c, req) || set_target(c, req)) && set_request(c, req);
}
