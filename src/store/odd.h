/* odd.h - what stands in a customer's record but no write of ours leaves there: other tools and old systems
 * wrote it.
 *
 * Such a value is read as if there were none, is compared and never taken for absent, and our next write
 * replaces it.  It is told to the log, once a minute for all.
 * Threads  any. */
#pragma once
#include "store/store.h"

enum { ODD_FAILURES_MAX = 1000000, ODD_WINDOW_MAX_S = 2 * 60 * 60 };

void odd_tell(struct str customer_id, const char *attribute);
/* The record has no room for what was to be written. */
void odd_tell_full(struct str customer_id, const char *operation);

int64_t odd_latest_ms(void);                 /* a link that is newer than this has no time of ours */
void odd_link(struct store_link *link);      /* its time: -1 where it is not ours */
void odd_customer(struct store_customer *c); /* its link and its counter; told */
