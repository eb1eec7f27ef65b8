/* creds.h - AWS credentials: found as the SDKs do, refreshed ahead of expiry, shared by all workers.
 *
 * The first provider that is configured decides, in this order: environment, profile with a role, web
 * identity, shared credentials file, credential_process, config file, container, instance metadata.  If it
 * fails, the error names the setting, and the next providers are not asked, since they would give another
 * identity.  For the same reason a refresh never changes the provider.
 *
 * Refresh   in the background from 15 minutes before expiry on (or half their life, if that is shorter; a
 *           random part earlier), callers continue with the old keys.  A refresh that fails is tried again after
 *           1 to 60 s, every 10 s in the last 5 minutes.  Keys are given out until 10 s before expiry; those
 *           of instance metadata longer, since AWS accepts them longer during an outage of that service.
 * Layer     includes base/, obs/, loop/ and net/.
 * Threads   creds_start, creds_stop on the loop given (or while it does not run); the rest on any thread.
 * Blocking  never; files are read and processes run on a thread of its own. */
#pragma once
#include "loop/loop.h"

struct creds;      /* opaque: the finder */
struct creds_wait; /* opaque: one waiting caller */
struct httpc;

/* Keys that belong together.  Immutable, reference-counted, wiped at the last release. */
struct creds_keys {
	const char *access_key_id;     /* not secret */
	const char *secret_access_key; /* secret */
	const char *session_token;     /* secret; NULL: none */
	const char *token_header;      /* "X-Amz-Security-Token: ..."; NULL: none */
	const char *account_id;        /* 12 digits; NULL: unknown */
	const char *provider;          /* "env", "assume-role", ...; static text */
	const char *source;   /* where they come from, for people: "AWS_ACCESS_KEY_ID", "profile x in FILE" */
	int64_t expires_at_s; /* Unix seconds, UTC; 0: never */
};
struct creds_keys *creds_keys_acquire(struct creds_keys *k); /* any thread */
void creds_keys_release(struct creds_keys *k);               /* any thread; NULL is a no-op */

struct creds_options {
	char *const *environ_; /* NULL-ended "NAME=value", borrowed: must outlive the result */
	const char *region; /* for STS, borrowed too; NULL: AWS_REGION, AWS_DEFAULT_REGION, the profile's */
	const char *container_host; /* of relative container URIs; NULL: http://169.254.170.2 */
};

MUST_CHECK enum err_code creds_new(const struct creds_options *o, struct creds **ret, struct err *reterr);
/* Fetch the first keys and keep them fresh, on `loop` and by its HTTP client, which is borrowed until creds_stop. */
MUST_CHECK enum err_code creds_start(struct creds *c, struct loop *loop, struct httpc *http,
                                     struct err *reterr);
void creds_stop(struct creds *c); /* cancels; waiters get ERR_STOPPING.  Before the loop is freed */
void creds_free(struct creds *c); /* NULL is a no-op.  Pre: stopped or never started, no waiter left */

/* The keys now, without waiting; *ret is acquired, release it.
 * Errors  ERR_BUSY: none yet, creds_wait for them.  The last failure (ERR_STORE, message with setting and
 *         remedy) when the fetch failed and will be tried again later. */
MUST_CHECK enum err_code creds_get(struct creds *c, struct creds_keys **ret, struct err *reterr);

/* `keys` is NULL when `err` is not.  Borrowed until it returns: acquire to keep. */
typedef void creds_wait_fn(void *arg, const struct err *err, struct creds_keys *keys);

/* Keys that AWS has not refused, at once or after the fetch that is running, or why there are none.  Any
 * number of callers wait for one fetch.
 * `done` runs on `home`.  Set a deadline of your own, then creds_wait_cancel.
 * Return   ERR_OK: `done` will be called.  ERR_NOMEM: it will not. */
MUST_CHECK enum err_code creds_wait(struct creds *c, struct loop *home, creds_wait_fn *done, void *arg,
                                    struct creds_wait **ret);
void creds_wait_cancel(struct creds_wait *w); /* on `home` */

/* AWS refused `keys` (ExpiredToken, UnrecognizedClient, InvalidSignature): fetch others now, at most once in
 * 60 s.  True: a fetch is running or newer keys are here, so creds_wait and try again.  False: give up. */
bool creds_refused(struct creds *c, const struct creds_keys *keys);
