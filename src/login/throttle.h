/* throttle.h - limits of password tries: counts in memory, taken before the hash is computed.
 *
 * A try counts at once, in any 15 minutes:
 *   for the e-mail and the network    5 from one /24 (IPv4) or /56 (IPv6), 20 from one /48
 *   for the client                    30 from one address (IPv4) or /64
 *   for the network, any e-mail       300 from one /24 or /48: many clients share a carrier's /24
 * Known and unknown e-mails are counted alike.  Right logins do not count, up to 20 of a client.
 *
 * A stranger in the owner's network can exhaust these limits.  So a browser that once logged in with this
 * e-mail (the device cookie, login/device.h) is counted separately: 5 tries an hour of its own, and 30 in 15
 * minutes for all such browsers of the e-mail together, since the owner of a password can get many cookies.
 * Beyond these limits it is counted like any other browser.
 *
 * Once the customer is found, all clients together have 100 tries an hour.  The store counts failures too,
 * for all instances (submit_at_ceiling), but its count is read before the hash and written after it.  So only
 * the count here, taken before the hash, also limits simultaneous tries.  Beyond either count a known device
 * is still accepted, and a try for which Facebook confirmed the Messenger profile has 3 tries an hour for
 * this customer and profile.
 *
 * Bound    The tables are in THROTTLE_RULES.  To evict a full count, so that it starts again at 0, a stranger
 *          must fill its table with full counts.  For an e-mail's count that takes 327,680 tries in the
 *          window, each of which counts for its client and network too.  The counts of devices, profiles and
 *          right logins have tables of their own, which a stranger's wrong passwords do not enter.
 *
 * Threads  any; one mutex, held for some microseconds.  The counts belong to one process: with N instances
 *          behind a load balancer a limit is up to N times as high.
 */
#pragma once
#include "base/err.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

/*      id, tries, window in s, entries */
#define THROTTLE_RULES(X)                                            \
	X(CLIENT, 30, 900, 65536)     /* address or /64 */           \
	X(NETWORK, 300, 900, 4096)    /* /24 or /48 */               \
	X(EMAIL, 5, 900, 65536)       /* e-mail and /24 or /56 */    \
	X(EMAIL_WIDE, 20, 900, 16384) /* e-mail and /24 or /48 */    \
	X(DEVICES, 30, 900, 16384)    /* all devices of an e-mail */ \
	X(DEVICE, 5, 3600, 16384)     /* device and e-mail */        \
	X(CUSTOMER, 100, 3600, 8192)  /* customer */                 \
	X(PROFILE, 3, 3600, 16384)    /* customer and PSID */        \
	X(RIGHT, 20, 900, 16384)      /* right logins of a client, or of all devices of an e-mail */

enum throttle_rule {
#define X(id, tries, window_s, entries) THROTTLE_##id,
	THROTTLE_RULES(X)
#undef X
	        THROTTLE_RULE_COUNT
};

enum { THROTTLE_KEY_LEN = 16 };
struct throttle; /* opaque */

/* The client that tries. */
struct throttle_try {
	struct str client; /* text of an address */
	struct str email;  /* trimmed; ASCII case does not matter */
	struct str device; /* id of a device that knows this e-mail; empty: none */
};

/* One reserved try. */
struct throttle_claim {
	struct {
		enum throttle_rule rule;
		uint8_t key[THROTTLE_KEY_LEN];
	} part[4]; /* the first counts the client, or all devices of an e-mail */
	size_t n;
	uint32_t at_s;
	bool held;
	bool of_device; /* counted on the device alone */
};

MUST_CHECK enum err_code throttle_new(struct throttle **ret, struct err *reterr);
void throttle_free(struct throttle *t); /* NULL is a no-op */

/* Take a try.  A refused try is not counted.
 * Input   now_ms: monotonic.
 * Errors  ERR_THROTTLED: the next try is in *ret_wait_s seconds (1..900).  ERR_NOMEM. */
MUST_CHECK enum err_code throttle_reserve(struct throttle *t, const struct throttle_try *who, int64_t now_ms,
                                          struct throttle_claim *ret, int64_t *ret_wait_s);
/* Take, in addition, a try of the customer: from the limit of all clients together or, with a PSID that
 * Facebook confirmed, from that of this profile.
 * Errors  ERR_THROTTLED, ERR_NOMEM. */
MUST_CHECK enum err_code throttle_reserve_customer(struct throttle *t, struct str customer, struct str psid,
                                                   int64_t now_ms, struct throttle_claim *ret);
/* Give it back: nothing was tried.  A second release does nothing. */
void throttle_release(struct throttle *t, struct throttle_claim *claim);
/* The login was right: give the try back, unless the client had too many right logins. */
void throttle_right(struct throttle *t, struct throttle_claim *claim);
