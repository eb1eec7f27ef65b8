#include "webhook/sequencer.h"

#include <stdlib.h>
#include <string.h>

#include "obs/metrics.h"

static const enum metric metric_of[] = {
        [LINK_R_LINKED] = M_EVENT_LINKED,
        [LINK_R_ALREADY] = M_EVENT_ALREADY,
        [LINK_R_UNLINKED_SINCE] = M_EVENT_UNLINKED_SINCE,
        [LINK_R_USED] = M_EVENT_USED,
        [LINK_R_SUPERSEDED] = M_EVENT_SUPERSEDED,
        [LINK_R_REFUSED] = M_EVENT_REFUSED,
        [LINK_R_UNLINKED] = M_EVENT_UNLINKED,
        [LINK_R_MISS] = M_EVENT_UNLINK_MISS,
        [LINK_R_UNSETTLED] = M_EVENT_UNSETTLED,
};

static const struct event *event_at(const struct sequencer *l, size_t place)
{
	return &l->events->v[l->order[place]];
}

static int by_psid_and_time(const void *pa, const void *pb, void *arg)
{
	const struct event *v = arg;
	uint32_t a = *(const uint32_t *)pa;
	uint32_t b = *(const uint32_t *)pb;
	int c = strcmp(v[a].psid, v[b].psid);
	if (c != 0)
		return c;
	if (v[a].time_ms != v[b].time_ms)
		return v[a].time_ms < v[b].time_ms ? -1 : 1;
	return a < b ? -1 : 1;
}

/* Most deliveries have one event, and thousands may wait: allocate only the sequences that can run. */
static bool sort(struct sequencer *l)
{
	size_t n = l->events->n;
	l->n = n < SEQUENCER_MAX ? n : SEQUENCER_MAX;
	l->sequence = calloc(1, l->n * sizeof *l->sequence + n * sizeof *l->order);
	if (l->sequence == NULL) {
		l->n = 0;
		return false;
	}
	l->order = (uint32_t *)(void *)(l->sequence + l->n);
	for (size_t i = 0; i < n; i++)
		l->order[i] = (uint32_t)i;
	qsort_r(l->order, n, sizeof *l->order, by_psid_and_time, l->events->v);
	return true;
}

static void note_unsettled(struct sequencer *l, size_t n)
{
	l->unsettled += n;
	metric_add(M_EVENT_UNSETTLED, (int64_t)n);
}

/* Give the sequence the next PSID. */
static bool take_chain(struct sequence *sequence)
{
	struct sequencer *l = sequence->sequencer;
	if (l->next == l->events->n)
		return false;
	sequence->at = l->next;
	const char *psid = event_at(l, sequence->at)->psid;
	do
		l->next++;
	while (l->next < l->events->n && strcmp(event_at(l, l->next)->psid, psid) == 0);
	sequence->end = l->next;
	return true;
}

static void on_link(void *arg, const struct link_answer *a);

/* Start the sequence's next event, of this PSID or another.  False: there is none. */
static bool go(struct sequence *sequence)
{
	struct sequencer *l = sequence->sequencer;
	struct link_call call = {
	        .service = l->service,
	        .deadline_ms = l->deadline_ms,
	        .admitted = true,
	        .done = on_link,
	        .arg = sequence,
	        .scope = l->scope,
	        .source = {.way = "webhook", .client = l->client},
	        .hold = l->hold,
	};
	while (sequence->at < sequence->end || take_chain(sequence)) {
		const struct event *e = event_at(l, sequence->at);
		struct str psid = str_c(e->psid);
		struct link_completion linked = {.code = event_code(l->events, e),
		                                 .psid = psid,
		                                 .page_id = str_c(e->page_id),
		                                 .event_ms = e->time_ms};
		struct link_removal unlinked = {
		        .psid = psid, .event_ms = e->time_ms, .reason = "unlinked", .later = true};
		struct err *reterr = l->unsettled == 0 ? l->err : NULL; /* the first failure is reported */
		enum err_code code;
		if (loop_now_ms(l->service->loop) >= l->deadline_ms)
			code = err_set(reterr, ERR_TIMEOUT, "no time left to start an event");
		else if (e->kind == EVENT_K_LINKED)
			code = link_complete(&call, &linked, &sequence->op, reterr);
		else
			code = link_remove(&call, &unlinked, &sequence->op, reterr);
		if (code == ERR_OK)
			return true;
		note_unsettled(l, sequence->end - sequence->at);
		sequence->at = sequence->end;
	}
	return false;
}

static void on_link(void *arg, const struct link_answer *a)
{
	struct sequence *sequence = arg;
	struct sequencer *l = sequence->sequencer;
	sequence->op = NULL;
	if (a->result == LINK_R_UNSETTLED) {
		if (l->unsettled == 0)
			*l->err = *a->err; /* a->err ends with this call */
		note_unsettled(l, sequence->end - sequence->at);
		sequence->at = sequence->end;
	} else {
		metric_add(metric_of[a->result], 1);
		sequence->at++;
	}
	if (go(sequence))
		return;
	if (--l->busy == 0)
		l->done(l);
}

bool sequencer_start(struct sequencer *l)
{
	if (l->events->n == 0)
		return false;
	if (!sort(l)) {
		(void)err_set(l->err, ERR_NOMEM, "no memory to order the events of a delivery");
		note_unsettled(l, l->events->n);
		return false;
	}
	for (size_t i = 0; i < l->n; i++) {
		struct sequence *sequence = &l->sequence[i];
		sequence->sequencer = l;
		if (!go(sequence))
			break;
		l->busy++;
	}
	return l->busy > 0;
}

void sequencer_done(struct sequencer *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->sequence[i].op != NULL)
			link_cancel(l->sequence[i].op);
	free(l->sequence);
	*l = (struct sequencer){0};
}
