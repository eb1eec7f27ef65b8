/* aws/creds/wait.h - callers that wait for the fetch that is running; creds.c's own.
 *
 * Threads  a list is guarded by the lock given; delivery is on each waiter's own loop. */
#pragma once
#include <pthread.h>

#include "aws/creds/creds.h"

struct creds_waiters {
	pthread_mutex_t *lock; /* borrowed, outlives every waiter that is listed */
	struct list_node list;
};

void creds_waiters_init(struct creds_waiters *s, pthread_mutex_t *lock);
/* NULL: no memory. */
struct creds_wait *creds_wait_new(struct loop *home, creds_wait_fn *done, void *arg);
void creds_waiters_add(struct creds_waiters *s, struct creds_wait *w); /* lock held */
/* Post the answer; `keys` is acquired for it.  Lock held or not. */
void creds_wait_answer(struct creds_wait *w, const struct err *err, struct creds_keys *keys);
/* Answer all who wait.  Lock held. */
void creds_waiters_answer(struct creds_waiters *s, const struct err *err, struct creds_keys *keys);
