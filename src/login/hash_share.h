/* hash_share.h - how much of the hash threads each client network asked for lately.
 *
 * A count per network (/24, /48) that halves every minute.  It orders the queue (hash_queue.h) and refuses
 * nothing itself.  A network that is forgotten counts as new.
 * Bound    HASH_SHARE_SETS * HASH_SHARE_WAYS networks; in a full set the lowest count goes.
 * Threads  the caller's lock. */
#pragma once
#include "base/str.h"

enum { HASH_SHARE_SETS = 512, HASH_SHARE_WAYS = 4, HASH_SHARE_HALF_MS = 60000 };

struct hash_share_entry {
	uint64_t network;
	uint32_t used; /* 0: free */
	int64_t at_ms; /* of the last halving */
};

struct hash_share {
	struct hash_share_entry entry[HASH_SHARE_SETS][HASH_SHARE_WAYS];
};

/* The network of a client's address: /24 of IPv4, /48 of IPv6.  Text that is no address is network 0. */
uint64_t hash_share_network(struct str client);

/* Count one more; -> log2 of the count: 0 for the first, 1 from the second. */
unsigned hash_share_add(struct hash_share *s, uint64_t network, int64_t now_ms);
