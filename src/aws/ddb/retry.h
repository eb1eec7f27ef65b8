/* aws/ddb/retry.h - when to send again: the AWS SDKs' standard mode as of 2026, for DynamoDB.
 *
 * At most 4 attempts.  Before each further one a pause of random(0,1) x min(base x 2^i, 20 s), base 25 ms
 * after a transient error and 1000 ms after a throttle; x-amz-retry-after is honoured within [pause, pause +
 * 5 s].  A bucket of 500 tokens bounds what a client adds to an outage: a retry costs 14 (transient) or 5
 * (throttle); a success after a retry gives that back, a plain success 1.
 * Source  AWS SDKs and Tools Reference Guide, "Retry behavior".
 * Threads pure on the caller's memory. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "aws/ddb/error.h"

enum {
	DDB_ATTEMPTS = 4,
	DDB_TOKENS = 500,
};

struct ddb_bucket {
	int tokens;
};

/* Take the price of one retry.  False, and nothing is taken: do not send again. */
bool ddb_retry_take(struct ddb_bucket *b, enum ddb_class why, int *ret_price);
/* After a success: `price` of the retry that led to it, 0 for a plain one. */
void ddb_retry_refund(struct ddb_bucket *b, int price);

/* Milliseconds before attempt `retry` + 2; retry counts from 0.  `dice` is uniform in 0..2^32-1;
 * `after_ms` is what the service asked for, -1: nothing. */
int64_t ddb_retry_pause_ms(enum ddb_class why, unsigned retry, uint32_t dice, int64_t after_ms);
