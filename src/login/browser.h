/* browser.h - which browser it is: the cookie that binds a login to it, and the Origin of its forms.
 *
 * The cookie holds 32 random bytes and nothing else; sealed tokens hold their digest.
 * Threads  pure functions. */
#pragma once
#include "base/buf.h"
#include "config/config.h"

enum {
	BROWSER_NONCE_LEN = 43, /* base64url of 32 random bytes */
	BROWSER_DIGEST_LEN = 32,
};

struct browser_nonce {
	char s[BROWSER_NONCE_LEN + 1]; /* secret */
	bool made;                     /* false: the browser's own was kept */
};

/* Keep a well-formed nonce, so that a second tab does not kill the first; make one otherwise. */
MUST_CHECK enum err_code browser_nonce(struct str cookie, struct browser_nonce *ret);
MUST_CHECK enum err_code browser_digest(struct str nonce, uint8_t ret[BROWSER_DIGEST_LEN]);

const char *browser_cookie_name(const struct config *cfg);
void browser_cookie(const struct config *cfg, const struct browser_nonce *nonce,
                    struct buf *out); /* Set-Cookie */

/* Is the page that sent the form ours?  origin, host: the headers, p NULL when absent.
 * An absent Origin is; a present one must be that of LINKD_PUBLIC_URL or, when that is unset, of the loopback
 * address in Host.  "null" is not ours. */
bool browser_origin_ours(const struct config *cfg, struct str origin, struct str host);
