/* json.h - strict reading of JSON (RFC 8259).  The only module that includes cJSON.h.
 *
 * cJSON takes much that JSON is not (trailing text, raw controls, NUL as white space, "01"), so the text is
 * checked by our own scan first; only what passes reaches cJSON.  Refused: anything after the value, depth
 * over the limit, more values than the limit, doubled keys in one object, invalid UTF-8, lone surrogates,
 * numbers outside the grammar.  An escaped U+0000 in a string is read as U+FFFF (never a valid character), so
 * a string cannot be cut short: json_has_nul() tells.
 *
 * Ownership  json_parse's result is freed by json_free; everything reached from it is borrowed from it.
 * Threads    a tree may be read on one thread at a time. */
#pragma once
#include "base/buf.h"

struct json; /* opaque: one value */

struct json_limits {
	size_t max_depth;  /* nesting of arrays and objects; 256 at most, whatever is asked for */
	size_t max_values; /* values in all: bounds the tree's memory, the text's size and 112 bytes a value
	                    */
};

/* Errors  ERR_INVALID (not JSON, with the byte offset; never the text), ERR_TOO_LARGE (a limit), ERR_NOMEM.
 */
MUST_CHECK enum err_code json_parse(struct str text, const struct json_limits *limits, struct json **ret,
                                    struct err *reterr);

void json_free(struct json *j); /* NULL is a no-op */

/* The getters take NULL and give NULL / false / the empty string for a value of another type. */
const struct json *json_get(const struct json *object, const char *key); /* case-sensitive */
const struct json *json_first(const struct json *array_or_object);
const struct json *json_next(const struct json *member);
const char *json_key(const struct json *member); /* NULL in an array */
bool json_is_object(const struct json *j);
bool json_is_array(const struct json *j);
bool json_is_string(const struct json *j);
bool json_is_true(const struct json *j);
struct str json_str(const struct json *j);
bool json_num(const struct json *j, double *ret); /* false also when it is too large for a double */
bool json_has_nul(struct str s);                  /* the string held an escaped U+0000 */

const char *json_version(void); /* of cJSON: "1.7.15" */
