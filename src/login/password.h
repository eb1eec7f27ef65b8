/* password.h - password hashes: check and make.  The only module that includes argon2.h and crypt.h.
 *
 * Takes PHC argon2id/i/d strings, whatever crypt(3) verifies, and the unsalted SHA-1 of older programs.  New hashes
 * are argon2id.
 *
 * Input     passwords of 1..1024 bytes, never cut here.  crypt(3) methods keep their own limits: bcrypt looks
 *           at 72 bytes, the old DES one at 8, libcrypt refuses more than 511; a NUL is wrong for all.
 * Blocking  all of it, for tens of milliseconds: on a pool thread (password_job.h).
 * Threads   any. */
#pragma once
#include "base/err.h"
#include "base/str.h"
#include "config/config.h"

enum { PASSWORD_MAX = 1024 }; /* bytes */

struct password_policy {
	uint32_t memory_kib; /* of a new hash */
	uint32_t passes;
	enum config_sha1 sha1;
	const char *dummy; /* for unknown e-mails: a hash that hash_cost_blank made; NULL: use a new hash */
};
struct password_policy password_policy(const struct config *cfg);

enum password_verdict {
	PASSWORD_RIGHT,
	PASSWORD_OUTDATED, /* right, by a SHA-1 that LINKD_LEGACY_SHA1=upgrade wants replaced */
	PASSWORD_WRONG,    /* also: no hash */
	PASSWORD_UNUSABLE, /* wrong for everybody: the hash is broken, unknown or past our bounds */
	PASSWORD_FAILED,   /* not judged: no memory */
};

bool password_length_ok(struct str password);

/* hash "" stands for an unknown e-mail: the verdict is wrong, at the cost of the policy's dummy, so that the
 * time does not reveal it.  A check that fails without a computation (an unusable hash, a password that the
 * method does not accept) costs as much.
 * *ret_spent (borrowed; may be NULL): the hash whose cost was paid, `hash` or the dummy; "": a new hash. */
enum password_verdict password_check(const struct password_policy *policy, struct str password,
                                     struct str hash, struct str *ret_spent);

/* A new argon2id PHC string with a random salt.
 * Errors  ERR_INVALID (length of the password, cost), ERR_TOO_LARGE (cap), ERR_NOMEM; ret is then empty. */
MUST_CHECK enum err_code password_hash(struct str password, uint32_t memory_kib, uint32_t passes, char *ret,
                                       size_t cap, struct err *reterr);
