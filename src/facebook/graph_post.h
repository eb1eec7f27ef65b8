/* graph_post.h - one POST to Graph in the name of a page.
 *
 *   page known            -> the token of that page -> done
 *   page_id "", unlink    -> each page token in turn, until one is accepted -> done
 *
 * A PSID belongs to one page, so at most one page token is accepted.
 * Threads  the loop's thread. */
#pragma once
#include "facebook/graph.h"

enum { GRAPH_POST_MS = 5000 }; /* a good limit for one post that nobody waits for */

struct graph_post {
	/* filled by the caller; borrowed until the end */
	struct graph *graph;
	struct httpc *http;
	struct loop *loop;
	const char *path;    /* "me/unlink_accounts" */
	const char *page_id; /* "": not known */
	struct str json;
	bool once;           /* as in graph_request; with an unknown page only a single page token is used */
	int64_t deadline_ms; /* monotonic; of all tries together */
	const char *scope;   /* request id on the log lines; NULL for none */
	void (*done)(struct graph_post *p);
	/* result */
	struct graph_answer answer; /* of several page tokens, the one that counts */
	bool maybe_done; /* Graph did it, or may have: the answer was lost, or was a failure of Graph.  False: it refused */
	/* own; zeroed */
	struct graph_call *call; /* NULL: none runs */
	size_t page;
	bool each; /* each page token is tried */
};

/* ERR_OK: `done` will be called, with the log scope set.
 * Errors  ERR_NOT_FOUND: there is no token for that page.  ERR_TIMEOUT, ERR_NOMEM: the call could not be started. */
MUST_CHECK enum err_code graph_post_start(struct graph_post *p, struct err *reterr);
void graph_post_cancel(struct graph_post *p); /* no-op if it does not run */
