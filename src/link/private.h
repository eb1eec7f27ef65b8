/* private.h - what the flows of link/ share: one store operation at a time, one timer, one answer.
 *
 * A flow embeds struct link_op first, numbers its phases from 1, and passes a function that switches on the phase.
 * A step returns the next phase.  A step that waits sets `next` and returns LINK_OP_WAIT.  The timer is the
 * deadline while a store operation runs, otherwise the end of a pause. */
#pragma once
#include "link/link.h"
#include "obs/audit.h"

enum { LINK_OP_WAIT = 0 };

struct link_op {
	struct link_call call;
	void (*run)(struct link_op *o);
	int phase;
	int next;       /* phase after the wait */
	bool conflicts; /* of a single holder the key is enough */
	bool starting;  /* inside the starter: the answer must wait for it to return */
	struct loop_timer timer;
	struct loop_task task; /* answers after the starter returned */
	struct store_op *running;

	/* of the last store operation; a failed or late one leaves the code and why */
	enum err_code code;
	struct err err;
	struct store_out out; /* customers is always NULL: see holder */

	char psid[STORE_PSID_MAX + 1];
	struct audit_digest code_digest; /* of the code to be redeemed; "" for none */
	struct store_customer *holder;   /* found by the last look-up, owned */
	size_t n;                        /* holders */
	size_t at;                       /* the one being worked on */
	size_t winner;                   /* the newest link */
	size_t looks;                    /* second looks taken */

	enum link_result result;
	size_t count; /* for link_answer.n */
};

/* Keep the call, then run the first phase (1).  On failure `o` is freed. */
MUST_CHECK enum err_code link_op_begin(struct link_op *o, const struct link_call *c,
                                       void (*run)(struct link_op *o), struct err *reterr);
/* The same for an operation on this PSID. */
MUST_CHECK enum err_code link_op_begin_psid(struct link_op *o, const struct link_call *c, struct str psid,
                                            void (*run)(struct link_op *o), struct err *reterr);
void link_op_free(struct link_op *o);

/* A new operation with the call's deadline; NULL: no memory; link_op_store accepts NULL and
 * fails with ERR_NOMEM. */
struct store_op *link_op_new(const struct link_op *o, enum store_kind kind);
int link_op_store(struct link_op *o, struct store_op *op, int next);
int link_op_find(struct link_op *o, int next); /* holders of the PSID */
/* A miss in an index that lags: wait a little, then go on with `next`.  False: looked long enough. */
bool link_op_look_again(struct link_op *o, int next);
int link_op_result(struct link_op *o, enum link_result r, int answer);

/* Call the listeners.  Source, code digest and hold are filled in, and the PSID if `c` has none. */
void link_op_tell(const struct link_op *o, struct link_change c);

/* Calls `done` and frees `o`.  Inside the starter it adds a task instead, which resumes at phase `answer`. */
void link_op_answer(struct link_op *o, int answer);

/* --- one survivor of several holders of a PSID: the newest link by (linked_at_ms, customer_id).  Every process that
 * meets the same holders picks the same survivor, and each removal is conditional on being older.  So concurrent
 * repairs in any order leave exactly one. */

void link_repair_begin(struct link_op *o); /* pick the winner of o->holder */
/* Remove the next loser, then go on with `next`; `done` when none is left. */
int link_repair_step(struct link_op *o, int next, int done);
void link_repair_note(struct link_op *o); /* after a settled step: tell what was removed */
