#include "aws/creds/wait.h"

#include <stdlib.h>

struct creds_wait {
	struct list_node node;
	struct creds_waiters *in; /* NULL: answered, the post is on its way.  Guarded by the lock */
	struct loop *home;
	struct loop_post post;
	creds_wait_fn *done; /* NULL: cancelled.  Of the home thread */
	void *arg;
	struct creds_keys *keys;
	struct err err;
	pthread_mutex_t *lock; /* of the finder */
};

void creds_waiters_init(struct creds_waiters *s, pthread_mutex_t *lock)
{
	s->lock = lock;
	list_init(&s->list);
}

static void deliver(struct loop_post *p)
{
	struct creds_wait *w = LIST_ENTRY(p, struct creds_wait, post);
	if (w->done != NULL)
		w->done(w->arg, w->keys == NULL ? &w->err : NULL, w->keys);
	creds_keys_release(w->keys);
	free(w);
}

struct creds_wait *creds_wait_new(struct loop *home, creds_wait_fn *done, void *arg)
{
	struct creds_wait *w = calloc(1, sizeof *w);
	if (w != NULL)
		*w = (struct creds_wait){.home = home, .post.fn = deliver, .done = done, .arg = arg};
	return w;
}

void creds_waiters_add(struct creds_waiters *s, struct creds_wait *w)
{
	w->in = s;
	w->lock = s->lock;
	list_push(&s->list, &w->node);
}

void creds_wait_answer(struct creds_wait *w, const struct err *err, struct creds_keys *keys)
{
	if (keys != NULL)
		w->keys = creds_keys_acquire(keys);
	else
		w->err = *err;
	loop_post(w->home, &w->post);
}

void creds_waiters_answer(struct creds_waiters *s, const struct err *err, struct creds_keys *keys)
{
	while (!list_empty(&s->list)) {
		struct creds_wait *w = LIST_ENTRY(s->list.next, struct creds_wait, node);
		list_del(&w->node);
		w->in = NULL;
		creds_wait_answer(w, err, keys);
	}
}

void creds_wait_cancel(struct creds_wait *w)
{
	bool listed = false;
	w->done = NULL;
	if (w->lock == NULL) /* was answered at once */
		return;
	pthread_mutex_lock(w->lock);
	if (w->in != NULL) {
		list_del(&w->node);
		listed = true;
	}
	pthread_mutex_unlock(w->lock);
	if (listed)
		free(w);
}
