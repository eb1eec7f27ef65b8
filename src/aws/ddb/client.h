/* aws/ddb/client.h - a call, and what all calls of a loop share; aws/ddb/ddb.c, aws/ddb/call.c only. */
#pragma once
#include "aws/ddb/ddb.h"
#include "aws/ddb/retry.h"
#include "aws/sigv4.h"
#include "net/poster/httpc_post.h"

enum {
	DDB_KEYS_FROM_MAX = 128,
	DDB_CLOCK_OFF_MS = 60000, /* by so much a clock is wrong */
};

struct ddb {
	struct ddb_options o;
	struct httpc_poster *poster;
	struct sigv4_cache *signer;
	struct ddb_bucket bucket;
	struct limiter limiter;
	struct list_node calls;
	bool ending, letting_in;
	int64_t clock_off_ms;  /* applied to signatures; 0 while the clock is nearly right */
	int64_t clock_seen_ms; /* from the latest answer with a Date */
	int64_t sent_at_ms;    /* monotonic */
	char keys_from[DDB_KEYS_FROM_MAX];
};

/*  KEYS -> (wait: credentials) -> SLOT -> (wait: a slot) -> SEND -> wait: answer -> JUDGE -> DONE
 *    ^        `-> LATE -> DONE               `-> LATE -> DONE                           |
 *    |___________________ wait: pause, or other credentials ____________________________|
 *
 *  A call that gets its slot at once is sent in a task.  A task also leads to DONE if the start fails, so that the
 *  callback never runs before ddb_start has returned. */
enum phase { P_WAIT, P_KEYS, P_SLOT, P_LATE, P_SEND, P_JUDGE, P_DONE };

struct ddb_call {
	struct list_node node;
	struct ddb *owner;
	enum phase phase;
	enum phase next; /* when the timer fires or the task runs */
	struct loop_task task;
	struct loop_timer timer; /* pause, or the deadline while waiting for credentials */
	struct ddb_request req;
	struct buf body;
	struct creds_keys *keys;
	struct creds_wait *waiting;
	struct limiter_slot slot;
	struct httpc_post *http;
	char target[64];
	char request_id[64];

	unsigned attempts;
	unsigned retries; /* of its class, for the pause */
	int price;        /* of the last retry */
	bool renewed;     /* other keys or another clock were tried */
	bool twice;
	int64_t signed_off_ms; /* the clock correction of the last signature */
	int64_t after_ms;      /* what the service asked for; -1 */
	struct ddb_error error;
	struct json *json;
	struct err err;
	ddb_done_fn *done;
	void *arg;
};

/* Start waiting calls while slots are free.  A call that cannot be sent releases its slot at once. */
void ddb_let_in(struct ddb *d);
/* After each answer.  A clock that is nearly right is left alone: Date has seconds only, and answers take
 * time. */
void ddb_follow_clock(struct ddb *d);
