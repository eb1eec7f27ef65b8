/* device.h - the device cookie: it marks a browser in which a customer logged in before.
 *
 * Strangers can exhaust a customer's tries and so lock the customer out.  So a browser that sent the right
 * password gets this cookie, and its later tries have a counter of their own (login/throttle.h).  The cookie
 * does not replace the password.
 *
 * Shape    one sealed token (SEAL_DEVICE): a random id of the browser, then for each customer the digests of
 *          key and e-mail and the time of the last right login.  A new customer replaces the one whose login
 *          is the oldest.  Without the seal key the cookie does not reveal a customer.
 * Bound    DEVICE_CUSTOMERS_MAX customers, DEVICE_TEXT_MAX characters, DEVICE_TTL_S seconds.
 * Source   OWASP, "Slow Down Online Guessing Attacks with Device Cookies".
 * Threads  pure functions. */
#pragma once
#include "config/config.h"
#include "link/seal.h"
#include "store/store.h"

enum {
	DEVICE_ID_LEN = 16,
	DEVICE_DIGEST_LEN = 16,
	DEVICE_CUSTOMERS_MAX = 8,
	DEVICE_TEXT_MAX = 768,          /* characters of the token */
	DEVICE_TTL_S = 180 * 24 * 3600, /* after the last right login */
	DEVICE_SKEW_S = 60,             /* the clock of another instance may be ahead by this much */
};

struct device_customer {
	uint8_t key[DEVICE_DIGEST_LEN];   /* digest of customer_id and e-mail, as stored */
	uint8_t email[DEVICE_DIGEST_LEN]; /* of it in lower case: known before the look-up in the store */
	int64_t at_s;                     /* last right login, Unix seconds */
};

struct device {
	uint8_t id[DEVICE_ID_LEN];
	size_t n; /* customers; 0: an unknown browser, which has no id */
	struct device_customer customer[DEVICE_CUSTOMERS_MAX];
};

/* Read the cookie's value; p is NULL when there is no cookie.  A value that is forged, altered, too long,
 * expired, or sealed with a key that was removed counts as no cookie. */
void device_open(const struct sealer *s, struct str cookie, int64_t now_s, struct device *ret);

/* The customer who logged in with this e-mail, NULL for nobody.  The e-mail may belong to another customer by
 * now. */
const struct device_customer *device_find(const struct device *d, struct str email);
bool device_is(const struct device_customer *c, const struct store_key *key);
/* Errors  ERR_NOMEM. */
MUST_CHECK enum err_code device_key_digest(const struct store_key *key, uint8_t ret[DEVICE_DIGEST_LEN]);

/* Record a right login.  Errors  ERR_NOMEM. */
MUST_CHECK enum err_code device_add(struct device *d, struct str email, const struct store_key *key,
                                    int64_t now_s);
/* Append a Set-Cookie header with the device.  Errors  ERR_NOMEM. */
MUST_CHECK enum err_code device_cookie(const struct config *cfg, const struct sealer *s,
                                       const struct device *d, struct buf *out);
const char *device_cookie_name(const struct config *cfg);
