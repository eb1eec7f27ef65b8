/* odd.h - values in a customer's record that our writes never store: other tools and old systems wrote them.
 *
 * Such a value is read as absent.  In conditions of writes it is still compared, and does not count as
 * absent.  Our next write replaces it.  Such values are logged, at most one a minute.
 * Threads  any. */
#pragma once
#include "store/store.h"

enum { ODD_FAILURES_MAX = 1000000, ODD_WINDOW_MAX_S = 2 * 60 * 60 };

void odd_tell(struct str customer_id, const char *attribute);
/* Log that the record has no room for a write. */
void odd_tell_full(struct str customer_id, const char *operation);

int64_t odd_latest_ms(void);                 /* the time of a link is not valid when it is later */
void odd_link(struct store_link *link);      /* sets its time to -1 when that is not valid */
void odd_customer(struct store_customer *c); /* checks its link and its counter, and logs */
