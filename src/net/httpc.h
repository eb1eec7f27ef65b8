/* httpc.h - all outgoing HTTP/1.1 of a loop, on libcurl multi.
 *
 * A loop has one client: a worker's is in struct service.  It follows no redirects, uses no proxy of the environment,
 * checks certificates, and limits every call in time and size.  It logs nothing, so headers and bodies may be secret.
 * libcurl sends a request again when a reused connection ends without an answer.  While DNS does not answer for a host,
 * one call at a time looks the host up; other calls to it fail at once.
 * At most HTTPC_IDLE_MAX ended calls are kept for the next ones.  Connections stay open between calls.
 * Threads  the loop's thread; httpc_global_start once before any thread. */
#pragma once
#include "base/str.h"
#include "loop/loop.h"

enum {
	HTTPC_IDLE_MAX = 32,    /* calls kept for the next ones */
	HTTPC_HEADERS_MAX = 15, /* lines of a request */
	HTTPC_HEAD_MAX =
	        65536, /* bytes of the status line and headers of an answer; past it the call fails */
};

/* In place of a method: the call ends when it is connected, and is then a connection (poster/httpc_conn.h). */
#define HTTPC_CONNECT_ONLY "CONNECT_ONLY"

struct httpc;      /* opaque: connections of one loop */
struct httpc_call; /* opaque: one running call */

struct httpc_request {
	const char *method;         /* "GET", "POST"; borrowed for the call's start only, like all below */
	const char *url;            /* absolute, NUL-terminated */
	const char *const *headers; /* "Name: value", NULL-ended, at most HTTPC_HEADERS_MAX; NULL for none */
	struct str body;            /* copied */
	bool fresh;                 /* on a new connection, on which libcurl never repeats it */
	bool allow_http;            /* else the URL must be https */
	const char *ca_file;        /* PEM: only these authorities are trusted; NULL: those of the system */
	int64_t timeout_ms;         /* whole call */
	int64_t connect_ms;         /* until connected, TLS included; 0 takes 1000 */
	size_t response_max;        /* bytes of body; past it the call fails */
};

/* Why a call has no answer. */
enum httpc_fault {
	HTTPC_NO_FAULT,
	HTTPC_NO_NAME,       /* the name of the host does not resolve */
	HTTPC_NO_CONNECTION, /* refused, unreachable, or not connected in time */
	HTTPC_NO_ANSWER,     /* connected, but no whole answer came in time, or none within the limits */
	HTTPC_NO_TLS,        /* the handshake failed, not because of the certificate */
	HTTPC_CERT_TIME,     /* the certificate is expired, or not valid yet */
	HTTPC_CERT_ISSUER,   /* its chain does not lead to an authority that is trusted */
	HTTPC_CERT_NAME,     /* it is for another name */
	HTTPC_LOCAL,         /* this side cannot make the call: a file of authorities, memory; see `error` */
};

/* Borrowed until the callback returns.  code is ERR_OK when any HTTP answer came, whatever its status. */
struct httpc_response {
	enum err_code code; /* else ERR_TIMEOUT or ERR_UPSTREAM */
	enum httpc_fault fault;
	const char *error; /* the text of libcurl when code is not ERR_OK; safe to log */
	long status;
	struct str head; /* of calls of httpc_post.h; else empty: use httpc_header */
	struct str body;
	unsigned sends; /* times the request was sent; if more than 1, it may have been executed twice */
	const struct httpc_call *call;
};
/* Value of a header of the answer, its first when there are several; empty when there is none. */
struct str httpc_header(const struct httpc_response *r, const char *name);
typedef void httpc_done_fn(void *arg, const struct httpc_response *r);

MUST_CHECK enum err_code httpc_global_start(struct err *reterr);
MUST_CHECK enum err_code httpc_new(struct loop *l, struct httpc **ret, struct err *reterr);
/* A client has at most 64 connections to a host, and keeps at most 64 open.  Further calls wait, in their time.
 * Raise both by `n`, for a caller that limits its connections itself, or lower them again with -n. */
void httpc_add_connections(struct httpc *h, long n);
void httpc_free(struct httpc *h); /* cancels what runs; NULL is a no-op */
MUST_CHECK enum err_code httpc_start(struct httpc *h, const struct httpc_request *req, httpc_done_fn *done,
                                     void *arg, struct httpc_call **ret_call, struct err *reterr);
void httpc_cancel(struct httpc_call *c);

const char *httpc_version(void); /* of libcurl: "7.88.1" */
