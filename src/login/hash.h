/* hash.h - the work of password hashes: its bounds (hash_cost.c), how long it takes, and the threads that do it
 * (hash_queue.c). */
#pragma once
#include "base/str.h"
#include "loop/loop.h"
#include "store/store.h"

#include <pthread.h>

/* --- bounds of a stored hash
 *
 * The memory and time of a hash are bounded before it is computed: other programs write the table too, and a hash
 * with an absurd cost must not use up the machine.
 * Source   PHC string format (argon2); crypt(5) of libxcrypt for the rest.
 * Threads  pure functions. */

enum {
	HASH_COST_MEMORY_KIB = 1048576, /* 1 GiB */
	HASH_COST_PASSES = 64,
	HASH_COST_LANES = 16, /* libargon2 starts a thread for each */
	HASH_COST_BCRYPT = 16,
	HASH_COST_ROUNDS = 5000000, /* sha256crypt, sha512crypt, sha1crypt, SunMD5 */
};

enum hash_kind {
	HASH_NONE, /* no hash, or one past the bounds: nothing verifies */
	HASH_ARGON2D,
	HASH_ARGON2I,
	HASH_ARGON2ID,
	HASH_SHA1,  /* 40 hex digits, no salt; see LINKD_LEGACY_SHA1 */
	HASH_CRYPT, /* for crypt(3), which decides whether it knows it */
};
enum hash_kind hash_cost_kind(struct str hash);

/* Write a hash of the same kind and cost that matches no password.  The parameters are kept; salt and digest
 * are blanked out, so that it contains nothing secret.  False: `hash` has no parameters, or `cap` is too
 * small. */
bool hash_cost_blank(struct str hash, char *ret, size_t cap);

/* --- which kinds of password hashes were checked lately, and how long a check takes.
 *
 * A failed login must take the same time for each kind of hash, and for unknown e-mails.  The kinds in use
 * determine two values:
 *   - the dummy: a hash of the costliest kind, against which the passwords of unknown e-mails are checked.  A
 *     kind that takes longer than HASH_LATELY_SLOW_US is left out: one extremely costly hash in the table
 *     must not make every login with an unknown e-mail as costly.
 *   - the slot: the time that every failed check gets from its start, even if it ends earlier.  It is the
 *     time of the costliest kind and a quarter more or, on a busy machine, the time that the last checks
 *     took.  Waiting costs no CPU, so the slot covers extremely costly hashes too, up to HASH_LATELY_SLOT_US.
 *
 * A kind is forgotten HASH_LATELY_MS after its last check.  No customer's hash is kept, see hash_cost_blank.
 * Bound    HASH_LATELY_KINDS; beyond it the cheapest kind is evicted.
 * Threads  any; one mutex. */

enum {
	HASH_LATELY_KINDS = 8,
	HASH_LATELY_MS = 24 * 3600 * 1000,
	HASH_LATELY_SLOW_US = 300000, /* half of the floor of a failed login */
	HASH_LATELY_SLOT_US = 2400000,
	HASH_LATELY_BUSY_MS = 10000, /* the half-life of the time that the last checks took */
	HASH_LATELY_WARN_MS = 3600 * 1000,
};

struct hash_lately_kind {
	char blank[STORE_HASH_MAX + 1]; /* empty: free */
	int64_t us;                     /* the shortest time of a check: what it takes on an idle core */
	int64_t met_ms;
};

struct hash_lately {
	pthread_mutex_t lock;
	struct hash_lately_kind kind[HASH_LATELY_KINDS];
	int64_t busy_us, busy_ms; /* the longest of the last checks, and when it was measured */
	int64_t warned_ms;
};

void hash_lately_init(struct hash_lately *l);
void hash_lately_done(struct hash_lately *l);

/* Record how long a check of `hash` took; "" is a new hash.  Warns of a slow one, once an hour. */
void hash_lately_note(struct hash_lately *l, struct str hash, int64_t us, int64_t now_ms);

/* Get the dummy.  False: no kind is known; the caller uses a new hash. */
bool hash_lately_dummy(struct hash_lately *l, int64_t now_ms, char ret[STORE_HASH_MAX + 1]);
int64_t hash_lately_slot_us(struct hash_lately *l, int64_t now_ms);

/* --- the threads that compute password hashes, and the queue in front of them.
 *
 * A stranger can send more logins than the threads can check, so the queue decides which tries wait:
 *   - A try takes its place before its customer is looked up in the store.  One client network, and one
 *     e-mail, hold at most a quarter of the places.
 *   - Known devices go first.  Then come the networks with the fewest recent tries.  Among equals the oldest
 *     try goes first, but the newest one while more than a quarter of the places is in use: under overload
 *     the people who waited longest have left.
 *   - When the places that a new try may use are full, the last in this order of the tries in them is
 *     evicted.  If the new try itself is the last, it is refused.
 *   - A try that cannot be started in time is dropped.
 *   - Tries of one e-mail run one after another; `work` may block the e-mail for longer (hold_until_ms).
 *
 * Bound    `places`; HASH_QUEUE_HELD e-mails blocked after their try (beyond it the oldest block is lifted).
 * Threads  enter, start, leave: a loop's.  `work`: a pool's.  `done`: the starting loop's. */

enum {
	HASH_QUEUE_SHARES = 4, /* a network or an e-mail may hold the places divided by this */
	HASH_QUEUE_HELD = 256,
};

struct hash_queue; /* opaque */

struct hash_queue_options {
	unsigned threads; /* 1.. */
	size_t places;    /* the most tries that have entered and do not run yet */
	int nice;         /* 0..19 */
};

enum hash_try_state {
	HASH_TRY_OUT, /* not in the queue: it never entered, or it was evicted before its start */
	HASH_TRY_RESERVED,
	HASH_TRY_WAITING,
	HASH_TRY_TAKEN, /* it runs, or its `done` is scheduled */
};

struct hash_try {
	void (*work)(struct hash_try *t); /* on a pool thread; may not touch loops, stores or requests */
	void (*done)(struct hash_try *t); /* on the loop; the caller then owns the memory again */
	uint64_t network, email;          /* keys: tries with an equal key share its quarter of the places */
	bool known_device;
	int64_t latest_ms;     /* monotonic: the try is not started later */
	int64_t hold_until_ms; /* set by `work`: no other try of this e-mail starts earlier.  0: no hold */
	bool dropped;          /* in `done`: it was too late, `work` did not run */
	/* the queue's own */
	enum hash_try_state state;
	unsigned used; /* log2 of the recent tries of its network */
	struct list_node node;
	struct loop *home;
	struct loop_post post;
};

MUST_CHECK enum err_code hash_queue_new(const struct hash_queue_options *o, struct hash_queue **ret,
                                        struct err *reterr);
void hash_queue_free(struct hash_queue *q); /* waits for running work, drops the rest.  NULL is a no-op */

/* Take a place.  Ownership  `t` is borrowed until hash_queue_leave returns true or `done` runs.
 * Errors  ERR_BUSY: there is no place for it. */
MUST_CHECK enum err_code hash_queue_enter(struct hash_queue *q, struct hash_try *t);
/* From now on it may run.
 * Errors  ERR_BUSY: it was evicted, or it is too late for it; `done` will not run. */
MUST_CHECK enum err_code hash_queue_start(struct hash_queue *q, struct loop *home, struct hash_try *t);
/* Give the place back.  True: `t` has left.  False: it already runs, or it was dropped; `done` will run. */
MUST_CHECK bool hash_queue_leave(struct hash_queue *q, struct hash_try *t);

/* --- how many password hashes each client network requested lately.
 *
 * Each network (/24, /48) has a count that halves every minute.  The counts order the queue and refuse nothing.  A
 * network that was evicted counts as new.
 * Bound    HASH_SHARE_SETS * HASH_SHARE_WAYS networks; in a full set the lowest count is evicted.
 * Threads  the caller's lock. */

enum { HASH_SHARE_SETS = 512, HASH_SHARE_WAYS = 4, HASH_SHARE_HALF_MS = 60000 };

struct hash_share_entry {
	uint64_t network;
	uint32_t used; /* 0: free */
	int64_t at_ms; /* time of the last halving */
};

struct hash_share {
	struct hash_share_entry entry[HASH_SHARE_SETS][HASH_SHARE_WAYS];
};

/* The network of a client's address: /24 of IPv4, /48 of IPv6.  Text that is not an address is network 0. */
uint64_t hash_share_network(struct str client);
/* Count one more try; returns log2 of the count: 0 for the first, 1 from the second on. */
unsigned hash_share_add(struct hash_share *s, uint64_t network, int64_t now_ms);
