/* link_retry.h - look-ups that are repeated long after their request was answered, for stores whose index lags.
 *
 * Two kinds: the look for other holders 2 s after a link, and 30 s later once more when the index did not
 * show that link yet; and an `unlinked` that met no holder, 5, 30 and 300 s later.  What is open at the stop
 * is lost: look-ups repair what the first kind would have repaired, and Facebook's own state is right in the second.
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
