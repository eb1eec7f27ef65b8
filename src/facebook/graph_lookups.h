/* graph_lookups.h - which look-ups of linking tokens may be made, and what the last ones answered.
 *
 *   known (60 s)? -> client over its limit? -> budget of the process used up? -> breaker open? -> ask
 *
 * A look-up costs a call to Facebook, and anybody who opens GET /link may cause one.  So each client address has one
 * look-up per 5 s (and may repeat that one once, for a page that is opened twice), the process has LINKD_GRAPH_LOOKUPS per second, and a circuit breaker (net/breaker.h) stops all look-ups for 60 s after 5 failures within 10 s.
 * Bound    answers and clients are kept in tables of GRAPH_LOOKUPS_MAX; the oldest entry of a set is evicted.
 * Threads  any; one lock, held for less than a microsecond. */
#pragma once
#include "facebook/graph_answer.h"

enum { GRAPH_LOOKUPS_MAX = 2048, GRAPH_KNOWN_MS = 60000, GRAPH_CLIENT_MS = 5000 };

struct graph_lookups; /* opaque: of the process */

enum graph_admission {
	GRAPH_ASK,          /* ask, then call graph_lookups_ended */
	GRAPH_KNOWN,        /* *ret is the answer */
	GRAPH_PAUSED,       /* the breaker is open */
	GRAPH_CLIENT_LIMIT, /* this client asked a moment ago */
	GRAPH_LIMIT,        /* the budget of the process is used up */
};

/* What Facebook said of a linking token. */
struct graph_known {
	bool expired; /* no page token knows it; else `who` is its owner */
	struct graph_recipient who;
	struct graph_name name; /* empty: not known */
};

/* Input   per_second: look-ups of the process, at least 1. */
MUST_CHECK enum err_code graph_lookups_new(int64_t per_second, struct graph_lookups **ret,
                                           struct err *reterr);
void graph_lookups_free(struct graph_lookups *l); /* NULL is a no-op */

MUST_CHECK enum graph_admission graph_lookups_admit(struct graph_lookups *l, struct str token,
                                                    struct str client, int64_t now_ms,
                                                    struct graph_known *ret);
enum graph_lookup_end {
	GRAPH_LOOKUP_ANSWERED, /* Graph works, whatever it said */
	GRAPH_LOOKUP_FAILED,   /* Graph did not answer a call, failed, or refused it for the rate limit */
	GRAPH_LOOKUP_LOST,     /* it was cancelled or could not be sent */
};

/* Report the end of a look-up, once for each GRAPH_ASK.  `known` NULL: there is nothing to keep.
 * Returns true when this has opened the breaker. */
bool graph_lookups_ended(struct graph_lookups *l, struct str token, int64_t now_ms, enum graph_lookup_end end,
                         const struct graph_known *known);
bool graph_lookups_paused(struct graph_lookups *l, int64_t now_ms); /* the breaker is open */
const char *graph_admission_name(enum graph_admission a);           /* "client_limit" */
