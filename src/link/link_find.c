#include <stdlib.h>
#include <string.h>

#include "link/private.h"
#include "obs/log.h"
#include "obs/metrics.h"

/* --- one survivor of several holders of a PSID */

/* A link without time (-1) is the oldest. */
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
	return link_repair_remove(o, &o->holder[o->at].key, winner->link.linked_at_ms, winner->key.id, next);
}

int link_repair_remove(struct link_op *o, const struct store_key *loser, int64_t time_ms, const char *id,
                       int next)
{
	struct store_op *op = flow_op(&o->flow, STORE_REPAIR);
	if (op != NULL) {
		struct store_repair *in = &op->in.repair;
		in->key = *loser;
		(void)str_copy(in->psid, sizeof in->psid, str_c(o->psid));
		in->time_ms = time_ms;
		(void)str_copy(in->me, sizeof in->me, str_c(id));
	}
	return flow_store(&o->flow, op, next);
}

void link_repair_note(struct link_op *o)
{
	const struct store_customer *loser = &o->holder[o->at++];
	if (o->flow.out->outcome != STORE_DONE)
		return;
	metric_add(M_LINK_REPAIRS, 1);
	link_op_tell(o, (struct link_change){.kind = LINK_REMOVED,
	                                     .customer_id = loser->key.id,
	                                     .page_id = loser->link.page_id,
	                                     .time_ms = o->holder[o->winner].link.linked_at_ms,
	                                     .reason = "replaced"});
}

/* --- look-up by PSID */

/*  LOOK -> store -> FOUND -> REPAIR <-> store -> ANSWER
 *    ^__ pause, where the index lags __|
 *  A repair that fails does not change the answer: the next look-up repairs again. */
enum find_phase {
	FIND_WAIT,
	FIND_LOOK,
	FIND_FOUND,
	FIND_REPAIR,
	FIND_REPAIRED,
	FIND_ANSWER,
};

static int found(struct link_op *o)
{
	if (!link_op_found(o))
		return link_op_result(o, LINK_R_UNSETTLED, FIND_ANSWER);
	if (o->n == 0)
		return link_op_look_again(o, FIND_LOOK) ? FIND_WAIT
		                                        : link_op_result(o, LINK_R_MISS, FIND_ANSWER);
	link_repair_begin(o);
	o->count = 1;
	return link_op_result(o, LINK_R_LINKED, FIND_REPAIR);
}

static int repaired(struct link_op *o)
{
	if (o->flow.code != ERR_OK) {
		log_line(LOG_WARN, "link_repair_failed", log_z("error", o->flow.err->msg));
		return FIND_ANSWER;
	}
	link_repair_note(o);
	return FIND_REPAIR;
}

static void find_run(struct flow *f)
{
	struct link_op *o = LIST_ENTRY(f, struct link_op, flow);
	for (;;) {
		switch ((enum find_phase)f->phase) {
		case FIND_LOOK: flow_move(f, link_op_find(o, FIND_FOUND)); break;
		case FIND_FOUND: flow_move(f, found(o)); break;
		case FIND_REPAIR: flow_move(f, link_repair_step(o, FIND_REPAIRED, FIND_ANSWER)); break;
		case FIND_REPAIRED: flow_move(f, repaired(o)); break;
		case FIND_WAIT: return;
		case FIND_ANSWER: link_op_answer(o); return; /* o is dead after this */
		}
	}
}

#define TO(phase) FLOW_TO(FIND_##phase)
static const struct flow_phase phases[] = {
        [FIND_WAIT] = {"start", TO(LOOK)},
        [FIND_LOOK] = {"look", TO(FOUND)},
        [FIND_FOUND] = {"found", TO(LOOK) | TO(REPAIR) | TO(ANSWER)},
        [FIND_REPAIR] = {"repair", TO(REPAIRED) | TO(ANSWER)},
        [FIND_REPAIRED] = {"repaired", TO(REPAIR) | TO(ANSWER)},
        [FIND_ANSWER] = {"answer", 0},
};
static const struct flow_kind kind = {.name = "find", .phases = phases, .run = find_run};

static enum err_code start(const struct link_call *call, struct str psid, bool conflicts,
                           struct link_op **ret, struct err *reterr)
{
	struct link_op *o = calloc(1, sizeof *o);
	if (o == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory to find a link");
	o->conflicts = conflicts;
	enum err_code code = link_op_begin(o, &kind, call, &psid, reterr);
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
