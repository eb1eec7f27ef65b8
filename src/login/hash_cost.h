/* hash_cost.h - may a stored password hash be checked at all?  Bounds its memory and time before any is
 * spent.
 *
 * The strings come from a table others write too: one with an absurd cost must not eat the machine.
 * Source   PHC string format (argon2); crypt(5) of libxcrypt for the rest.
 * Threads  pure functions. */
#pragma once
#include "base/str.h"

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
