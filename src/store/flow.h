/* flow.h - what all flows share: a flow is a struct with a phase, and one run function whose switch lists the phases in
 * order of time.  It runs one store operation or one pause at a time, and ends by a deadline.
 *
 *	case SUBMIT_FIND: flow_move(o, find(f)); break;     a step returns the next phase
 *	case SUBMIT_WAIT: return;                           or FLOW_WAIT, and the flow goes on at `next` later
 *
 * Life     flow_start -> run -> (wait -> run)... -> flow_cancel.  The first run comes in a task of the loop or, with
 *          at_once, inside flow_start.  At the limit the operation or pause is cancelled and the flow goes on with
 *          ERR_TIMEOUT; nothing can be started after that.  After flow_cancel `run` is never called.
 * Threads  the loop's thread. */
#pragma once
#include "store/store.h"

enum { FLOW_WAIT = 0, FLOW_FIRST = 1 }; /* in each flow's phases: the wait, and the first phase */

#define FLOW_TO(phase) (UINT32_C(1) << (phase))

struct flow_phase {
	const char *name; /* for the log */
	uint32_t next;    /* FLOW_TO of each phase that may follow, at once or after a wait */
};

struct flow;

/* A kind of flow.  Static. */
struct flow_kind {
	const char *name;
	const struct flow_phase *phases; /* by phase; that of FLOW_WAIT has the name of the start */
	int late;         /* the phase to go on at when the limit has passed; FLOW_WAIT: `next` of the wait */
	int64_t store_ms; /* the most time for one operation; 0: until the limit */
	void (*run)(struct flow *f); /* may end and free the flow */
	void (*stop)(
	        struct flow *
	                f); /* cancels work that the flow did not start through flow.h; NULL: there is none */
};

/* Embedded first; zeroed. */
struct flow {
	const struct flow_kind *kind;
	struct loop *loop;
	struct store_port *store;
	const char *scope; /* request id on the log lines; NULL for none.  Borrowed */
	int64_t limit_ms;  /* monotonic */
	bool admitted;     /* operations are part of admitted work; true after the first one */
	/* The result of the last operation.  `out`, and the error of an operation, are valid until `run` returns. */
	enum err_code code;
	struct err *err;       /* why it failed; a step may also write its own error here */
	struct store_out *out; /* of an operation that completed */
	/* used by flow.c only */
	int phase, from, next;
	bool late, starting;
	struct err own; /* of an operation that did not start or had no answer */
	struct loop_task task;
	struct loop_timer limit, pause;
	struct store_op *op; /* running, else NULL */
};

struct flow_call {
	struct loop *loop;
	struct store_port *store;
	int64_t limit_ms;
	const char *scope;
	bool admitted;
	bool at_once; /* run up to the first wait inside flow_start: it may have a slot of the store only until then */
};

/* Begin at phase FLOW_FIRST.  Errors  ERR_NOMEM. */
MUST_CHECK enum err_code flow_start(struct flow *f, const struct flow_kind *k, const struct flow_call *c);
void flow_cancel(struct flow *f); /* also a flow that was not started, and twice */
/* To be asked before the flow calls back or ends.  True: flow_start has not returned yet; the present phase runs again in
 * a task. */
bool flow_defer(struct flow *f);

/* Leave the present phase for `to`.  Logged at debug level; builds with a sanitizer abort when `to` may not follow. */
void flow_move(struct flow *f, int to);
bool flow_may_move(const struct flow_kind *k, int from, int to);

int64_t flow_due_ms(const struct flow *f); /* deadline of an operation that starts now */
/* A new operation with that deadline; NULL: no memory, which flow_store reports. */
struct store_op *flow_op(const struct flow *f, enum store_kind kind);
/* Start it.  Returns FLOW_WAIT, or `next` when it has failed already. */
int flow_store(struct flow *f, struct store_op *op, int next);
/* Go on with `next` at due_ms.  False: that is not before the limit, or there is no memory. */
bool flow_pause(struct flow *f, int64_t due_ms, int next);
/* From the callback of other work that the flow waits for. */
void flow_resume(struct flow *f, int phase);
