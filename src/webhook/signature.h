/* signature.h - X-Hub-Signature-256: HMAC-SHA256 of the raw body under the app secret.
 *
 * Shape    "sha256=" and 64 lower-case hex digits, nothing else.
 * Threads  pure, but for the keys: one thread at a time. */
#pragma once
#include "base/err.h"
#include "base/str.h"

enum { SIGNATURE_LEN = 71 }; /* characters */

struct signature_keys; /* opaque: the app secrets, ready for use */

/* At most SIGNATURE_KEYS_MAX of the n secrets. */
enum { SIGNATURE_KEYS_MAX = 3 };
MUST_CHECK enum err_code signature_keys_new(char *const *secrets, size_t n, struct signature_keys **ret);
void signature_keys_free(struct signature_keys *k); /* wipes them; NULL is a no-op */

bool signature_shape(struct str header);

/* Whether any of the keys made the header's digest of `body`; all are tried, in constant time.
 * Errors  ERR_DENIED (misshapen, wrong, or no key), ERR_NOMEM (cannot tell). */
MUST_CHECK enum err_code signature_check(struct str header, struct str body, struct signature_keys *keys);
