/* script.h - a DynamoDB that answers as told: a server on threads and a free loopback port, which the
 * environment is made to name. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* The first row of an operation that was not used yet answers it, or else its last one; "{}" without any. */
struct script_row {
	const char *operation; /* "UpdateItem"; of others' services "GET /path" */
	const char *answer;    /* "200 {}": status and body.  "0": the connection is closed; "-": no answer */
};
enum { SCRIPT_ROWS_MAX = 64 };

#define SCRIPT_BROKEN "no JSON" /* counted as this operation, and refused */

#define SCRIPT_CONDITION "400 {\"__type\":\"x#ConditionalCheckFailedException\"}"

#define SCRIPT_ATTRIBUTE(name) "{\"AttributeName\":\"" name "\",\"AttributeType\":\"S\"}"
#define SCRIPT_INDEX(name, key, projection)                                                            \
	"{\"IndexName\":\"" name "\",\"IndexStatus\":\"ACTIVE\",\"KeySchema\":[{\"KeyType\":\"HASH\"," \
	"\"AttributeName\":\"" key "\"}],\"Projection\":" projection "}"
#define SCRIPT_KEYS                                                                                         \
	"\"KeySchema\":[{\"AttributeName\":\"customer_id\",\"KeyType\":\"HASH\"},"                          \
	"{\"AttributeName\":\"email\",\"KeyType\":\"RANGE\"}],\"AttributeDefinitions\":[" SCRIPT_ATTRIBUTE( \
	        "customer_id") "," SCRIPT_ATTRIBUTE("email") "," SCRIPT_ATTRIBUTE("fb_psid") "," SCRIPT_ATTRIBUTE("authorization_code") "]"
/* The answer to DescribeTable with these indexes. */
#define SCRIPT_TABLE(size, indexes)                                                           \
	"200 {\"Table\":{\"TableStatus\":\"ACTIVE\",\"TableSizeBytes\":" size "," SCRIPT_KEYS \
	",\"GlobalSecondaryIndexes\":[" indexes "]}}"
#define SCRIPT_EMAIL SCRIPT_INDEX("email-index", "email", "{\"ProjectionType\":\"KEYS_ONLY\"}")
#define SCRIPT_PSID SCRIPT_INDEX("fb_psid-index", "fb_psid", "{\"ProjectionType\":\"KEYS_ONLY\"}")
#define SCRIPT_CODE \
	SCRIPT_INDEX("authorization_code-index", "authorization_code", "{\"ProjectionType\":\"KEYS_ONLY\"}")

void script_start(void); /* and names it in AWS_ENDPOINT_URL_DYNAMODB, with keys */
void script_stop(void);
const char *script_url(void);                             /* "http://127.0.0.1:..." */
void script_set(const struct script_row *rows, size_t n); /* borrowed; forgets what was asked */
void script_table(const char *answer);                    /* to DescribeTable without a row; borrowed */
void script_head(const char *lines);                      /* of every answer, each with CR LF; borrowed */

/* What was asked since, but for what keeps a connection warm. */
size_t script_count(const char *operation);
bool script_last(const char *operation, const char *words); /* its last, head and body, holds them */
