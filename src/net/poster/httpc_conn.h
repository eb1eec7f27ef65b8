/* httpc_conn.h - a connection that libcurl opened (name look-up, TLS, its checks), for bytes of our own;
 * the files of net/ only.
 *
 * It is a call with `connect_only` whose callback said ERR_OK; httpc_cancel closes it. */
#pragma once
#include "net/private.h"

enum httpc_conn_io {
	HTTPC_CONN_OK,
	HTTPC_CONN_AGAIN,  /* not now: wait for the descriptor */
	HTTPC_CONN_CLOSED, /* by the peer, at the end of what it sent */
	HTTPC_CONN_BROKEN,
};

/* `ready` is called with EPOLL* bits from now on: for input, and after a send that could not go on for output
 * too.  False: no memory, or no place in epoll. */
MUST_CHECK bool httpc_conn_listen(struct httpc_call *c, httpc_ready_fn *ready, void *arg);
enum httpc_conn_io httpc_conn_send(struct httpc_call *c, struct str bytes, size_t *ret_sent);
enum httpc_conn_io httpc_conn_recv(struct httpc_call *c, char *p, size_t n, size_t *ret_got);
const char *httpc_conn_error(const struct httpc_call *c); /* libcurl's words for what broke; safe to log */
