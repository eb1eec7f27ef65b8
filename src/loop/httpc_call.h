/* httpc_call.h - a call of the HTTP client from inside; loop/httpc*.c only. */
#pragma once
#include <curl/curl.h>

#include "base/buf.h"
#include "loop/httpc.h"

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
	bool looking;
	bool connect_only;
	bool wants_output; /* of a connection that is sent on */
	char error[CURL_ERROR_SIZE];
};

struct httpc_sockets *httpc_sockets_of(struct httpc *h);
