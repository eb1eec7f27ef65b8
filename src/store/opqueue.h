/* opqueue.h - operations waiting for a backend's thread, in order.
 *
 * Threads  push and stop on any thread; take blocks the backend's own.
 * Bound    none of its own: the front bounds the operations in flight. */
#pragma once
#include <pthread.h>

#include "store/store.h"

struct opqueue {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct store_op *head, *tail;
	bool stop;
};

void opqueue_init(struct opqueue *q);
void opqueue_done(struct opqueue *q); /* Pre: empty */
void opqueue_push(struct opqueue *q, struct store_op *op);
/* Take up to `max` operations; wait up to wait_ms for the first one.  With OPQUEUE_FOREVER, 0 operations mean
 * that the queue is stopped and empty. */
enum { OPQUEUE_FOREVER = -1 };
size_t opqueue_take(struct opqueue *q, struct store_op **ret, size_t max, int64_t wait_ms);
void opqueue_stop(struct opqueue *q);
bool opqueue_ended(struct opqueue *q); /* stopped and empty */
