/* store/dynamodb/op.h - one operation of the store under way: calls and pauses in a row, then its end.  Private to
 * the files of store/dynamodb/.
 *
 * A flow numbers its phases from 2 and gives its run-switch.  A step returns the phase that follows; one that
 * waits returns DYNAMODB_OP_WAIT after naming the phase that goes on.  In the steps after a call, up to the next
 * wait, `reply` is its answer, a success or a failed condition: every other one has ended the operation. */
#pragma once
#include "store/dynamodb/body.h"
#include "store/dynamodb/item.h"
#include "store/dynamodb/store.h"

enum { DYNAMODB_OP_WAIT = 0, DYNAMODB_OP_END = 1 };

struct dynamodb_op {
	struct list_node node;
	struct ddb_loop *on;
	struct store_op *op;
	void (*run)(struct dynamodb_op *x);
	int phase, next;
	struct loop_timer timer;
	struct ddb_call *call;
	const struct ddb_reply *reply; /* NULL but in the steps between a call and the next wait */
	struct buf body;
	bool no_wait; /* a throttle ends it, and two attempts are the most */
	bool twice;   /* a call of it may have been executed twice */

	/* of the flows */
	bool scanning; /* it holds the one scan */
	bool by_psid;  /* FIND_CODE: looking for the link the code made */
	size_t at;     /* item being fetched */
	size_t pages;
	int64_t until_ms; /* looking again until then */
	struct store_link former;
};

/* Make it and run its first phase (2).  Errors  ERR_NOMEM. */
MUST_CHECK enum err_code dynamodb_op_begin(struct ddb_loop *on, struct store_op *op,
                                           void (*run)(struct dynamodb_op *x));
void dynamodb_op_end(struct dynamodb_op *x);  /* the END phase: x is dead after it */
void dynamodb_op_stop(struct dynamodb_op *x); /* end it with ERR_STOPPING */

struct dynamodb_body dynamodb_op_body(struct dynamodb_op *x);
int dynamodb_op_call(struct dynamodb_op *x, const char *operation, int next);
int dynamodb_op_pause(struct dynamodb_op *x, int64_t ms, int next);
int dynamodb_op_fail(struct dynamodb_op *x, const struct err *why);
int dynamodb_op_outcome(struct dynamodb_op *x, enum store_outcome o);

/* Read the whole item of a key, consistent. */
int dynamodb_op_get(struct dynamodb_op *x, const struct store_key *key, const char *attributes, int next);
/* The same by the key of an item of the answer in hand, which may be longer than a store_key holds. */
int dynamodb_op_get_of(struct dynamodb_op *x, const struct json *item, const char *attributes, int next);

/* Starters: take the operation's kind.  Errors  ERR_NOMEM. */
MUST_CHECK enum err_code dynamodb_write_start(struct ddb_loop *on, struct store_op *op);
MUST_CHECK enum err_code dynamodb_find_start(struct ddb_loop *on, struct store_op *op);
MUST_CHECK enum err_code dynamodb_customer_start(struct ddb_loop *on, struct store_op *op);
