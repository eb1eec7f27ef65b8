/* password.h - checks and makes password hashes.  The only module that includes argon2.h and crypt.h.
 *
 * Accepts PHC argon2id/i/d strings, the hashes that crypt(3) verifies, and the unsalted SHA-1 of older programs.  New hashes
 * are argon2id.
 *
 * Input     passwords of 1..1024 bytes, never cut here.  crypt(3) methods keep their own limits: bcrypt looks
 *           at 72 bytes, the old DES one at 8, libcrypt refuses more than 511; a password with a NUL is wrong for all.
 * Blocking  all of it, for tens of milliseconds: on a pool thread (password_job_start).
 * Threads   any. */
#pragma once
#include "base/err.h"
#include "base/str.h"
#include "config/config.h"
#include "loop/loop.h"

enum { PASSWORD_MAX = 1024 }; /* bytes */

struct password_policy {
	uint32_t memory_kib; /* of a new hash */
	uint32_t passes;
	enum config_legacy_sha1 sha1;
	const char *dummy; /* for unknown e-mails: a hash that hash_cost_blank made; NULL: use a new hash */
};
struct password_policy password_policy(const struct config *cfg);

enum password_verdict {
	PASSWORD_RIGHT,
	PASSWORD_OUTDATED, /* right, by a SHA-1 that LINKD_LEGACY_SHA1=upgrade wants replaced */
	PASSWORD_WRONG,    /* also: no hash */
	PASSWORD_UNUSABLE, /* no password is right: the hash is malformed, unknown or beyond our bounds */
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

/* --- a password check on the pool of hash threads.
 *
 * The job takes its place before the customer is looked up (password_job_new), and starts with the
 * customer's hash (password_job_start); hash.h has the rules.
 *
 * The time of a failed check must not reveal whether there is a customer, nor the kind of hash.  So the check
 * blocks its e-mail for a slot of time that is equal for all checks (hash.h), and reports when that
 * slot ends.  The login must not be answered earlier.
 *
 * Per the async contract in loop.h.  A running hash cannot be stopped: after a cancel the job runs to its end
 * and frees itself.  A job that still waits is dropped.
 * Threads  the loop's thread. */

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
