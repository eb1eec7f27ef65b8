/* sigv4_key.h - the day's signing key, and what a scope and keys must look like; the signer's own.
 *
 * AWS4+secret -> date -> region -> service -> aws4_request, each step an HMAC-SHA-256. */
#pragma once
#include "aws/sigv4.h"
#include "base/crypto.h"

enum { SIGV4_KEY_SECRET_MAX = 256, SIGV4_KEY_NAME_MAX = 63, SIGV4_KEY_ID_MAX = 128 };

/* Fills the date, 20150830T123600Z. */
MUST_CHECK enum err_code sigv4_key_check(const struct sigv4_scope *scope, char ret_date[SIGV4_DATE_LEN + 1],
                                         struct err *reterr);
MUST_CHECK enum err_code sigv4_key_check_keys(const struct creds_keys *keys, struct err *reterr);

MUST_CHECK enum err_code sigv4_key_derive(const struct sigv4_scope *scope, struct str secret,
                                          const char *date, uint8_t ret[CRYPTO_SHA256_LEN],
                                          struct err *reterr);
void sigv4_key_hex(const uint8_t sum[CRYPTO_SHA256_LEN], char ret[SIGV4_SIGNATURE_LEN + 1]);
