/* state.h - the tokens that the pages carry in hidden fields instead of a session, and the cookie that binds them.
 *
 * A state is made by GET /link and taken by the login; a consent is made by a right login and taken by
 * Connect and Not me.  Both are sealed, short-lived and bound to one browser by the digest of a nonce.  The cookie of
 * the browser holds the nonce, 32 random bytes, and nothing else.
 * Threads  pure functions. */
#pragma once
#include "facebook/graph_answer.h"
#include "link/seal.h"
#include "login/redirect.h"
#include "store/store.h"

enum {
	STATE_NONCE_LEN = 43, /* base64url of 32 random bytes */
	STATE_BROWSER_LEN = 32,
	STATE_TTL_S = 600,
	STATE_CONSENT_TTL_S = 300,
	STATE_SKEW_S = 60, /* another instance's clock may be ahead by this */
};

struct state {
	char token[REDIRECT_TOKEN_MAX + 1]; /* account_linking_token */
	char redirect[REDIRECT_MAX + 1];    /* return address, checked when the state was made */
	char psid[STORE_PSID_MAX + 1];      /* confirmed by Facebook; empty: not known */
	char page_id[STORE_PSID_MAX + 1];   /* empty: not known */
	char profile[GRAPH_NAME_MAX + 1];   /* name of the person whose PSID it is; empty: not known */
	int64_t issued_s;                   /* Unix seconds */
	uint8_t browser[STATE_BROWSER_LEN]; /* SHA-256 of the cookie's nonce */
};

/* The links that Connect will remove; the consent page names them. */
enum state_loses {
	STATE_LOSES_NOTHING = 0,
	STATE_LOSES_PROFILE = 1,  /* the customer's link to another Messenger profile */
	STATE_LOSES_CUSTOMER = 2, /* this Messenger profile's link to another customer */
	STATE_LOSES_PERHAPS = 4,  /* the same, when the profile is not known */
	STATE_LOSES_UNKNOWN = 8,  /* as PROFILE, when the store does not know */
};

struct consent {
	struct state state; /* issued_s is the consent's own */
	struct store_key key;
	char record[STORE_DIGEST_LEN +
	            1]; /* crypto_sha256_text of the customer's password hash at the time of the login */
	uint8_t salt[SEAL_SALT_LEN]; /* of the authorization code */
	struct store_key replaces;   /* the earlier holder of the PSID; id empty: nobody, or not known */
	unsigned loses;              /* STATE_LOSES_* joined with | */
};

/* Append the token.  Errors ERR_TOO_LARGE, ERR_NOMEM. */
MUST_CHECK enum err_code state_seal(const struct sealer *s, const struct state *state, struct buf *out);
MUST_CHECK enum err_code state_seal_consent(const struct sealer *s, const struct consent *c, struct buf *out);

/* Input   nonce: the cookie's value, p NULL when there is none; now_s: Unix seconds.
 * Errors  ERR_DENIED: forged, of another browser, or not valid at this time; reterr says which.  ERR_NOMEM. */
MUST_CHECK enum err_code state_open(const struct sealer *s, struct str token, struct str nonce, int64_t now_s,
                                    struct state *ret, struct err *reterr);
MUST_CHECK enum err_code state_open_consent(const struct sealer *s, struct str token, struct str nonce,
                                            int64_t now_s, struct consent *ret, struct err *reterr);

struct state_nonce {
	char s[STATE_NONCE_LEN + 1]; /* secret */
	bool made;                   /* false: the browser's own was kept */
};

/* Keep a well-formed nonce, so that a second tab does not invalidate the first; make one otherwise. */
MUST_CHECK enum err_code state_nonce(struct str cookie, struct state_nonce *ret);
MUST_CHECK enum err_code state_browser_digest(struct str nonce, uint8_t ret[STATE_BROWSER_LEN]);
const char *state_cookie_name(const struct config *cfg);
/* Append a Set-Cookie header. */
void state_cookie(const struct config *cfg, const struct state_nonce *nonce, struct buf *out);
