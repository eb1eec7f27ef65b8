/* json_view.h - reads values in place in a JSON text, without a tree.
 *
 * It is for a text of which only a few fields matter.  json_scan_grammar checks the text as a whole;
 * json_view_scalar checks a value as strictly as json_parse, and json_view_fields reports a duplicate key.
 * So a value that is legal but malformed for us matters only where it is read.
 *
 * Input    texts that passed json_scan_grammar, and values from them: borrowed views without the white space
 *          around them.
 * Threads  pure functions. */
#pragma once
#include "base/json.h"

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
