#include "net/poster/httpc_conn.h"

#include <sys/epoll.h>

#include "net/private.h"

static int descriptor(const struct httpc_call *c)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	return curl_easy_getinfo(c->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK ? fd : CURL_SOCKET_BAD;
}

bool httpc_conn_listen(struct httpc_call *c, httpc_ready_fn *ready, void *arg)
{
	return httpc_sockets_lend(&c->owner->sockets, descriptor(c), ready, arg);
}

static void want_output(struct httpc_call *c, bool wanted)
{
	if (wanted == c->wants_output)
		return;
	c->wants_output = wanted;
	httpc_sockets_want(&c->owner->sockets, descriptor(c), wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

enum httpc_conn_io httpc_conn_send(struct httpc_call *c, struct str bytes, size_t *ret_sent)
{
	*ret_sent = 0;
	CURLcode code = curl_easy_send(c->easy, bytes.p, bytes.n, ret_sent);
	if (code != CURLE_OK && code != CURLE_AGAIN)
		return HTTPC_CONN_BROKEN;
	want_output(c, *ret_sent < bytes.n);
	return *ret_sent < bytes.n ? HTTPC_CONN_AGAIN : HTTPC_CONN_OK;
}

enum httpc_conn_io httpc_conn_recv(struct httpc_call *c, char *p, size_t n, size_t *ret_got)
{
	*ret_got = 0;
	CURLcode code = curl_easy_recv(c->easy, p, n, ret_got);
	if (code == CURLE_AGAIN)
		return HTTPC_CONN_AGAIN;
	if (code != CURLE_OK)
		return HTTPC_CONN_BROKEN;
	return *ret_got == 0 ? HTTPC_CONN_CLOSED : HTTPC_CONN_OK;
}

const char *httpc_conn_error(const struct httpc_call *c)
{
	return c->error[0] != '\0' ? c->error : "the connection broke";
}
