/* httpc_socket.h - libcurl's descriptors in the loop's epoll; the files of net/ only.
 *
 * libcurl names a connection's descriptor when a transfer begins and drops it when the transfer ends.  Here a
 * connection stays in epoll, waiting for input, until it is closed, so that a call on an open connection
 * costs no epoll_ctl; one that becomes readable between two calls is taken out. */
#pragma once
#include <curl/curl.h>

#include "base/list.h"
#include "loop/loop.h"

struct httpc_sockets {
	struct loop *loop;
	CURLM *multi;
	struct list_node all;
	bool failed; /* libcurl, for want of memory: its calls must be ended */
};

typedef void httpc_ready_fn(void *arg, uint32_t events);

void httpc_sockets_init(struct httpc_sockets *s, struct loop *l, CURLM *multi); /* sets multi's callback */
void httpc_sockets_done(struct httpc_sockets *s);                               /* after curl_multi_cleanup */
/* Let libcurl act on a descriptor, or on its timer (CURL_SOCKET_TIMEOUT). */
void httpc_sockets_act(struct httpc_sockets *s, curl_socket_t fd, int bits);
MUST_CHECK bool httpc_sockets_use(struct httpc_sockets *s, CURL *easy); /* for its new connections */
/* A connection that libcurl only opened: `ready` hears of its input until it is closed.  False: libcurl has
 * no such connection any more, or epoll no place. */
MUST_CHECK bool httpc_sockets_lend(struct httpc_sockets *s, int fd, httpc_ready_fn *ready, void *arg);
void httpc_sockets_want(struct httpc_sockets *s, int fd, uint32_t events); /* of one that is lent */
