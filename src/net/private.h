/* net/private.h - the HTTP client inside: calls, and the descriptors of libcurl; for the files of net/ only. */
#pragma once
#include <curl/curl.h>

#include "base/buf.h"
#include "base/list.h"
#include "net/httpc.h"

enum { HTTPC_LOOKUPS = 64 };

/* --- httpc_socket.c: the descriptors of libcurl in the loop's epoll
 *
 * libcurl names the descriptor of a connection when a transfer begins and drops it when the transfer ends.  Here a
 * connection stays in epoll, for input, until it is closed.  So a call on an open connection needs no epoll_ctl.  One
 * that becomes readable between two calls is taken out of epoll. */

struct httpc_sockets {
	struct loop *loop;
	CURLM *multi;
	struct list_node all;
	bool failed; /* libcurl is out of memory: its calls must be ended */
};

typedef void httpc_ready_fn(void *arg, uint32_t events);

void httpc_sockets_init(struct httpc_sockets *s, struct loop *l, CURLM *multi); /* sets multi's callback */
void httpc_sockets_done(struct httpc_sockets *s);                               /* after curl_multi_cleanup */
/* Let libcurl act on a descriptor, or on its timer (CURL_SOCKET_TIMEOUT). */
void httpc_sockets_act(struct httpc_sockets *s, curl_socket_t fd, int bits);
MUST_CHECK bool httpc_sockets_use(struct httpc_sockets *s, CURL *easy); /* for its new connections */
/* A connection that libcurl only opened: `ready` is called when it has input, until it is closed.  False: libcurl
 * has closed it, or it could not be added to epoll. */
MUST_CHECK bool httpc_sockets_lend(struct httpc_sockets *s, int fd, httpc_ready_fn *ready, void *arg);
void httpc_sockets_want(struct httpc_sockets *s, int fd, uint32_t events); /* of one that is lent */

/* --- httpc.c */

struct httpc_lookups {         /* of the hosts with one digest */
	size_t running;        /* calls that look the name up, or connect after it */
	int64_t hung_until_ms; /* a look-up hung recently; 0: none did */
};

struct httpc {
	struct loop *loop;
	CURLM *multi;
	struct httpc_sockets sockets;
	struct loop_source source;
	int64_t due_ms; /* libcurl's timer, monotonic; -1: none */
	struct list_node calls, idle;
	size_t idle_n;
	long connections; /* at most to a host, and kept */
	uint64_t started; /* calls */
	struct httpc_lookups lookups[HTTPC_LOOKUPS];
};

/* Kept after its end with its handle and buffers: to make and set up a handle costs more than a request. */
struct httpc_call {
	struct list_node node; /* in calls or idle */
	struct httpc *owner;
	CURL *easy;
	struct buf target;                             /* what the handle is set up for */
	struct buf head;                               /* header lines, each with its NUL */
	struct curl_slist line[1 + HTTPC_HEADERS_MAX]; /* into head */
	struct buf body, answer;
	size_t head_bytes; /* of the answer */
	httpc_done_fn *done;
	void *arg;
	unsigned sends;
	uint64_t number; /* by start, while libcurl works on it; else 0 */
	struct httpc_lookups *lookups;
	bool looking;
	int64_t looking_since_ms;
	bool connect_only;
	bool wants_output; /* of a connection with bytes still to be sent */
	char error[CURL_ERROR_SIZE];
};

void httpc_looked_up(struct httpc_call *c, bool hung); /* its look-up has ended; no look-up: a no-op */
