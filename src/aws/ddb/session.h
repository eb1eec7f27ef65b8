/* aws/ddb/session.h - calls to DynamoDB one after another, each waited for: for commands and tests.
 *
 * Threads  one. */
#pragma once
#include "aws/ddb/ddb.h"

struct ddb_session; /* opaque: loop, credentials, client */

/* Region and address from the environment.  Errors  ERR_INVALID with the setting, ERR_NOMEM. */
MUST_CHECK enum err_code ddb_session_new(char *const *environ_, const char *table, struct ddb_session **ret,
                                         struct err *reterr);
void ddb_session_free(struct ddb_session *s); /* NULL is a no-op */

struct ddb_result {
	enum ddb_class class;
	bool twice; /* an earlier copy of the call may have been executed */
	int64_t clock_off_ms;
	int64_t took_us;
	struct err err; /* with every class but SUCCESS and CONDITION */
};
struct ddb_question {
	const char *operation;
	struct str body;                                    /* JSON */
	int64_t limit_ms;                                   /* of the whole call */
	void (*take)(void *arg, const struct json *answer); /* of a success, while it lives; may be NULL */
	void *arg;
};
void ddb_session_ask(struct ddb_session *s, const struct ddb_question *q, struct ddb_result *ret);

const struct endpoint *ddb_session_endpoint(const struct ddb_session *s);
const char *ddb_session_keys_from(const struct ddb_session *s); /* "": none yet */
