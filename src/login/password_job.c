#include "login/password_job.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "login/email.h"
#include "login/hash_lately.h"
#include "login/hash_queue.h"
#include "login/hash_share.h"
#include "obs/metrics.h"
#include "store/store.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

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
	_Atomic bool cancelled; /* nobody waits any more */
	password_done_fn *done;
	void *arg;
};

/* --- the pool */

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

/* --- a job */

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

static void check(struct password_job *j, struct str password)
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
	check(j, password);
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
	(void)email_lower(email);
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
