/* graph_once.h - refused codes: which of their events were acted on, because Facebook delivers some again, and when
 * Facebook may be called for a person again.
 *
 * Meta counts each call against the quota of the page, and everybody can send a refused code every second.  So the pause
 * after a call grows: 2 s, 30 s, then 5 min.
 * Bound    GRAPH_ONCE_MAX events, and as many people who were called for; the oldest of a set is evicted, and then
 *          counts as new.
 * Threads  any; one lock, held for less than a microsecond. */
#pragma once
#include "base/err.h"
#include "base/str.h"

enum { GRAPH_ONCE_MAX = 2048, GRAPH_ONCE_FORGET_MS = 30 * 60 * 1000 };

struct graph_once; /* opaque: of the process */

MUST_CHECK enum err_code graph_once_new(struct graph_once **ret, struct err *reterr);
void graph_once_free(struct graph_once *o); /* NULL is a no-op */

/* True: this event of this person is new; it is remembered. */
bool graph_once_first(struct graph_once *o, struct str psid, int64_t event_ms);

/* Milliseconds until Facebook may be called for this person; 0: now.  now_ms is monotonic. */
int64_t graph_once_wait_ms(struct graph_once *o, struct str psid, int64_t now_ms);
/* It was called.  Without another call it is forgotten after GRAPH_ONCE_FORGET_MS. */
void graph_once_called(struct graph_once *o, struct str psid, int64_t now_ms);
