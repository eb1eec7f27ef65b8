#include <stdlib.h>
#include <string.h>

#include "link/private.h"
#include "obs/log.h"
#include "obs/metrics.h"

/* --- one survivor of several holders of a PSID */

/* A link without time (-1) is older than any. */
static bool newer(const struct store_customer *a, const struct store_customer *b)
{
	if (a->link.linked_at_ms != b->link.linked_at_ms)
		return a->link.linked_at_ms > b->link.linked_at_ms;
	return strcmp(a->key.id, b->key.id) > 0;
}

void link_repair_begin(struct link_op *o)
{
	o->at = o->winner = 0;
	for (size_t i = 1; i < o->n; i++)
		if (newer(&o->holder[i], &o->holder[o->winner]))
			o->winner = i;
}

int link_repair_step(struct link_op *o, int next, int done)
{
	if (o->at == o->winner)
		o->at++;
	if (o->at >= o->n)
		return done;
	const struct store_customer *winner = &o->holder[o->winner];
	struct store_op *op = link_op_new(o, STORE_REPAIR);
	if (op != NULL) {
		struct store_repair *in = &op->in.repair;
		in->key = o->holder[o->at].key;
		(void)str_copy(in->psid, sizeof in->psid, str_c(o->psid));
		in->time_ms = winner->link.linked_at_ms;
		(void)str_copy(in->me, sizeof in->me, str_c(winner->key.id));
	}
	return link_op_store(o, op, next);
}

void link_repair_note(struct link_op *o)
{
	const struct store_customer *loser = &o->holder[o->at++];
	if (o->out.outcome != STORE_DONE)
		return;
	metric_add(M_LINK_REPAIRS, 1);
	link_op_tell(o, (struct link_change){.kind = LINK_REMOVED,
	                                     .customer_id = loser->key.id,
	                                     .page_id = loser->link.page_id,
	                                     .time_ms = o->holder[o->winner].link.linked_at_ms,
	                                     .reason = "replaced"});
}

/* --- look-up by PSID */

/*  FIND -> store -> FOUND -> REPAIR <-> store -> ANSWER
 *    ^__ pause, where the index lags __|
 *  A repair that fails does not spoil the answer: the next look-up repairs again. */
enum phase {
	P_WAIT = LINK_OP_WAIT,
	P_FIND,
	P_FOUND,
	P_REPAIR,
	P_REPAIRED,
	P_ANSWER,
};

static int found(struct link_op *o)
{
	if (o->code != ERR_OK)
		return link_op_result(o, LINK_R_UNSETTLED, P_ANSWER);
	if (o->n == 0)
		return link_op_look_again(o, P_FIND) ? P_WAIT : link_op_result(o, LINK_R_MISS, P_ANSWER);
	link_repair_begin(o);
	o->count = 1;
	return link_op_result(o, LINK_R_LINKED, P_REPAIR);
}

static int repaired(struct link_op *o)
{
	if (o->code != ERR_OK) {
		log_line(LOG_WARN, "link_repair_failed", log_z("error", o->err.msg));
		return P_ANSWER;
	}
	link_repair_note(o);
	return P_REPAIR;
}

static void run(struct link_op *o)
{
	for (;;) {
		switch ((enum phase)o->phase) {
		case P_FIND: o->phase = link_op_find(o, P_FOUND); break;
		case P_FOUND: o->phase = found(o); break;
		case P_REPAIR: o->phase = link_repair_step(o, P_REPAIRED, P_ANSWER); break;
		case P_REPAIRED: o->phase = repaired(o); break;
		case P_WAIT: return;
		case P_ANSWER: link_op_answer(o, P_ANSWER); return; /* o is dead after this */
		}
	}
}

static enum err_code start(const struct link_call *call, struct str psid, bool conflicts,
                           struct link_op **ret, struct err *reterr)
{
	struct link_op *o = calloc(1, sizeof *o);
	if (o == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory to find a link");
	o->conflicts = conflicts;
	enum err_code code = link_op_begin_psid(o, call, psid, run, reterr);
	if (code == ERR_OK)
		*ret = o;
	return code;
}

enum err_code link_find(const struct link_call *call, struct str psid, struct link_op **ret,
                        struct err *reterr)
{
	return start(call, psid, false, ret, reterr);
}

enum err_code link_check(const struct link_call *call, struct str psid, struct link_op **ret,
                         struct err *reterr)
{
	return start(call, psid, true, ret, reterr);
}
