/* redirect.h - the return address: checks that an authorization code may be sent to it.
 *
 * A code that is sent to a wrong address gives the account away.  So the check compares bytes and parses nothing twice:
 * scheme, host and path are exact, query names have only letters, digits and '_', and the address is sent unchanged.
 * Threads  pure functions. */
#pragma once
#include "base/buf.h"
#include "config/config.h"

enum { REDIRECT_MAX = 2048, REDIRECT_TOKEN_MAX = 1024 }; /* bytes */

/* Verdict, reason for the log. */
#define REDIRECT_TABLE(X)                                                                 \
	X(OK, "fine")                                                                     \
	X(MISSING, "there is none")                                                       \
	X(TOO_LONG, "it is longer than 2048 bytes")                                       \
	X(CHARACTER, "it holds a space, a control, a backslash, a '#' or a foreign byte") \
	X(ORIGIN, "its scheme, host or port is not in LINKD_REDIRECT_HOSTS")              \
	X(PATH, "its path is not /messenger_platform/account_linking")                    \
	X(NAME, "a query name is empty or not of letters, digits and '_'")                \
	X(TOKEN, "it does not hold the outer account_linking_token exactly once")         \
	X(CODE, "it holds an authorization_code already")

enum redirect_verdict {
#define X(name, reason) REDIRECT_##name,
	REDIRECT_TABLE(X)
#undef X
};

/* The shape of an account_linking_token: 1..1024 of [A-Za-z0-9_-]. */
bool redirect_token_ok(struct str token);

/* Input  uri: redirect_uri decoded exactly once; token: the outer account_linking_token.
 * http://127.0.0.1:PORT entries of cfg->redirect_hosts count only while cfg->public_loopback. */
enum redirect_verdict redirect_check(const struct config *cfg, struct str token, struct str uri);
const char *redirect_reason(enum redirect_verdict v); /* a clause for the log */

/* The address with authorization_code=code; `uri` byte for byte. */
void redirect_append(struct buf *out, struct str uri, struct str code);
