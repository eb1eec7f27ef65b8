#include "aws/ddb/retry.h"

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
