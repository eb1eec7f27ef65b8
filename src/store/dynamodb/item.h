/* store/dynamodb/item.h - items of the table in DynamoDB's JSON, read: {"email":{"S":"a@example.com"},...}. */
#pragma once
#include "base/json.h"
#include "store/store.h"

/* The ProjectionExpression for dynamodb_item_customer; attributes of other programs are not read. */
#define DYNAMODB_ITEM_CUSTOMER \
	"customer_id,email,password,fb_psid,fb_page_id,fb_linked_at,login_failures,login_window_ends"

struct str dynamodb_item_str(const struct json *item, const char *attribute); /* empty: none, or no text */
/* ODD: the attribute exists, but is not a text, is empty, has a NUL or is longer than `max`. */
enum dynamodb_item_state { DYNAMODB_ITEM_ABSENT, DYNAMODB_ITEM_TEXT, DYNAMODB_ITEM_ODD };
enum dynamodb_item_state dynamodb_item_state(const struct json *item, const char *attribute, size_t max);
int64_t dynamodb_item_int(const struct json *item, const char *attribute, int64_t otherwise);
/* Log an attribute whose value our writes never store. */
void dynamodb_item_tell_odd(const struct json *item);
void dynamodb_item_link(const struct json *item, struct store_link *ret);
void dynamodb_item_customer(const struct json *item, struct store_customer *ret);
