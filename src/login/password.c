#include "login/password.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/crypto.h"
#include "login/hash.h"
#include "obs/metrics.h"

#include <argon2.h>
#include <crypt.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SALT_LEN = 16, HASH_LEN = 32, LANES = 1 };

struct password_policy password_policy(const struct config *cfg)
{
	return (struct password_policy){.memory_kib = (uint32_t)cfg->argon2_memory_kib,
	                                .passes = (uint32_t)cfg->argon2_passes,
	                                .sha1 = cfg->legacy_sha1};
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

/* `work` is on the heap: it has 32 KiB. */
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

/* Other programs may write the digits in upper case. */
static bool unhex_any(const char *hash, uint8_t ret[CRYPTO_SHA1_LEN])
{
	char lower[2 * CRYPTO_SHA1_LEN];
	for (size_t i = 0; i < sizeof lower; i++)
		lower[i] = (char)(hash[i] >= 'A' && hash[i] <= 'F' ? hash[i] + ('a' - 'A') : hash[i]);
	return codec_unhex((struct str){lower, sizeof lower}, ret, CRYPTO_SHA1_LEN);
}

/* A wrong password costs as much as an unknown e-mail: SHA-1 is so fast that its time would reveal it. */
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

/* --- checks on the pool of hash threads */

struct password_pool {
	struct hash_queue *queue;
	struct hash_lately lately;
};

struct password_job {
	struct hash_try try; /* its place in the queue */
	struct password_pool *pool;
	struct loop *home;
	struct password_policy policy;
	char password[PASSWORD_MAX];
	size_t password_n;
	char hash[STORE_HASH_MAX + 1];
	enum password_verdict verdict;
	char new_hash[STORE_HASH_MAX + 1];
	int64_t entered_us, slot_ends_ms;
	_Atomic bool cancelled; /* `done` must not be called */
	password_done_fn *done;
	void *arg;
};

enum err_code password_pool_new(const struct password_pool_options *o, struct password_pool **ret,
                                struct err *reterr)
{
	struct hash_queue_options queue = {.threads = o->threads, .places = o->places, .nice = o->nice};
	struct password_pool *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for the hash threads");
	hash_lately_init(&p->lately);
	enum err_code code = hash_queue_new(&queue, &p->queue, reterr);
	if (code == ERR_OK)
		*ret = p;
	else
		password_pool_free(p);
	return code;
}

void password_pool_free(struct password_pool *p)
{
	if (p == NULL)
		return;
	hash_queue_free(p->queue);
	hash_lately_done(&p->lately);
	free(p);
}

static struct password_job *job_of(struct hash_try *t)
{
	return LIST_ENTRY(t, struct password_job, try);
}

static void job_free(struct password_job *j)
{
	crypto_wipe(j, sizeof *j);
	free(j);
}

static bool is_right(enum password_verdict v)
{
	return v == PASSWORD_RIGHT || v == PASSWORD_OUTDATED;
}

static void check_job(struct password_job *j, struct str password)
{
	struct hash_lately *lately = &j->pool->lately;
	char dummy[STORE_HASH_MAX + 1];
	struct str spent;
	int64_t from_us = clock_mono_us();
	j->policy.dummy = hash_lately_dummy(lately, from_us / 1000, dummy) ? dummy : NULL;
	j->verdict = password_check(&j->policy, password, str_c(j->hash), &spent);
	j->policy.dummy = NULL;
	int64_t now_us = clock_mono_us();
	if (j->verdict != PASSWORD_FAILED)
		hash_lately_note(lately, spent, now_us - from_us, now_us / 1000);
	j->slot_ends_ms = (from_us + hash_lately_slot_us(lately, now_us / 1000)) / 1000;
	if (!is_right(j->verdict))
		j->try.hold_until_ms = j->slot_ends_ms;
}

/* On a pool thread. */
static void job_work(struct hash_try *t)
{
	struct password_job *j = job_of(t);
	struct str password = {j->password, j->password_n};
	check_job(j, password);
	if (j->verdict == PASSWORD_OUTDATED && password_hash(password, j->policy.memory_kib, j->policy.passes,
	                                                     j->new_hash, sizeof j->new_hash, NULL) != ERR_OK)
		j->new_hash[0] = '\0'; /* a later login tries again */
}

static void job_done(struct hash_try *t)
{
	struct password_job *j = job_of(t);
	struct password_answer a = {.verdict = j->verdict,
	                            .dropped = t->dropped,
	                            .slot_ends_ms = j->slot_ends_ms,
	                            .new_hash = j->new_hash};
	if (!atomic_load_explicit(&j->cancelled, memory_order_relaxed)) {
		metric_observe_us(H_HASH, clock_mono_us() - j->entered_us);
		j->done(j->arg, &a);
	}
	job_free(j);
}

/* The key of the e-mail in lower case, since that finds the same customer. */
static enum err_code email_key(struct str typed, uint64_t *ret)
{
	char email[STORE_EMAIL_MAX + 1];
	uint8_t sum[CRYPTO_SHA256_LEN];
	if (!str_copy(email, sizeof email, typed))
		return ERR_INVALID;
	(void)str_lower(email);
	enum err_code code = crypto_sha256(str_c(email), sum);
	memcpy(ret, sum, sizeof *ret);
	return code;
}

static enum err_code fill(struct password_job *j, const struct password_question *q)
{
	int64_t slot_us = hash_lately_slot_us(&q->pool->lately, clock_mono_ms());
	j->pool = q->pool;
	j->home = q->home;
	j->policy = q->policy;
	memcpy(j->password, q->password.p, q->password.n);
	j->password_n = q->password.n;
	j->entered_us = clock_mono_us();
	j->try = (struct hash_try){.work = job_work,
	                           .done = job_done,
	                           .network = hash_share_network(q->client),
	                           .known_device = q->known_device,
	                           .latest_ms = q->answer_by_ms - slot_us / 1000};
	return email_key(q->email, &j->try.email);
}

enum err_code password_job_new(const struct password_question *q, struct password_job **ret,
                               struct err *reterr)
{
	if (!password_length_ok(q->password))
		return err_set(reterr, ERR_INVALID, "a password has 1 to %d bytes", PASSWORD_MAX);
	struct password_job *j = calloc(1, sizeof *j);
	if (j == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for a password check");
	enum err_code code = fill(j, q);
	if (code == ERR_OK)
		code = hash_queue_enter(q->pool->queue, &j->try);
	if (code == ERR_OK) {
		*ret = j;
		return ERR_OK;
	}
	job_free(j);
	return err_set(reterr, code,
	               code == ERR_BUSY ? "the queue of password checks is full"
	                                : "cannot make a password check");
}

enum err_code password_job_start(struct password_job *j, struct str hash, password_done_fn *done, void *arg)
{
	if (!str_copy(j->hash, sizeof j->hash, hash))
		(void)str_copy(j->hash, sizeof j->hash, STR("!")); /* too long for a hash: unusable */
	j->done = done;
	j->arg = arg;
	return hash_queue_start(j->pool->queue, j->home, &j->try);
}

void password_job_cancel(struct password_job *j)
{
	if (j == NULL)
		return;
	if (hash_queue_leave(j->pool->queue, &j->try))
		job_free(j);
	else
		atomic_store_explicit(&j->cancelled, true, memory_order_relaxed);
}
