/* store/dynamodb/store.h - what the parts of the DynamoDB store share.  Private to the files of store/dynamodb/. */
#pragma once
#include "aws/ddb/ddb.h"
#include "store/dynamodb/table.h"
#include "store/store.h"

struct table_monitor;

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
