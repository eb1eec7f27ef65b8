#include "login/password_job.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "metrics.h"
#include "store/store.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct password_job {
	struct offload_job job;
	struct password_policy policy;
	char password[PASSWORD_MAX];
	size_t password_n;
	char hash[STORE_HASH_MAX + 1];
	enum password_verdict verdict;
	char new_hash[STORE_HASH_MAX + 1];
	int64_t started_us;
	_Atomic bool cancelled; /* nobody waits any more */
	password_done_fn *done;
	void *arg;
};

static struct password_job *of(struct offload_job *j)
{
	return LIST_ENTRY(j, struct password_job, job);
}

static void job_free(struct password_job *j)
{
	crypto_wipe(j, sizeof *j);
	free(j);
}

/* On a pool thread. */
static void job_work(struct offload_job *job)
{
	struct password_job *j = of(job);
	struct str password = {j->password, j->password_n};
	if (atomic_load_explicit(&j->cancelled, memory_order_relaxed))
		return;
	j->verdict = password_check(&j->policy, password, str_c(j->hash));
	if (j->verdict == PASSWORD_OUTDATED && password_hash(password, j->policy.memory_kib, j->policy.passes,
	                                                     j->new_hash, sizeof j->new_hash, NULL) != ERR_OK)
		j->new_hash[0] = '\0'; /* a later login tries again */
}

static void job_done(struct offload_job *job)
{
	struct password_job *j = of(job);
	struct password_answer a = {.verdict = j->verdict, .new_hash = j->new_hash};
	if (!atomic_load_explicit(&j->cancelled, memory_order_relaxed)) {
		metric_observe_us(H_HASH, clock_mono_us() - j->started_us);
		j->done(j->arg, &a);
	}
	job_free(j);
}

static struct password_job *job_new(const struct password_question *q)
{
	struct password_job *j = calloc(1, sizeof *j);
	if (j == NULL)
		return NULL;
	j->job.work = job_work;
	j->job.done = job_done;
	j->job.has_place = q->has_place;
	j->policy = q->policy;
	memcpy(j->password, q->password.p, q->password.n);
	j->password_n = q->password.n;
	if (!str_copy(j->hash, sizeof j->hash, q->hash))
		(void)str_copy(j->hash, sizeof j->hash, STR("!")); /* too long to be one: unusable */
	j->started_us = clock_mono_us();
	return j;
}

enum err_code password_job_start(const struct password_question *q, password_done_fn *done, void *arg,
                                 struct password_job **ret, struct err *reterr)
{
	if (!password_length_ok(q->password))
		return err_set(reterr, ERR_INVALID, "a password has 1 to %d bytes", PASSWORD_MAX);
	struct password_job *j = job_new(q);
	if (j == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for a password check");
	j->done = done;
	j->arg = arg;
	enum err_code code = offload_start(q->pool, q->home, &j->job);
	if (code != ERR_OK) {
		job_free(j);
		return err_set(reterr, code, "the queue of password checks is full");
	}
	*ret = j;
	return ERR_OK;
}

void password_job_cancel(struct password_job *j)
{
	if (j != NULL)
		atomic_store_explicit(&j->cancelled, true, memory_order_relaxed);
}
