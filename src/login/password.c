#include "login/password.h"

#include "base/codec.h"
#include "base/crypto.h"
#include "login/hash_cost.h"
#include "store/store.h"

#include <argon2.h>
#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SALT_LEN = 16, HASH_LEN = 32, LANES = 1 };

struct password_policy password_policy(const struct config *cfg)
{
	return (struct password_policy){.memory_kib = (uint32_t)cfg->argon2_memory_kib,
	                                .passes = (uint32_t)cfg->argon2_passes,
	                                .sha1 = (enum config_sha1)cfg->legacy_sha1};
}

bool password_length_ok(struct str password)
{
	return password.n > 0 && password.n <= PASSWORD_MAX;
}

static enum password_verdict check_argon2(struct str password, const char *hash, argon2_type type)
{
	switch (argon2_verify(hash, password.p, password.n, type)) {
	case ARGON2_OK: return PASSWORD_RIGHT;
	case ARGON2_VERIFY_MISMATCH: return PASSWORD_WRONG;
	case ARGON2_MEMORY_ALLOCATION_ERROR:
	case ARGON2_THREAD_FAIL: return PASSWORD_FAILED;
	default: return PASSWORD_UNUSABLE;
	}
}

/* `phrase` and `work` are the heap's: crypt_data alone has 32 KiB. */
static enum password_verdict run_crypt(const char *phrase, const char *hash, struct crypt_data *work,
                                       bool *ret_spent)
{
	errno = 0;
	const char *got = crypt_r(phrase, hash, work);
	*ret_spent = got != NULL && got[0] != '*'; /* errno is meaningless then */
	if (*ret_spent)
		return crypto_str_equal(str_c(got), str_c(hash)) ? PASSWORD_RIGHT : PASSWORD_WRONG;
	if (errno == ENOMEM)
		return PASSWORD_FAILED;
	return errno == ERANGE ? PASSWORD_WRONG : PASSWORD_UNUSABLE;
}

static enum password_verdict check_crypt(struct str password, const char *hash, bool *ret_spent)
{
	char phrase[PASSWORD_MAX + 1];
	if (!str_copy(phrase, sizeof phrase, password))
		return PASSWORD_WRONG; /* a NUL: crypt(3) would see only what is before it */
	struct crypt_data *work = calloc(1, sizeof *work);
	if (work == NULL)
		return PASSWORD_FAILED;
	enum password_verdict v = run_crypt(phrase, hash, work, ret_spent);
	crypto_wipe(work, sizeof *work);
	free(work);
	crypto_wipe(phrase, sizeof phrase);
	return v;
}

/* *ret_spent: the hash was computed.  If not, the verdict came faster, and its time would reveal that. */
static enum password_verdict check_hash(struct str password, const char *hash, bool *ret_spent)
{
	enum password_verdict v = PASSWORD_UNUSABLE;
	*ret_spent = false;
	switch (hash_cost_kind(str_c(hash))) {
	case HASH_ARGON2D: v = check_argon2(password, hash, Argon2_d); break;
	case HASH_ARGON2I: v = check_argon2(password, hash, Argon2_i); break;
	case HASH_ARGON2ID: v = check_argon2(password, hash, Argon2_id); break;
	case HASH_CRYPT: return check_crypt(password, hash, ret_spent);
	case HASH_SHA1:
	case HASH_NONE: break;
	}
	*ret_spent = v == PASSWORD_RIGHT || v == PASSWORD_WRONG;
	return v;
}

static enum password_verdict check_new(const struct password_policy *policy, struct str password)
{
	static const uint8_t salt[SALT_LEN];
	uint8_t out[HASH_LEN];
	int rc = argon2id_hash_raw(policy->passes, policy->memory_kib, LANES, password.p, password.n, salt,
	                           sizeof salt, out, sizeof out);
	crypto_wipe(out, sizeof out);
	return rc == ARGON2_OK ? PASSWORD_WRONG : PASSWORD_FAILED;
}

/* Spend the time that a check of a real hash takes.  A password that the dummy's method does not accept costs
 * a new hash, as it does for a customer with that method. */
static enum password_verdict check_nobody(const struct password_policy *policy, struct str password,
                                          struct str *ret_spent)
{
	bool spent = false;
	*ret_spent = (struct str){0};
	if (policy->dummy != NULL && check_hash(password, policy->dummy, &spent) == PASSWORD_FAILED)
		return PASSWORD_FAILED;
	if (!spent)
		return check_new(policy, password);
	*ret_spent = str_c(policy->dummy);
	return PASSWORD_WRONG;
}

/* The digits in either case, as a table of others may hold them. */
static bool unhex_any(const char *hash, uint8_t ret[CRYPTO_SHA1_LEN])
{
	char lower[2 * CRYPTO_SHA1_LEN];
	for (size_t i = 0; i < sizeof lower; i++)
		lower[i] = (char)(hash[i] >= 'A' && hash[i] <= 'F' ? hash[i] + ('a' - 'A') : hash[i]);
	return codec_unhex((struct str){lower, sizeof lower}, ret, CRYPTO_SHA1_LEN);
}

/* A wrong one costs as much as nobody: SHA-1 itself is so fast that its time would tell. */
static enum password_verdict check_sha1(const struct password_policy *policy, struct str password,
                                        const char *hash, bool *ret_spent)
{
	uint8_t want[CRYPTO_SHA1_LEN], got[CRYPTO_SHA1_LEN];
	*ret_spent = false;
	if (!unhex_any(hash, want))
		return PASSWORD_UNUSABLE;
	if (crypto_sha1(password, got) != ERR_OK)
		return PASSWORD_FAILED;
	*ret_spent = crypto_equal(got, want, sizeof got) && policy->sha1 != SHA1_REFUSE;
	crypto_wipe(got, sizeof got);
	if (!*ret_spent)
		return PASSWORD_WRONG;
	return policy->sha1 == SHA1_UPGRADE ? PASSWORD_OUTDATED : PASSWORD_RIGHT;
}

static enum password_verdict check_stored(const struct password_policy *policy, struct str password,
                                          struct str hash, bool *ret_spent)
{
	char text[STORE_HASH_MAX + 1];
	*ret_spent = false;
	if (!str_copy(text, sizeof text, hash))
		return PASSWORD_UNUSABLE;
	enum password_verdict v = hash_cost_kind(hash) == HASH_SHA1
	                                  ? check_sha1(policy, password, text, ret_spent)
	                                  : check_hash(password, text, ret_spent);
	crypto_wipe(text, sizeof text);
	return v;
}

enum password_verdict password_check(const struct password_policy *policy, struct str password,
                                     struct str hash, struct str *ret_spent)
{
	struct str ignored = {NULL, 0}, *spent_on = ret_spent != NULL ? ret_spent : &ignored;
	enum password_verdict v = PASSWORD_WRONG;
	bool spent = false;
	*spent_on = hash;
	if (!password_length_ok(password))
		return PASSWORD_WRONG;
	if (hash.n > 0)
		v = check_stored(policy, password, hash, &spent);
	if (spent || v == PASSWORD_FAILED)
		return v;
	return check_nobody(policy, password, spent_on) == PASSWORD_FAILED ? PASSWORD_FAILED : v;
}

enum err_code password_hash(struct str password, uint32_t memory_kib, uint32_t passes, char *ret, size_t cap,
                            struct err *reterr)
{
	uint8_t salt[SALT_LEN];
	ret[0] = '\0';
	if (!password_length_ok(password))
		return err_set(reterr, ERR_INVALID, "a password has 1 to %d bytes", PASSWORD_MAX);
	if (memory_kib > HASH_COST_MEMORY_KIB || passes > HASH_COST_PASSES)
		return err_set(reterr, ERR_INVALID, "argon2 cost out of range");
	if (crypto_random(salt, sizeof salt) != ERR_OK)
		return err_set(reterr, ERR_NOMEM, "no random bytes for a salt");
	int rc = argon2id_hash_encoded(passes, memory_kib, LANES, password.p, password.n, salt, sizeof salt,
	                               HASH_LEN, ret, cap);
	if (rc == ARGON2_OK)
		return ERR_OK;
	ret[0] = '\0';
	enum err_code code = rc == ARGON2_ENCODING_FAIL             ? ERR_TOO_LARGE
	                     : rc == ARGON2_MEMORY_ALLOCATION_ERROR ? ERR_NOMEM
	                                                            : ERR_INVALID;
	return err_set(reterr, code, "argon2: %s", argon2_error_message(rc));
}
