/* answers.h - what the stand-in for DynamoDB and Graph answers: fixed and correct for one customer after another.
 *
 * A customer is what its key says: the item "c-7..." belongs to the profile 7..., which is linked, and every
 * condition holds. */
#pragma once
#include "base/buf.h"

enum answer_op {
	ANSWER_DESCRIBE_TABLE,
	ANSWER_UPDATE_ITEM,
	ANSWER_QUERY,
	ANSWER_GET_ITEM,
	ANSWER_PUT_ITEM,
	ANSWER_DELETE_ITEM,
	ANSWER_SCAN,
	ANSWER_OTHER,
	ANSWER_RECIPIENT, /* of Graph */
	ANSWER_NAME,
	ANSWER_OPS
};

/* `target` is the value of X-Amz-Target. */
enum answer_op answers_op(struct str target);
const char *answers_op_name(enum answer_op op);
/* Append the whole HTTP answer to `out`.  `hash` is every customer's password hash. */
void answers_make(enum answer_op op, struct str body, const char *hash, struct buf *out);
/* The same for a call of Graph, a GET: every linking token is of one profile.  Returns which call it is. */
enum answer_op answers_graph(struct str head, struct buf *out);
/* Head and body: with the checksum and the headers of the real one. */
void answers_http(const char *status, struct str body, struct buf *out);
