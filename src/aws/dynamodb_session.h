/* dynamodb_session.h - calls to DynamoDB one after another, each waited for: for commands and tests.
 *
 * Threads  one. */
#pragma once
#include "aws/dynamodb.h"

struct dynamodb_session; /* opaque: loop, credentials, client */

/* Region and address from the environment.  Errors  ERR_INVALID with the setting, ERR_NOMEM. */
MUST_CHECK enum err_code dynamodb_session_new(char *const *environ_, const char *table,
                                              struct dynamodb_session **ret, struct err *reterr);
void dynamodb_session_free(struct dynamodb_session *s); /* NULL is a no-op */

struct dynamodb_result {
	enum dynamodb_class class;
	bool twice; /* an earlier copy of the call may have been executed */
	int64_t clock_off_ms;
	int64_t took_us;
	struct err err; /* with every class but SUCCESS and CONDITION */
};
struct dynamodb_question {
	const char *operation;
	struct str body;                                    /* JSON */
	int64_t limit_ms;                                   /* of the whole call */
	void (*take)(void *arg, const struct json *answer); /* of a success, while it lives; may be NULL */
	void *arg;
};
void dynamodb_session_ask(struct dynamodb_session *s, const struct dynamodb_question *q,
                          struct dynamodb_result *ret);

const struct endpoint *dynamodb_session_endpoint(const struct dynamodb_session *s);
const char *dynamodb_session_keys_from(const struct dynamodb_session *s); /* "": none yet */
