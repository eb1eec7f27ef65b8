#include "aws/creds/creds.h"

#include <pthread.h>
#include <stdlib.h>

#include "aws/creds/refresh.h"
#include "base/clock.h"

enum { REFUSED_MS = 60000 };

/* ---- life ---- */

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
	creds_waiters_init(&c->waiters, &c->lock);
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
	creds_waiters_answer(&c->waiters, &err, NULL);
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

/* ---- for the callers ---- */

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
	struct creds_wait *w = creds_wait_new(home, done, arg);
	struct err err;
	if (w == NULL)
		return ERR_NOMEM;
	*ret = w;
	pthread_mutex_lock(&c->lock);
	if (expired_early(c))
		creds_refresh_want(c);
	if (creds_usable(c) && !c->refused)
		creds_wait_answer(w, NULL, c->keys);
	else if (c->fetching)
		creds_waiters_add(&c->waiters, w);
	else if (why_none(c, &err) != ERR_OK)
		creds_wait_answer(w, &err, NULL);
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
