/* aws/ddb/ddb.h - calls to Amazon DynamoDB from one loop: signed, bounded in time, sent again where that helps.
 *
 * An attempt takes at most 1 s to connect and 1 s in all, a call ends by its deadline.  A call may be
 * executed twice: it is sent again if a reused connection closes without an answer, and if no answer arrives in
 * time.  So every write must be safe to execute twice.
 * Bound     `in_flight` calls are sent at once, others wait in a queue (loop/limiter.h).  Callers should check
 *           ddb_full before starting optional work.
 * Clock     the Date header of each answer shows the error of this machine's clock.  If the error exceeds 60 s,
 *           signatures follow the service's clock and a warning is logged.
 * Layer     includes base/, obs/, loop/, net/, aws/.
 * Threads   everything on the loop's thread, or while the loop does not run.
 * Source    AWS JSON protocol 1.0, DynamoDB API 2012-08-10. */
#pragma once
#include "aws/creds/creds.h"
#include "aws/endpoint.h"
#include "base/json.h"
#include "loop/limiter.h"
#include "loop/loop.h"
#include "net/poster/httpc_post.h"

struct ddb;      /* opaque: client of one loop, its connections */
struct ddb_call; /* opaque: one running call */
struct httpc;

struct ddb_options {
	struct loop *loop;
	struct httpc *http;              /* of this loop, borrowed */
	struct creds *creds;             /* borrowed, shared by all loops */
	const struct endpoint *endpoint; /* borrowed */
	const char *table;               /* for messages; borrowed */
	size_t in_flight;                /* calls sent at once; 0 takes 64 */
};

struct ddb_request {
	const char *operation; /* "UpdateItem"; static text */
	/* JSON.  The call takes its memory, and leaves it empty, when the start succeeds */
	struct httpc_outgoing *body;
	/* filled before `done` when the call fails, and lives as long as the call; NULL: not wanted */
	struct err *err;
	int64_t deadline_ms; /* monotonic */
	int64_t attempt_ms;  /* of one attempt; 0 takes 1000 */
	unsigned attempts;   /* at most; 0 takes 4 */
	bool no_wait;        /* a throttle ends the call: the sender of the event repeats it */
	bool ahead;          /* goes ahead of other calls that wait to be sent */
};

/* How a call ended. */
enum ddb_class {
	DDB_SUCCESS,
	DDB_CONDITION,   /* a condition did not hold: a result, not an error */
	DDB_THROTTLE,    /* the same call may succeed later; it was not executed */
	DDB_TRANSIENT,   /* the same call may succeed soon; a write may have been executed */
	DDB_CREDENTIALS, /* keys or clock refused: other keys once, then one more try */
	DDB_DENIED,      /* the keys may not do this */
	DDB_NOT_FOUND,   /* no such table */
	DDB_IN_USE,      /* the table exists or is being changed */
	DDB_KEYS,        /* the table has other keys than expected: it was made again */
	DDB_TOO_LARGE,   /* the item would be larger than DynamoDB allows */
	DDB_VALIDATION,  /* this request cannot be executed, now or later */
	DDB_FAULT,       /* anything else; never sent again */
};

/* Borrowed until the callback returns. */
struct ddb_reply {
	enum ddb_class class;
	const struct json *json; /* SUCCESS: the answer.  CONDITION: may hold "Item".  Else NULL */
	const struct err *err;   /* with every other class that of the request: what to do, safe to log */
	bool twice;              /* an earlier copy of this call may have been executed */
	unsigned attempts;
	int64_t clock_off_ms; /* the service's clock minus ours; 0 if no answer had a Date */
};
typedef void ddb_done_fn(void *arg, const struct ddb_reply *r);

MUST_CHECK enum err_code ddb_new(const struct ddb_options *o, struct ddb **ret, struct err *reterr);
void ddb_free(struct ddb *d); /* cancels what runs; NULL is a no-op */

/* Return  ERR_OK: `done` will be called.  Errors  ERR_NOMEM; `done` will not. */
MUST_CHECK enum err_code ddb_start(struct ddb *d, const struct ddb_request *req, ddb_done_fn *done, void *arg,
                                   struct ddb_call **ret, struct err *reterr);
void ddb_cancel(struct ddb_call *c); /* a write that was sent may still be applied */

/* True: too many calls run or wait, so new work would miss this deadline. */
bool ddb_full(const struct ddb *d, int64_t deadline_ms);

/* The limiter of this client's calls.  A caller may wait in it, and must start its call as soon as it gets the
 * slot. */
struct limiter *ddb_limiter(struct ddb *d);

/* The keys the last attempt was signed with, for people: "env AWS_ACCESS_KEY_ID".  "" before any. */
const char *ddb_keys_from(const struct ddb *d);
int64_t ddb_idle_since_ms(const struct ddb *d); /* monotonic: the last attempt was sent */
