/* seal.h - sealed tokens: states, consents, authorization codes, device cookies.
 *
 * Shape   base64url of version(1) type(1) key id(4) salt(16) AES-256-GCM(fields) tag(16).  Key and nonce come
 * from HKDF-SHA256(seal key, salt, type), so equal input with an equal salt gives an equal token.  The header
 * is authenticated.  Fields are length-prefixed byte strings (2 bytes, big endian).
 * Threads  read-only after sealer_new; shared by all. */
#pragma once
#include "base/buf.h"
#include "config/config.h"

enum seal_type { SEAL_STATE = 1, SEAL_CONSENT = 2, SEAL_CODE = 3, SEAL_REQUEST = 4, SEAL_DEVICE = 5 };
enum {
	SEAL_SALT_LEN = 16,
	SEAL_FIELDS_MAX = 16,
	SEAL_TEXT_MAX = 8192,
	SEAL_KEYS_MAX = 3,
	SEAL_OVERHEAD = 38
};

struct sealer; /* opaque: up to 3 keys */

/* keys[0] seals, all open; each at least 32 bytes. */
MUST_CHECK enum err_code sealer_new(const struct str *keys, size_t n, struct sealer **ret,
                                    struct err *reterr);
void sealer_free(struct sealer *s); /* wipes; NULL is a no-op */

/* Append the token to out.  salt NULL: random.  A salt given must be random, and used for one set of fields
 * only: AES-GCM is broken when two texts are encrypted with the same key and nonce.  Errors ERR_TOO_LARGE, ERR_NOMEM. */
MUST_CHECK enum err_code seal_make(const struct sealer *s, enum seal_type type,
                                   const uint8_t salt[SEAL_SALT_LEN], const struct str *fields, size_t n,
                                   struct buf *out);

struct seal_open {
	size_t n;
	struct str field[SEAL_FIELDS_MAX]; /* borrowed from `plain` */
	size_t plain_n;
	uint8_t plain[SEAL_TEXT_MAX];
};
/* *ret need not be set before.
 * Errors  ERR_DENIED: not ours, not this type, or altered; one code for all.  ERR_NOMEM. */
MUST_CHECK enum err_code seal_open(const struct sealer *s, enum seal_type type, struct str token,
                                   struct seal_open *ret);
void seal_open_done(struct seal_open *o); /* wipes */
