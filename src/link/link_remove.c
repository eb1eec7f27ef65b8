#include <stdlib.h>

#include "link/private.h"

/*  FIND -> store -> FOUND -> UNLINK <-> store -> COUNT -> ANSWER
 *    ^_______________ pause, where the index lags ____|   also when more may hold it than one look shows */
enum remove_phase {
	REMOVE_WAIT,
	REMOVE_FIND,
	REMOVE_FOUND,
	REMOVE_UNLINK,
	REMOVE_UNLINKED,
	REMOVE_COUNT,
	REMOVE_ANSWER,
};

enum { SPARE_MS = 1000 }; /* left before the deadline for the next events of the same delivery */

struct removal {
	struct link_op op; /* first */
	int64_t event_ms;
	int64_t until_ms; /* links made later stay */
	const char *reason;
	bool once;
	bool later;
	bool kept_newer; /* a holder's link is newer than the event, so the index does not lag: the event is old */
	size_t round; /* removed since the last look */
};

static int unsettled(struct removal *r)
{
	return link_op_result(&r->op, LINK_R_UNSETTLED, REMOVE_ANSWER);
}

static int found(struct removal *r)
{
	if (!link_op_found(&r->op))
		return unsettled(r);
	r->op.at = 0;
	r->round = 0;
	return REMOVE_UNLINK;
}

static int unlink_next(struct removal *r)
{
	if (r->op.at >= r->op.n)
		return REMOVE_COUNT;
	struct store_op *op = flow_op(&r->op.flow, STORE_UNLINK);
	if (op != NULL) {
		struct store_unlink *in = &op->in.unlink;
		in->key = r->op.holder[r->op.at].key;
		(void)str_copy(in->psid, sizeof in->psid, str_c(r->op.psid));
		in->time_ms = r->until_ms;
	}
	return flow_store(&r->op.flow, op, REMOVE_UNLINKED);
}

static int unlinked(struct removal *r)
{
	if (r->op.flow.code != ERR_OK)
		return unsettled(r);
	const struct store_customer *h = &r->op.holder[r->op.at++];
	if (r->op.flow.out->outcome != STORE_DONE) {
		r->kept_newer |= h->link.linked_at_ms > r->until_ms;
		return REMOVE_UNLINK;
	}
	r->round++;
	link_op_tell(&r->op, (struct link_change){.kind = LINK_REMOVED,
	                                          .customer_id = h->key.id,
	                                          .page_id = h->link.page_id,
	                                          .time_ms = r->event_ms,
	                                          .reason = r->reason});
	return REMOVE_UNLINK;
}

/* Look again after a miss, unless time is short and a later removal does the same. */
static bool has_time(const struct removal *r)
{
	return !r->later || loop_now_ms(r->op.flow.loop) + SPARE_MS < r->op.flow.limit_ms;
}

/* Only the first of several tries for one event is reported. */
static int missed(struct removal *r)
{
	if (r->later)
		link_op_tell(&r->op,
		             (struct link_change){.kind = LINK_MISSED,
		                                  .customer_id = "",
		                                  .page_id = "",
		                                  .time_ms = r->event_ms,
		                                  .reason = r->kept_newer ? "link_is_newer" : "not_linked"});
	return link_op_result(&r->op, LINK_R_MISS, REMOVE_ANSWER);
}

static int count(struct removal *r)
{
	r->op.count += r->round;
	if (r->op.n == STORE_HOLDERS_MAX && r->round > 0)
		return REMOVE_FIND;
	if (r->op.count > 0)
		return link_op_result(&r->op, LINK_R_UNLINKED, REMOVE_ANSWER);
	struct service *s = r->op.call.service;
	if (!r->once && !r->kept_newer && has_time(r) && link_op_look_again(&r->op, REMOVE_FIND))
		return REMOVE_WAIT;
	if (!r->kept_newer && r->later && store_traits(s->store)->index_lags)
		link_retry_unlink(s, str_c(r->op.psid), r->event_ms);
	return missed(r);
}

static void remove_run(struct flow *f)
{
	struct removal *r = LIST_ENTRY(f, struct removal, op.flow);
	for (;;) {
		switch ((enum remove_phase)f->phase) {
		case REMOVE_FIND: flow_move(f, link_op_find(&r->op, REMOVE_FOUND)); break;
		case REMOVE_FOUND: flow_move(f, found(r)); break;
		case REMOVE_UNLINK: flow_move(f, unlink_next(r)); break;
		case REMOVE_UNLINKED: flow_move(f, unlinked(r)); break;
		case REMOVE_COUNT: flow_move(f, count(r)); break;
		case REMOVE_WAIT: return;
		case REMOVE_ANSWER: link_op_answer(&r->op); return; /* r is dead after this */
		}
	}
}

#define TO(phase) FLOW_TO(REMOVE_##phase)
static const struct flow_phase phases[] = {
        [REMOVE_WAIT] = {"start", TO(FIND)},
        [REMOVE_FIND] = {"find", TO(FOUND)},
        [REMOVE_FOUND] = {"found", TO(UNLINK) | TO(ANSWER)},
        [REMOVE_UNLINK] = {"unlink", TO(UNLINKED) | TO(COUNT)},
        [REMOVE_UNLINKED] = {"unlinked", TO(UNLINK) | TO(ANSWER)},
        [REMOVE_COUNT] = {"count", TO(FIND) | TO(ANSWER)},
        [REMOVE_ANSWER] = {"answer", 0},
};
static const struct flow_kind kind = {.name = "remove", .phases = phases, .run = remove_run};

enum err_code link_remove(const struct link_call *call, const struct link_removal *in, struct link_op **ret,
                          struct err *reterr)
{
	struct removal *r = calloc(1, sizeof *r);
	if (r == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory to remove a link");
	r->event_ms = in->event_ms;
	r->until_ms = in->any_age ? INT64_MAX : in->event_ms + LINK_SLACK_MS;
	r->reason = in->reason;
	r->once = in->once;
	r->later = in->later;
	enum err_code code = link_op_begin(&r->op, &kind, call, &in->psid, reterr);
	if (code == ERR_OK)
		*ret = &r->op;
	return code;
}
