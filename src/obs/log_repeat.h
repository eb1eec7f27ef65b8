/* log_repeat.h - counts refusals that strangers can cause without end: one log line per interval and kind
 * instead of one per refusal.
 *
 *	if (log_repeat(LOG_REPEAT_SIGNATURE, r->client, NULL))
 *		...                                   // one of the first: also worth a line of its own
 *
 * writes msg "refused" with kind, count, seconds, client (only one that caused more than half of them) and
 * last_client.  Metrics count each refusal.
 *
 * Threads  any. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Kind, its word, the level of its line, the number of refusals in an interval that have individual lines
 * before the rest is counted, and the seconds of an interval. */
#define LOG_REPEAT_TABLE(X)                                \
	X(SIGNATURE, "bad_signature", WARN, 1, 10)         \
	X(VERIFY_TOKEN, "wrong_verify_token", WARN, 1, 10) \
	X(ADMIN_TOKEN, "wrong_admin_token", WARN, 1, 10)   \
	X(FOREIGN_PAGE, "foreign_page", WARN, 1, 60)       \
	X(STALE_EVENT, "stale_event", WARN, 1, 60)         \
	X(FRAMING, "framing", INFO, 1, 10)                 \
	X(CONNECTIONS, "connection_limit", WARN, 1, 10)    \
	X(ADDRESS, "return_address", INFO, 20, 10)         \
	X(FORM, "form", INFO, 20, 10)

enum log_repeat {
#define X(name, word, level, full, seconds) LOG_REPEAT_##name,
	LOG_REPEAT_TABLE(X)
#undef X
	        LOG_REPEAT_KINDS
};

/* Count a refusal.  The line has the last `detail` (NULL: none) of those counted.  True: the caller writes an
 * individual line. */
bool log_repeat(enum log_repeat kind, const char *client, const char *detail);

/* Write the counts whose interval is over at this monotonic time.  To be called about once a second, and with
 * INT64_MAX at the stop, which writes all. */
void log_repeat_flush(int64_t now_ms);
