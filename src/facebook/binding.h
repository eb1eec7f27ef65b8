/* binding.h - asks Facebook which Messenger profile a linking token belongs to, so that the code of this login links
 * that profile and no other.
 *
 *   binding_start -> known, or not allowed to ask: ended
 *                 -> each page token in turn, until one knows the linking token -> the name of the profile -> done
 *
 * All tries together take at most LINKD_GRAPH_TIMEOUT_MS.
 * Threads  the loop's thread. */
#pragma once
#include "facebook/graph.h"

enum binding_result {
	BINDING_FOUND,   /* `who` owns the token */
	BINDING_EXPIRED, /* no page knows the token: it is used, older than 5 minutes, or made up */
	BINDING_UNKNOWN, /* Facebook was not asked, or gave no usable answer: see `reason` */
};

struct binding {
	/* filled by the caller; borrowed until the end */
	struct graph *graph;
	struct httpc *http;
	struct loop *loop;
	const char *token;  /* account_linking_token */
	const char *client; /* address */
	const char *scope;  /* request id on the log lines */
	void (*done)(struct binding *b);
	/* result */
	enum binding_result result;
	struct graph_recipient who;
	struct graph_name name; /* of the person, empty: not known.  Facebook often refuses it */
	const char *reason;     /* one word for the log, such as "timeout" or "client_limit"; static */
	/* own; zeroed */
	struct graph_call *call;
	size_t page;
	bool asked;               /* the look-up is counted, and its end not reported yet */
	enum graph_class trouble; /* of a page token that could not answer; GRAPH_DONE: none */
	int64_t deadline_ms;      /* monotonic */
};

/* True: `done` will be called, with the log scope set.  False: it has ended, with the result in `b`. */
MUST_CHECK bool binding_start(struct binding *b);
void binding_cancel(struct binding *b); /* no-op if it does not run */
