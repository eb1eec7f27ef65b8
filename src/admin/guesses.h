/* guesses.h - wrong and missing admin tokens, counted for each address so that guessing can be slowed.
 *
 * Bound    256 addresses, the one with the oldest minute makes room: whoever has many addresses only escapes
 *          the slowing; a right token is never asked for here.
 * Threads  any. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum {
	GUESSES_FREE = 10, /* of one address in a minute, before it is slowed */
	GUESSES_WINDOW_MS = 60000,
	GUESSES_ADDRESSES = 256,
};

/* Count one of this client.  True: it had its share of this minute. */
bool guesses_count(const char *client, int64_t now_ms);
