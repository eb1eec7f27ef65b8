/* siphash.h - SipHash-2-4: a keyed 64-bit digest of a short text.
 *
 * A pseudorandom function: without the key nobody can compute the digest of a text, or the text of a digest.
 * It costs a fraction of an HMAC.  64 bits are enough to identify a value, but not to authenticate it.
 * Source   Aumasson, Bernstein: SipHash, a fast short-input PRF (2012).
 * Threads  pure function. */
#pragma once
#include "base/str.h"

enum { SIPHASH_KEY_LEN = 16 };

uint64_t siphash(const uint8_t key[SIPHASH_KEY_LEN], struct str data);
