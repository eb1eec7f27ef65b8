/* fingerprint.h - which stored record of a customer a consent was made for.
 *
 * A customer who is removed and added again has the same key but another password hash, since each hash has a
 * salt of its own.  A consent carries the fingerprint of the hash, and a code is issued only while the stored
 * hash still has it.
 * Threads  pure functions. */
#pragma once
#include "store/store.h"

/* Base64url SHA-256 of a password hash as stored, "" where there is none.  Errors  ERR_NOMEM. */
MUST_CHECK enum err_code fingerprint_make(struct str hash, char ret[STORE_DIGEST_LEN + 1]);
/* Has the hash the wanted fingerprint?  A wanted "" is any.  Errors  ERR_NOMEM. */
MUST_CHECK enum err_code fingerprint_check(struct str hash, const char *wanted, bool *ret_same);
