/* json_scan.h - is this text JSON, and within limits?  One pass, no recursion, linear but for sorting keys.
 *
 * What cJSON would misread is rewritten in place, the length unchanged: an escaped U+0000 becomes an escaped
 * U+FFFF, a number of more than 60 characters becomes a shorter one of the same value and spaces. */
#pragma once
#include "base/json.h"

/* `wanted` may be NULL.  Errors  as json_parse. */
MUST_CHECK enum err_code json_scan(char *text, size_t n, const struct json_limits *limits,
                                   struct json_wanted *wanted, struct err *reterr);
