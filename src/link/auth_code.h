/* link/auth_code.h - authorization codes: a sealed token that carries the customer's key.
 *
 * Shape    1..AUTH_CODE_MAX characters of [A-Za-z0-9_-].  Secret until redeemed; the store keeps its digest only.
 * Source   RFC 6749 section 4.1.2 (authorization code), 10.10 (entropy): 128-bit salt, 128-bit tag. */
#pragma once
#include "link/seal.h"
#include "store/store.h"

enum { AUTH_CODE_MAX = 512 };
struct auth_code_text {
	char s[AUTH_CODE_MAX + 1];
};

/* The code of a consent: the same key and salt always give the same code.
 * Errors  ERR_TOO_LARGE (key too long for AUTH_CODE_MAX), ERR_NOMEM. */
MUST_CHECK enum err_code auth_code_make(const struct sealer *s, const struct store_key *key,
                                        const uint8_t salt[SEAL_SALT_LEN], struct auth_code_text *ret);
/* The same, in the style of LINKD_CODE_STYLE. */
MUST_CHECK enum err_code auth_code_make_as(enum config_code_style style, const struct sealer *s,
                                           const struct store_key *key, const uint8_t salt[SEAL_SALT_LEN],
                                           struct auth_code_text *ret);
/* Replace the code by its digest: 43 characters that carry nothing and are the same every time. */
MUST_CHECK enum err_code auth_code_shorten(struct auth_code_text *code);
/* Errors  ERR_DENIED: not a code of ours. */
MUST_CHECK enum err_code auth_code_open(const struct sealer *s, struct str text, struct store_key *ret);
