#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "aws/creds/private.h"
#include "base/clock.h"
#include "base/crypto.h"

enum { REFUSED_MS = 60000 };

/* --- keys */

static const char header[] = "X-Amz-Security-Token: ";

struct counted {
	struct creds_keys keys; /* what users hold a pointer to */
	atomic_size_t refs;
	size_t size; /* of all, texts included */
	char text[];
};

static size_t room(const char *s)
{
	return s == NULL ? 0 : strlen(s) + 1;
}

/* Copy to *at, which moves on.  NULL stays NULL. */
static const char *put(char **at, const char *s)
{
	char *p = *at;
	if (s == NULL)
		return NULL;
	memcpy(p, s, strlen(s) + 1);
	*at += strlen(s) + 1;
	return p;
}

enum err_code creds_keys_new(const struct creds_plan *p, struct creds_keys **ret, struct err *reterr)
{
	const struct creds_draft *d = &p->keys;
	size_t size = sizeof(struct counted) + room(d->id) + room(d->secret) + room(d->account) +
	              room(p->source);
	if (d->token != NULL)
		size += sizeof header - 1 + room(d->token);
	struct counted *c = calloc(1, size);
	if (c == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for credentials");
	char *at = c->text;
	atomic_init(&c->refs, 1);
	c->size = size;
	c->keys = (struct creds_keys){.access_key_id = put(&at, d->id),
	                              .secret_access_key = put(&at, d->secret),
	                              .account_id = put(&at, d->account),
	                              .source = put(&at, p->source),
	                              .provider = p->provider,
	                              .expires_at_s = d->expires_at_s};
	if (d->token != NULL) {
		c->keys.token_header = at;
		memcpy(at, header, sizeof header - 1);
		at += sizeof header - 1;
		c->keys.session_token = put(&at, d->token);
	}
	*ret = &c->keys;
	return ERR_OK;
}

struct creds_keys *creds_keys_acquire(struct creds_keys *k)
{
	atomic_fetch_add_explicit(&LIST_ENTRY(k, struct counted, keys)->refs, 1, memory_order_relaxed);
	return k;
}

void creds_keys_release(struct creds_keys *k)
{
	struct counted *c = k == NULL ? NULL : LIST_ENTRY(k, struct counted, keys);
	if (c == NULL || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	crypto_wipe(c, c->size);
	free(c);
}

/* --- waiters */

struct creds_wait {
	struct list_node node; /* in no list: answered, the post is on its way.  Guarded by the lock */
	struct loop *home;
	struct loop_post post;
	creds_wait_fn *done; /* NULL: cancelled.  Of the home thread */
	void *arg;
	struct creds_keys *keys;
	struct err err;
	pthread_mutex_t *lock; /* of the finder */
};

static void deliver(struct loop_post *p)
{
	struct creds_wait *w = LIST_ENTRY(p, struct creds_wait, post);
	if (w->done != NULL)
		w->done(w->arg, w->keys == NULL ? &w->err : NULL, w->keys);
	creds_keys_release(w->keys);
	free(w);
}

static struct creds_wait *wait_new(struct loop *home, creds_wait_fn *done, void *arg)
{
	struct creds_wait *w = calloc(1, sizeof *w);
	if (w != NULL)
		*w = (struct creds_wait){.home = home, .post.fn = deliver, .done = done, .arg = arg};
	return w;
}

/* Post the answer: `err`, or when that is NULL `keys`, which are acquired for it. */
static void wait_answer(struct creds_wait *w, const struct err *err, struct creds_keys *keys)
{
	if (err != NULL)
		w->err = *err; /* each waiter reads it on its own loop, later */
	else
		w->keys = creds_keys_acquire(keys);
	loop_post(w->home, &w->post);
}

void creds_waiters_answer(struct creds *c, const struct err *err, struct creds_keys *keys)
{
	while (!list_empty(&c->waiters)) {
		struct creds_wait *w = LIST_ENTRY(c->waiters.next, struct creds_wait, node);
		list_del(&w->node);
		wait_answer(w, err, keys);
	}
}

void creds_wait_cancel(struct creds_wait *w)
{
	w->done = NULL;
	if (w->lock == NULL) /* was answered at once */
		return;
	pthread_mutex_lock(w->lock);
	bool listed = w->node.next != NULL;
	list_del(&w->node);
	pthread_mutex_unlock(w->lock);
	if (listed)
		free(w);
}

/* --- the finder */

enum err_code creds_new(const struct creds_options *o, struct creds **ret, struct err *reterr)
{
	struct creds *c = calloc(1, sizeof *c);
	struct creds_wake *w = calloc(1, sizeof *w);
	if (c == NULL || w == NULL) {
		free(c);
		free(w);
		return err_set(reterr, ERR_NOMEM, "no memory for AWS credentials");
	}
	c->o = *o;
	if (c->o.container_host == NULL)
		c->o.container_host = "http://169.254.170.2";
	w->creds = c;
	c->wake = w;
	creds_refresh_init(c);
	pthread_mutex_init(&c->lock, NULL);
	list_init(&c->waiters);
	*ret = c;
	return ERR_OK;
}

enum err_code creds_start(struct creds *c, struct loop *loop, struct httpc *http, struct err *reterr)
{
	const struct offload_options files = {.name = "aws-files", .threads = 1, .queue_max = 4};
	enum err_code code = offload_new(&files, &c->files, reterr);
	if (code != ERR_OK)
		return code;
	c->http = http;
	pthread_mutex_lock(&c->lock);
	c->loop = loop;
	pthread_mutex_unlock(&c->lock);
	creds_refresh_now(c);
	return ERR_OK;
}

void creds_stop(struct creds *c)
{
	const struct err err = {.code = ERR_STOPPING, .msg = "stopping"};
	if (c == NULL || c->loop == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->stopped = true;
	c->fetching = false;
	creds_waiters_answer(c, &err, NULL);
	pthread_mutex_unlock(&c->lock);
	loop_timer_clear(c->loop, &c->timer);
	creds_fetch_cancel(c->fetch);
	c->fetch = NULL;
	offload_free(c->files);
	c->files = NULL;
	c->http = NULL;
	c->loop = NULL;
}

void creds_free(struct creds *c)
{
	if (c == NULL)
		return;
	creds_stop(c);
	if (c->wake->posted)
		c->wake->creds = NULL; /* the post frees it */
	else
		free(c->wake);
	creds_keys_release(c->keys);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* --- for the callers */

bool creds_usable(const struct creds *c)
{
	return c->keys != NULL && (c->keeps || c->keys->expires_at_s == 0 ||
	                           clock_wall_ms() / 1000 + CREDS_SPARE_S < c->keys->expires_at_s);
}

/* Lock held.  Why there are no usable keys. */
static enum err_code why_none(const struct creds *c, struct err *reterr)
{
	if (c->stopped)
		return err_set(reterr, ERR_STOPPING, "stopping");
	if (c->err.code != ERR_OK)
		return err_set(reterr, ERR_STORE, "%s", c->err.msg);
	return err_set(reterr, ERR_BUSY, "AWS credentials are being fetched");
}

enum err_code creds_get(struct creds *c, struct creds_keys **ret, struct err *reterr)
{
	enum err_code code = ERR_OK;
	pthread_mutex_lock(&c->lock);
	if (creds_usable(c))
		*ret = creds_keys_acquire(c->keys);
	else
		code = why_none(c, reterr);
	pthread_mutex_unlock(&c->lock);
	return code;
}

/* Lock held.  Keys that expired before the refresh's timer did: the clock was set, or the machine slept. */
static bool expired_early(const struct creds *c)
{
	return !creds_usable(c) && !c->fetching && c->err.code == ERR_OK && !c->stopped && c->loop != NULL;
}

enum err_code creds_wait(struct creds *c, struct loop *home, creds_wait_fn *done, void *arg,
                         struct creds_wait **ret)
{
	struct creds_wait *w = wait_new(home, done, arg);
	if (w == NULL)
		return ERR_NOMEM;
	*ret = w;
	pthread_mutex_lock(&c->lock);
	if (expired_early(c))
		creds_refresh_want(c);
	if (creds_usable(c) && !c->refused)
		wait_answer(w, NULL, c->keys);
	else if (c->fetching) {
		w->lock = &c->lock;
		list_push(&c->waiters, &w->node);
	} else if (why_none(c, &w->err) != ERR_OK)
		loop_post(home, &w->post);
	pthread_mutex_unlock(&c->lock);
	return ERR_OK;
}

bool creds_refused(struct creds *c, const struct creds_keys *keys)
{
	int64_t now_ms = clock_mono_ms();
	pthread_mutex_lock(&c->lock);
	bool newer = c->keys != NULL && c->keys != keys;
	bool early = c->refused_ms != 0 && now_ms - c->refused_ms < REFUSED_MS;
	bool again = !c->stopped && c->loop != NULL && (newer || c->fetching || !early);
	if (again && !newer) {
		c->refused = true;
		if (!c->fetching) {
			c->refused_ms = now_ms;
			creds_refresh_want(c);
		}
	}
	pthread_mutex_unlock(&c->lock);
	return again;
}
