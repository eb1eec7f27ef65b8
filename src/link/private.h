/* private.h - what the flows of link/ share: the call, the holders of a PSID, one answer.
 *
 * A use case embeds struct link_op first and is a flow (store/flow.h).  Before link_op_begin the starter frees it on failure; link_op_begin frees it if it fails. */
#pragma once
#include "link/link.h"
#include "obs/audit.h"
#include "store/flow.h"

struct link_op {
	struct flow flow; /* first */
	struct link_call call;
	char psid[STORE_PSID_MAX + 1];
	struct audit_digest code_digest; /* of the code to be redeemed; "" for none */
	bool conflicts;                  /* of a single holder the key is enough */

	struct store_customer *holder; /* found by the last look-up, owned */
	size_t n;                      /* holders */
	size_t at;                     /* the one being worked on */
	size_t winner;                 /* the newest link */
	size_t looks;                  /* second looks taken */

	enum link_result result;
	size_t count; /* for link_answer.n */
};

/* Keep the call and start the flow.  `psid`: of an operation on one PSID; else NULL.  On failure `o` is freed. */
MUST_CHECK enum err_code link_op_begin(struct link_op *o, const struct flow_kind *k,
                                       const struct link_call *c, const struct str *psid, struct err *reterr);

int link_op_find(struct link_op *o, int next); /* look up the holders of the PSID */
/* After a look-up: take what it found.  False: it has failed. */
bool link_op_found(struct link_op *o);
/* A miss in an index that lags: wait a little, then go on with `next`.  False: looked long enough. */
bool link_op_look_again(struct link_op *o, int next);
int link_op_result(struct link_op *o, enum link_result r, int answer); /* returns `answer` */

/* Call the listeners.  Source, code digest and hold are filled in, and the PSID if `c` has none. */
void link_op_tell(const struct link_op *o, struct link_change c);
void link_op_answer(struct link_op *o); /* calls `done` and frees `o`, once the starter has returned */

/* --- one survivor of several holders of a PSID: the newest link by (linked_at_ms, customer_id).  Every process that
 * meets the same holders picks the same survivor, and each removal is conditional on being older.  So concurrent
 * repairs in any order leave exactly one. */

void link_repair_begin(struct link_op *o); /* pick the winner of o->holder */
/* Remove the next loser, then go on with `next`; `done` when none is left. */
int link_repair_step(struct link_op *o, int next, int done);
/* Remove the link of `loser`, who has an older one to the same PSID than the customer `id`. */
int link_repair_remove(struct link_op *o, const struct store_key *loser, int64_t time_ms, const char *id,
                       int next);
void link_repair_note(struct link_op *o); /* after a settled step: tell what was removed */
