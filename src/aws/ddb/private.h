/* aws/ddb/private.h - a call, and what all calls of a loop share.  For the files of aws/ddb/ and tests only. */
#pragma once
#include "aws/ddb/ddb.h"
#include "aws/sigv4.h"
#include "net/poster/httpc_post.h"

/* --- retries: the AWS SDKs' standard mode as of 2026, for DynamoDB.
 *
 * At most 4 attempts.  Before each further one a pause of random(0,1) x min(base x 2^i, 20 s), base 25 ms
 * after a transient error and 1000 ms after a throttle; x-amz-retry-after is honoured within [pause, pause +
 * 5 s].  A bucket of 500 tokens bounds what a client adds to an outage: a retry costs 14 (transient) or 5
 * (throttle); a success after a retry gives that back, a plain success 1.
 * Source  AWS SDKs and Tools Reference Guide, "Retry behavior".
 * Threads pure on the caller's memory. */
enum {
	DDB_ATTEMPTS = 4,
	DDB_TOKENS = 500,
};

struct ddb_bucket {
	int tokens;
};

/* Take the price of one retry.  False, and nothing is taken: do not send again. */
bool ddb_retry_take(struct ddb_bucket *b, enum ddb_class why, int *ret_price);
/* After a success: `price` of the retry that led to it, 0 for a plain one. */
void ddb_retry_refund(struct ddb_bucket *b, int price);

/* Milliseconds before attempt `retry` + 2; retry counts from 0.  `dice` is uniform in 0..2^32-1;
 * `after_ms` is what the service asked for, -1: nothing. */
int64_t ddb_retry_pause_ms(enum ddb_class why, unsigned retry, uint32_t dice, int64_t after_ms);

/* --- errors of DynamoDB: their names, their classes, a message for people.
 *
 * Source  Amazon DynamoDB Developer Guide, "Error handling with DynamoDB"; AWS JSON protocol 1.0 (__type). */
enum { DDB_NAME_MAX = 63, DDB_TEXT_MAX = 127 };

/* An answer that is not a success. */
struct ddb_error {
	enum ddb_class class;
	char name[DDB_NAME_MAX + 1]; /* "ThrottlingException", "HTTP 502"; printable */
	char text[DDB_TEXT_MAX + 1]; /* the service's words, cut; may quote values of a request */
	bool own_text;               /* text is ours or libcurl's: safe to log */
};

/* Judge an answer by its status and `__type`; `body` is NULL when it is no JSON. */
void ddb_error_read(long status, const struct json *body, struct ddb_error *ret);

/* The parts of a message.  All borrowed; NULL is the empty text. */
struct ddb_context {
	const char *operation;
	const char *table;
	const char *region;
	const char *keys_from;  /* provider of the credentials and where it found them */
	const char *request_id; /* of the service */
};
/* A sentence with the setting and the remedy, safe to log.  Returns the code: ERR_STORE, ERR_TIMEOUT,
 * ERR_INVALID. */
enum err_code ddb_error_say(const struct ddb_error *e, const struct ddb_context *x, struct err *reterr);

/* --- classifies one HTTP answer: a success, an error of DynamoDB, or no valid answer. */
struct ddb_answer {
	struct ddb_error error; /* class SUCCESS: json is the answer */
	struct json *json;      /* owned by the caller; NULL when it was none */
	bool unanswered;        /* no valid answer came: the request may have been executed */
	bool has_date;
	int64_t clock_off_ms; /* with has_date: the service's clock less now_ms */
	int64_t after_ms;     /* x-amz-retry-after; -1: none */
	char request_id[64];  /* "" when there was none; printable */
};

/* `now_ms` is this machine's wall clock. */
void ddb_answer_read(const struct httpc_response *r, int64_t now_ms, struct ddb_answer *ret);

/* --- the client of a loop */

enum {
	DDB_KEYS_FROM_MAX = 128,
	DDB_CLOCK_OFF_MS = 60000, /* a clock with a larger error is wrong */
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
enum phase { P_WAIT, P_KEYS, P_SLOT, P_SLOT_TAKEN, P_LATE, P_SEND, P_JUDGE, P_DONE };

struct ddb_call {
	struct list_node node;
	struct ddb *owner;
	enum phase phase;
	enum phase next; /* when the timer fires or the task runs */
	struct loop_task task;
	struct loop_timer timer; /* pause, or the deadline while waiting for credentials */
	struct ddb_request req;
	struct httpc_outgoing out; /* the body, and the head of the latest attempt */
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
	bool explained; /* req.err is filled */
	ddb_done_fn *done;
	void *arg;
};

/* Start waiting calls while slots are free.  A call that cannot be sent releases its slot at once. */
void ddb_let_in(struct ddb *d);
/* After each answer.  A clock that is nearly right is left alone: Date has seconds only, and answers take
 * time. */
void ddb_follow_clock(struct ddb *d);
