#include <stdlib.h>

#include "link/private.h"
#include "obs/log.h"
#include "obs/metrics.h"

struct link_retry {
	struct later_work work; /* first */
	struct service *s;
	int64_t event_ms;
	struct link_op *op; /* running */
	char psid[STORE_PSID_MAX + 1];
};

static struct link_retry *of(struct later_work *w)
{
	return LIST_ENTRY(w, struct link_retry, work);
}

/* Try again if the operation did not complete, or if the index does not show the write yet. */
static void judge(struct link_retry *t, const struct link_answer *a, bool behind)
{
	t->op = NULL;
	if (a->result == LINK_R_UNSETTLED)
		log_line(LOG_WARN, "link_later_unsettled", log_z("error", a->err->msg));
	later_done(&t->work, a->result == LINK_R_UNSETTLED || behind);
}

static void on_look(void *arg, const struct link_answer *a)
{
	struct link_retry *t = arg;
	judge(t, a, a->holder == NULL || a->holder->link.linked_at_ms < t->event_ms);
}

static void on_unlink(void *arg, const struct link_answer *a)
{
	judge(arg, a, a->result == LINK_R_MISS);
}

static enum err_code start_look(struct later_work *w)
{
	struct link_retry *t = of(w);
	struct link_call c = link_call_later(t->s, on_look, t);
	return link_check(&c, str_c(t->psid), &t->op, NULL);
}

static enum err_code start_unlink(struct later_work *w)
{
	struct link_retry *t = of(w);
	struct link_call c = link_call_later(t->s, on_unlink, t);
	struct link_removal in = {.psid = str_c(t->psid), .event_ms = t->event_ms, .reason = "unlinked"};
	return link_remove(&c, &in, &t->op, NULL);
}

static void cancel(struct later_work *w)
{
	link_cancel(of(w)->op);
}

static void drop(struct later_work *w)
{
	free(of(w));
}

static const int64_t look_ms[] = {2000, 30000, 0}, unlink_ms[] = {5000, 30000, 300000, 0};
static const struct later_kind look = {look_ms, start_look, cancel, drop};
static const struct later_kind unlink_again = {unlink_ms, start_unlink, cancel, drop};

static void add(struct service *s, const struct later_kind *kind, struct str psid, int64_t event_ms)
{
	if (s->later == NULL)
		return; /* in a command: the process ends before a retry could run */
	struct link_retry *t = calloc(1, sizeof *t);
	if (t != NULL) {
		t->s = s;
		t->event_ms = event_ms;
		(void)str_copy(t->psid, sizeof t->psid, psid);
	}
	later_add(s->later, kind, t == NULL ? NULL : &t->work);
}

void link_retry_look(struct service *s, struct str psid, int64_t event_ms)
{
	add(s, &look, psid, event_ms);
}

void link_retry_unlink(struct service *s, struct str psid, int64_t event_ms)
{
	add(s, &unlink_again, psid, event_ms);
}

enum err_code link_retry_new(struct service *s, struct later **ret, struct err *reterr)
{
	const struct later_options o = {.loop = s->loop,
	                                .max = LINK_RETRY_MAX,
	                                .name = "link_later_dropped",
	                                .open = M_LINK_LATER,
	                                .dropped = M_LINK_LATER_DROPPED};
	return later_new(&o, ret, reterr);
}
