/* store/dynamodb/private.h - what the files of store/dynamodb/ share: the store, an operation under way, requests and
 * items in DynamoDB's JSON. */
#pragma once
#include "aws/ddb/ddb.h"
#include "base/json.h"
#include "store/dynamodb/table.h"
#include "store/store.h"

struct table_monitor; /* opaque */

struct dynamodb_store {
	struct store store; /* first member: store.c holds a pointer to it */
	const struct config *cfg;
	char table[DYNAMODB_TABLE_MAX + 1];
	struct endpoint endpoint;
	struct table_monitor *monitor; /* credentials; looks at the table */
	struct dynamodb_table last;    /* the monitor's; read at the start only */
	/* as last seen */
	_Atomic bool sort_key;
	_Atomic bool email_has_login, email_has_link;
	_Atomic int psid_way, code_way; /* enum dynamodb_lookup */
	_Atomic bool scanning;          /* one scan at a time */
};

/* A loop and its client. */
struct ddb_loop {
	struct store_port port; /* first member: store.c holds a pointer to it */
	struct dynamodb_store *owner;
	struct loop *loop;
	struct ddb *client;
	struct list_node ops;     /* struct dynamodb_op */
	struct loop_timer warm;   /* a cheap read keeps a connection open */
	struct ddb_call *warming; /* NULL: none */
};

/* --- items of the table: {"email":{"S":"a@example.com"},...} */

/* The ProjectionExpression for dynamodb_item_customer; attributes of other programs are not read. */
#define DYNAMODB_ITEM_CUSTOMER \
	"customer_id,email,password,fb_psid,fb_page_id,fb_linked_at,login_failures,login_window_ends"

struct str dynamodb_item_str(const struct json *item, const char *attribute); /* empty: none, or no text */
/* ODD: the attribute exists, but is not a text, is empty, has a NUL or is longer than `max`. */
enum dynamodb_item_state { DYNAMODB_ITEM_ABSENT, DYNAMODB_ITEM_TEXT, DYNAMODB_ITEM_ODD };
enum dynamodb_item_state dynamodb_item_state(const struct json *item, const char *attribute, size_t max);
int64_t dynamodb_item_int(const struct json *item, const char *attribute, int64_t otherwise);
/* Log an attribute whose value our writes never store. */
void dynamodb_item_tell_odd(const struct json *item);
void dynamodb_item_link(const struct json *item, struct store_link *ret);
void dynamodb_item_customer(const struct json *item, struct store_customer *ret);

/* --- the JSON of a request, built member by member.
 *
 * A value of an expression is named by one letter: see put_value in json.c.  Whether the buffer failed is checked
 * when the request is sent. */
struct dynamodb_body {
	struct httpc_outgoing http;
	struct buf *out; /* in `http` */
	const char *table;
	const struct store_op *op;
	const struct json *seen; /* the item that was read just before; NULL: none */
	bool sort_key;
};

enum { DYNAMODB_BODY_MAX = 16384 }; /* bytes */

void dynamodb_body_begin(struct dynamodb_body *b); /* with TableName */
void dynamodb_body_end(const struct dynamodb_body *b);
/* A text of ours: nothing in it that JSON escapes. */
void dynamodb_body_text(const struct dynamodb_body *b, const char *name, struct str value);
void dynamodb_body_raw(const struct dynamodb_body *b, const char *name, const char *json); /* true, 2 */
void dynamodb_body_key(const struct dynamodb_body *b, const char *name, const struct store_key *key);
/* The key of an item that was read, of whatever length. */
void dynamodb_body_key_of(const struct dynamodb_body *b, const char *name, const struct json *item);
/* Item of a new customer; an empty hash is left out. */
void dynamodb_body_item(const struct dynamodb_body *b, const struct store_key *key, struct str hash);
/* ExpressionAttributeValues: every value the expressions name; `second` may be NULL. */
void dynamodb_body_values(const struct dynamodb_body *b, const char *first, const char *second);

/* --- table_monitor.c: the thread behind a DynamoDB store: credentials, and a look at the table every minute.
 *
 * Threads  new and free on one thread; `seen` runs on the monitor's. */

struct table_monitor_options {
	const struct endpoint *endpoint; /* borrowed, like all here */
	const char *table;
	/* The table as it is now, or why it could not be seen (then NULL). */
	void (*seen)(void *arg, const struct dynamodb_table *t, const struct err *why);
	void *arg;
};

/* Start, and wait for the first look, which `seen` also gets: at most some seconds.
 * Errors  those of DynamoDB, with the remedy; ERR_INVALID: not a table for us; ERR_NOMEM. */
MUST_CHECK enum err_code table_monitor_new(const struct table_monitor_options *o, struct table_monitor **ret,
                                           struct err *reterr);
void table_monitor_free(struct table_monitor *k); /* NULL is a no-op */
struct creds *table_monitor_creds(struct table_monitor *k);

/* --- an operation of the store: calls and pauses in a row, then its end.
 *
 * The phases of an operation are numbered from 2.  Its `run` function has the switch over them.  A step returns the phase that follows; one that
 * waits returns DYNAMODB_OP_WAIT after naming the phase that goes on.  In the steps after a call, up to the next
 * wait, `reply` is its answer, a success or a failed condition: every other one has ended the operation. */
enum { DYNAMODB_OP_WAIT = 0, DYNAMODB_OP_END = 1 };

struct dynamodb_op {
	struct list_node node;
	struct ddb_loop *on;
	struct store_op *op;
	void (*run)(struct dynamodb_op *x);
	int phase, next;
	struct loop_timer timer;
	struct ddb_call *call;
	const struct ddb_reply *reply; /* set only in the steps between a call and the next wait; else NULL */
	bool no_wait;                  /* a throttle ends it, and two attempts are the most */
	bool twice;                    /* a call of it may have been executed twice */

	/* of the flows */
	bool scanning; /* it holds the one scan */
	bool by_psid;  /* FIND_CODE: looking for the link the code made */
	size_t at;     /* item being fetched */
	size_t pages;
	int64_t until_ms; /* looking again until then */
	struct store_link former;
};

void dynamodb_op_end(struct dynamodb_op *x);  /* the END phase: x is dead after it */
void dynamodb_op_stop(struct dynamodb_op *x); /* end it with ERR_STOPPING */

void dynamodb_op_body(struct dynamodb_op *x, struct dynamodb_body *ret); /* begun */
int dynamodb_op_call(struct dynamodb_op *x, const char *operation, struct dynamodb_body *b, int next);
int dynamodb_op_pause(struct dynamodb_op *x, int64_t ms, int next);
int dynamodb_op_fail(struct dynamodb_op *x, enum err_code code); /* op->err says why */
int dynamodb_op_outcome(struct dynamodb_op *x, enum store_outcome o);

/* Read the whole item of a key, consistent. */
int dynamodb_op_get(struct dynamodb_op *x, const struct store_key *key, const char *attributes, int next);
/* The same by the key of an item of the answer in hand, which may be longer than a store_key holds. */
int dynamodb_op_get_of(struct dynamodb_op *x, const struct json *item, const char *attributes, int next);

/* The flows, each for several kinds of operation. */
void dynamodb_write_run(struct dynamodb_op *x);
void dynamodb_find_run(struct dynamodb_op *x);
void dynamodb_customer_run(struct dynamodb_op *x);
