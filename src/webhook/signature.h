/* signature.h - X-Hub-Signature-256: HMAC-SHA256 of the raw body under the app secret.  Pure.
 *
 * Shape   "sha256=" and 64 lower-case hex digits, nothing else. */
#pragma once
#include "base/err.h"
#include "base/str.h"

enum { SIGNATURE_LEN = 71 }; /* characters */

bool signature_shape(struct str header);

/* Whether any of the `n` secrets made the header's digest of `body`; all are tried, in constant time.
 * Errors  ERR_DENIED (misshapen, wrong, or no secret), ERR_NOMEM (cannot tell). */
MUST_CHECK enum err_code signature_check(struct str header, struct str body, char *const *secrets, size_t n);
