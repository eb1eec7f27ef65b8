/* json.h - strict reading of JSON (RFC 8259).  The only module that includes cJSON.h.
 *
 * cJSON accepts much that is not JSON (trailing text, raw controls, NUL as white space, "01").  So our own scan
 * checks the text first, and cJSON gets only texts that pass.  The scan refuses: text after the value, depth over
 * the limit, more values than the limit, duplicate keys in one object, invalid UTF-8, half a surrogate pair, and
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

/* The getters accept NULL, and return NULL, false or the empty string for a value of another type. */
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

/* --- texts of which only a few fields matter: their values are read in place, without a tree */

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

/* json_scan_grammar checks a text as a whole.  json_view_scalar checks one value as strictly as json_parse, and
 * json_view_fields reports a duplicate key.  So a value that is legal but malformed for us matters only where it
 * is read.
 * Input  texts that passed json_scan_grammar, and values from them: borrowed views without the white space
 *        around them. */

/* A member of an object, wanted by name: lower-case letters and '_'. */
struct json_view_field {
	const char *name;
	struct str value; /* empty: there is none */
	bool doubled;     /* the name occurs twice, perhaps with escapes; value is the first one */
};

/* Fill in n fields in one pass.  A value that is not an object has no fields. */
void json_view_fields(struct str object, struct json_view_field *fields, size_t n);

/* Is it the string `word`, which has lower-case letters and '_'? */
bool json_view_is(struct str value, const char *word);
bool json_view_is_object(struct str value);
bool json_view_is_array(struct str value);
struct str json_view_items(struct str array); /* for json_view_next; empty when it is not an array */
bool json_view_next(struct str *items, struct str *ret); /* false after the last */

/* A string, number, true, false or null as json_parse reads it.
 * Errors  as json_parse; an array or object is ERR_TOO_LARGE. */
MUST_CHECK enum err_code json_view_scalar(struct str value, struct json **ret, struct err *reterr);

/* --- between json.c and json_scan.c */

/* Check strictly, and within limits; *ret_values is the number of values.  What cJSON would misread is
 * rewritten in place, with the same length: an escaped U+0000 becomes an escaped U+FFFF, a number of more
 * than 60 characters becomes a shorter one of the same value and spaces.
 * Pre     text[n] is NUL.
 * Errors  as json_parse. */
MUST_CHECK enum err_code json_scan(char *text, size_t n, const struct json_limits *limits, size_t *ret_values,
                                   struct err *reterr);
