#include "loop/later.h"

#include <stdlib.h>

#include "obs/log.h"
#include "obs/metrics.h"

struct later {
	struct later_options o;
	struct list_node open;
	size_t n;
	bool stops;
};

static void drop(const struct later *l, const char *why)
{
	metric_add((enum metric)l->o.dropped, 1);
	log_line(LOG_WARN, l->o.name, log_z("error", why));
}

static void end(struct later_work *w)
{
	struct later *l = w->list;
	loop_timer_clear(l->o.loop, &w->timer);
	if (w->running)
		w->kind->cancel(w);
	list_del(&w->node);
	l->n--;
	metric_add((enum metric)l->o.open, -1);
	w->kind->free(w);
}

/* Without memory for the timer the work ends. */
static void arm(struct later_work *w, int64_t wait_ms)
{
	struct loop *loop = w->list->o.loop;
	if (loop_timer_set(loop, &w->timer, loop_now_ms(loop) + wait_ms) == ERR_OK)
		return;
	drop(w->list, "no memory for a timer");
	end(w);
}

/* Without a next try the work ends. */
static void plan(struct later_work *w)
{
	int64_t wait_ms = w->kind->delays_ms[w->tries++];
	if (wait_ms != 0)
		arm(w, wait_ms);
	else
		end(w);
}

void later_done(struct later_work *w, bool again)
{
	w->running = false;
	if (again)
		plan(w);
	else
		end(w);
}

void later_wait(struct later_work *w, int64_t wait_ms)
{
	w->running = false;
	arm(w, wait_ms);
}

void later_restart(struct later_work *w)
{
	int64_t wait_ms = w->kind->delays_ms[0];
	w->tries = w->running ? 0 : 1;
	if (!w->running && w->timer.due_ms > loop_now_ms(w->list->o.loop) + wait_ms)
		arm(w, wait_ms);
}

struct later_work *later_find(const struct later *l, const struct later_kind *kind,
                              bool (*is)(struct later_work *w, const char *what), const char *what)
{
	for (struct list_node *n = l->open.next; n != &l->open; n = n->next) {
		struct later_work *w = LIST_ENTRY(n, struct later_work, node);
		if (w->kind == kind && is(w, what))
			return w;
	}
	return NULL;
}

static void on_timer(struct loop_timer *t)
{
	struct later_work *w = LIST_ENTRY(t, struct later_work, timer);
	w->running = true;
	if (w->kind->start(w) != ERR_OK)
		later_done(w, true);
}

void later_add(struct later *l, const struct later_kind *kind, struct later_work *w)
{
	if (w == NULL || l->n == l->o.max) {
		drop(l, w == NULL ? "no memory" : "the list is full");
		if (w != NULL)
			kind->free(w);
		return;
	}
	*w = (struct later_work){.list = l, .kind = kind, .timer = {.fn = on_timer}};
	list_push(&l->open, &w->node);
	l->n++;
	metric_add((enum metric)l->o.open, 1);
	plan(w);
}

enum err_code later_new(const struct later_options *o, struct later **ret, struct err *reterr)
{
	struct later *l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for a list of later work");
	l->o = *o;
	list_init(&l->open);
	*ret = l;
	return ERR_OK;
}

bool later_stops(const struct later *l)
{
	return l->stops;
}

void later_free(struct later *l)
{
	if (l == NULL)
		return;
	l->stops = true;
	while (!list_empty(&l->open))
		end(LIST_ENTRY(l->open.next, struct later_work, node));
	free(l);
}
