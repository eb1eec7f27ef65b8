/* json_scan.h - is this text JSON?  One pass, no recursion, linear but for sorting keys. */
#pragma once
#include "base/json.h"

/* Strictly, and within limits; *ret_values: how many values there are.  What cJSON would misread is rewritten
 * in place, the length unchanged: an escaped U+0000 becomes an escaped U+FFFF, a number of more than 60
 * characters becomes a shorter one of the same value and spaces. Pre     text[n] is NUL. Errors  as
 * json_parse. */
MUST_CHECK enum err_code json_scan(char *text, size_t n, const struct json_limits *limits, size_t *ret_values,
                                   struct err *reterr);

struct json_scan_wanted {
	struct str key; /* letters and '_' */
	size_t depth;   /* in: where objects are counted; the outermost value has 0 */
	size_t objects; /* out: how many there are */
	bool found;     /* out: an object has the key, or a key with escapes, which may be it */
};

/* By the grammar of RFC 8259 alone.  Legal, however odd: half a surrogate pair, bytes that are not UTF-8 in a
 * string, doubled keys, numbers of any size, and nesting down to JSON_SCAN_DEPTH_MAX.
 * Errors  ERR_INVALID (not JSON, with the byte offset; never the text), ERR_TOO_LARGE (nested deeper),
 *         ERR_NOMEM. */
enum { JSON_SCAN_DEPTH_MAX = 16384 };
MUST_CHECK enum err_code json_scan_grammar(struct str text, struct json_scan_wanted *wanted,
                                           struct err *reterr);
