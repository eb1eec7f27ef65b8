/* httpc_post.h - POSTs to one server, over connections that stay open: used for every DynamoDB call.
 *
 * libcurl opens the connections (httpc.h: its checks and bounds hold); requests are written and answers are read
 * here.  libcurl 7.88 assembles the headers of a request byte by byte, which costs a measurable part of a link,
 * and more with the session token of a role.
 * A request on a reused connection that closes before any answer is sent once more on a new connection.
 *
 * Bounds   one connection for each call; at most idle_max connections are kept, for at most idle_ms.
 * Threads  the loop's thread. */
#pragma once
#include "base/buf.h"
#include "net/httpc.h"

struct httpc_poster; /* opaque: the connections */
struct httpc_post;   /* opaque: one running call */

struct httpc_poster_options {
	struct loop *loop;
	struct httpc *http;  /* of this loop: opens the connections; borrowed */
	const char *url;     /* borrowed; of the path "/" */
	const char *host;    /* as in the Host header; borrowed */
	size_t idle_max;     /* idle connections kept; at most twice as many and one more are open */
	int64_t idle_ms;     /* how long one is kept; 0 takes 45 s: servers close theirs at about 60 s */
	int64_t lifetime_ms; /* from its opening; 0 takes 300 s: a changed DNS answer is followed */
};

/* A body that is sent from where it was built: room for the head of the request is left in front of it. */
struct httpc_outgoing {
	struct buf bytes; /* the room, then the body */
	size_t body_at;
};

struct httpc_post_request {
	struct httpc_outgoing *out; /* borrowed until the call ends; may be sent again by another call */
	/* "Name: value", NULL-ended, at most HTTPC_HEADERS_MAX; borrowed for the start */
	const char *const *headers;
	int64_t timeout_ms;  /* whole call */
	int64_t connect_ms;  /* until connected, TLS included; 0 takes 1000 */
	size_t response_max; /* bytes of body; a larger answer fails the call */
};

/* Empty body of at most `max` bytes, of which `first` need no further allocation.  Put it into `bytes`; check
 * bytes.failed at the end.  Ownership  buf_done or crypto_wipe_buf of `bytes`. */
void httpc_outgoing_init(struct httpc_outgoing *out, size_t max, size_t first);
struct str httpc_outgoing_body(const struct httpc_outgoing *out);

MUST_CHECK enum err_code httpc_poster_new(const struct httpc_poster_options *o, struct httpc_poster **ret,
                                          struct err *reterr);
void httpc_poster_free(struct httpc_poster *p); /* cancels what runs; NULL is a no-op */

MUST_CHECK enum err_code httpc_post_start(struct httpc_poster *p, const struct httpc_post_request *req,
                                          httpc_done_fn *done, void *arg, struct httpc_post **ret,
                                          struct err *reterr);
void httpc_post_cancel(struct httpc_post *c); /* closes its connection */
