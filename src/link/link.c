#include "link/private.h"

#include <stdlib.h>

#include "base/crypto.h"

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

/* --- a use case is a flow */

/* Second looks at an index that lags: about a second in all. */
static const int64_t look_ms[] = {100, 200, 300, 400};
enum { LOOKS = sizeof look_ms / sizeof look_ms[0] };
enum { LATER_MS = 5000 }; /* a use case of later work, second looks included */

static void drop_holders(struct link_op *o)
{
	if (o->holder != NULL)
		crypto_wipe(o->holder, o->n * sizeof o->holder[0]); /* password hashes */
	free(o->holder);
	o->holder = NULL;
	o->n = 0;
}

static void op_free(struct link_op *o)
{
	drop_holders(o);
	free(o);
}

struct link_call link_call_later(struct service *s, link_done_fn *done, void *arg)
{
	return (struct link_call){.service = s,
	                          .deadline_ms = loop_now_ms(s->loop) + LATER_MS,
	                          .done = done,
	                          .arg = arg,
	                          .source = {.way = "later"}};
}

void link_cancel(struct link_op *o)
{
	flow_cancel(&o->flow);
	op_free(o);
}

enum err_code link_op_begin(struct link_op *o, const struct flow_kind *k, const struct link_call *c,
                            const struct str *psid, struct err *reterr)
{
	const struct flow_call call = {.loop = c->service->loop,
	                               .store = c->service->store,
	                               .limit_ms = c->deadline_ms,
	                               .scope = c->scope,
	                               .admitted = c->admitted,
	                               .at_once = true};
	o->call = *c;
	if (psid != NULL && (psid->n == 0 || !str_copy(o->psid, sizeof o->psid, *psid))) {
		free(o);
		return err_set(reterr, ERR_INVALID, "a PSID that is empty or too long");
	}
	if (flow_start(&o->flow, k, &call) == ERR_OK)
		return ERR_OK;
	free(o);
	return err_set(reterr, ERR_NOMEM, "no memory for a timer");
}

int link_op_find(struct link_op *o, int next)
{
	struct store_op *op = flow_op(&o->flow, STORE_FIND_PSID);
	if (op != NULL) {
		(void)str_copy(op->in.find_psid.psid, sizeof op->in.find_psid.psid, str_c(o->psid));
		op->in.find_psid.conflicts = o->conflicts;
	}
	return flow_store(&o->flow, op, next);
}

bool link_op_found(struct link_op *o)
{
	if (o->flow.code != ERR_OK)
		return false;
	drop_holders(o);
	o->holder = o->flow.out->customers;
	o->n = o->flow.out->n;
	o->flow.out->customers = NULL;
	o->flow.out->n = 0;
	return true;
}

bool link_op_look_again(struct link_op *o, int next)
{
	if (!store_traits(o->flow.store)->index_lags || o->looks == LOOKS)
		return false;
	int64_t due_ms = loop_now_ms(o->flow.loop) + look_ms[o->looks++];
	return due_ms < o->flow.limit_ms && flow_pause(&o->flow, due_ms, next);
}

int link_op_result(struct link_op *o, enum link_result r, int answer)
{
	o->result = r;
	return answer;
}

void link_op_answer(struct link_op *o)
{
	if (flow_defer(&o->flow))
		return;
	struct link_answer a = {
	        .result = o->result,
	        .err = o->result == LINK_R_UNSETTLED ? o->flow.err : NULL,
	        .n = o->count,
	        .holder = o->n > 0 ? &o->holder[o->winner] : NULL,
	};
	flow_cancel(&o->flow);
	o->call.done(o->call.arg, &a);
	op_free(o);
}

/* --- the listeners */

void link_op_tell(const struct link_op *o, struct link_change c)
{
	c.source = o->call.source;
	c.code_digest = o->code_digest.s;
	c.hold = o->call.hold;
	if (c.psid == NULL)
		c.psid = o->psid;
	link_change_tell(o->call.service, &c);
}

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
