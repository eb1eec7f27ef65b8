/* hash_lately.h - which kinds of password hashes were checked lately, and how long a check takes.
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
#pragma once
#include "base/err.h"
#include "base/str.h"
#include "store/store.h"

#include <pthread.h>

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
