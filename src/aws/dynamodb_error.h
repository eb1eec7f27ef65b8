/* dynamodb_error.h - what DynamoDB says when it does not do as asked: names, classes, words for people.
 *
 * Source  Amazon DynamoDB Developer Guide, "Error handling with DynamoDB"; AWS JSON protocol 1.0 (__type). */
#pragma once
#include "base/err.h"
#include "base/json.h"

enum dynamodb_class {
	DYNAMODB_SUCCESS,
	DYNAMODB_CONDITION,   /* a condition did not hold: a result, not a fault */
	DYNAMODB_THROTTLE,    /* the same call may succeed later; it was not executed */
	DYNAMODB_TRANSIENT,   /* the same call may succeed soon; a write may have been executed */
	DYNAMODB_CREDENTIALS, /* keys or clock refused: other keys once, then one more try */
	DYNAMODB_DENIED,      /* the keys may not do this */
	DYNAMODB_NOT_FOUND,   /* no such table */
	DYNAMODB_IN_USE,      /* the table exists or is being changed */
	DYNAMODB_KEYS,        /* the table has other keys than we think: it was made anew */
	DYNAMODB_TOO_LARGE,   /* the item would be larger than DynamoDB allows */
	DYNAMODB_VALIDATION,  /* this request cannot be executed, now or later */
	DYNAMODB_FAULT,       /* anything else; never sent again */
};

enum { DYNAMODB_NAME_MAX = 63, DYNAMODB_TEXT_MAX = 127 };

/* An answer that is not a success. */
struct dynamodb_error {
	enum dynamodb_class class;
	char name[DYNAMODB_NAME_MAX + 1]; /* "ThrottlingException", "HTTP 502"; printable */
	char text[DYNAMODB_TEXT_MAX + 1]; /* the service's words, cut; may quote values of a request */
	bool own_text;                    /* text is ours or libcurl's: safe to log */
};

/* Judge an answer by its status and `__type`; `body` is NULL when it is no JSON. */
void dynamodb_error_read(long status, const struct json *body, struct dynamodb_error *ret);

/* Whom and what a message is about.  All borrowed; NULL is the empty text. */
struct dynamodb_context {
	const char *operation;
	const char *table;
	const char *region;
	const char *keys_from;  /* provider of the credentials and where it found them */
	const char *request_id; /* of the service */
};
/* A sentence with the setting and the remedy, safe to log.  Returns the code: ERR_STORE, ERR_TIMEOUT,
 * ERR_INVALID. */
enum err_code dynamodb_error_say(const struct dynamodb_error *e, const struct dynamodb_context *x,
                                 struct err *reterr);
