#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "link/auth_code.h"
#include "link/private.h"
#include "obs/metrics.h"

/*  BEGIN (-> store -> SEARCHED) -> REDEEM -> store -> JUDGE -> REPLACED -> store -> REPLACED_DONE -> LOOK
 *        LOOK -> store -> FOUND -> REPAIR <-> store -> ANSWER
 *
 * A code that does not open goes from REDEEM to ANSWER.  JUDGE goes to ANSWER if the store saw that no other customer
 * holds the PSID.  REPLACED does nothing if no earlier holder is kept with the code.  If the index lags, link_retry does
 * the work of LOOK later. */
enum complete_phase {
	COMPLETE_WAIT,
	COMPLETE_BEGIN,
	COMPLETE_SEARCHED,
	COMPLETE_REDEEM,
	COMPLETE_JUDGE,
	COMPLETE_REPLACED,
	COMPLETE_REPLACED_DONE,
	COMPLETE_LOOK,
	COMPLETE_FOUND,
	COMPLETE_REPAIR,
	COMPLETE_REPAIRED,
	COMPLETE_ANSWER,
};

struct completion {
	struct link_op op; /* first */
	struct store_key key;
	struct store_key replaces;
	char digest[STORE_DIGEST_LEN + 1];
	char page_id[STORE_PSID_MAX + 1];
	int64_t event_ms;
	enum err_code opened; /* result of auth_code_open; not ERR_OK: no store operation */
	bool bound;           /* the earlier holder was looked up before the code was made */
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
	return link_op_result(&c->op, LINK_R_UNSETTLED, COMPLETE_ANSWER);
}

static int refuse_as(struct completion *c, enum link_result r, const char *reason)
{
	tell(c, LINK_REFUSED, reason);
	return link_op_result(&c->op, r, COMPLETE_ANSWER);
}

static int refuse(struct completion *c, const char *reason)
{
	return refuse_as(c, LINK_R_REFUSED, reason);
}

/* A code that does not carry the customer's key is looked up. */
static int begin(struct completion *c)
{
	if (c->op.call.service->cfg->code_style != CODE_STYLE_RANDOM)
		return COMPLETE_REDEEM;
	struct store_op *op = flow_op(&c->op.flow, STORE_FIND_CODE);
	if (op != NULL) {
		struct store_find_code *in = &op->in.find_code;
		(void)str_copy(in->digest, sizeof in->digest, str_c(c->digest));
		(void)str_copy(in->psid, sizeof in->psid, str_c(c->op.psid));
	}
	return flow_store(&c->op.flow, op, COMPLETE_SEARCHED);
}

static int searched(struct completion *c)
{
	if (!link_op_found(&c->op))
		return unsettled(c);
	if (c->op.n == 0)
		return refuse(c, "bad_code");
	c->key = c->op.holder[0].key;
	return COMPLETE_REDEEM;
}

static int redeem(struct completion *c)
{
	if (c->opened == ERR_DENIED)
		return refuse(c, "bad_code");
	if (c->opened != ERR_OK) {
		(void)err_set(c->op.flow.err, c->opened, "an authorization code could not be opened");
		return unsettled(c);
	}
	struct store_op *op = flow_op(&c->op.flow, STORE_REDEEM);
	if (op != NULL) {
		struct store_redeem *in = &op->in.redeem;
		int64_t now_ms = clock_wall_ms();
		in->key = c->key;
		(void)str_copy(in->digest, sizeof in->digest, str_c(c->digest));
		(void)str_copy(in->psid, sizeof in->psid, str_c(c->op.psid));
		(void)str_copy(in->page_id, sizeof in->page_id, str_c(c->page_id));
		in->time_ms = c->event_ms;
		in->now_s = (c->event_ms < now_ms ? c->event_ms : now_ms) / 1000;
	}
	return flow_store(&c->op.flow, op, COMPLETE_JUDGE);
}

/* The customer's former Messenger profile lost its link by this write. */
static void tell_former(const struct completion *c)
{
	const struct store_link *former = &c->op.flow.out->former;
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
	c->replaces = c->op.flow.out->replaces;
	c->bound = c->op.flow.out->bound;
	tell(c, LINK_CREATED, reason);
	tell_former(c);
	return link_op_result(&c->op, r, c->op.flow.out->sole ? COMPLETE_ANSWER : COMPLETE_REPLACED);
}

static int judge(struct completion *c)
{
	if (c->op.flow.code != ERR_OK)
		return unsettled(c);
	switch (c->op.flow.out->outcome) {
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
	(void)err_set(c->op.flow.err, ERR_INTERNAL, "a redeem ended as %s",
	              store_outcome_name(c->op.flow.out->outcome));
	return unsettled(c);
}

static int replace(struct completion *c)
{
	const struct store_key *other = &c->replaces;
	if (other->id[0] == '\0' || strcmp(other->id, c->key.id) == 0)
		return COMPLETE_LOOK;
	return link_repair_remove(&c->op, other, c->event_ms, c->key.id, COMPLETE_REPLACED_DONE);
}

static int replaced(struct completion *c)
{
	if (c->op.flow.code != ERR_OK)
		return unsettled(c);
	if (c->op.flow.out->outcome != STORE_DONE) {
		c->bound = false; /* the other link may be newer, and then ours must be removed: look */
		return COMPLETE_LOOK;
	}
	c->repaired = true;
	metric_add(M_LINK_REPAIRS, 1);
	link_op_tell(&c->op, (struct link_change){.kind = LINK_REMOVED,
	                                          .customer_id = c->replaces.id,
	                                          .page_id = c->page_id,
	                                          .time_ms = c->event_ms,
	                                          .reason = "replaced"});
	return COMPLETE_LOOK;
}

/* An index that lags does not show our own write yet, so the look-up is done later.  It is not needed if the code named
 * the earlier holder. */
static int look(struct completion *c)
{
	struct service *s = c->op.call.service;
	const struct store_traits *traits = store_traits(s->store);
	if (!traits->find_psid)
		return COMPLETE_ANSWER;
	if (!traits->index_lags)
		return link_op_find(&c->op, COMPLETE_FOUND);
	if (!c->repaired && !c->bound)
		link_retry_look(s, str_c(c->op.psid), c->event_ms);
	return COMPLETE_ANSWER;
}

static int found(struct completion *c)
{
	if (!link_op_found(&c->op))
		return unsettled(c);
	link_repair_begin(&c->op);
	return COMPLETE_REPAIR;
}

static int repaired(struct completion *c)
{
	if (c->op.flow.code != ERR_OK)
		return unsettled(c);
	link_repair_note(&c->op);
	return COMPLETE_REPAIR;
}

static void complete_run(struct flow *f)
{
	struct completion *c = LIST_ENTRY(f, struct completion, op.flow);
	for (;;) {
		switch ((enum complete_phase)f->phase) {
		case COMPLETE_BEGIN: flow_move(f, begin(c)); break;
		case COMPLETE_SEARCHED: flow_move(f, searched(c)); break;
		case COMPLETE_REDEEM: flow_move(f, redeem(c)); break;
		case COMPLETE_JUDGE: flow_move(f, judge(c)); break;
		case COMPLETE_REPLACED: flow_move(f, replace(c)); break;
		case COMPLETE_REPLACED_DONE: flow_move(f, replaced(c)); break;
		case COMPLETE_LOOK: flow_move(f, look(c)); break;
		case COMPLETE_FOUND: flow_move(f, found(c)); break;
		case COMPLETE_REPAIR:
			flow_move(f, link_repair_step(&c->op, COMPLETE_REPAIRED, COMPLETE_ANSWER));
			break;
		case COMPLETE_REPAIRED: flow_move(f, repaired(c)); break;
		case COMPLETE_WAIT: return;
		case COMPLETE_ANSWER: link_op_answer(&c->op); return; /* c is dead after this */
		}
	}
}

#define TO(phase) FLOW_TO(COMPLETE_##phase)
static const struct flow_phase phases[] = {
        [COMPLETE_WAIT] = {"start", TO(BEGIN)},
        [COMPLETE_BEGIN] = {"begin", TO(SEARCHED) | TO(REDEEM)},
        [COMPLETE_SEARCHED] = {"searched", TO(REDEEM) | TO(ANSWER)},
        [COMPLETE_REDEEM] = {"redeem", TO(JUDGE) | TO(ANSWER)},
        [COMPLETE_JUDGE] = {"judge", TO(REPLACED) | TO(ANSWER)},
        [COMPLETE_REPLACED] = {"replaced", TO(REPLACED_DONE) | TO(LOOK)},
        [COMPLETE_REPLACED_DONE] = {"replaced_done", TO(LOOK) | TO(ANSWER)},
        [COMPLETE_LOOK] = {"look", TO(FOUND) | TO(ANSWER)},
        [COMPLETE_FOUND] = {"found", TO(REPAIR) | TO(ANSWER)},
        [COMPLETE_REPAIR] = {"repair", TO(REPAIRED) | TO(ANSWER)},
        [COMPLETE_REPAIRED] = {"repaired", TO(REPAIR) | TO(ANSWER)},
        [COMPLETE_ANSWER] = {"answer", 0},
};
static const struct flow_kind kind = {.name = "complete", .phases = phases, .run = complete_run};

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
		c->opened = crypto_sha256_text(in->code, c->digest);
	c->op.code_digest = audit_digest(in->code);
	enum err_code code = link_op_begin(&c->op, &kind, call, &in->psid, reterr);
	if (code == ERR_OK)
		*ret = &c->op;
	return code;
}
