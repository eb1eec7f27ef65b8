/* throttle.h - how often a password may be tried: counted in memory, reserved before the hash is computed.
 *
 * 5 tries for a pair of e-mail and client network (/24, /56), 30 for a client (address; /64), in any 15
 * minutes.  Every try's time is kept, so the limit holds over each window, nobody waits longer than one, and
 * the wait is known exactly.  Known and unknown e-mails are counted alike.
 *
 * Bound    65536 entries of each kind, in sets of 8 chosen by a keyed hash with a random key.  When a set is
 *          full the entry with the fewest tries goes, the oldest of them first.  To push out a full counter
 * one must thus fill its whole set with full counters, without knowing which keys fall there: about as many
 * tries as the table holds, each of them counted by client and costing a password hash. Threads  any; one
 * mutex, held for well under a microsecond. */
#pragma once
#include "base/err.h"
#include "base/str.h"

enum {
	THROTTLE_PAIR_TRIES = 5,
	THROTTLE_CLIENT_TRIES = 30,
	THROTTLE_WINDOW_S = 900,
	THROTTLE_ENTRIES = 65536,
	THROTTLE_KEY_LEN = 16,
};

struct throttle; /* opaque */

/* One reserved try. */
struct throttle_claim {
	uint8_t pair[THROTTLE_KEY_LEN];
	uint8_t client[THROTTLE_KEY_LEN];
	uint32_t at_s;
	bool held;
};

MUST_CHECK enum err_code throttle_new(struct throttle **ret, struct err *reterr);
void throttle_free(struct throttle *t); /* NULL is a no-op */

/* Take a try.  A refused one counts nowhere.
 * Input   client: text of an address; email: trimmed, ASCII case does not matter; now_ms: monotonic.
 * Errors  ERR_THROTTLED: *ret_wait_s seconds (1..900) until there is one.  ERR_NOMEM. */
MUST_CHECK enum err_code throttle_reserve(struct throttle *t, struct str client, struct str email,
                                          int64_t now_ms, struct throttle_claim *ret, int64_t *ret_wait_s);
/* Give it back: the login was right, or nothing was tried.  A second release does nothing. */
void throttle_release(struct throttle *t, struct throttle_claim *claim);
