/* aws/rfc3339.h - moments as AWS writes them: RFC 3339 in UTC or with an offset, or a number of seconds. */
#pragma once
#include "base/str.h"

/* "2026-01-31T23:59:59Z", fractions and "+01:00" allowed.  False, and *ret_s is untouched, when it is no such
 * moment. */
bool rfc3339_parse(struct str text, int64_t *ret_s);
/* False when it is not a moment of the years 1970 to 9999. */
bool rfc3339_number(double seconds, int64_t *ret_s);
