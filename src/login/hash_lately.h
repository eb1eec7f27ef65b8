/* hash_lately.h - which kinds of password hashes were checked lately, and how long they take.
 *
 * A failed login must take the same time whichever hash the customer has, and whether there is a customer.
 * Two things follow from the kinds that are in use:
 *   - the dummy: a hash of the costliest kind, against which unknown e-mails are checked.  A kind that takes
 *     longer than HASH_LATELY_SLOW_US is left out: one absurd hash in the table must not make each unknown
 *     login absurd.
 *   - the slot: the time that every failed check gets, from its start, however fast it was: the costliest
 *     kind with a quarter more, or what the last checks took where the machine is busy.  It costs no CPU,
 *     so it covers absurd hashes too, up to HASH_LATELY_SLOT_US.
 *
 * A kind is forgotten HASH_LATELY_MS after its last check.  No customer's hash is kept: hash_cost_blank.
 * Bound    HASH_LATELY_KINDS; past it the cheapest is forgotten.
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
	HASH_LATELY_BUSY_MS = 10000, /* what the last checks took counts half after this time */
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
	int64_t busy_us, busy_ms; /* the longest of the last checks, and when it was that */
	int64_t warned_ms;
};

void hash_lately_init(struct hash_lately *l);
void hash_lately_done(struct hash_lately *l);

/* A check of `hash` took so long; "" for the default.  Warns, once an hour, of one that is slow. */
void hash_lately_note(struct hash_lately *l, struct str hash, int64_t us, int64_t now_ms);

/* False: none is known, a new hash will do. */
bool hash_lately_dummy(struct hash_lately *l, int64_t now_ms, char ret[STORE_HASH_MAX + 1]);
int64_t hash_lately_slot_us(struct hash_lately *l, int64_t now_ms);
