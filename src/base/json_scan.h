/* json_scan.h - is this text JSON?  One pass, no recursion, linear but for sorting keys. */
#pragma once
#include "base/json.h"

/* Check strictly, and within limits; *ret_values is the number of values.  What cJSON would misread is
 * rewritten in place, with the same length: an escaped U+0000 becomes an escaped U+FFFF, a number of more
 * than 60 characters becomes a shorter one of the same value and spaces.
 * Pre     text[n] is NUL.
 * Errors  as json_parse. */
MUST_CHECK enum err_code json_scan(char *text, size_t n, const struct json_limits *limits, size_t *ret_values,
                                   struct err *reterr);

struct json_scan_wanted {
	struct str key; /* letters and '_' */
	size_t depth;   /* in: the depth at which objects are counted; the outermost value has 0 */
	size_t objects; /* out: how many objects are at that depth */
	bool found;     /* out: an object has the key, or a key with escapes, which may be the same */
};

/* Check only the grammar of RFC 8259.  These are accepted: half a surrogate pair, bytes that are not UTF-8 in
 * a string, duplicate keys, numbers of any size, and nesting down to JSON_SCAN_DEPTH_MAX.
 * Errors  ERR_INVALID (not JSON, with the byte offset; never the text), ERR_TOO_LARGE (nested deeper),
 *         ERR_NOMEM. */
enum { JSON_SCAN_DEPTH_MAX = 16384 };
MUST_CHECK enum err_code json_scan_grammar(struct str text, struct json_scan_wanted *wanted,
                                           struct err *reterr);
