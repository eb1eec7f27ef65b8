/* store/dynamodb/keeper.h - the thread behind a DynamoDB store: credentials, and a look at the table every minute.
 *
 * Threads  new and free on one thread; `seen` runs on the keeper's. */
#pragma once
#include "aws/ddb/ddb.h"
#include "store/dynamodb/table.h"

struct dynamodb_keeper; /* opaque */

struct dynamodb_keeper_options {
	const struct endpoint *endpoint; /* borrowed, like all here */
	const char *table;
	/* The table as it is now, or why it could not be seen (then NULL). */
	void (*seen)(void *arg, const struct dynamodb_table *t, const struct err *why);
	void *arg;
};

/* Start, and wait for the first look, which `seen` also gets: at most some seconds.
 * Errors  those of DynamoDB, with the remedy; ERR_INVALID: not a table for us; ERR_NOMEM. */
MUST_CHECK enum err_code dynamodb_keeper_new(const struct dynamodb_keeper_options *o,
                                             struct dynamodb_keeper **ret, struct err *reterr);
void dynamodb_keeper_free(struct dynamodb_keeper *k); /* NULL is a no-op */
struct creds *dynamodb_keeper_creds(struct dynamodb_keeper *k);
