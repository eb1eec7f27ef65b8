#include "link/private.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "obs/log.h"

static const char *const names[] = {
        [LINK_R_LINKED] = "linked",
        [LINK_R_ALREADY] = "already_done",
        [LINK_R_UNLINKED_SINCE] = "unlinked_since",
        [LINK_R_USED] = "used",
        [LINK_R_SUPERSEDED] = "superseded",
        [LINK_R_REFUSED] = "refused",
        [LINK_R_UNLINKED] = "unlinked",
        [LINK_R_MISS] = "miss",
        [LINK_R_UNSETTLED] = "unsettled",
};

const char *link_result_name(enum link_result r)
{
	return (unsigned)r < sizeof names / sizeof names[0] ? names[r] : "unknown";
}

void link_cancel(struct link_op *op)
{
	if (op->running != NULL)
		store_cancel(op->running);
	link_op_free(op);
}

/* --- one store operation at a time */

/* Second looks at an index that lags: about a second in all. */
static const int64_t look_ms[] = {100, 200, 300, 400};
enum { LOOKS = sizeof look_ms / sizeof look_ms[0] };

static void drop_holders(struct link_op *o)
{
	if (o->holder != NULL)
		crypto_wipe(o->holder, o->n * sizeof o->holder[0]); /* password hashes */
	free(o->holder);
	o->holder = NULL;
	o->n = 0;
}

void link_op_free(struct link_op *o)
{
	loop_timer_clear(o->call.service->loop, &o->timer);
	loop_task_cancel(&o->task);
	drop_holders(o);
	free(o);
}

static void go_on(struct link_op *o)
{
	log_scope(o->call.scope);
	o->phase = o->next;
	o->run(o);
	log_scope(NULL);
}

static void on_timer(struct loop_timer *t)
{
	struct link_op *o = LIST_ENTRY(t, struct link_op, timer);
	if (o->running != NULL) {
		store_cancel(o->running);
		o->running = NULL;
		o->code = err_set(&o->err, ERR_TIMEOUT, "no answer from the store by the deadline");
	}
	go_on(o);
}

static void on_task(struct loop_task *t)
{
	go_on(LIST_ENTRY(t, struct link_op, task));
}

static void on_store(void *arg, struct store_op *op)
{
	struct link_op *o = arg;
	o->running = NULL;
	o->call.admitted = true;
	o->code = op->code;
	if (op->code != ERR_OK)
		o->err = op->err;
	o->out = op->out;
	if (!store_writes(op->kind) && op->code == ERR_OK) {
		drop_holders(o);
		o->holder = op->out.customers;
		o->n = op->out.n;
		op->out.customers = NULL;
		op->out.n = 0;
	}
	o->out.customers = NULL;
	go_on(o);
}

enum err_code link_op_begin_psid(struct link_op *o, const struct link_call *c, struct str psid,
                                 void (*run)(struct link_op *o), struct err *reterr)
{
	if (psid.n > 0 && str_copy(o->psid, sizeof o->psid, psid))
		return link_op_begin(o, c, run, reterr);
	free(o);
	return err_set(reterr, ERR_INVALID, "a PSID that is empty or too long");
}

enum err_code link_op_begin(struct link_op *o, const struct link_call *c, void (*run)(struct link_op *o),
                            struct err *reterr)
{
	o->call = *c;
	o->run = run;
	o->timer.fn = on_timer;
	o->task.fn = on_task;
	/* Set here so that later settings of the armed timer need no memory. */
	if (loop_timer_set(c->service->loop, &o->timer, c->deadline_ms) != ERR_OK) {
		free(o);
		return err_set(reterr, ERR_NOMEM, "no memory for a timer");
	}
	o->phase = 1;
	o->starting = true;
	o->run(o);
	o->starting = false;
	return ERR_OK;
}

struct store_op *link_op_new(const struct link_op *o, enum store_kind kind)
{
	struct store_op *op = store_op_new(kind, o->call.deadline_ms);
	if (op == NULL)
		return NULL;
	op->admitted = o->call.admitted;
	return op;
}

int link_op_store(struct link_op *o, struct store_op *op, int next)
{
	struct service *s = o->call.service;
	if (op == NULL) {
		o->code = err_set(&o->err, ERR_NOMEM, "no memory for a store operation");
		return next;
	}
	o->code = loop_timer_set(s->loop, &o->timer, o->call.deadline_ms);
	if (o->code != ERR_OK) {
		store_op_free(op);
		(void)err_set(&o->err, o->code, "no memory for a timer");
		return next;
	}
	o->code = store_start(s->store, op, on_store, o, &o->err);
	if (o->code != ERR_OK)
		return next;
	o->running = op;
	o->next = next;
	return LINK_OP_WAIT;
}

int link_op_find(struct link_op *o, int next)
{
	struct store_op *op = link_op_new(o, STORE_FIND_PSID);
	if (op != NULL) {
		(void)str_copy(op->in.find_psid.psid, sizeof op->in.find_psid.psid, str_c(o->psid));
		op->in.find_psid.conflicts = o->conflicts;
	}
	return link_op_store(o, op, next);
}

bool link_op_look_again(struct link_op *o, int next)
{
	struct service *s = o->call.service;
	if (!store_traits(s->store)->index_lags || o->looks == LOOKS)
		return false;
	int64_t due = loop_now_ms(s->loop) + look_ms[o->looks++];
	if (due >= o->call.deadline_ms || loop_timer_set(s->loop, &o->timer, due) != ERR_OK)
		return false;
	o->next = next;
	return true;
}

void link_op_tell(const struct link_op *o, struct link_change c)
{
	c.source = o->call.source;
	c.code_digest = o->code_digest.s;
	c.hold = o->call.hold;
	if (c.psid == NULL)
		c.psid = o->psid;
	link_change_tell(o->call.service, &c);
}

int link_op_result(struct link_op *o, enum link_result r, int answer)
{
	o->result = r;
	return answer;
}

void link_op_answer(struct link_op *o, int answer)
{
	if (o->starting) {
		o->phase = LINK_OP_WAIT;
		o->next = answer;
		loop_timer_clear(o->call.service->loop, &o->timer);
		loop_task_add(o->call.service->loop, &o->task);
		return;
	}
	struct link_answer a = {
	        .result = o->result,
	        .err = o->result == LINK_R_UNSETTLED ? &o->err : NULL,
	        .n = o->count,
	        .holder = o->n > 0 ? &o->holder[o->winner] : NULL,
	};
	o->call.done(o->call.arg, &a);
	link_op_free(o);
}

/* --- the listeners */

static const struct {
	const char *action, *result; /* result NULL: the reason is the result */
} words[] = {
        [LINK_CREATED] = {"link", NULL},
        [LINK_REMOVED] = {"link", "removed"},
        [LINK_REFUSED] = {"code", "refused"},
        [LINK_MISSED] = {"link", "not_removed"},
};

static void write_line(const struct link_listener *self, struct service *s, const struct link_change *c)
{
	(void)self;
	(void)s;
	const char *result = words[c->kind].result;
	audit_line(&(struct audit){.action = words[c->kind].action,
	                           .result = result != NULL ? result : c->reason,
	                           .reason = result != NULL ? c->reason : NULL,
	                           .way = c->source.way,
	                           .client = c->source.client,
	                           .actor = c->source.actor,
	                           .customer_id = c->customer_id,
	                           .psid = c->psid,
	                           .page_id = c->page_id,
	                           .code_digest = c->code_digest,
	                           .event_time_ms = c->time_ms});
}

const struct link_listener link_change_audit = {.heard = write_line};

void link_change_tell(struct service *s, const struct link_change *c)
{
	for (const struct link_listener *const *l = s->listeners; *l != NULL; l++)
		(*l)->heard(*l, s, c);
}

/* --- holds: listeners that delay an answer */

struct link_hold {
	struct link_answer_hold *owner; /* NULL: it has left */
	size_t n;
};

struct link_hold *link_hold_take(struct link_answer_hold *a)
{
	if (a == NULL)
		return NULL;
	if (a->taken == NULL) {
		a->taken = calloc(1, sizeof *a->taken);
		if (a->taken == NULL)
			return NULL;
		a->taken->owner = a;
	}
	a->taken->n++;
	return a->taken;
}

void link_hold_release(struct link_hold *h)
{
	if (h == NULL || --h->n > 0)
		return;
	struct link_answer_hold *owner = h->owner;
	free(h);
	if (owner == NULL)
		return;
	owner->taken = NULL;
	if (!owner->waits)
		return;
	owner->waits = false;
	owner->released(owner);
}

bool link_hold_wait(struct link_answer_hold *a)
{
	a->waits = a->taken != NULL;
	return a->waits;
}

void link_hold_leave(struct link_answer_hold *a)
{
	if (a->taken != NULL)
		a->taken->owner = NULL;
	a->taken = NULL;
	a->waits = false;
}
