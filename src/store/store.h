/* store.h - customers, live codes and links: the operations, one vtable, several backends.
 *
 * Every write is one conditional update of one customer item, safe to run twice (a lost answer, a redelivery,
 * a write that runs after its request was answered 503).  What each must survive: the histories in
 * tests/store/ run on every backend.
 *
 * Threads   store_start on the loop of the port; `done` on the same loop.  Per the async contract in loop.h.
 * Ownership store_op_new's op is the caller's until store_start succeeds, then the store's: it is borrowed in
 *           `done` and freed after `done` returned, or after store_cancel when the work ends. */
#pragma once
#include <stdatomic.h>

#include "base/crypto.h"
#include "base/str.h"
#include "config/config.h"
#include "loop/limiter.h"
#include "loop/loop.h"

enum {
	STORE_ID_MAX = 340,    /* bytes of customer_id; id and email together at most STORE_KEY_MAX */
	STORE_EMAIL_MAX = 254, /* bytes */
	STORE_KEY_MAX = 340,   /* a code that carries the key stays within 512 characters */
	STORE_PSID_MAX = 64,   /* characters of a PSID or page id */
	STORE_HASH_MAX = 512,  /* characters of a password hash */
	STORE_DIGEST_LEN = CRYPTO_SHA256_TEXT_LEN, /* of a code */
	STORE_HOLDERS_MAX = 8,                     /* holders of one PSID returned at once */
};

/* Key of a customer item, exactly as stored. */
struct store_key {
	char id[STORE_ID_MAX + 1];
	char email[STORE_EMAIL_MAX + 1];
};

struct store_link {
	char psid[STORE_PSID_MAX + 1];    /* empty: not linked */
	char page_id[STORE_PSID_MAX + 1]; /* empty: not known */
	int64_t linked_at_ms;             /* -1: the link has no time (an older program wrote it) */
};

struct store_customer {
	struct store_key key;
	char hash[STORE_HASH_MAX + 1]; /* password hash; empty: none.  Secret */
	struct store_link link;
	bool link_unknown; /* FIND_EMAIL: the index does not tell the link, which is then empty */
	int64_t login_failures;
	int64_t login_window_ends_s; /* Unix seconds; 0: no window */
	bool too_long;               /* key or hash did not fit: no code can be made for this customer */
};

/* The comment of each struct in union store_in describes its kind: the effect and the outcomes. */
enum store_kind {
	STORE_FIND_EMAIL,
	STORE_FIND_ID,
	STORE_FIND_PSID,
	STORE_FIND_CODE,
	STORE_ISSUE,
	STORE_REDEEM,
	STORE_LINK,
	STORE_UNLINK,
	STORE_REPAIR,
	STORE_FAILURE,
	STORE_UPGRADE,
	STORE_ERASE,
	STORE_ADD,
	STORE_REMOVE,
	STORE_PING, /* -> DONE: the store can read (and, where cheap, write).  It takes nothing */
	STORE_KINDS
};

/* The result of a completed operation; a failed one (err code) has none. */
enum store_outcome {
	STORE_DONE,           /* applied */
	STORE_ALREADY,        /* REDEEM, LINK: this code made the present link to this PSID */
	STORE_UNLINKED_SINCE, /* REDEEM, LINK: this code made a link that was removed later */
	STORE_USED,       /* REDEEM, LINK: this code made a link to another PSID.  ISSUE: the code was used */
	STORE_REFUSED,    /* REDEEM: the valid code, but expired or bound to another PSID */
	STORE_SUPERSEDED, /* REDEEM: not the valid code */
	STORE_NO_CUSTOMER, /* no such item; nothing was made */
	STORE_KEPT,        /* the condition did not hold; nothing was changed */
	STORE_EXISTS,
};

/* --- the input of each kind.  After "->": the possible outcomes, and in parentheses the fields of struct store_out that are
 * set, or the reason. */

/* -> customers with exactly this e-mail; at most 2, since two are an error. */
struct store_find_email {
	char email[STORE_EMAIL_MAX + 1];
};

/* -> customers with this customer_id, in order of e-mail; at most STORE_HOLDERS_MAX. */
struct store_find_id {
	char id[STORE_ID_MAX + 1];
	char past[STORE_EMAIL_MAX + 1]; /* only those whose e-mail is greater; "": all */
};

/* -> customers linked to this PSID, the newest link first; at most STORE_HOLDERS_MAX. */
struct store_find_psid {
	char psid[STORE_PSID_MAX + 1];
	bool conflicts; /* the caller looks for conflicts only: if there is one holder, only its key is filled in */
};

/* For codes that do not carry the key -> the customer with that live code, else the one whose link to the PSID
 * that code made; at most 1. */
struct store_find_code {
	char digest[STORE_DIGEST_LEN + 1]; /* of the code */
	char psid[STORE_PSID_MAX + 1];
};

/* Store the live code of a customer, in place of an earlier one, and forget the failed logins
 * -> DONE, USED, NO_CUSTOMER, KEPT (the customer has another record now). */
struct store_issue {
	struct store_key key;
	char digest[STORE_DIGEST_LEN + 1]; /* of the code */
	int64_t expires_s;                 /* Unix seconds */
	char psid[STORE_PSID_MAX + 1];     /* the only one that may redeem the code; "": any */
	struct store_key replaces;         /* the PSID's earlier holder; id "": none */
	/* crypto_sha256_text of the password hash for which the consent was made; "": any */
	char record[STORE_DIGEST_LEN + 1];
};

/* Use the live code: set the link, remove the code -> DONE (former, replaces, bound, sole), ALREADY,
 * UNLINKED_SINCE, USED, REFUSED, SUPERSEDED, NO_CUSTOMER. */
struct store_redeem {
	struct store_key key;
	char digest[STORE_DIGEST_LEN + 1]; /* of the code */
	char psid[STORE_PSID_MAX + 1];
	char page_id[STORE_PSID_MAX + 1];
	int64_t time_ms; /* of the event */
	int64_t now_s;   /* the earlier of event time and our clock: the code must not have expired then */
};

/* Set the link without a code -> as REDEEM, but never REFUSED or SUPERSEDED; DONE has only former. */
struct store_link_request {
	struct store_key key;
	char digest[STORE_DIGEST_LEN + 1]; /* of the request's id: it is done once */
	char psid[STORE_PSID_MAX + 1];
	char page_id[STORE_PSID_MAX + 1];
	int64_t time_ms; /* of the event */
};

/* Remove the link to the PSID unless it is newer than time_ms -> DONE, KEPT. */
struct store_unlink {
	struct store_key key;
	char psid[STORE_PSID_MAX + 1];
	int64_t time_ms; /* of the event + 2000 */
};

/* A PSID has two holders: remove the link of one of them, unless that link is the newer one.  If both times are equal,
 * the link of the greater customer_id is kept -> DONE, KEPT. */
struct store_repair {
	struct store_key key; /* the holder that loses the link */
	char psid[STORE_PSID_MAX + 1];
	int64_t time_ms;           /* of the other link */
	char me[STORE_ID_MAX + 1]; /* customer_id of its holder */
};

/* Count a failed login; the first one opens a window -> DONE, NO_CUSTOMER. */
struct store_failure {
	struct store_key key;
	int64_t now_s;
	int64_t window_s; /* Unix seconds at which a new window ends */
};

/* Replace the password hash -> DONE, KEPT (it is not old_hash). */
struct store_upgrade {
	struct store_key key;
	char old_hash[STORE_HASH_MAX + 1];
	char new_hash[STORE_HASH_MAX + 1];
};

/* Remove every attribute of ours except password and fb_link_code; without the latter a used code would be
 * valid again -> DONE (former), NO_CUSTOMER. */
struct store_erase {
	struct store_key key;
};

/* Store a new customer -> DONE, EXISTS (the customer_id is taken). */
struct store_add {
	struct store_key key;
	char hash[STORE_HASH_MAX + 1]; /* "": none */
};

/* Delete all items of a customer_id -> DONE, NO_CUSTOMER. */
struct store_remove {
	char id[STORE_ID_MAX + 1];
};

/* Thousands of operations may wait, so each holds what its own kind takes. */
union store_in {
	struct store_key key; /* of a kind that begins with one */
	struct store_find_email find_email;
	struct store_find_id find_id;
	struct store_find_psid find_psid;
	struct store_find_code find_code;
	struct store_issue issue;
	struct store_redeem redeem;
	struct store_link_request link;
	struct store_unlink unlink;
	struct store_repair repair;
	struct store_failure failure;
	struct store_upgrade upgrade;
	struct store_erase erase;
	struct store_add add;
	struct store_remove remove;
};

struct store_out {
	enum store_outcome outcome;
	struct store_link former;  /* REDEEM, LINK, ERASE: the customer's link before; psid empty: none */
	struct store_key replaces; /* REDEEM: earlier holder kept with the code; id empty: none */
	bool bound; /* REDEEM: the code was bound to its PSID, whose earlier holder is in `replaces`; only
	               where the index lags */
	bool sole;  /* REDEEM done: nobody else held the PSID then; false: not known */
	size_t n;   /* FIND_*: items in customers */
	struct store_customer *customers; /* owned by the op */
};

struct httpc;
struct store;
struct store_port;
struct store_op;
typedef void store_done_fn(void *arg, struct store_op *op);

struct store_op {
	enum store_kind kind;
	int64_t deadline_ms; /* monotonic; a backend starts no new work for it past this */
	bool admitted; /* part of work that store_admit let in: not refused as too late, and ahead of new work */
	struct store_out out;
	enum err_code code; /* ERR_OK: completed, out is valid.  ERR_STORE, ERR_BUSY, ERR_TIMEOUT, ERR_NOMEM,
	                       ERR_STOPPING: not completed */
	/* the store's own */
	struct store_port *port;
	store_done_fn *done;
	void *arg;
	int64_t started_us;
	struct loop_post post;
	struct store_op *next;
	bool cancelled; /* its loop's thread only */

	union store_in in;
	struct err err; /* why it did not complete; safe to log */
};

/* The present properties of the store.  An index may become usable while the service runs.  index_lags decides
 * whether a miss by PSID is looked up again. */
struct store_traits {
	const char *name; /* "sqlite" */
	bool index_lags;  /* false: a read sees every completed write */
	bool find_psid;   /* false: conflicts cannot be looked up */
};

/* The access of one loop to the store.  Used by the thread of that loop only. */
struct store_port { /* embedded first in a backend's own struct */
	struct store *store;
	struct loop *loop;
	struct limiter *limiter; /* of the backend's calls; NULL: it has none */
	size_t in_flight;        /* operations that were started and not delivered yet */
	bool detached;           /* freed when the last of them was delivered */
};

struct store_vtable {
	struct store_traits traits;
	/* Start op; call store_finish(op) from any thread when it has ended.  ERR_BUSY, ERR_NOMEM: op was not
	 * started. */
	enum err_code (*start)(struct store_port *p, struct store_op *op);
	void (*free)(struct store *s);
	/* All three are NULL for a backend without state per loop.  attach makes a port and sets its limiter; detach
	 * ends running operations with ERR_STOPPING; port_free is called after all of them were delivered. */
	enum err_code (*attach)(struct store *s, struct loop *loop, struct httpc *http,
	                        struct store_port **ret, struct err *reterr);
	void (*detach)(struct store_port *p);
	void (*port_free)(struct store_port *p);
};

struct store { /* embedded first in a backend's own struct */
	const struct store_vtable *vt;
	const struct store_traits *_Atomic traits; /* NULL: the vtable's; else as the backend found them */
	/* used by store.c; store_open sets in_flight_max */
	size_t in_flight_max;    /* operations of all ports, each of which has an equal share */
	_Atomic size_t ports;    /* not freed yet */
	_Atomic bool failing[2]; /* reads, writes: the last one failed; logged when it changes */
};

/* A kind of store: `scheme` is the part of LINKD_STORE before the colon, `where` the part after it. */
struct store_backend {
	const char *scheme;
	enum err_code (*open)(const struct config *cfg, const char *where, struct store **ret,
	                      struct err *reterr);
};

/* One SQLite database file on this machine; `where` is its path.  Writes run on one thread in groups that share a
 * commit.  Reads run on a second thread with a connection of their own and never wait for a write to reach the
 * disk.  The command line may use the file at the same time. */
extern const struct store_backend sqlite_backend;
/* One Amazon DynamoDB table for any number of instances; `where` is its name.  Each loop has a client of its own.  A
 * monitor thread holds the credentials and looks at the table every minute. */
extern const struct store_backend dynamodb_backend;
/* With both, a failure of the database fails operations with ERR_STORE or ERR_TIMEOUT and a remedy.  Operations
 * succeed again, without a restart, when its cause is gone. */

/* Open the store that `cfg->store` names.  An error about a database file names the path and the remedy.
 * Errors  ERR_INVALID (unknown kind, wrong file, newer schema), ERR_STORE (cannot be opened), ERR_NOMEM. */
MUST_CHECK enum err_code store_open(const struct config *cfg, struct store **ret, struct err *reterr);
void store_close(struct store *s); /* Pre: store_idle.  NULL is a no-op */
bool store_idle(struct store *s); /* every port was detached, and all its operations delivered.  Any thread */
const char *store_name(const struct store *s);
/* Path of the database file when the store is one, to keep a file beside it; NULL otherwise.  Borrowed. */
const char *store_file(const struct config *cfg);

/* Make a port for a loop.  A backend may open its connections in the first turn of the loop.  Detach the port
 * while the loop does not run, and before the loop is freed.  Operations that are still open end with
 * ERR_STOPPING; loop_drain delivers them.
 * `http` is the client of this loop.  A store that sends no HTTP requests takes NULL.
 * Ownership  `http` is borrowed until store_detach.  The port is gone once it is detached and its last operation was delivered. */
MUST_CHECK enum err_code store_attach(struct store *s, struct loop *loop, struct httpc *http,
                                      struct store_port **ret, struct err *reterr);
void store_detach(struct store_port *p); /* NULL is a no-op */
const struct store_traits *store_traits(const struct store_port *p);

struct store_op *store_op_new(enum store_kind kind, int64_t deadline_ms); /* NULL: no memory */
void store_op_free(struct store_op *op); /* only one that was not started; wipes hashes.  NULL is a no-op */

/* The port's loop must turn until every op it started was delivered, cancelled ones too.
 * Errors  ERR_BUSY (the port's share of in_flight_max is used up, or the backend is overloaded), ERR_STOPPING (no
 *         port, or a detached one), ERR_NOMEM.  On failure
 *         op is freed, done is never called and reterr gives the reason. */
MUST_CHECK enum err_code store_start(struct store_port *p, struct store_op *op, store_done_fn *done,
                                     void *arg, struct err *reterr);

/* Ask this before any work is done that must end by deadline_ms (monotonic).
 * STORE_WAIT  `w` waits for a slot: w->fn is called on this loop and must start the work at once.
 *             limiter_wait_end ends the wait.  The caller zeroes `w`, then sets fn and slot.more: the number of
 *             further operations that follow the first at once.
 * If `w` is NULL nothing waits: the answer is STORE_NOW or STORE_OVERLOADED. */
enum store_admission { STORE_NOW, STORE_WAIT, STORE_OVERLOADED };
enum store_admission store_admit(struct store_port *p, int64_t deadline_ms, struct limiter_waiter *w);
/* done is never called afterwards; a write that was sent may still be applied.  On the op's loop only. */
void store_cancel(struct store_op *op);

/* For backends: post the op back to its port's loop, where done runs and the op is freed.  Any thread. */
void store_finish(struct store_op *op);
bool store_writes(enum store_kind k); /* changes something; PING counts as a read */

/* For backends: the input of an operation of any kind, as the parameters of its statements or expressions.
 * Borrowed from op; what the kind does not take is "" or 0. */
struct store_values {
	const char *id, *email; /* of the key; the id or the e-mail that is looked up */
	const char *past, *digest, *psid, *page_id, *me, *record;
	const char *hash, *old_hash;      /* the one to be stored, the one it replaces */
	const struct store_key *replaces; /* NULL: none */
	int64_t time_ms, now_s, expires_s, window_s;
};
struct store_values store_values(const struct store_op *op);
const char *store_kind_name(enum store_kind k);
const char *store_outcome_name(enum store_outcome o);

const char *store_version(void); /* of SQLite: "3.40.1" */
