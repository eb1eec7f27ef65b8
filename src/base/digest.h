/* digest.h - a SHA-256 as text: of a code, and of the record for which a consent was made.  Pure.
 *
 * Source  SHA-256 FIPS 180-4; base64url RFC 4648 section 5 without padding. */
#pragma once
#include "base/err.h"
#include "base/str.h"

enum { DIGEST_TEXT_LEN = 43 };

/* Errors  ERR_NOMEM. */
MUST_CHECK enum err_code digest_text(struct str data, char ret[DIGEST_TEXT_LEN + 1]);
