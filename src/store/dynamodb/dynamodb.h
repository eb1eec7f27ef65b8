/* store/dynamodb/dynamodb.h - the store backend for any number of instances: one Amazon DynamoDB table.
 *
 * Each loop has a client of its own.  A monitor thread holds the credentials and looks at the table every
 * minute.  Failures of AWS fail operations with ERR_STORE or ERR_TIMEOUT and a remedy, and work again by
 * themselves once the cause is gone. */
#pragma once
#include "store/store.h"

extern const struct store_backend dynamodb_backend; /* scheme "dynamodb", `where` is the table's name */
