/* log_repeat.h - what strangers can cause without end is counted: one log line an interval and kind, not one
 * each.
 *
 *	if (log_repeat(LOG_REPEAT_SIGNATURE, r->client, NULL))
 *		...                                   // one of the first: also worth a line of its own
 *
 * writes msg "refused" with kind, count, seconds, client (that of most, where one has more than half) and
 * last_client.  Metrics count each one.
 *
 * Threads  any. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Kind, level of its line, how many of an interval have a line each before they are counted together, and how
 * many seconds an interval has. */
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

/* Count one.  `detail` (NULL: none) goes to the line, of those counted together the last.  True: it has a
 * line of its own. */
bool log_repeat(enum log_repeat kind, const char *client, const char *detail);

/* Write the counts whose interval is over at this monotonic time.  To be called about once a second;
 * INT64_MAX at the stop, for all. */
void log_repeat_flush(int64_t now_ms);
