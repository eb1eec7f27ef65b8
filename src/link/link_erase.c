#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "link/private.h"

/*  FIND -> store -> FOUND -> ERASE <-> store -> ANSWER
 *    ^__ more items than one look shows __|
 *  A customer may have several items.  link_of_customer answers after FOUND. */
enum phase {
	P_WAIT = LINK_OP_WAIT,
	P_FIND,
	P_FOUND,
	P_ERASE,
	P_ERASED,
	P_ANSWER,
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
	return link_op_result(&e->op, LINK_R_UNSETTLED, P_ANSWER);
}

static int find(struct erasure *e)
{
	struct store_op *op = link_op_new(&e->op, STORE_FIND_ID);
	if (op != NULL) {
		struct store_find_id *in = &op->in.find_id;
		(void)str_copy(in->id, sizeof in->id, str_c(e->customer_id));
		(void)str_copy(in->past, sizeof in->past, str_c(e->past));
	}
	return link_op_store(&e->op, op, P_FOUND);
}

static int found(struct erasure *e)
{
	if (e->op.code != ERR_OK)
		return unsettled(e);
	e->op.at = 0;
	if (e->op.n == 0)
		return link_op_result(&e->op, e->more ? LINK_R_UNLINKED : LINK_R_MISS, P_ANSWER);
	if (!e->list_only)
		return P_ERASE;
	e->op.count = e->op.n;
	return link_op_result(&e->op, LINK_R_LINKED, P_ANSWER);
}

/* One look-up returns at most STORE_HOLDERS_MAX items.  Do not report success while there may be more. */
static int erase_more(struct erasure *e)
{
	if (e->op.n < STORE_HOLDERS_MAX)
		return link_op_result(&e->op, LINK_R_UNLINKED, P_ANSWER);
	const char *last = e->op.holder[e->op.n - 1].key.email;
	if (strcmp(last, e->past) <=
	    0) { /* the e-mail does not fit, so the next look-up cannot start after it */
		(void)err_set(&e->op.err, ERR_INTERNAL, "not all items of a customer could be seen");
		return unsettled(e);
	}
	(void)str_copy(e->past, sizeof e->past, str_c(last));
	e->more = true;
	return P_FIND;
}

static int erase(struct erasure *e)
{
	if (e->op.at == e->op.n)
		return erase_more(e);
	struct store_op *op = link_op_new(&e->op, STORE_ERASE);
	if (op != NULL)
		op->in.erase.key = e->op.holder[e->op.at].key;
	return link_op_store(&e->op, op, P_ERASED);
}

static int erased(struct erasure *e)
{
	if (e->op.code != ERR_OK)
		return unsettled(e);
	const struct store_customer *item = &e->op.holder[e->op.at++];
	const struct store_link *former = &e->op.out.former;
	if (e->op.out.outcome == STORE_DONE && former->psid[0] != '\0')
		link_op_tell(&e->op, (struct link_change){.kind = LINK_REMOVED,
		                                          .customer_id = item->key.id,
		                                          .psid = former->psid,
		                                          .page_id = former->page_id,
		                                          .time_ms = clock_wall_ms(),
		                                          .reason = "erased"});
	return P_ERASE;
}

static void run(struct link_op *o)
{
	struct erasure *e = LIST_ENTRY(o, struct erasure, op);
	for (;;) {
		switch ((enum phase)o->phase) {
		case P_FIND: o->phase = find(e); break;
		case P_FOUND: o->phase = found(e); break;
		case P_ERASE: o->phase = erase(e); break;
		case P_ERASED: o->phase = erased(e); break;
		case P_WAIT: return;
		case P_ANSWER: link_op_answer(o, P_ANSWER); return; /* e is dead after this */
		}
	}
}

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
	enum err_code code = link_op_begin(&e->op, call, run, reterr);
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
