#include "loop/timers.h"

#include <stdlib.h>

static void put(struct timers *h, size_t slot, struct timers_entry e)
{
	h->v[slot] = e;
	e.timer->slot = slot;
}

static void sift_up(struct timers *h, size_t slot)
{
	struct timers_entry e = h->v[slot];
	while (slot > 1 && h->v[slot / 2].due_ms > e.due_ms) {
		put(h, slot, h->v[slot / 2]);
		slot /= 2;
	}
	put(h, slot, e);
}

static void sift_down(struct timers *h, size_t slot)
{
	struct timers_entry e = h->v[slot];
	for (size_t child; (child = slot * 2) <= h->n; slot = child) {
		if (child < h->n && h->v[child + 1].due_ms < h->v[child].due_ms)
			child++;
		if (h->v[child].due_ms >= e.due_ms)
			break;
		put(h, slot, h->v[child]);
	}
	put(h, slot, e);
}

static enum err_code grow(struct timers *h)
{
	size_t cap = h->cap == 0 ? 64 : h->cap * 2;
	struct timers_entry *v = realloc(h->v, cap * sizeof v[0]);
	if (v == NULL)
		return ERR_NOMEM;
	h->v = v;
	h->cap = cap;
	return ERR_OK;
}

enum err_code timers_set(struct timers *h, struct loop_timer *t, int64_t due_ms)
{
	if (t->slot == 0) {
		if (h->n + 1 >= h->cap && grow(h) != ERR_OK)
			return ERR_NOMEM;
		t->slot = ++h->n;
	}
	t->due_ms = due_ms;
	put(h, t->slot, (struct timers_entry){due_ms, t});
	sift_up(h, t->slot);
	sift_down(h, t->slot);
	return ERR_OK;
}

void timers_clear(struct timers *h, struct loop_timer *t)
{
	size_t slot = t->slot;
	if (slot == 0)
		return;
	t->slot = 0;
	struct timers_entry last = h->v[h->n--];
	if (last.timer == t)
		return;
	put(h, slot, last);
	sift_up(h, slot);
	sift_down(h, last.timer->slot);
}

int64_t timers_due_ms(const struct timers *h)
{
	return h->n == 0 ? -1 : h->v[1].due_ms;
}

bool timers_run(struct timers *h, int64_t now_ms)
{
	bool any = false;
	/* at most as many as there are: one that re-arms itself for now waits for the next round */
	for (size_t left = h->n; left > 0 && h->n > 0 && h->v[1].due_ms <= now_ms; left--) {
		struct loop_timer *t = h->v[1].timer;
		timers_clear(h, t);
		t->fn(t);
		any = true;
	}
	return any;
}

void timers_done(struct timers *h)
{
	free(h->v);
	*h = (struct timers){0};
}
