/* store/dynamodb/table_monitor.h - the thread behind a DynamoDB store: credentials, and a look at the table every minute.
 *
 * Threads  new and free on one thread; `seen` runs on the monitor's. */
#pragma once
#include "aws/ddb/ddb.h"
#include "store/dynamodb/table.h"

struct table_monitor; /* opaque */

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
