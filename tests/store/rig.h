/* rig.h - the backends under test, and store operations run to their end on a real loop. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store.h"

enum { RIG_WAIT_MS = 10000, RIG_DIR_MAX = 128, RIG_BATCH_MAX = 512 };

/* A kind of store.  To put another under the contract: one more row in rig_backends. */
struct rig_backend {
	const char *name;
	enum err_code (*open)(const char *dir, struct store **ret,
	                      struct err *reterr); /* made when not there */
	/* An item written past the store, as the table may hold from before: psid "" for none, linked_at_ms
	 * -1 for a link without time. */
	void (*plant)(const char *dir, const struct store_customer *c);
	/* One attribute of an item set past the store: a value of DynamoDB's type ("S", "N", "L", ...) in
	 * DynamoDB's JSON.  False: this kind of store cannot hold it there. */
	bool (*spoil)(const char *dir, const struct store_key *key, const char *attribute, const char *type,
	              const char *value);
	/* Why a condition did not hold is read a moment later: writes at once may tell of each other. */
	bool reads_why;
};
/* NULL-ended: SQLite, or DynamoDB when the environment names a server (AWS_ENDPOINT_URL_DYNAMODB). */
extern const struct rig_backend *rig_backends[];
extern const struct rig_backend rig_dynamodb;

struct rig {
	const struct rig_backend *backend;
	struct store *store;
	char dir[RIG_DIR_MAX];
};

struct rig_result {
	enum err_code code;
	struct err err;
	struct store_out out; /* customers points into `customer` */
	struct store_customer customer[STORE_HOLDERS_MAX];
};

void rig_open(struct rig *r, const struct rig_backend *b); /* in a fresh directory */
void rig_reopen(struct rig *r);
void rig_close(struct rig *r); /* removes the directory */
void rig_path(const struct rig *r, const char *name, char *ret, size_t cap);

/* Customer "x" is customer_id "cust-x", email "x@example.com". */
struct store_key rig_key(const char *who);
struct store_op *rig_op(enum store_kind kind, const char *who); /* of that customer, if the kind takes one */
/* Set an input of an operation of any kind; kinds that do not take it are left alone. */
void rig_digest(struct store_op *op, const char *digest);
void rig_psid(struct store_op *op, const char *psid);
void rig_page(struct store_op *op, const char *page_id);
void rig_email(struct store_op *op, const char *email); /* the one looked up */
void rig_hash(struct store_op *op, const char *hash);   /* the one to be stored */
void rig_times(struct store_op *op, int64_t time_ms, int64_t now_s);
void rig_ends(struct store_op *op, int64_t expires_s); /* of a code, of a window */
void rig_set(char *field, size_t cap, const char *value);
#define RIG_SET(field, value) rig_set((field), sizeof(field), (value))

/* Run to the end.  The start must succeed. */
void rig_run(struct rig *r, struct store_op *op, struct rig_result *ret);
/* All started in one turn of a loop; each from a loop of its own thread with `threads`. */
void rig_run_all(struct rig *r, struct store_op *const *ops, size_t n, struct rig_result *ret);
void rig_run_threads(struct rig *r, struct store_op *const *ops, size_t n, struct rig_result *ret);
void rig_want(struct rig *r, struct store_op *op, enum store_outcome want); /* settled, with this outcome */
void rig_add(struct rig *r, const char *who);                               /* a fresh customer */
void rig_add_with(struct rig *r, const char *who, const char *hash);
void rig_find(struct rig *r, const char *who, struct rig_result *ret); /* FIND_ID */

/* SQL on the SQLite file, past the store: one number back, the result must be fine. */
int64_t rig_sql(const char *file, const char *text);
