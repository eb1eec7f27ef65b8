/* hash_share.h - how many password hashes each client network requested lately.
 *
 * Each network (/24, /48) has a count that halves every minute.  The counts order the queue (hash_queue.h);
 * they refuse nothing.  A network that was evicted counts as new.
 * Bound    HASH_SHARE_SETS * HASH_SHARE_WAYS networks; in a full set the lowest count is evicted.
 * Threads  the caller's lock. */
#pragma once
#include "base/str.h"

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
