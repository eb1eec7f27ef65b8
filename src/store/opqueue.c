#include "store/opqueue.h"

#include <time.h>

#include "base/clock.h"

void opqueue_init(struct opqueue *q)
{
	pthread_condattr_t monotonic;
	*q = (struct opqueue){.head = NULL};
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&q->filled, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

void opqueue_done(struct opqueue *q)
{
	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->lock);
}

void opqueue_push(struct opqueue *q, struct store_op *op)
{
	op->next = NULL;
	pthread_mutex_lock(&q->lock);
	if (q->head == NULL)
		q->head = op;
	else
		q->tail->next = op;
	q->tail = op;
	pthread_cond_signal(&q->filled);
	pthread_mutex_unlock(&q->lock);
}

/* The lock is held. */
static void wait_for_one(struct opqueue *q, int64_t wait_ms)
{
	int64_t until_ms = clock_mono_ms() + wait_ms;
	struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
	int rc = 0;
	while (rc == 0 && q->head == NULL && !q->stop)
		rc = wait_ms == OPQUEUE_FOREVER ? pthread_cond_wait(&q->filled, &q->lock)
		                                : pthread_cond_timedwait(&q->filled, &q->lock, &until);
}

size_t opqueue_take(struct opqueue *q, struct store_op **ret, size_t max, int64_t wait_ms)
{
	size_t n = 0;
	pthread_mutex_lock(&q->lock);
	if (wait_ms != 0)
		wait_for_one(q, wait_ms);
	for (; n < max && q->head != NULL; n++) {
		ret[n] = q->head;
		q->head = q->head->next;
	}
	pthread_mutex_unlock(&q->lock);
	return n;
}

void opqueue_stop(struct opqueue *q)
{
	pthread_mutex_lock(&q->lock);
	q->stop = true;
	pthread_cond_broadcast(&q->filled);
	pthread_mutex_unlock(&q->lock);
}

bool opqueue_ended(struct opqueue *q)
{
	pthread_mutex_lock(&q->lock);
	bool ended = q->stop && q->head == NULL;
	pthread_mutex_unlock(&q->lock);
	return ended;
}
