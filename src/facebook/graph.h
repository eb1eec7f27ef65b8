/* graph.h - calls to Facebook's Graph API, for the page tokens of LINKD_PAGE_ACCESS_TOKEN.
 *
 *   GET  me?fields=recipient           who owns a linking token
 *   GET  {psid}?fields=first_name,...  the name of a person
 *   POST me/unlink_accounts            Facebook forgets a link
 *   POST me/messages                   a message of the page
 *
 * The access token is sent in a header, not in the URL.  The URL has appsecret_proof, which is useless without the
 * token.
 * Source   https://developers.facebook.com/docs/messenger-platform/identity/account-linking,
 *          https://developers.facebook.com/docs/graph-api/securing-requests
 * Contract of a call  its callback comes if and only if the start succeeded, exactly once, never before the start
 *                     returned, never after a cancel.
 * Threads  a struct graph is of the process and serves any thread; a call is of its loop. */
#pragma once
#include "config/config.h"
#include "facebook/graph_answer.h"
#include "net/httpc.h"

struct graph;      /* opaque: page tokens and their proofs */
struct graph_call; /* opaque: one running call */
struct graph_lookups;
struct graph_once;

/* *ret is NULL when no page token is set.  Errors  ERR_INVALID, ERR_NOMEM. */
MUST_CHECK enum err_code graph_new(const struct config *cfg, struct graph **ret, struct err *reterr);
void graph_free(struct graph *g); /* NULL is a no-op */

struct graph_lookups *graph_lookups_of(struct graph *g);
struct graph_once *graph_refusals(struct graph *g); /* refused codes that Facebook is told of */
int64_t graph_timeout_ms(const struct graph *g);    /* of all tries of one look-up */
size_t graph_pages(const struct graph *g);          /* page tokens */
/* The index of the page token for a page; graph_pages(g): there is none.  A token without a page id serves every page
 * of LINKD_PAGE_IDS, or every page if that list is empty. */
size_t graph_page_of(const struct graph *g, const char *page_id);
/* Do the settings allow this token for the page? */
bool graph_page_is(const struct graph *g, size_t page, const char *page_id);
/* True: there are at least as many page tokens as pages in LINKD_PAGE_IDS, or that list is empty.  A linking token
 * that no page token knows then counts as expired. */
bool graph_covers_pages(const struct graph *g);

enum { GRAPH_PROOF_LEN = 64 };
/* appsecret_proof of a token.  False: the digest cannot be computed. */
MUST_CHECK bool graph_proof(struct str secret, struct str token, char ret[GRAPH_PROOF_LEN + 1]);

/* Borrowed for the start only.  Each started call is counted. */
struct graph_request {
	struct httpc *http; /* of the loop */
	size_t page;        /* the page token */
	const char *path;   /* "me", a PSID, "me/messages" */
	const char *fields; /* GET: "recipient"; NULL: a POST */
	const char *token;  /* GET: account_linking_token, or NULL */
	struct str json;    /* POST: a JSON object */
	bool once;          /* it is sent at most once: libcurl does not repeat it on another connection */
	int64_t timeout_ms;
};

enum { GRAPH_NOT_SENT = -1 }; /* as a status: there was no connection, so Graph saw nothing of the call */

/* `status` 0 or GRAPH_NOT_SENT: there was no answer; `error` then says why and is safe to log. */
typedef void graph_done_fn(void *arg, long status, struct str body, const char *error);
MUST_CHECK enum err_code graph_start(struct graph *g, const struct graph_request *r, graph_done_fn *done,
                                     void *arg, struct graph_call **ret, struct err *reterr);
void graph_cancel(struct graph_call *c);
/* Count and log a call that failed.  `call` is its name in the log.  `error` not NULL: there was no answer. */
void graph_tell_failure(size_t page, const char *call, const struct graph_answer *a, const char *error);
