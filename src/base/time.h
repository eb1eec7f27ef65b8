/* time.h - moments as text.
 *
 * Units   seconds since 1970, UTC.
 * Return  false, and nothing is written, for what is not a moment of the years 1970 to 9999. */
#pragma once
#include "base/str.h"

enum { TIME_RFC3339_LEN = 20, TIME_BASIC_LEN = 16 };

/* "2026-01-31T23:59:59Z", fractions and "+01:00" allowed. */
bool time_read_rfc3339(struct str text, int64_t *ret_s);
/* "Sun, 06 Nov 1994 08:49:37 GMT": RFC 9110, IMF-fixdate. */
bool time_read_http(struct str text, int64_t *ret_s);
bool time_read_number(double seconds, int64_t *ret_s);

/* "2026-01-31T23:59:59Z", NUL-terminated. */
bool time_write_rfc3339(int64_t time_s, char ret[TIME_RFC3339_LEN + 1]);
/* "20260131T235959Z", NUL-terminated: the basic format of ISO 8601. */
bool time_write_basic(int64_t time_s, char ret[TIME_BASIC_LEN + 1]);
