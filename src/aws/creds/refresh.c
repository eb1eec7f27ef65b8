#include "aws/creds/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "obs/log.h"
#include "obs/metrics.h"

enum {
	AHEAD_S = 900, /* begin to refresh this long before expiry */
	LATE_S = 300,  /* from here on it is urgent */
	RETRY_MS = 1000,
	RETRY_MAX_MS = 60000,
	RETRY_URGENT_MS = 10000,
};

static int64_t now_s(void)
{
	return clock_wall_ms() / 1000;
}

/* 0 to below `most`. */
static int64_t chance(int64_t most)
{
	uint32_t r;
	if (most <= 0 || crypto_random(&r, sizeof r) != ERR_OK)
		return 0;
	return (int64_t)(r % (uint64_t)most);
}

/* --- when to fetch */

static void set_timer(struct creds *c, int64_t wait_ms)
{
	if (loop_timer_set(c->loop, &c->timer, loop_now_ms(c->loop) + wait_ms) != ERR_OK)
		log_line(LOG_ERROR, "aws_credentials_not_refreshed", log_z("error", "no memory for a timer"));
}

/* Keys with a short lifetime are refreshed in the middle of it.  A random part of the time is subtracted, so that
 * instances do not refresh together. */
static int64_t refresh_in_ms(const struct creds_keys *k)
{
	int64_t life_s = k->expires_at_s - CREDS_SPARE_S - now_s();
	int64_t ahead_s = life_s / 2 < AHEAD_S ? life_s / 2 : AHEAD_S;
	int64_t wait_ms = (life_s - ahead_s) * 1000;
	wait_ms -= chance(ahead_s * 1000 / 5);
	return wait_ms < RETRY_MS ? RETRY_MS : wait_ms;
}

static int64_t retry_in_ms(unsigned failures, bool urgent)
{
	int64_t most = urgent ? RETRY_URGENT_MS : RETRY_MAX_MS;
	int64_t wait = failures > 6 ? most : (int64_t)RETRY_MS << (failures - 1);
	if (wait > most)
		wait = most;
	return wait / 2 + chance(wait / 2);
}

/* --- a fetch and its end */

static void on_fetched(void *arg, const struct err *err, const struct creds_plan *plan);

static void after_failure(struct creds *c, const struct err *err)
{
	pthread_mutex_lock(&c->lock);
	c->fetching = false;
	c->err = *err; /* `err` ends with the callback of the fetch */
	bool have = creds_usable(c), hand_out = have && !c->refused;
	bool urgent = !have || (c->keys->expires_at_s != 0 && c->keys->expires_at_s - now_s() < LATE_S);
	creds_waiters_answer(c, hand_out ? NULL : err, c->keys);
	c->refused = false;
	pthread_mutex_unlock(&c->lock);
	metric_add(M_CREDS_FAILED, 1);
	c->failures++;
	log_line(urgent ? LOG_ERROR : LOG_WARN, "aws_credentials_failed", log_z("error", err->msg),
	         log_z("in_use", have ? "the keys before" : "none"));
	set_timer(c, retry_in_ms(c->failures, urgent));
}

void creds_refresh_now(struct creds *c)
{
	struct err err;
	struct creds_fetch_options o = {.environ_ = c->o.environ_,
	                                .region = c->o.region,
	                                .container_host = c->o.container_host,
	                                .loop = c->loop,
	                                .http = c->http,
	                                .files = c->files};
	if (c->fetch != NULL)
		return;
	loop_timer_clear(c->loop, &c->timer);
	pthread_mutex_lock(&c->lock);
	c->fetching = true;
	pthread_mutex_unlock(&c->lock);
	if (creds_fetch_start(&o, on_fetched, c, &c->fetch, &err) != ERR_OK)
		after_failure(c, &err);
}

static void on_timer(struct loop_timer *t)
{
	creds_refresh_now(LIST_ENTRY(t, struct creds, timer));
}

static void on_wake(struct loop_post *p)
{
	struct creds_wake *w = LIST_ENTRY(p, struct creds_wake, post);
	struct creds *c = w->creds;
	if (c == NULL) {
		free(w);
		return;
	}
	pthread_mutex_lock(&c->lock);
	w->posted = false;
	bool stopped = c->stopped;
	pthread_mutex_unlock(&c->lock);
	if (!stopped)
		creds_refresh_now(c);
}

void creds_refresh_init(struct creds *c)
{
	c->wake->post.fn = on_wake;
	c->timer.fn = on_timer;
}

void creds_refresh_want(struct creds *c)
{
	c->fetching = true;
	if (!c->wake->posted)
		loop_post(c->loop, &c->wake->post);
	c->wake->posted = true;
}

/* Another provider is another identity, so it needs a restart. */
static enum err_code check(const struct creds *c, const struct creds_plan *plan, struct err *reterr)
{
	if (c->provider != NULL && strcmp(c->provider, plan->provider) != 0)
		return err_set(
		        reterr, ERR_INVALID,
		        "credentials came from %s until now and would come from %s (%.100s); restart to "
		        "change that",
		        c->provider, plan->provider, plan->source);
	if (!plan->keeps && plan->keys.expires_at_s != 0 &&
	    plan->keys.expires_at_s <= now_s() + CREDS_SPARE_S)
		return err_set(
		        reterr, ERR_UPSTREAM,
		        "%.120s: the keys have expired by this machine's clock; renew them or set the clock",
		        plan->source);
	return ERR_OK;
}

static void put(struct creds *c, struct creds_keys *keys, bool keeps)
{
	pthread_mutex_lock(&c->lock);
	struct creds_keys *before = c->keys;
	c->keys = keys;
	c->keeps = keeps;
	c->fetching = c->refused = false;
	c->err = (struct err){.code = ERR_OK};
	creds_waiters_answer(c, NULL, keys);
	pthread_mutex_unlock(&c->lock);
	creds_keys_release(before);
}

static void after_success(struct creds *c, struct creds_keys *keys, const struct creds_plan *plan)
{
	int64_t expires_at_s = keys->expires_at_s;
	int64_t refresh_ms = expires_at_s != 0 ? refresh_in_ms(keys) : 0;
	c->provider = plan->provider;
	c->failures = 0;
	metric_add(M_CREDS_OK, 1);
	log_line(LOG_INFO, "aws_credentials", log_z("provider", plan->provider),
	         log_z("source", plan->source), log_z("access_key_id", keys->access_key_id),
	         log_int("expires_at", expires_at_s));
	put(c, keys, plan->keeps);
	if (expires_at_s != 0)
		set_timer(c, refresh_ms);
}

static void on_fetched(void *arg, const struct err *err, const struct creds_plan *plan)
{
	struct creds *c = arg;
	struct creds_keys *keys = NULL;
	struct err why;
	c->fetch = NULL;
	if (err == NULL && (check(c, plan, &why) != ERR_OK || creds_keys_new(plan, &keys, &why) != ERR_OK))
		err = &why;
	if (err == NULL)
		after_success(c, keys, plan);
	else
		after_failure(c, err);
}
