/* store/dynamodb/create.h - the table as `account-linkd create-table` makes it: request bodies of the service.
 *
 * On-demand billing; email-index holds only what a login reads, so that codes and links cost nothing there;
 * fb_psid-index and authorization_code-index hold keys only and only items that have the attribute. */
#pragma once
#include "base/buf.h"

enum { DYNAMODB_CREATE_MAX = 4096 };

void dynamodb_create_table(const char *table, bool code_index, bool protect,
                           struct buf *out);                       /* CreateTable */
void dynamodb_create_recovery(const char *table, struct buf *out); /* UpdateContinuousBackups */
void dynamodb_create_describe(const char *table, struct buf *out); /* DescribeTable */
