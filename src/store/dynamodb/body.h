/* store/dynamodb/body.h - the JSON of a request, built member by member.
 *
 * A value of an expression is named by one letter: see put_value in body.c.
 * A failed buffer is seen when the body is sent. */
#pragma once
#include "store/dynamodb/table.h"
#include "store/store.h"

struct dynamodb_body {
	struct buf *out;
	const char *table;
	const struct store_op *op;
	const struct json *seen; /* the item that was read just before; NULL: none */
	bool sort_key;
};

enum { DYNAMODB_BODY_MAX = 16384 }; /* bytes */

void dynamodb_body_begin(const struct dynamodb_body *b); /* with TableName */
void dynamodb_body_end(const struct dynamodb_body *b);
/* A text of ours: nothing in it that JSON escapes. */
void dynamodb_body_text(const struct dynamodb_body *b, const char *name, struct str value);
void dynamodb_body_raw(const struct dynamodb_body *b, const char *name, const char *json); /* true, 2 */
void dynamodb_body_key(const struct dynamodb_body *b, const char *name, const struct store_key *key);
/* The key of an item that was read, of whatever length. */
void dynamodb_body_key_of(const struct dynamodb_body *b, const char *name, const struct json *item);
/* Item of a new customer; an empty hash is left out. */
void dynamodb_body_item(const struct dynamodb_body *b, const struct store_key *key, struct str hash);
/* ExpressionAttributeValues: every value the expressions name; `second` may be NULL. */
void dynamodb_body_values(const struct dynamodb_body *b, const char *first, const char *second);
