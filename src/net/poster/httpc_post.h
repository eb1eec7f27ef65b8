/* httpc_post.h - POSTs to one server, over connections that stay open: the way of every DynamoDB call.
 *
 * libcurl opens the connections (httpc.h: its checks and bounds hold); request and answer are written and
 * read here.  libcurl 7.88 puts a request's headers together byte by byte, which shows in what a link costs,
 * the more with the session token of a role.
 * A request on a connection that turns out to be closed, before any answer, goes out once more on a new one.
 *
 * Bounds   a connection for each call, and as many kept as were told, for as long as was told.
 * Threads  the loop's thread. */
#pragma once
#include "net/httpc.h"

struct httpc_poster; /* opaque: the connections */
struct httpc_post;   /* opaque: one running call */

struct httpc_poster_options {
	struct loop *loop;
	struct httpc *http;  /* of this loop: opens the connections; borrowed */
	const char *url;     /* borrowed; of the path "/" */
	const char *host;    /* as in the Host header; borrowed */
	size_t idle_max;     /* connections kept; twice as many and one more are open at most */
	int64_t idle_ms;     /* so long; 0 takes 45 s: servers drop theirs at about 60 s */
	int64_t lifetime_ms; /* and since they were opened; 0 takes 300 s: a changed DNS answer is followed */
};

MUST_CHECK enum err_code httpc_poster_new(const struct httpc_poster_options *o, struct httpc_poster **ret,
                                          struct err *reterr);
void httpc_poster_free(struct httpc_poster *p); /* cancels what runs; NULL is a no-op */

/* Of the request its headers, body and bounds are used. */
MUST_CHECK enum err_code httpc_post_start(struct httpc_poster *p, const struct httpc_request *req,
                                          httpc_done_fn *done, void *arg, struct httpc_post **ret,
                                          struct err *reterr);
void httpc_post_cancel(struct httpc_post *c); /* with its connection */
