/* graph_once.h - remembers the last events that were acted on, for events that Facebook delivers again.
 *
 * Bound    GRAPH_ONCE_MAX events; the oldest of a set is evicted, and then counts as new.
 * Threads  any; one lock, held for less than a microsecond. */
#pragma once
#include "base/err.h"
#include "base/str.h"

enum { GRAPH_ONCE_MAX = 2048 };

struct graph_once; /* opaque: of the process */

MUST_CHECK enum err_code graph_once_new(struct graph_once **ret, struct err *reterr);
void graph_once_free(struct graph_once *o); /* NULL is a no-op */

/* True: this event of this person is new; it is remembered. */
bool graph_once_first(struct graph_once *o, struct str psid, int64_t event_ms);
