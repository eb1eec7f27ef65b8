/* graph_later.h - what Facebook is told after an answer: that a link has ended here (me/unlink_accounts).
 *
 *   look: who holds the PSID?  somebody, linked after our last call   -> end
 *                              somebody, and a call of ours may have ended that link at Facebook -> remove it here -> pause
 *                              nobody, and the last call was accepted -> end
 *                              nobody -> call -> accepted             -> look again after 2 s
 *                                             -> failed               -> pause
 *
 * So both sides end alike, although the person may link again at any time and through another process: a link that is
 * at most 2 s (LINK_SLACK_MS) newer than the end of our call is removed here too.  A pause grows from 2 s to 1 h; then
 * the work is given up.  Open work is lost when the service stops.  Work that ends in either way has a log line:
 * facebook_unlink_given_up, or, if its call was accepted and only the second look is missing, facebook_unlink_not_checked.
 * After a refused code, which everybody can cause, the call waits for the pause of its person (graph_once.h), and while
 * the breaker of the look-ups is open.
 * A store that finds a PSID only by a scan (store_traits.find_psid) is not asked because of a refused code; the other changes are told all the same.
 * Bound    per loop: GRAPH_LATER_UNLINKS, and for refused codes GRAPH_LATER_REFUSALS, and as many of people who
 *          repeat them.  Each list has a PSID at most
 *          once: what is told of a PSID whose work is open is merged into that work, and its pauses begin again.
 * Threads  the loop's thread. */
#pragma once
#include "facebook/graph_post.h"
#include "link/link.h"

enum { GRAPH_LATER_UNLINKS = 1024, GRAPH_LATER_REFUSALS = 256, GRAPH_LATER_CHECK_MS = 2000 };

struct graph_later; /* opaque: the lists of a loop */

/* *ret is NULL without a page token. */
MUST_CHECK enum err_code graph_later_new(struct service *s, struct graph_later **ret, struct err *reterr);
void graph_later_free(struct graph_later *g); /* NULL is a no-op */

/* Hears of refused codes, of a customer's former PSID, and of erasure. */
extern const struct link_listener graph_later_listener;

struct graph_later_unlink {
	const char *psid;
	const char *page_id; /* "": not known */
	int64_t called_ms;   /* Unix ms: end of a call that Graph may have executed already; 0: none */
	bool accepted;       /* that call was */
};
/* Make both sides agree that the PSID is not linked, unless it is linked again.  No-op without s->graph_later. */
void graph_later_unlink(struct service *s, const struct graph_later_unlink *u);

/* The call me/unlink_accounts, which has GRAPH_POST_MS.  The caller sets `done`, and starts it.
 * Ownership  page_id and room, which holds the body, are borrowed until its end. */
enum { GRAPH_LATER_BODY_MAX = 8 * STORE_PSID_MAX };
struct graph_post graph_later_post(const struct service *s, const char *psid, const char *page_id,
                                   char room[GRAPH_LATER_BODY_MAX]);
