#include <stdlib.h>

#include "link/private.h"

/*  FIND -> store -> FOUND -> UNLINK <-> store -> COUNT -> ANSWER
 *    ^_______________ pause, where the index lags ____|   also when more may hold it than one look shows */
enum phase {
	P_WAIT = LINK_OP_WAIT,
	P_FIND,
	P_FOUND,
	P_UNLINK,
	P_UNLINKED,
	P_COUNT,
	P_ANSWER,
};

/* An event may be a little older than the link it ends: both clocks are Facebook's, but not one machine's. */
enum { SLACK_MS = 2000 };

enum { SPARE_MS = 1000 }; /* of the deadline, for what is next in the same delivery */

struct removal {
	struct link_op op; /* first */
	int64_t event_ms;
	int64_t until_ms; /* links made later stay */
	const char *reason;
	bool once;
	bool later;
	bool kept_newer; /* a holder's link is newer than the event: the event is old, not the index */
	size_t round;    /* removed since the last look */
};

static int unsettled(struct removal *r)
{
	return link_op_result(&r->op, LINK_R_UNSETTLED, P_ANSWER);
}

static int found(struct removal *r)
{
	if (r->op.code != ERR_OK)
		return unsettled(r);
	r->op.at = 0;
	r->round = 0;
	return P_UNLINK;
}

static int unlink_next(struct removal *r)
{
	if (r->op.at >= r->op.n)
		return P_COUNT;
	struct store_op *op = link_op_new(&r->op, STORE_UNLINK);
	if (op != NULL) {
		struct store_unlink *in = &op->in.unlink;
		in->key = r->op.holder[r->op.at].key;
		(void)str_copy(in->psid, sizeof in->psid, str_c(r->op.psid));
		in->time_ms = r->until_ms;
	}
	return link_op_store(&r->op, op, P_UNLINKED);
}

static int unlinked(struct removal *r)
{
	if (r->op.code != ERR_OK)
		return unsettled(r);
	const struct store_customer *h = &r->op.holder[r->op.at++];
	if (r->op.out.outcome != STORE_DONE) {
		r->kept_newer |= h->link.linked_at_ms > r->until_ms;
		return P_UNLINK;
	}
	r->round++;
	link_op_tell(&r->op, (struct link_change){.kind = LINK_REMOVED,
	                                          .customer_id = h->key.id,
	                                          .page_id = h->link.page_id,
	                                          .time_ms = r->event_ms,
	                                          .reason = r->reason});
	return P_UNLINK;
}

/* A miss of the index is looked for again, unless time is short and a later removal does it as well. */
static bool has_time(const struct removal *r)
{
	return !r->later || loop_now_ms(r->op.call.service->loop) + SPARE_MS < r->op.call.deadline_ms;
}

/* Of the tries for one event only the first is reported. */
static int missed(struct removal *r)
{
	if (r->later)
		link_op_tell(&r->op,
		             (struct link_change){.kind = LINK_MISSED,
		                                  .customer_id = "",
		                                  .page_id = "",
		                                  .time_ms = r->event_ms,
		                                  .reason = r->kept_newer ? "link_is_newer" : "not_linked"});
	return link_op_result(&r->op, LINK_R_MISS, P_ANSWER);
}

static int count(struct removal *r)
{
	r->op.count += r->round;
	if (r->op.n == STORE_HOLDERS_MAX && r->round > 0)
		return P_FIND;
	if (r->op.count > 0)
		return link_op_result(&r->op, LINK_R_UNLINKED, P_ANSWER);
	struct service *s = r->op.call.service;
	if (!r->once && !r->kept_newer && has_time(r) && link_op_look_again(&r->op, P_FIND))
		return P_WAIT;
	if (!r->kept_newer && r->later && store_traits(s->store)->index_lags)
		link_retry_unlink(s, str_c(r->op.psid), r->event_ms);
	return missed(r);
}

static void run(struct link_op *o)
{
	struct removal *r = LIST_ENTRY(o, struct removal, op);
	for (;;) {
		switch ((enum phase)o->phase) {
		case P_FIND: o->phase = link_op_find(o, P_FOUND); break;
		case P_FOUND: o->phase = found(r); break;
		case P_UNLINK: o->phase = unlink_next(r); break;
		case P_UNLINKED: o->phase = unlinked(r); break;
		case P_COUNT: o->phase = count(r); break;
		case P_WAIT: return;
		case P_ANSWER: link_op_answer(o, P_ANSWER); return; /* r is dead after this */
		}
	}
}

enum err_code link_remove(const struct link_call *call, const struct link_removal *in, struct link_op **ret,
                          struct err *reterr)
{
	struct removal *r = calloc(1, sizeof *r);
	if (r == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory to remove a link");
	r->event_ms = in->event_ms;
	r->until_ms = in->any_age ? INT64_MAX : in->event_ms + SLACK_MS;
	r->reason = in->reason;
	r->once = in->once;
	r->later = in->later;
	enum err_code code = link_op_begin_psid(&r->op, call, in->psid, run, reterr);
	if (code == ERR_OK)
		*ret = &r->op;
	return code;
}
