#include "aws/ddb/call_limiter.h"

#include "base/clock.h"

enum {
	FIRST_US = 10000, /* assumed duration of a call until one was measured */
	SMOOTH = 16,      /* number of calls over which the duration is smoothed */
};

void call_limiter_init(struct call_limiter *g, size_t max)
{
	*g = (struct call_limiter){.max = max, .call_us = FIRST_US};
	list_init(&g->ahead);
	list_init(&g->queue);
}

static int64_t oldest_waits_us(const struct call_limiter *g)
{
	if (list_empty(&g->queue))
		return 0;
	return clock_mono_us() - LIST_ENTRY(g->queue.next, struct limiter_slot, node)->since_us;
}

bool call_limiter_full(const struct call_limiter *g, int64_t left_ms)
{
	if (g->running < g->max)
		return false;
	int64_t wait_us = ((int64_t)g->waiting + 1) * g->call_us / (int64_t)g->max;
	return oldest_waits_us(g) > CALL_LIMITER_WAIT_MS * 1000LL ||
	       wait_us > CALL_LIMITER_WAIT_MS * 1000LL || wait_us + g->call_us > left_ms * 1000;
}

static void run(struct call_limiter *g, struct limiter_slot *p)
{
	p->state = LIMITER_SLOT_RUNNING;
	p->since_us = clock_mono_us();
	g->running++;
}

void call_limiter_enter(struct call_limiter *g, struct limiter_slot *p, bool ahead)
{
	if (g->running < g->max) {
		run(g, p);
		return;
	}
	p->state = LIMITER_SLOT_WAITING;
	p->since_us = clock_mono_us();
	g->waiting += 1 + p->more;
	list_push(ahead ? &g->ahead : &g->queue, &p->node);
}

void call_limiter_leave(struct call_limiter *g, struct limiter_slot *p, bool answered)
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

struct limiter_slot *call_limiter_next(struct call_limiter *g)
{
	const struct list_node *from = list_empty(&g->ahead) ? &g->queue : &g->ahead;
	if (g->running >= g->max || list_empty(from))
		return NULL;
	struct limiter_slot *p = LIST_ENTRY(from->next, struct limiter_slot, node);
	list_del(&p->node);
	g->waiting -= 1 + p->more;
	run(g, p);
	return p;
}

static void on_slot(struct limiter_slot *p)
{
	struct limiter_waiter *t = LIST_ENTRY(p, struct limiter_waiter, slot);
	call_limiter_wait_end(t);
	t->fn(t);
}

bool call_limiter_wait(struct call_limiter *g, struct limiter_waiter *t)
{
	if (g->running < g->max)
		return false;
	t->limiter = g;
	t->slot.turn = on_slot;
	call_limiter_enter(g, &t->slot, false);
	return true;
}

void call_limiter_wait_end(struct limiter_waiter *t)
{
	if (t->limiter == NULL)
		return;
	call_limiter_leave(t->limiter, &t->slot, false);
	t->limiter = NULL;
}

void call_limiter_end(struct call_limiter *g)
{
	while (!list_empty(&g->queue)) {
		struct limiter_slot *p = LIST_ENTRY(g->queue.next, struct limiter_slot, node);
		call_limiter_wait_end(LIST_ENTRY(p, struct limiter_waiter, slot));
	}
}
