/* store/dynamodb/table.h - a DynamoDB table: its keys and indexes, read from DescribeTable and judged; the requests that make one.
 *
 * Names are fixed: partition key customer_id, sort key email or none, indexes email-index, fb_psid-index and
 * authorization_code-index. */
#pragma once
#include "aws/endpoint.h"
#include "base/json.h"
#include "config/config.h"

#define DYNAMODB_EMAIL_INDEX "email-index"
#define DYNAMODB_PSID_INDEX "fb_psid-index"
#define DYNAMODB_CODE_INDEX "authorization_code-index"

enum {
	DYNAMODB_TABLE_MAX = 255,   /* characters of a table's name */
	DYNAMODB_SCAN_MAX_MIB = 32, /* a larger table is not scanned */
	DYNAMODB_STATUS_MAX = 31,
};

enum dynamodb_index { DYNAMODB_INDEX_NONE, DYNAMODB_INDEX_BUILDING, DYNAMODB_INDEX_ACTIVE };

struct dynamodb_table {
	char status[DYNAMODB_STATUS_MAX + 1]; /* "ACTIVE", "CREATING", ... */
	bool sort_key;                        /* email is the sort key */
	bool on_demand;                       /* billing by request */
	bool delete_protected;
	int64_t bytes, items; /* AWS counts about every six hours */
	enum dynamodb_index email, psid, code;
	bool email_has_login; /* email-index holds all that a login reads */
	bool email_has_link;  /* and the link */
	bool email_all;       /* email-index holds every attribute: each write costs one more */
};

bool dynamodb_table_name_ok(struct str name); /* 3..255 of [A-Za-z0-9_.-] */

/* `answer` is that of DescribeTable, CreateTable.  Errors  ERR_INVALID: not a table for us, and why. */
MUST_CHECK enum err_code dynamodb_table_read(const struct json *answer, struct dynamodb_table *ret,
                                             struct err *reterr);
bool dynamodb_table_ready(const struct dynamodb_table *t); /* the table and its indexes are ACTIVE */

/* The command that adds an index, to be shown: "aws dynamodb update-table ...". */
void dynamodb_table_command(const char *table, const char *index, const struct dynamodb_table *t,
                            struct buf *out);
/* email-index is there and usable.  Errors  ERR_INVALID with the command, or to wait. */
MUST_CHECK enum err_code dynamodb_table_check(const char *table, const struct dynamodb_table *t,
                                              struct err *reterr);

/* How somebody is found by an attribute other than the key. */
enum dynamodb_lookup { DYNAMODB_BY_NOTHING, DYNAMODB_BY_INDEX, DYNAMODB_BY_SCAN };
/* By LINKD_PSID_LOOKUP and the state of the index. */
enum dynamodb_lookup dynamodb_table_lookup(enum config_psid_lookup setting, enum dynamodb_index index,
                                           const struct dynamodb_table *t);
/* Why dynamodb_table_lookup gave NOTHING, with the command. */
enum err_code dynamodb_table_no_lookup(const char *table, const char *index, const struct dynamodb_table *t,
                                       struct err *reterr);

/* --- the table as `account-linkd create-table` makes it: bodies of requests.
 *
 * On-demand billing; email-index holds only what a login reads, so that codes and links cost nothing there;
 * fb_psid-index and authorization_code-index hold keys only and only items that have the attribute. */

enum { DYNAMODB_CREATE_MAX = 4096 };

void dynamodb_create_table(const char *table, bool code_index, bool protect,
                           struct buf *out);                       /* CreateTable */
void dynamodb_create_recovery(const char *table, struct buf *out); /* UpdateContinuousBackups */
void dynamodb_create_describe(const char *table, struct buf *out); /* DescribeTable */
