#include "http/body.h"

#include <stdatomic.h>

#include "base/crypto.h"
#include "metrics.h"

static _Atomic size_t taken; /* bytes, of the process */

static bool charge(size_t n, size_t budget)
{
	size_t before = atomic_load_explicit(&taken, memory_order_relaxed);
	do {
		if (n > budget || before > budget - n)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&taken, &before, before + n, memory_order_relaxed,
	                                                memory_order_relaxed));
	metric_add(M_BODY_BYTES, (int64_t)n);
	return true;
}

static void give_back(size_t n)
{
	atomic_fetch_sub_explicit(&taken, n, memory_order_relaxed);
	metric_add(M_BODY_BYTES, -(int64_t)n);
}

bool body_fits(size_t n, size_t budget)
{
	size_t now = atomic_load_explicit(&taken, memory_order_relaxed);
	return n <= budget && now <= budget - n;
}

void body_init(struct body *b, size_t max, size_t budget)
{
	*b = (struct body){.budget = budget};
	buf_init(&b->bytes, max);
}

enum err_code body_add(struct body *b, const void *p, size_t n)
{
	if (n > b->bytes.max - b->bytes.len)
		return ERR_TOO_LARGE;
	if (!charge(n, b->budget))
		return ERR_BUSY;
	b->charged += n;
	buf_put(&b->bytes, p, n);
	return b->bytes.failed ? ERR_NOMEM : ERR_OK;
}

void body_move(struct body *to, struct body *from)
{
	*to = *from;
	body_init(from, 0, from->budget);
}

void body_done(struct body *b)
{
	crypto_wipe_buf(&b->bytes);
	give_back(b->charged);
	b->charged = 0;
}
