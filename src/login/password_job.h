/* password_job.h - a password check on the pool of hash threads.
 *
 * The job takes its place before the customer is looked up (password_job_new), and starts with the
 * customer's hash (password_job_start); hash_queue.h has the rules.
 *
 * The time of a failed check must not reveal whether there is a customer, nor the kind of hash.  So the check
 * blocks its e-mail for a slot of time that is equal for all checks (hash_lately.h), and reports when that
 * slot ends.  The login must not be answered earlier.
 *
 * Per the async contract in loop.h.  A running hash cannot be stopped: after a cancel the job runs to its end
 * and frees itself.  A job that still waits is dropped.
 * Threads  the loop's thread. */
#pragma once
#include "login/password.h"
#include "loop/loop.h"

struct password_pool; /* opaque: hash threads, their queue, and the kinds of hashes met lately */
struct password_job;  /* opaque */

struct password_pool_options {
	unsigned threads; /* 1.. */
	size_t places;    /* jobs that wait */
	int nice;         /* 0..19 */
};

MUST_CHECK enum err_code password_pool_new(const struct password_pool_options *o, struct password_pool **ret,
                                           struct err *reterr);
void password_pool_free(struct password_pool *p); /* waits for running hashes.  NULL is a no-op */

struct password_question {
	struct password_pool *pool;
	struct loop *home;
	struct password_policy policy;
	struct str password;  /* copied, and wiped when the job ends; so is the hash */
	struct str email;     /* as typed; tries of one e-mail run one after another */
	struct str client;    /* address; its network has a share of the places */
	bool known_device;    /* the job goes first */
	int64_t answer_by_ms; /* monotonic: a check whose slot cannot end by then is not begun */
};

struct password_answer { /* borrowed in the callback */
	enum password_verdict verdict;
	bool dropped;         /* not checked: the queue did not get to it in time */
	int64_t slot_ends_ms; /* monotonic: a failed login is not answered earlier */
	const char *new_hash; /* with OUTDATED: what to write instead; "" when it could not be made */
};
typedef void password_done_fn(void *arg, const struct password_answer *a);

/* Take a place in the queue.  Errors  ERR_BUSY: no place.  ERR_NOMEM.  ERR_INVALID: the password's length. */
MUST_CHECK enum err_code password_job_new(const struct password_question *q, struct password_job **ret,
                                          struct err *reterr);
/* hash "": an unknown e-mail.
 * Errors  ERR_BUSY: the job was evicted.  The caller still owns it, and cancels it. */
MUST_CHECK enum err_code password_job_start(struct password_job *j, struct str hash, password_done_fn *done,
                                            void *arg);
void password_job_cancel(struct password_job *j); /* may be one that was not started.  NULL is a no-op */
