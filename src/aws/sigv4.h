/* sigv4.h - AWS Signature Version 4 of a POST to /, with a cached key: calls to DynamoDB and STS.
 *
 * Source   AWS General Reference, "Signature Version 4 signing process".
 * Layer    includes base/ and aws/creds/creds.h.
 * Threads  pure on the caller's memory; a key cache belongs to one thread.
 * Errors   ERR_INVALID names the part that cannot be signed (CR, LF or NUL in a key, token, region, host or
 *          header; a malformed value); ERR_NOMEM. */
#pragma once
#include "base/buf.h"
#include "base/crypto.h"
#include "base/time.h"

struct creds_keys;

enum {
	SIGV4_DATE_LEN = TIME_BASIC_LEN, /* 20150830T123600Z */
	SIGV4_SIGNATURE_LEN = 64,        /* lower-case hex */
	SIGV4_AUTH_MAX = 640,            /* bytes of a whole Authorization header line */
};

struct sigv4_scope {
	struct str region;  /* [a-z0-9-]+ */
	struct str service; /* [a-z0-9-]+: "dynamodb", "sts" */
	int64_t time_s;     /* Unix seconds, UTC, years 1970..9999 */
};

/* A cache of the signing key for (day, region, service, secret).  It saves four HMACs for each signature.  Each
 * DynamoDB client has one; creds/sts.c makes one for each call. */
struct sigv4_cache; /* opaque */
MUST_CHECK enum err_code sigv4_cache_new(struct sigv4_cache **ret, struct err *reterr);
void sigv4_cache_free(struct sigv4_cache *c); /* wipes; NULL is a no-op */

/* Signed: content-type;host;x-amz-date[;x-amz-security-token][;x-amz-target]. */
struct sigv4_call {
	struct sigv4_scope scope;
	struct str host;         /* as in the Host header: with :port when it is not the scheme's default */
	struct str content_type; /* "application/x-amz-json-1.0" */
	struct str target; /* "DynamoDB_20120810.UpdateItem"; empty: the header is neither sent nor signed */
	struct str body;
};

/* Whole header lines, NUL-terminated.  Send beside them, unchanged: Content-Type,
 * X-Amz-Target, and keys->token_header when it is not NULL. */
struct sigv4_lines {
	char date[sizeof "X-Amz-Date: " + SIGV4_DATE_LEN];
	char authorization[SIGV4_AUTH_MAX];
};

/* Sign one attempt.  At most 3 us with a cached key, 700 bytes of body and a token of 1,000 bytes. */
MUST_CHECK enum err_code sigv4_sign(struct sigv4_cache *cache, const struct sigv4_call *call,
                                    const struct creds_keys *keys, struct sigv4_lines *ret,
                                    struct err *reterr);

/* --- its parts, which the reference signer of the tests uses too
 *
 * The key of a day: AWS4+secret -> date -> region -> service -> aws4_request, each step an HMAC-SHA-256. */

enum { SIGV4_KEY_SECRET_MAX = 256, SIGV4_KEY_NAME_MAX = 63, SIGV4_KEY_ID_MAX = 128 };

/* Fills the date, 20150830T123600Z. */
MUST_CHECK enum err_code sigv4_key_check(const struct sigv4_scope *scope, char ret_date[SIGV4_DATE_LEN + 1],
                                         struct err *reterr);
MUST_CHECK enum err_code sigv4_key_check_keys(const struct creds_keys *keys, struct err *reterr);
MUST_CHECK enum err_code sigv4_key_derive(const struct sigv4_scope *scope, struct str secret,
                                          const char *date, uint8_t ret[CRYPTO_SHA256_LEN],
                                          struct err *reterr);
void sigv4_key_hex(const uint8_t sum[CRYPTO_SHA256_LEN], char ret[SIGV4_SIGNATURE_LEN + 1]);
