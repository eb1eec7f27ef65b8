/* guesses.h - counts of wrong and missing admin tokens per address, so that guessing can be slowed.
 *
 * Right tokens are not counted here.
 *
 * Bound    256 addresses; beyond it the one with the oldest minute is evicted.  So a client with many
 *          addresses can avoid the delay.
 * Threads  any. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum {
	GUESSES_FREE = 10, /* guesses of one address in a minute before the delay */
	GUESSES_WINDOW_MS = 60000,
	GUESSES_ADDRESSES = 256,
};

/* Count a guess of this client.  True: it is beyond its limit of this minute. */
bool guesses_count(const char *client, int64_t now_ms);
