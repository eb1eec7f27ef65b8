#include "webhook/webhook.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "http/body.h"
#include "http/params.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "service.h"
#include "webhook/sequencer.h"
#include "webhook/signature.h"

/* --- the handshake */

enum { CHALLENGE_MAX = 256 };

static bool right(const struct params *p, struct str token)
{
	struct str challenge = params_get(p, "hub.challenge");
	if (token.n == 0 || !str_is(params_get(p, "hub.mode"), "subscribe"))
		return false;
	if (challenge.n == 0 || challenge.n > CHALLENGE_MAX || !str_printable(challenge))
		return false;
	return crypto_str_equal(params_get(p, "hub.verify_token"), token);
}

void webhook_verify(struct request *r)
{
	static const char *const own[] = {"hub.mode", "hub.challenge", "hub.verify_token", NULL};
	struct params p;
	struct err err;
	enum err_code code = params_parse_own(&p, r->query, own, &err);
	if (code == ERR_NOMEM)
		reply_error(r, code, NULL, &err);
	else if (code != ERR_OK || !right(&p, str_c(r->service->cfg->verify_token))) {
		metric_add(M_WEBHOOK_BAD_TOKEN, 1);
		request_refused(r, LOG_REPEAT_VERIFY_TOKEN, NULL);
		reply_error(r, ERR_DENIED, NULL, NULL);
	} else
		reply_text(r, 200, params_get(&p, "hub.challenge"));
	params_done(&p);
}

/* --- deliveries */

/*  (admit) -> EXAMINE -> pool -> EXAMINED -> STORE (-> slot) -> EVENTS -> store -> HOLD (-> listeners)
 *     -> SETTLED -> RECEIVED
 *  A small body is examined without the pool, in the handler.  When the store has a free slot, a task asks for one
 *  again (STORE) on a stack of its own: other deliveries of this turn may have taken it.  A delivery without link
 *  events goes from STORE to SETTLED.  HOLD waits only if a listener of link/change.h asked for it.  Every failure
 *  ends in FAILED: 403 for a signature, 503 if the signature could not be checked or a write did not complete. */
enum phase {
	P_EXAMINE,
	P_EXAMINED,
	P_STORE,
	P_EVENTS,
	P_HOLD,
	P_SETTLED,
	P_RECEIVED,
	P_FAILED,
	P_WAIT,
};

enum {
	STORE_WORK_MS = 2500, /* of one delivery; the rest of the deadline is for the work after the writes */
	ANSWER_MS = 100,      /* kept for the answer itself when the deadline is short */
	HOLD_MS = 1000,       /* the longest that listeners may delay the answer */
};

struct input {
	struct service *service;
	struct str body;
	char signature[SIGNATURE_LEN + 1];
	int64_t received_ms; /* Unix time */
};

struct delivery {
	struct request *r;
	enum phase phase;
	struct input in;
	struct parse *parse; /* on the pool */
	struct event_list events;
	struct err err;               /* of examine; and why FAILED */
	int64_t deadline_ms;          /* monotonic, of store work */
	struct limiter_waiter waiter; /* for the store */
	struct loop_timer timer;      /* of that wait, and of the hold */
	struct loop_task task;        /* runs when the handler has returned */
	bool returned;                /* the handler has returned */
	struct sequencer sequencer;
	struct link_answer_hold hold;
};

/* A body that is examined on a thread of the pool.  The work cannot be stopped. */
struct parse {
	struct offload_job job;
	struct delivery *d; /* NULL: the request has ended */
	struct input in;    /* its body lies in `body` */
	struct body body;
	struct event_list events;
	struct err err;
};

static void delivery_run(struct delivery *d);

static void resume(struct delivery *d, enum phase phase)
{
	d->phase = phase;
	log_scope(d->r->id);
	delivery_run(d);
	log_scope(NULL);
}

static void cleanup(struct request *r)
{
	struct delivery *d = r->flow;
	if (d->parse != NULL)
		d->parse->d = NULL;
	loop_timer_clear(r->loop, &d->timer);
	loop_task_cancel(&d->task);
	limiter_wait_end(&d->waiter);
	sequencer_done(&d->sequencer);
	link_hold_leave(&d->hold);
	event_list_done(&d->events);
	r->flow = NULL;
	free(d);
}

/* --- on the headers */

enum err_code webhook_admit(struct request *r, struct err *reterr)
{
	size_t count;
	struct str signature = request_header(r, "X-Hub-Signature-256", &count);
	if (count != 1 || !signature_shape(signature)) {
		metric_add(M_WEBHOOK_BAD_SIGNATURE, 1);
		request_refused(r, LOG_REPEAT_SIGNATURE, NULL);
		return err_set(reterr, ERR_DENIED, "the signature header is missing, doubled or misshapen");
	}
	struct delivery *d = calloc(1, sizeof *d);
	if (d == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for a delivery");
	(void)str_copy(d->in.signature, sizeof d->in.signature, signature);
	d->r = r;
	r->flow = d;
	r->cleanup = cleanup;
	return ERR_OK;
}

/* --- with the body */

/* The signature first, then the events.  The result is the code of reterr: ERR_OK, ERR_DENIED (wrong signature),
 * ERR_INVALID and ERR_TOO_LARGE (signed, but not usable), others (cannot tell). */
static void examine_body(const struct input *in, struct signature_keys *keys, struct event_list *ret,
                         struct err *reterr)
{
	enum err_code code = signature_check(str_c(in->signature), in->body, keys);
	if (code != ERR_OK) {
		(void)err_set(reterr, code, "the signature is not one of ours");
		return;
	}
	struct event_rules rules = {.pages = &in->service->cfg->page_ids, .received_ms = in->received_ms};
	if (event_parse(in->body, &rules, ret, reterr) != ERR_OK)
		event_list_done(ret);
}

static void work(struct offload_job *j)
{
	struct parse *p = LIST_ENTRY(j, struct parse, job);
	const struct strlist *secrets = &p->in.service->cfg->app_secret;
	struct signature_keys *keys; /* not the loop's: they are for one thread */
	if (body_hold(&p->body) != ERR_OK) {
		(void)err_set(&p->err, ERR_BUSY,
		              "the body was evicted, since the budget for bodies was full");
		return;
	}
	if (signature_keys_new(secrets->v, secrets->n, &keys) != ERR_OK) {
		(void)err_set(&p->err, ERR_NOMEM, "no memory for the app secrets");
		return;
	}
	examine_body(&p->in, keys, &p->events, &p->err);
	signature_keys_free(keys);
}

static void on_work(struct offload_job *j)
{
	struct parse *p = LIST_ENTRY(j, struct parse, job);
	struct delivery *d = p->d;
	body_done(&p->body);
	if (d != NULL) {
		d->parse = NULL;
		d->returned = true;
		d->events = p->events;
		if (p->err.code != ERR_OK)
			d->err = p->err; /* `p` is freed below */
	} else
		event_list_done(&p->events);
	free(p);
	if (d != NULL)
		resume(d, P_EXAMINED);
}

/* The request may end while the thread still reads, so `parse` takes its body, also on failure. */
static enum phase examine_on_pool(struct delivery *d)
{
	struct parse *p = malloc(sizeof *p);
	if (p == NULL) {
		(void)err_set(&d->err, ERR_NOMEM, "no memory to examine a body");
		return P_FAILED;
	}
	*p = (struct parse){.job = {.work = work, .done = on_work}, .d = d, .in = d->in};
	request_take_body(d->r, &p->body);
	body_offer(&p->body); /* its signature is not checked yet */
	enum err_code code = offload_start(d->in.service->parses, d->r->loop, &p->job);
	if (code == ERR_OK) {
		d->parse = p;
		return P_WAIT;
	}
	body_done(&p->body);
	free(p);
	(void)err_set(&d->err, code, "too many large bodies wait to be parsed");
	return P_FAILED;
}

static void on_sequenced(struct sequencer *l)
{
	struct delivery *d = LIST_ENTRY(l, struct delivery, sequencer);
	d->phase = P_HOLD;
	delivery_run(d);
}

static enum phase examine(struct delivery *d)
{
	if (d->in.body.n > WEBHOOK_INLINE_MAX)
		return examine_on_pool(d);
	examine_body(&d->in, d->r->service->signature_keys, &d->events, &d->err);
	return P_EXAMINED;
}

static void tell_foreign(const char *client, const char *page)
{
	char detail[EVENT_ID_MAX + 48];
	(void)snprintf(detail, sizeof detail, "page %s is not in LINKD_PAGE_IDS",
	               page[0] != '\0' ? page : "(none)");
	(void)log_repeat(LOG_REPEAT_FOREIGN_PAGE, client, detail);
}

static void count_others(const struct delivery *d)
{
	const struct event_list *l = &d->events;
	metric_add(M_EVENT_IGNORED, (int64_t)l->ignored);
	metric_add(M_EVENT_SKIPPED, (int64_t)l->skipped);
	metric_add(M_EVENT_FOREIGN_PAGE, (int64_t)l->foreign);
	metric_add(M_EVENT_STALE, (int64_t)l->stale);
	if (l->foreign > 0)
		tell_foreign(d->r->client, l->foreign_page);
	if (l->skipped > 0)
		log_line(LOG_WARN, "webhook_events_skipped", log_int("events", (int64_t)l->skipped));
	if (l->stale > 0)
		(void)log_repeat(LOG_REPEAT_STALE_EVENT, d->r->client, NULL);
}

/* Signed by Facebook but not JSON.  If it were refused, Facebook would send it again, and at last unsubscribe the page. */
static enum phase unusable(struct delivery *d)
{
	metric_add(M_WEBHOOK_DELIVERIES, 1);
	metric_add(M_WEBHOOK_UNUSABLE, 1);
	log_line(LOG_ERROR, "webhook_unusable", log_z("error", d->err.msg),
	         log_int("body_bytes", (int64_t)d->in.body.n));
	return P_RECEIVED;
}

static enum phase examined(struct delivery *d)
{
	enum err_code code = d->err.code;
	if (code == ERR_INVALID || code == ERR_TOO_LARGE)
		return unusable(d);
	if (code != ERR_OK) {
		if (code == ERR_DENIED) {
			metric_add(M_WEBHOOK_BAD_SIGNATURE, 1);
			request_refused(d->r, LOG_REPEAT_SIGNATURE, NULL);
		}
		return P_FAILED;
	}
	metric_add(M_WEBHOOK_DELIVERIES, 1);
	count_others(d);
	return P_STORE;
}

static enum phase unsettled(struct delivery *d, enum err_code code, const char *why)
{
	metric_add(M_EVENT_UNSETTLED, (int64_t)d->events.n);
	(void)err_set(&d->err, code, "%s", why);
	return P_FAILED;
}

static void on_slot(struct limiter_waiter *w)
{
	struct delivery *d = LIST_ENTRY(w, struct delivery, waiter);
	loop_timer_clear(d->r->loop, &d->timer);
	resume(d, P_EVENTS);
}

static void on_late(struct loop_timer *t)
{
	struct delivery *d = LIST_ENTRY(t, struct delivery, timer);
	limiter_wait_end(&d->waiter);
	resume(d, unsettled(d, ERR_TIMEOUT, "the store had no time for it"));
}

/* Thousands of deliveries may wait here, so only the parsed events are kept. */
static enum phase wait_for_slot(struct delivery *d)
{
	d->timer.fn = on_late;
	if (loop_timer_set(d->r->loop, &d->timer, d->deadline_ms) == ERR_OK)
		return P_WAIT;
	limiter_wait_end(&d->waiter);
	return unsettled(d, ERR_NOMEM, "no memory for a timer");
}

static void on_task(struct loop_task *t)
{
	struct delivery *d = LIST_ENTRY(t, struct delivery, task);
	d->returned = true;
	resume(d, P_STORE);
}

static enum phase wait_for_return(struct delivery *d)
{
	d->task.fn = on_task;
	loop_task_add(d->r->loop, &d->task);
	return P_WAIT;
}

static enum phase ask_store(struct delivery *d)
{
	struct request *r = d->r;
	size_t n = d->events.n;
	d->deadline_ms = loop_now_ms(r->loop) + STORE_WORK_MS;
	if (d->deadline_ms > r->deadline_ms - ANSWER_MS)
		d->deadline_ms = r->deadline_ms - ANSWER_MS;
	if (n == 0)
		return P_SETTLED;
	d->sequencer = (struct sequencer){
	        .service = r->service,
	        .events = &d->events,
	        .scope = r->id,
	        .client = r->client,
	        .deadline_ms = d->deadline_ms,
	        .done = on_sequenced,
	        .err = &d->err,
	        .hold = &d->hold,
	};
	d->waiter.fn = on_slot;
	d->waiter.slot.more = (n < SEQUENCER_MAX ? n : SEQUENCER_MAX) - 1;
	switch (store_admit(r->service->store, d->deadline_ms, &d->waiter)) {
	case STORE_NOW: return d->returned ? P_EVENTS : wait_for_return(d);
	case STORE_WAIT: return wait_for_slot(d);
	case STORE_OVERLOADED: break;
	}
	metric_add(M_STORE_BUSY, 1);
	return unsettled(d, ERR_BUSY, "too many store operations in flight");
}

static void on_released(struct link_answer_hold *a)
{
	struct delivery *d = LIST_ENTRY(a, struct delivery, hold);
	loop_timer_clear(d->r->loop, &d->timer);
	resume(d, P_SETTLED);
}

static void on_held_too_long(struct loop_timer *t)
{
	struct delivery *d = LIST_ENTRY(t, struct delivery, timer);
	link_hold_leave(&d->hold);
	resume(d, P_SETTLED);
}

static enum phase hold(struct delivery *d)
{
	int64_t until_ms = loop_now_ms(d->r->loop) + HOLD_MS, last_ms = d->r->deadline_ms - ANSWER_MS;
	d->hold.released = on_released;
	d->timer.fn = on_held_too_long;
	if (!link_hold_wait(&d->hold))
		return P_SETTLED;
	if (loop_timer_set(d->r->loop, &d->timer, until_ms < last_ms ? until_ms : last_ms) == ERR_OK)
		return P_WAIT;
	link_hold_leave(&d->hold);
	return P_SETTLED;
}

static enum phase settled(struct delivery *d)
{
	if (d->sequencer.unsettled == 0)
		return P_RECEIVED;
	/* An overloaded store has a metric and is in the request's line: no flood of errors. */
	log_line(d->err.code == ERR_BUSY ? LOG_DEBUG : LOG_ERROR, "webhook_unsettled",
	         log_int("events", (int64_t)d->sequencer.unsettled), log_z("error", d->err.msg));
	return P_FAILED;
}

static void fail(struct delivery *d)
{
	enum err_code code = d->err.code;
	if (code != ERR_DENIED && err_http_status(code) != 503)
		code = ERR_STORE;
	reply_error(d->r, code, NULL, &d->err);
}

static void delivery_run(struct delivery *d)
{
	for (;;) {
		switch (d->phase) {
		case P_EXAMINE: d->phase = examine(d); break;
		case P_EXAMINED: d->phase = examined(d); break;
		case P_STORE: d->phase = ask_store(d); break;
		case P_EVENTS: d->phase = sequencer_start(&d->sequencer) ? P_WAIT : P_HOLD; break;
		case P_HOLD: d->phase = hold(d); break;
		case P_SETTLED: d->phase = settled(d); break;
		case P_WAIT: return;
		case P_RECEIVED: reply_text(d->r, 200, STR("EVENT_RECEIVED")); return; /* d may be dead */
		case P_FAILED: fail(d); return;
		}
	}
}

void webhook_post(struct request *r)
{
	struct delivery *d = r->flow;
	d->in.service = r->service;
	d->in.body = r->body;
	d->in.received_ms = clock_wall_ms();
	d->phase = P_EXAMINE;
	delivery_run(d);
}
