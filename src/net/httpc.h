/* httpc.h - outgoing HTTP/1.1 on a loop (libcurl multi).  The only module that includes curl.h (httpc*).
 *
 * No redirects, no proxy from the environment, certificates checked, https or http only, every call bounded
 * in time and size.  Note: libcurl re-sends a request when a reused connection dies without an answer.
 * While the name service is silent one call at a time asks it, the others fail at once.
 * Calls are used again, at most HTTPC_IDLE_MAX are kept; connections stay open between them.
 * Threads  the loop's thread; httpc_global_start once before any thread. */
#pragma once
#include "base/str.h"
#include "loop/loop.h"

enum {
	HTTPC_IDLE_MAX = 32,    /* calls kept for the next ones */
	HTTPC_HEADERS_MAX = 15, /* lines of a request */
};

/* In place of a method: the call ends when it is connected, and is then a connection, see httpc_conn.h. */
#define HTTPC_CONNECT_ONLY "CONNECT_ONLY"

struct httpc;      /* opaque: connections of one loop */
struct httpc_call; /* opaque: one running call */

struct httpc_request {
	const char *method;         /* "GET", "POST"; borrowed for the call's start only, like all below */
	const char *url;            /* absolute, NUL-terminated */
	const char *const *headers; /* "Name: value", NULL-ended, at most HTTPC_HEADERS_MAX; NULL for none */
	struct str body;            /* copied */
	int64_t timeout_ms;         /* whole call */
	int64_t connect_ms;         /* until connected, TLS included; 0 takes 1000 */
	size_t response_max;        /* bytes of body; past it the call fails */
};

/* Borrowed until the callback returns.  code is ERR_OK when any HTTP answer came, whatever its status. */
struct httpc_response {
	enum err_code code; /* else ERR_TIMEOUT or ERR_UPSTREAM */
	const char *error;  /* libcurl's words when code is not ERR_OK; safe to log */
	long status;
	struct str head; /* of httpc_post.h's calls; else empty: use httpc_header */
	struct str body;
	unsigned sends; /* times the request was given to a connection; above 1 it may have been worked on
	                   twice */
	const struct httpc_call *call;
};
/* Value of a header of the answer, its first when there are several; empty when there is none. */
struct str httpc_header(const struct httpc_response *r, const char *name);
typedef void httpc_done_fn(void *arg, const struct httpc_response *r);

MUST_CHECK enum err_code httpc_global_start(struct err *reterr);
MUST_CHECK enum err_code httpc_new(struct loop *l, struct httpc **ret, struct err *reterr);
/* At most this many connections to a host, and kept open; 64 unless told.  Calls past them wait, in their
 * time. */
void httpc_connections(struct httpc *h, long most);
void httpc_free(struct httpc *h); /* cancels what runs; NULL is a no-op */
MUST_CHECK enum err_code httpc_start(struct httpc *h, const struct httpc_request *req, httpc_done_fn *done,
                                     void *arg, struct httpc_call **ret_call, struct err *reterr);
void httpc_cancel(struct httpc_call *c);

const char *httpc_version(void); /* of libcurl: "7.88.1" */
