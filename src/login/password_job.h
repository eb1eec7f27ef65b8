/* password_job.h - a password check on the pool of hash threads.
 *
 * Per the async contract in loop.h.  A running hash cannot be stopped: after a cancel the job goes on alone
 * and frees itself; one that waits in the queue is not computed any more.
 * Threads  the loop's thread. */
#pragma once
#include "login/password.h"
#include "loop/offload.h"

struct password_job; /* opaque */

struct password_question {
	struct offload *pool;
	struct loop *home;
	struct password_policy policy;
	struct str password; /* copied, and wiped when the job ends; so is the hash */
	struct str hash;     /* empty: nobody */
	bool has_place;      /* kept by offload_reserve; taken when the start succeeds */
};

struct password_answer { /* borrowed in the callback */
	enum password_verdict verdict;
	const char *new_hash; /* with OUTDATED: what to write instead; "" when it could not be made */
};
typedef void password_done_fn(void *arg, const struct password_answer *a);

/* Errors  ERR_BUSY: too many wait.  ERR_NOMEM.  ERR_INVALID: the length of the password. */
MUST_CHECK enum err_code password_job_start(const struct password_question *q, password_done_fn *done,
                                            void *arg, struct password_job **ret, struct err *reterr);
void password_job_cancel(struct password_job *j); /* NULL is a no-op */
