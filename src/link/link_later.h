/* link_later.h - look-ups repeated long after their request was answered, for stores whose index lags.
 *
 * Two kinds: the look for other holders 2 s after a link, and 30 s later once more when the index did not
 * show that link yet; and an `unlinked` that met no holder, 5, 30 and 300 s later.  What is open at the stop
 * is lost: look-ups repair what the first kind would have, and Facebook's own state is right in the second.
 * Threads  the loop's thread. */
#pragma once
#include "service.h"

enum {
	LINK_LATER_MAX = 1024
}; /* open at once, a loop; past it the oldest promise stands, the new is dropped */

MUST_CHECK enum err_code link_later_new(struct service *s, struct link_later **ret, struct err *reterr);
void link_later_free(struct link_later *l); /* cancels what is open; NULL is a no-op */

/* NULL is taken and drops the wish, counted, like a full list. */
/* `event_ms`: time of the link, or of the event. */
void link_later_look(struct link_later *l, struct str psid, int64_t event_ms);
void link_later_unlink(struct link_later *l, struct str psid, int64_t event_ms);
