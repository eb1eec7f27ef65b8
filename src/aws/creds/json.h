/* aws/creds/json.h - keys as JSON, as processes, containers and instance metadata give them. */
#pragma once
#include "aws/creds/plan.h"

struct creds_json_shape {
	const char *token_key; /* "Token" or "SessionToken" */
	bool token_needed, expiry_needed;
	int version;      /* what "Version" must be; 0: does not matter */
	const char *from; /* for messages: "the container's credentials service" */
};

/* Fills p->keys.  A 200 may hold an error ("Code" and "Message"): it is told.
 * Errors  ERR_UPSTREAM with what is missing or wrong, never a value; ERR_NOMEM. */
MUST_CHECK enum err_code creds_json_take(struct str text, const struct creds_json_shape *shape,
                                         struct creds_plan *p, struct err *reterr);
