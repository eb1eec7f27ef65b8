/* aws/ddb/error.h - errors of DynamoDB: their names, their classes, a message for people.
 *
 * Source  Amazon DynamoDB Developer Guide, "Error handling with DynamoDB"; AWS JSON protocol 1.0 (__type). */
#pragma once
#include "base/err.h"
#include "base/json.h"

enum ddb_class {
	DDB_SUCCESS,
	DDB_CONDITION,   /* a condition did not hold: a result, not an error */
	DDB_THROTTLE,    /* the same call may succeed later; it was not executed */
	DDB_TRANSIENT,   /* the same call may succeed soon; a write may have been executed */
	DDB_CREDENTIALS, /* keys or clock refused: other keys once, then one more try */
	DDB_DENIED,      /* the keys may not do this */
	DDB_NOT_FOUND,   /* no such table */
	DDB_IN_USE,      /* the table exists or is being changed */
	DDB_KEYS,        /* the table has other keys than expected: it was made again */
	DDB_TOO_LARGE,   /* the item would be larger than DynamoDB allows */
	DDB_VALIDATION,  /* this request cannot be executed, now or later */
	DDB_FAULT,       /* anything else; never sent again */
};

enum { DDB_NAME_MAX = 63, DDB_TEXT_MAX = 127 };

/* An answer that is not a success. */
struct ddb_error {
	enum ddb_class class;
	char name[DDB_NAME_MAX + 1]; /* "ThrottlingException", "HTTP 502"; printable */
	char text[DDB_TEXT_MAX + 1]; /* the service's words, cut; may quote values of a request */
	bool own_text;               /* text is ours or libcurl's: safe to log */
};

/* Judge an answer by its status and `__type`; `body` is NULL when it is no JSON. */
void ddb_error_read(long status, const struct json *body, struct ddb_error *ret);

/* The parts of a message.  All borrowed; NULL is the empty text. */
struct ddb_context {
	const char *operation;
	const char *table;
	const char *region;
	const char *keys_from;  /* provider of the credentials and where it found them */
	const char *request_id; /* of the service */
};
/* A sentence with the setting and the remedy, safe to log.  Returns the code: ERR_STORE, ERR_TIMEOUT,
 * ERR_INVALID. */
enum err_code ddb_error_say(const struct ddb_error *e, const struct ddb_context *x, struct err *reterr);
