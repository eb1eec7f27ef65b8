#include "store/opqueue.h"

void opqueue_init(struct opqueue *q)
{
	*q = (struct opqueue){.head = NULL};
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->filled, NULL);
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

size_t opqueue_take(struct opqueue *q, struct store_op **ret, size_t max, bool wait)
{
	size_t n = 0;
	pthread_mutex_lock(&q->lock);
	while (wait && q->head == NULL && !q->stop)
		pthread_cond_wait(&q->filled, &q->lock);
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
