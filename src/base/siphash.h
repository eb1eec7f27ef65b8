/* siphash.h - SipHash-2-4: a keyed 64-bit digest of a short text.
 *
 * A pseudorandom function: without the key nobody can tell the digest of a text, nor the text of a digest,
 * and it costs a fraction of an HMAC.  64 bits name things; they do not authenticate them.
 * Source   Aumasson, Bernstein: SipHash, a fast short-input PRF (2012).
 * Threads  pure function. */
#pragma once
#include "base/str.h"

enum { SIPHASH_KEY_LEN = 16 };

uint64_t siphash(const uint8_t key[SIPHASH_KEY_LEN], struct str data);
