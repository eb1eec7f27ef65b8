#include "loop/limiter.h"

#include "base/clock.h"

enum {
	FIRST_US = 10000, /* assumed duration of a call until one was measured */
	SMOOTH = 16,      /* number of calls over which the duration is smoothed */
};

void limiter_init(struct limiter *g, size_t max)
{
	*g = (struct limiter){.max = max, .call_us = FIRST_US};
	list_init(&g->ahead);
	list_init(&g->queue);
}

static int64_t oldest_waits_us(const struct limiter *g)
{
	if (list_empty(&g->queue))
		return 0;
	return clock_mono_us() - LIST_ENTRY(g->queue.next, struct limiter_slot, node)->since_us;
}

bool limiter_full(const struct limiter *g, int64_t left_ms)
{
	if (g->running < g->max)
		return false;
	int64_t wait_us = ((int64_t)g->waiting + 1) * g->call_us / (int64_t)g->max;
	return oldest_waits_us(g) > LIMITER_WAIT_MS * 1000LL || wait_us > LIMITER_WAIT_MS * 1000LL ||
	       wait_us + g->call_us > left_ms * 1000;
}

void limiter_enter(struct limiter *g, struct limiter_slot *p, bool ahead)
{
	p->since_us = clock_mono_us();
	if (g->running < g->max) {
		p->state = LIMITER_SLOT_RUNNING;
		g->running++;
		return;
	}
	p->state = LIMITER_SLOT_WAITING;
	g->waiting += 1 + p->more;
	list_push(ahead ? &g->ahead : &g->queue, &p->node);
}

void limiter_leave(struct limiter *g, struct limiter_slot *p, bool answered)
{
	if (p->state == LIMITER_SLOT_WAITING) {
		list_del(&p->node);
		g->waiting -= 1 + p->more;
	} else if (p->state == LIMITER_SLOT_RUNNING) {
		g->running--;
		if (answered)
			g->call_us += (clock_mono_us() - p->since_us - g->call_us) / SMOOTH;
	}
	p->state = LIMITER_SLOT_NONE;
}

struct limiter_slot *limiter_next(struct limiter *g)
{
	const struct list_node *from = list_empty(&g->ahead) ? &g->queue : &g->ahead;
	if (g->running >= g->max || list_empty(from))
		return NULL;
	struct limiter_slot *p = LIST_ENTRY(from->next, struct limiter_slot, node);
	list_del(&p->node);
	g->waiting -= 1 + p->more;
	g->running++;
	p->state = LIMITER_SLOT_RUNNING;
	p->since_us = clock_mono_us();
	return p;
}

static void on_slot(struct limiter_slot *p)
{
	struct limiter_waiter *t = LIST_ENTRY(p, struct limiter_waiter, slot);
	limiter_wait_end(t);
	t->fn(t);
}

bool limiter_wait(struct limiter *g, struct limiter_waiter *t)
{
	if (g->running < g->max)
		return false;
	t->limiter = g;
	t->slot.turn = on_slot;
	limiter_enter(g, &t->slot, false);
	return true;
}

void limiter_wait_end(struct limiter_waiter *t)
{
	if (t->limiter == NULL)
		return;
	limiter_leave(t->limiter, &t->slot, false);
	t->limiter = NULL;
}

void limiter_end(struct limiter *g)
{
	while (!list_empty(&g->queue)) {
		struct limiter_slot *p = LIST_ENTRY(g->queue.next, struct limiter_slot, node);
		limiter_wait_end(LIST_ENTRY(p, struct limiter_waiter, slot));
	}
}
