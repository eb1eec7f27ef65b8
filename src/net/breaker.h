/* breaker.h - a circuit breaker: stops calls to a peer that fails, and tries it again with one call at a time.
 *
 *   closed --(`failures` calls failed in `within_ms`)--> open --(after open_ms)--> half open: one probe
 *     ^                                                  ^                          |
 *     `---------------- the probe succeeded -------------+---- the probe failed ----'
 *
 * A probe that never reports counts as lost after probe_ms; the next call is then the probe.
 * Threads  the caller's memory and lock.  Times are monotonic milliseconds. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { BREAKER_FAILURES_MAX = 8 };

struct breaker_rule {
	unsigned failures; /* 1 to BREAKER_FAILURES_MAX */
	int64_t within_ms, open_ms, probe_ms;
};

struct breaker {                                 /* zeroed: closed */
	int64_t failed_ms[BREAKER_FAILURES_MAX]; /* a ring of the latest failures */
	unsigned at, n;
	int64_t opened_ms, probed_ms; /* meaningful while `open` and `probing` */
	bool open, probing;
};

bool breaker_admit(struct breaker *b, const struct breaker_rule *rule,
                   int64_t now_ms); /* false: do not call */
void breaker_succeeded(
        struct breaker *b); /* no effect on an open breaker without a probe: it is of an earlier call */
void breaker_lost(struct breaker *b); /* the call has no result: another one may probe */
/* True: the breaker was closed, and this failure has opened it. */
bool breaker_failed(struct breaker *b, const struct breaker_rule *rule, int64_t now_ms);
