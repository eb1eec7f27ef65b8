#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "link/auth_code.h"
#include "link/private.h"
#include "obs/metrics.h"

/*  BEGIN (-> store -> SEARCHED) -> REDEEM -> store -> JUDGE -> REPLACED -> store -> REPLACED_DONE -> LOOK
 *        LOOK -> store -> FOUND -> REPAIR <-> store -> ANSWER
 *
 * A code that does not open begins at ANSWER.  JUDGE goes to ANSWER where the store saw that nobody else
 * holds the PSID.  REPLACED is passed when no earlier holder is kept with the code; LOOK is left to
 * link_retry where the index lags. */
enum phase {
	P_WAIT = LINK_OP_WAIT,
	P_BEGIN,
	P_SEARCHED,
	P_REDEEM,
	P_JUDGE,
	P_REPLACED,
	P_REPLACED_DONE,
	P_LOOK,
	P_FOUND,
	P_REPAIR,
	P_REPAIRED,
	P_ANSWER,
};

struct completion {
	struct link_op op; /* first */
	struct store_key key;
	struct store_key replaces;
	char digest[STORE_DIGEST_LEN + 1];
	char page_id[STORE_PSID_MAX + 1];
	int64_t event_ms;
	enum err_code opened; /* of the code; not ERR_OK: no store call */
	bool bound;           /* the earlier holder was looked for before the code was made */
	bool repaired;        /* the earlier holder kept with the code is gone */
};

static void tell(const struct completion *c, enum link_change_kind kind, const char *reason)
{
	link_op_tell(&c->op, (struct link_change){.kind = kind,
	                                          .customer_id = c->key.id,
	                                          .page_id = c->page_id,
	                                          .time_ms = c->event_ms,
	                                          .reason = reason});
}

static int unsettled(struct completion *c)
{
	return link_op_result(&c->op, LINK_R_UNSETTLED, P_ANSWER);
}

static int refuse_as(struct completion *c, enum link_result r, const char *reason)
{
	tell(c, LINK_REFUSED, reason);
	return link_op_result(&c->op, r, P_ANSWER);
}

static int refuse(struct completion *c, const char *reason)
{
	return refuse_as(c, LINK_R_REFUSED, reason);
}

/* A code that does not carry the customer's key is looked up. */
static int begin(struct completion *c)
{
	if (c->op.call.service->cfg->code_style != CODE_STYLE_RANDOM)
		return P_REDEEM;
	struct store_op *op = link_op_new(&c->op, STORE_FIND_CODE);
	if (op != NULL) {
		struct store_find_code *in = &op->in.find_code;
		(void)str_copy(in->digest, sizeof in->digest, str_c(c->digest));
		(void)str_copy(in->psid, sizeof in->psid, str_c(c->op.psid));
	}
	return link_op_store(&c->op, op, P_SEARCHED);
}

static int searched(struct completion *c)
{
	if (c->op.code != ERR_OK)
		return unsettled(c);
	if (c->op.n == 0)
		return refuse(c, "bad_code");
	c->key = c->op.holder[0].key;
	return P_REDEEM;
}

static int redeem(struct completion *c)
{
	if (c->opened == ERR_DENIED)
		return refuse(c, "bad_code");
	if (c->opened != ERR_OK) {
		(void)err_set(&c->op.err, c->opened, "an authorization code could not be opened");
		return unsettled(c);
	}
	struct store_op *op = link_op_new(&c->op, STORE_REDEEM);
	if (op != NULL) {
		int64_t now_ms = clock_wall_ms();
		struct store_redeem *in = &op->in.redeem;
		in->key = c->key;
		(void)str_copy(in->digest, sizeof in->digest, str_c(c->digest));
		(void)str_copy(in->psid, sizeof in->psid, str_c(c->op.psid));
		(void)str_copy(in->page_id, sizeof in->page_id, str_c(c->page_id));
		in->time_ms = c->event_ms;
		in->now_s = (c->event_ms < now_ms ? c->event_ms : now_ms) / 1000;
	}
	return link_op_store(&c->op, op, P_JUDGE);
}

/* The customer's Messenger profile before this one lost its link by our write. */
static void tell_former(const struct completion *c)
{
	const struct store_link *former = &c->op.out.former;
	if (former->psid[0] == '\0' || strcmp(former->psid, c->op.psid) == 0)
		return;
	link_op_tell(&c->op, (struct link_change){.kind = LINK_REMOVED,
	                                          .customer_id = c->key.id,
	                                          .psid = former->psid,
	                                          .page_id = former->page_id,
	                                          .time_ms = c->event_ms,
	                                          .reason = "relinked"});
}

static int linked(struct completion *c, enum link_result r, const char *reason)
{
	c->replaces = c->op.out.replaces;
	c->bound = c->op.out.bound;
	tell(c, LINK_CREATED, reason);
	tell_former(c);
	return link_op_result(&c->op, r, c->op.out.sole ? P_ANSWER : P_REPLACED);
}

static int judge(struct completion *c)
{
	if (c->op.code != ERR_OK)
		return unsettled(c);
	switch (c->op.out.outcome) {
	case STORE_DONE: return linked(c, LINK_R_LINKED, "linked");
	case STORE_ALREADY: return linked(c, LINK_R_ALREADY, "already_done");
	case STORE_UNLINKED_SINCE: return refuse_as(c, LINK_R_UNLINKED_SINCE, "unlinked_since");
	case STORE_USED: return refuse_as(c, LINK_R_USED, "used");
	case STORE_SUPERSEDED: return refuse_as(c, LINK_R_SUPERSEDED, "superseded");
	case STORE_REFUSED: return refuse(c, "expired_or_other_psid");
	case STORE_NO_CUSTOMER: return refuse(c, "no_customer");
	case STORE_KEPT:
	case STORE_EXISTS: break;
	}
	(void)err_set(&c->op.err, ERR_INTERNAL, "a redeem ended as %s",
	              store_outcome_name(c->op.out.outcome));
	return unsettled(c);
}

static int replace(struct completion *c)
{
	const struct store_key *other = &c->replaces;
	if (other->id[0] == '\0' || strcmp(other->id, c->key.id) == 0)
		return P_LOOK;
	struct store_op *op = link_op_new(&c->op, STORE_REPAIR);
	if (op != NULL) {
		struct store_repair *in = &op->in.repair;
		in->key = *other;
		(void)str_copy(in->psid, sizeof in->psid, str_c(c->op.psid));
		in->time_ms = c->event_ms;
		(void)str_copy(in->me, sizeof in->me, str_c(c->key.id));
	}
	return link_op_store(&c->op, op, P_REPLACED_DONE);
}

static int replaced(struct completion *c)
{
	if (c->op.code != ERR_OK)
		return unsettled(c);
	if (c->op.out.outcome != STORE_DONE) {
		c->bound = false; /* its link may be newer, and then it is ours that must go: look */
		return P_LOOK;
	}
	c->repaired = true;
	metric_add(M_LINK_REPAIRS, 1);
	link_op_tell(&c->op, (struct link_change){.kind = LINK_REMOVED,
	                                          .customer_id = c->replaces.id,
	                                          .page_id = c->page_id,
	                                          .time_ms = c->event_ms,
	                                          .reason = "replaced"});
	return P_LOOK;
}

/* An index that lags does not show our own write yet, and a bound code has named the earlier holder: one
 * look a little later, and only where the code did not tell. */
static int look(struct completion *c)
{
	struct service *s = c->op.call.service;
	const struct store_traits *traits = store_traits(s->store);
	if (!traits->find_psid)
		return P_ANSWER;
	if (!traits->index_lags)
		return link_op_find(&c->op, P_FOUND);
	if (!c->repaired && !c->bound)
		link_retry_look(s, str_c(c->op.psid), c->event_ms);
	return P_ANSWER;
}

static int found(struct completion *c)
{
	if (c->op.code != ERR_OK)
		return unsettled(c);
	link_repair_begin(&c->op);
	return P_REPAIR;
}

static int repaired(struct completion *c)
{
	if (c->op.code != ERR_OK)
		return unsettled(c);
	link_repair_note(&c->op);
	return P_REPAIR;
}

static void run(struct link_op *o)
{
	struct completion *c = LIST_ENTRY(o, struct completion, op);
	for (;;) {
		switch ((enum phase)o->phase) {
		case P_BEGIN: o->phase = begin(c); break;
		case P_SEARCHED: o->phase = searched(c); break;
		case P_REDEEM: o->phase = redeem(c); break;
		case P_JUDGE: o->phase = judge(c); break;
		case P_REPLACED: o->phase = replace(c); break;
		case P_REPLACED_DONE: o->phase = replaced(c); break;
		case P_LOOK: o->phase = look(c); break;
		case P_FOUND: o->phase = found(c); break;
		case P_REPAIR: o->phase = link_repair_step(o, P_REPAIRED, P_ANSWER); break;
		case P_REPAIRED: o->phase = repaired(c); break;
		case P_WAIT: return;
		case P_ANSWER: link_op_answer(o, P_ANSWER); return; /* c is dead after this */
		}
	}
}

enum err_code link_complete(const struct link_call *call, const struct link_completion *in,
                            struct link_op **ret, struct err *reterr)
{
	struct completion *c = calloc(1, sizeof *c);
	if (c == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory to complete a link");
	if (!str_copy(c->page_id, sizeof c->page_id, in->page_id)) {
		free(c);
		return err_set(reterr, ERR_INVALID, "a page id that is too long");
	}
	c->event_ms = in->event_ms;
	if (call->service->cfg->code_style != CODE_STYLE_RANDOM)
		c->opened = auth_code_open(call->service->sealer, in->code, &c->key);
	if (c->opened == ERR_OK)
		c->opened = digest_text(in->code, c->digest);
	c->op.code_digest = audit_digest(in->code);
	enum err_code code = link_op_begin_psid(&c->op, call, in->psid, run, reterr);
	if (code == ERR_OK)
		*ret = &c->op;
	return code;
}
