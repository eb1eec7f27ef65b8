#include "net/breaker.h"

bool breaker_admit(struct breaker *b, const struct breaker_rule *rule, int64_t now_ms)
{
	if (!b->open)
		return true;
	if (now_ms - b->opened_ms < rule->open_ms || (b->probing && now_ms - b->probed_ms < rule->probe_ms))
		return false;
	b->probing = true;
	b->probed_ms = now_ms;
	return true;
}

void breaker_succeeded(struct breaker *b)
{
	if (!b->open || b->probing)
		*b = (struct breaker){.open = false};
}

void breaker_lost(struct breaker *b)
{
	b->probing = false;
}

static void open_now(struct breaker *b, int64_t now_ms)
{
	*b = (struct breaker){.open = true, .opened_ms = now_ms};
}

bool breaker_failed(struct breaker *b, const struct breaker_rule *rule, int64_t now_ms)
{
	if (b->open) {
		if (b->probing)
			open_now(b, now_ms);
		return false; /* without a probe: a call that began before the breaker opened */
	}
	b->failed_ms[b->at] = now_ms;
	b->at = (b->at + 1) % rule->failures;
	b->n += b->n < rule->failures;
	/* When the ring is full, the entry that is overwritten next is the oldest. */
	if (b->n < rule->failures || now_ms - b->failed_ms[b->at] > rule->within_ms)
		return false;
	open_now(b, now_ms);
	return true;
}
