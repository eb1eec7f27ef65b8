#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "link/private.h"

/*  FIND -> store -> FOUND -> ERASE <-> store -> ANSWER
 *    ^__ more items than one look shows __|
 *  A customer may have several items.  link_of_customer answers after FOUND. */
enum erase_phase {
	ERASE_WAIT,
	ERASE_FIND,
	ERASE_FOUND,
	ERASE_ERASE,
	ERASE_ERASED,
	ERASE_ANSWER,
};

struct erasure {
	struct link_op op; /* first */
	bool list_only;
	bool more; /* looking for items past the last one erased */
	char past[STORE_EMAIL_MAX + 1];
	char customer_id[STORE_ID_MAX + 1];
};

static int unsettled(struct erasure *e)
{
	return link_op_result(&e->op, LINK_R_UNSETTLED, ERASE_ANSWER);
}

static int find(struct erasure *e)
{
	struct store_op *op = flow_op(&e->op.flow, STORE_FIND_ID);
	if (op != NULL) {
		struct store_find_id *in = &op->in.find_id;
		(void)str_copy(in->id, sizeof in->id, str_c(e->customer_id));
		(void)str_copy(in->past, sizeof in->past, str_c(e->past));
	}
	return flow_store(&e->op.flow, op, ERASE_FOUND);
}

static int found(struct erasure *e)
{
	if (!link_op_found(&e->op))
		return unsettled(e);
	e->op.at = 0;
	if (e->op.n == 0)
		return link_op_result(&e->op, e->more ? LINK_R_UNLINKED : LINK_R_MISS, ERASE_ANSWER);
	if (!e->list_only)
		return ERASE_ERASE;
	e->op.count = e->op.n;
	return link_op_result(&e->op, LINK_R_LINKED, ERASE_ANSWER);
}

/* One look-up returns at most STORE_HOLDERS_MAX items.  Do not report success while there may be more. */
static int erase_more(struct erasure *e)
{
	if (e->op.n < STORE_HOLDERS_MAX)
		return link_op_result(&e->op, LINK_R_UNLINKED, ERASE_ANSWER);
	const char *last = e->op.holder[e->op.n - 1].key.email;
	if (strcmp(last, e->past) <=
	    0) { /* the e-mail does not fit, so the next look-up cannot start after it */
		(void)err_set(e->op.flow.err, ERR_INTERNAL, "not all items of a customer could be seen");
		return unsettled(e);
	}
	(void)str_copy(e->past, sizeof e->past, str_c(last));
	e->more = true;
	return ERASE_FIND;
}

static int erase(struct erasure *e)
{
	if (e->op.at == e->op.n)
		return erase_more(e);
	struct store_op *op = flow_op(&e->op.flow, STORE_ERASE);
	if (op != NULL)
		op->in.erase.key = e->op.holder[e->op.at].key;
	return flow_store(&e->op.flow, op, ERASE_ERASED);
}

static int erased(struct erasure *e)
{
	if (e->op.flow.code != ERR_OK)
		return unsettled(e);
	const struct store_customer *item = &e->op.holder[e->op.at++];
	const struct store_link *former = &e->op.flow.out->former;
	if (e->op.flow.out->outcome == STORE_DONE && former->psid[0] != '\0')
		link_op_tell(&e->op, (struct link_change){.kind = LINK_REMOVED,
		                                          .customer_id = item->key.id,
		                                          .psid = former->psid,
		                                          .page_id = former->page_id,
		                                          .time_ms = clock_wall_ms(),
		                                          .reason = "erased"});
	return ERASE_ERASE;
}

static void erase_run(struct flow *f)
{
	struct erasure *e = LIST_ENTRY(f, struct erasure, op.flow);
	for (;;) {
		switch ((enum erase_phase)f->phase) {
		case ERASE_FIND: flow_move(f, find(e)); break;
		case ERASE_FOUND: flow_move(f, found(e)); break;
		case ERASE_ERASE: flow_move(f, erase(e)); break;
		case ERASE_ERASED: flow_move(f, erased(e)); break;
		case ERASE_WAIT: return;
		case ERASE_ANSWER: link_op_answer(&e->op); return; /* e is dead after this */
		}
	}
}

#define TO(phase) FLOW_TO(ERASE_##phase)
static const struct flow_phase phases[] = {
        [ERASE_WAIT] = {"start", TO(FIND)},
        [ERASE_FIND] = {"find", TO(FOUND)},
        [ERASE_FOUND] = {"found", TO(ERASE) | TO(ANSWER)},
        [ERASE_ERASE] = {"erase", TO(ERASED) | TO(FIND) | TO(ANSWER)},
        [ERASE_ERASED] = {"erased", TO(ERASE) | TO(ANSWER)},
        [ERASE_ANSWER] = {"answer", 0},
};
static const struct flow_kind kind = {.name = "erase", .phases = phases, .run = erase_run};

static enum err_code start(const struct link_call *call, struct str customer_id, bool list_only,
                           struct link_op **ret, struct err *reterr)
{
	struct erasure *e = calloc(1, sizeof *e);
	if (e == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory to find a customer");
	if (customer_id.n == 0 || !str_copy(e->customer_id, sizeof e->customer_id, customer_id)) {
		free(e);
		return err_set(reterr, ERR_INVALID, "a customer id that is empty or too long");
	}
	e->list_only = list_only;
	enum err_code code = link_op_begin(&e->op, &kind, call, NULL, reterr);
	if (code == ERR_OK)
		*ret = &e->op;
	return code;
}

enum err_code link_erase(const struct link_call *call, struct str customer_id, struct link_op **ret,
                         struct err *reterr)
{
	return start(call, customer_id, false, ret, reterr);
}

enum err_code link_of_customer(const struct link_call *call, struct str customer_id, struct link_op **ret,
                               struct err *reterr)
{
	return start(call, customer_id, true, ret, reterr);
}
