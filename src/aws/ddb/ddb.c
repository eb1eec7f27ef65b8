#include "aws/ddb/ddb.h"

#include <stdlib.h>

#include "aws/ddb/private.h"
#include "obs/log.h"

enum { IN_FLIGHT = 64 };

enum err_code ddb_new(const struct ddb_options *o, struct ddb **ret, struct err *reterr)
{
	struct ddb *d = calloc(1, sizeof *d);
	if (d == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for a DynamoDB client");
	d->o = *o;
	d->bucket.tokens = DDB_TOKENS;
	list_init(&d->calls);
	limiter_init(&d->limiter, o->in_flight > 0 ? o->in_flight : IN_FLIGHT);
	enum err_code code = sigv4_cache_new(&d->signer, reterr);
	struct httpc_poster_options to = {.loop = o->loop,
	                                  .http = o->http,
	                                  .url = o->endpoint->url,
	                                  .host = o->endpoint->host,
	                                  .idle_max = d->limiter.max};
	if (code == ERR_OK)
		code = httpc_poster_new(&to, &d->poster, reterr);
	if (code != ERR_OK) {
		ddb_free(d);
		return code;
	}
	*ret = d;
	return ERR_OK;
}

void ddb_free(struct ddb *d)
{
	if (d == NULL)
		return;
	d->ending = true;
	while (!list_empty(&d->calls))
		ddb_cancel(LIST_ENTRY(d->calls.next, struct ddb_call, node));
	limiter_end(&d->limiter);
	httpc_poster_free(d->poster);
	sigv4_cache_free(d->signer);
	free(d);
}

const char *ddb_keys_from(const struct ddb *d)
{
	return d->keys_from;
}

int64_t ddb_idle_since_ms(const struct ddb *d)
{
	return d->sent_at_ms;
}

bool ddb_full(const struct ddb *d, int64_t deadline_ms)
{
	return limiter_full(&d->limiter, deadline_ms - loop_now_ms(d->o.loop));
}

void ddb_let_in(struct ddb *d)
{
	if (d->letting_in) /* the outer call continues */
		return;
	d->letting_in = true;
	for (struct limiter_slot *p; (p = limiter_next(&d->limiter)) != NULL;)
		p->turn(p);
	d->letting_in = false;
}

struct limiter *ddb_limiter(struct ddb *d)
{
	return &d->limiter;
}

void ddb_follow_clock(struct ddb *d)
{
	int64_t off = d->clock_seen_ms;
	if (off > -DDB_CLOCK_OFF_MS && off < DDB_CLOCK_OFF_MS)
		off = 0;
	if ((off != 0) != (d->clock_off_ms != 0)) {
		if (off != 0)
			log_line(LOG_WARN, "clock_is_wrong", log_int("seconds", -off / 1000),
			         log_z("remedy", "set the clock of this machine, for instance by NTP"));
		else
			log_line(LOG_INFO, "clock_is_right_again", log_z("by", "DynamoDB"));
	}
	d->clock_off_ms = off;
}

/* --- retries */

enum {
	PRICE_TRANSIENT = 14,
	PRICE_THROTTLE = 5,
	BASE_TRANSIENT_MS = 25,
	BASE_THROTTLE_MS = 1000,
	PAUSE_MAX_MS = 20000,
	AFTER_MORE_MS = 5000, /* a service may ask for this much more than our own pause */
	DOUBLINGS_MAX = 10,
};

bool ddb_retry_take(struct ddb_bucket *b, enum ddb_class why, int *ret_price)
{
	int price = why == DDB_THROTTLE ? PRICE_THROTTLE : PRICE_TRANSIENT;
	if (b->tokens < price)
		return false;
	b->tokens -= price;
	*ret_price = price;
	return true;
}

void ddb_retry_refund(struct ddb_bucket *b, int price)
{
	b->tokens += price > 0 ? price : 1;
	if (b->tokens > DDB_TOKENS)
		b->tokens = DDB_TOKENS;
}

int64_t ddb_retry_pause_ms(enum ddb_class why, unsigned retry, uint32_t dice, int64_t after_ms)
{
	int64_t most = why == DDB_THROTTLE ? BASE_THROTTLE_MS : BASE_TRANSIENT_MS;
	most <<= retry < DOUBLINGS_MAX ? retry : DOUBLINGS_MAX;
	if (most > PAUSE_MAX_MS)
		most = PAUSE_MAX_MS;
	int64_t pause = (int64_t)(((uint64_t)dice * (uint64_t)most) >> 32);
	if (after_ms <= pause)
		return pause;
	return after_ms > pause + AFTER_MORE_MS ? pause + AFTER_MORE_MS : after_ms;
}
