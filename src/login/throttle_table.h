/* throttle_table.h - counts of tries by key: at most so many in any window.
 *
 * The time of every try is kept.  So the limit holds over every window, nobody waits longer than a window,
 * and the wait is known exactly.
 *
 * Bound    `entries`, in sets of THROTTLE_TABLE_WAYS chosen by the key's first bytes.  When a set is full,
 *          the entry with the fewest tries is evicted; among equals the oldest one.  Keys must be digests
 *          under a secret key, so that a stranger cannot choose the set.  Then the eviction of a count of n
 *          takes about entries * n tries; fewer tries evict only smaller counts.
 * Threads  the caller's lock. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { THROTTLE_KEY_LEN = 16, THROTTLE_TABLE_WAYS = 8 };

struct throttle_limit {
	uint32_t tries;
	uint32_t window_s;
	size_t entries; /* a multiple of THROTTLE_TABLE_WAYS */
};

struct throttle_table {
	struct throttle_limit limit;
	unsigned char *memory; /* owned; pages without entries use no memory */
	size_t entry_len;      /* bytes */
};

/* Errors  ERR_NOMEM. */
MUST_CHECK enum err_code throttle_table_init(struct throttle_table *t, const struct throttle_limit *limit);
void throttle_table_done(struct throttle_table *t); /* may be all zero */

/* Seconds until `key` has a try left, 0..window_s; 0: now. */
int64_t throttle_table_wait_s(struct throttle_table *t, const uint8_t key[THROTTLE_KEY_LEN], uint32_t now_s);
/* Pre: a try is left. */
void throttle_table_count(struct throttle_table *t, const uint8_t key[THROTTLE_KEY_LEN], uint32_t now_s);
/* Remove a try of that second; a no-op when there is none. */
void throttle_table_uncount(struct throttle_table *t, const uint8_t key[THROTTLE_KEY_LEN], uint32_t at_s);
