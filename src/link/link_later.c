#include "link/link_later.h"

#include <stdlib.h>

#include "link/link.h"
#include "obs/log.h"
#include "obs/metrics.h"

enum {
	TRIES_MAX = 3,
	CALL_MS = 5000, /* one try, second looks included */
};

enum kind { LOOK, UNLINK };

/* Milliseconds from the request, or from the try before; 0 ends. */
static const int64_t delays_ms[][TRIES_MAX + 1] = {
        [LOOK] = {2000, 30000, 0},
        [UNLINK] = {5000, 30000, 300000, 0},
};

struct link_later {
	struct service *s;
	struct list_node open;
	size_t n;
};

struct wish {
	struct list_node node;
	struct link_later *later;
	enum kind kind;
	size_t tries;
	int64_t event_ms;
	struct loop_timer timer;
	struct link_op *op; /* running */
	char psid[STORE_PSID_MAX + 1];
};

static void end(struct wish *w)
{
	loop_timer_clear(w->later->s->loop, &w->timer);
	if (w->op != NULL)
		link_cancel(w->op);
	list_del(&w->node);
	w->later->n--;
	metric_add(M_LINK_LATER, -1);
	free(w);
}

static void drop(const char *why)
{
	metric_add(M_LINK_LATER_DROPPED, 1);
	log_line(LOG_WARN, "link_later_dropped", log_z("error", why));
}

/* Arm the next try.  A wish without one, or without memory for it, ends. */
static void plan(struct wish *w)
{
	int64_t wait_ms = delays_ms[w->kind][w->tries++];
	struct loop *l = w->later->s->loop;
	if (wait_ms == 0) {
		end(w);
		return;
	}
	if (loop_timer_set(l, &w->timer, loop_now_ms(l) + wait_ms) == ERR_OK)
		return;
	drop("no memory for a timer");
	end(w);
}

/* The index does not show what was written. */
static bool behind(const struct wish *w, const struct link_answer *a)
{
	if (w->kind == UNLINK)
		return a->result == LINK_R_MISS;
	return a->holder == NULL || a->holder->link.linked_at_ms < w->event_ms;
}

static void on_link(void *arg, const struct link_answer *a)
{
	struct wish *w = arg;
	w->op = NULL;
	if (a->result == LINK_R_UNSETTLED)
		log_line(LOG_WARN, "link_later_unsettled", log_z("error", a->err->msg));
	if (a->result == LINK_R_UNSETTLED || behind(w, a))
		plan(w);
	else
		end(w);
}

static void on_timer(struct loop_timer *t)
{
	struct wish *w = LIST_ENTRY(t, struct wish, timer);
	struct service *s = w->later->s;
	struct link_call call = {
	        .service = s,
	        .deadline_ms = loop_now_ms(s->loop) + CALL_MS,
	        .done = on_link,
	        .arg = w,
	        .source = {.way = "later"},
	};
	struct link_removal removal = {
	        .psid = str_c(w->psid),
	        .event_ms = w->event_ms,
	        .reason = "unlinked",
	};
	struct err err;
	enum err_code code = w->kind == LOOK ? link_check(&call, removal.psid, &w->op, &err)
	                                     : link_remove(&call, &removal, &w->op, &err);
	if (code != ERR_OK)
		plan(w);
}

static void add(struct link_later *l, enum kind kind, struct str psid, int64_t event_ms)
{
	if (l == NULL || l->n == LINK_LATER_MAX) {
		drop("the list is full");
		return;
	}
	struct wish *w = calloc(1, sizeof *w);
	if (w == NULL) {
		drop("no memory");
		return;
	}
	w->later = l;
	w->kind = kind;
	w->event_ms = event_ms;
	w->timer.fn = on_timer;
	(void)str_copy(w->psid, sizeof w->psid, psid);
	list_push(&l->open, &w->node);
	l->n++;
	metric_add(M_LINK_LATER, 1);
	plan(w);
}

void link_later_look(struct link_later *l, struct str psid, int64_t event_ms)
{
	add(l, LOOK, psid, event_ms);
}

void link_later_unlink(struct link_later *l, struct str psid, int64_t event_ms)
{
	add(l, UNLINK, psid, event_ms);
}

enum err_code link_later_new(struct service *s, struct link_later **ret, struct err *reterr)
{
	struct link_later *l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for later look-ups");
	l->s = s;
	list_init(&l->open);
	*ret = l;
	return ERR_OK;
}

void link_later_free(struct link_later *l)
{
	if (l == NULL)
		return;
	while (!list_empty(&l->open))
		end(LIST_ENTRY(l->open.next, struct wish, node));
	free(l);
}
