#include "link/link_repair.h"

#include <string.h>

#include "obs/metrics.h"

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
		op->in.key = o->holder[o->at].key;
		op->in.time_ms = winner->link.linked_at_ms;
		(void)str_copy(op->in.me, sizeof op->in.me, str_c(winner->key.id));
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
