/* link_retry.h - look-ups that are repeated long after their request was answered, for stores whose index lags.
 *
 * Two kinds.  After a link, a look for other holders: after 2 s, and 30 s later again if the index did not show the
 * link yet.  After an `unlinked` that found no holder, another removal: after 5 s, then 30 s later, then 300 s
 * later.  Open work is lost when the service stops.  Later look-ups repair the first kind; for the second kind
 * Facebook has already unlinked the user.
 * Threads  the loop's thread. */
#pragma once
#include "loop/later.h"
#include "service.h"

enum { LINK_RETRY_MAX = 1024 }; /* open at once, per loop */

/* The list for `service->later`. */
MUST_CHECK enum err_code link_retry_new(struct service *s, struct later **ret, struct err *reterr);

/* `event_ms`: time of the link, or of the event. */
void link_retry_look(struct service *s, struct str psid, int64_t event_ms);
void link_retry_unlink(struct service *s, struct str psid, int64_t event_ms);
