/* httpc_call.h - a call of the HTTP client from inside; the files of net/ only. */
#pragma once
#include <curl/curl.h>

#include "base/buf.h"
#include "net/httpc.h"
#include "net/httpc_socket.h"

struct httpc {
	struct loop *loop;
	CURLM *multi;
	struct httpc_sockets sockets;
	struct loop_source source;
	int64_t due_ms; /* libcurl's timer, monotonic; -1: none */
	struct list_node calls, idle;
	size_t idle_n;
	uint64_t started;      /* calls */
	size_t looking;        /* calls that look a name up, or connect after it */
	int64_t hung_until_ms; /* a look-up hung lately; 0: none did */
};

/* Kept after its end with its handle and buffers: to make and set up a handle costs more than a request. */
struct httpc_call {
	struct list_node node; /* in calls or idle */
	struct httpc *owner;
	CURL *easy;
	struct buf target;                             /* method and URL the handle is set up for */
	struct buf head;                               /* header lines, each with its NUL */
	struct curl_slist line[1 + HTTPC_HEADERS_MAX]; /* into head */
	struct buf body, answer;
	httpc_done_fn *done;
	void *arg;
	unsigned sends;
	uint64_t number; /* by start, while libcurl works on it; else 0 */
	bool looking;
	int64_t looking_since_ms;
	bool connect_only;
	bool wants_output; /* of a connection that is sent on */
	char error[CURL_ERROR_SIZE];
};

/* Sets the call's handle up for the request; one of the same method and URL finds most of it done.  False: no
 * memory, or too many headers. */
MUST_CHECK bool httpc_call_set(struct httpc_call *c, const struct httpc_request *req);
void httpc_looked_up(struct httpc_call *c, bool hung); /* its look-up has ended; without one a no-op */
bool httpc_found_nothing(const struct httpc_call *c);  /* no address yet */
