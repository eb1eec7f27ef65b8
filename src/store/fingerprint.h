/* fingerprint.h - identifies the customer's record for which a consent was made.
 *
 * A customer who is removed and added again has the same key but another password hash, since each hash has a
 * salt of its own.  A consent carries the fingerprint of the hash, and a code is issued only while the stored
 * hash still has that fingerprint, which is its digest_text (base/digest.h); "" if there is no hash.
 * Threads  pure functions. */
#pragma once
#include "store/store.h"

/* Does the hash have the wanted fingerprint?  "" accepts any hash.  Errors  ERR_NOMEM. */
MUST_CHECK enum err_code fingerprint_check(struct str hash, const char *wanted, bool *ret_same);
