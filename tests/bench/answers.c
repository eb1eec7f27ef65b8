#include "bench/answers.h"

#include <string.h>
#include <time.h>

#include "base/codec.h"

enum { BODY_MAX = 4096 };

#define KEY(attribute, type) "{\"AttributeName\":\"" attribute "\",\"KeyType\":\"" type "\"}"
#define TEXT(attribute) "{\"AttributeName\":\"" attribute "\",\"AttributeType\":\"S\"}"
#define INDEX(name, attribute, projection)                         \
	"{\"IndexName\":\"" name "\",\"KeySchema\":[" KEY(         \
	        attribute, "HASH") "],\"Projection\":{" projection \
	                           "},\"IndexStatus\":\"ACTIVE\",\"IndexSizeBytes\":0,\"ItemCount\":0}"
#define KEYS_ONLY "\"ProjectionType\":\"KEYS_ONLY\""

static const char table[] =
        "{\"Table\":{\"TableName\":\"customers\",\"TableStatus\":\"ACTIVE\",\"TableSizeBytes\":"
        "1073741824,"
        "\"ItemCount\":1000000,\"BillingModeSummary\":{\"BillingMode\":\"PAY_PER_REQUEST\"},"
        "\"KeySchema\":[" KEY("customer_id", "HASH") "," KEY(
                "email",
                "RANGE") "],"
                         "\"AttributeDefinitions\":[" TEXT("customer_id") "," TEXT("email") "," TEXT(
                                 "fb_"
                                 "psid") "," TEXT("authorization_code") "],\"GlobalSecondaryIndexes\":"
                                                                        "[" INDEX(
                                                                                "email-index", "email",
                                                                                "\"ProjectionType\":"
                                                                                "\"INCLUDE\","
                                                                                "\"NonKeyAttributes\":"
                                                                                "[\"password\","
                                                                                "\"login_"
                                                                                "failures\","
                                                                                "\"login_window_"
                                                                                "ends\"]") "," INDEX("fb_"
                                                                                                     "psid-"
                                                                                                     "index",
                                                                                                     "fb_"
                                                                                                     "psid",
                                                                                                     KEYS_ONLY) "," INDEX("authorization_"
                                                                                                                          "code-index",
                                                                                                                          "authorization_"
                                                                                                                          "code",
                                                                                                                          KEYS_ONLY) "]}}";

/* A redeemed code was there, not expired, and bound to its profile. */
static const char old_code[] =
        "{\"Attributes\":{\"authorization_code\":{\"S\":\"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\"},"
        "\"authorization_code_expires_at\":{\"N\":\"1893456000\"},"
        "\"authorization_code_psid\":{\"S\":\"71234567890123456\"}}}";

static const char *const names[ANSWER_OPS] = {
        [ANSWER_DESCRIBE_TABLE] = "DescribeTable",
        [ANSWER_UPDATE_ITEM] = "UpdateItem",
        [ANSWER_QUERY] = "Query",
        [ANSWER_GET_ITEM] = "GetItem",
        [ANSWER_PUT_ITEM] = "PutItem",
        [ANSWER_DELETE_ITEM] = "DeleteItem",
        [ANSWER_SCAN] = "Scan",
        [ANSWER_OTHER] = "other",
        [ANSWER_RECIPIENT] = "recipient",
        [ANSWER_NAME] = "name",
};

enum answer_op answers_op(struct str target)
{
	struct str version, name;
	if (str_cut(target, '.', &version, &name))
		for (int i = 0; i < ANSWER_OTHER; i++)
			if (str_is(name, names[i]))
				return (enum answer_op)i;
	return ANSWER_OTHER;
}

const char *answers_op_name(enum answer_op op)
{
	return names[op];
}

/* The text between `before` and the next quote; empty: not there. */
static struct str between(struct str body, const char *before)
{
	size_t n = strlen(before);
	const char *p = memmem(body.p, body.n, before, n);
	if (p == NULL)
		return STR("");
	p += n;
	const char *end = memchr(p, '"', (size_t)(body.p + body.n - p));
	return end == NULL ? STR("") : (struct str){p, (size_t)(end - p)};
}

static bool mentions(struct str body, const char *word)
{
	return memmem(body.p, body.n, word, strlen(word)) != NULL;
}

static void put_key(struct str psid, struct buf *out)
{
	buf_z(out, "\"customer_id\":{\"S\":\"c-");
	buf_str(out, psid);
	buf_z(out, "\"},\"email\":{\"S\":\"c-");
	buf_str(out, psid);
	buf_z(out, "@example.com\"}");
}

static void query(struct str body, const char *hash, struct buf *out)
{
	struct str psid = between(body, "\":p\":{\"S\":\"");
	buf_z(out, "{\"Count\":1,\"Items\":[{");
	put_key(psid.n > 0 ? psid : STR("71234567890123456"), out);
	if (mentions(body, "email-index"))
		buf_printf(out, ",\"password\":{\"S\":\"%s\"}", hash);
	buf_z(out, "}],\"ScannedCount\":1}");
}

static void get_item(struct str body, struct buf *out)
{
	struct str id = between(body, "\"customer_id\":{\"S\":\"");
	if (!str_starts(id, STR("c-"))) {
		buf_z(out, "{}");
		return;
	}
	struct str psid = {id.p + 2, id.n - 2};
	buf_z(out, "{\"Item\":{");
	put_key(psid, out);
	buf_z(out, ",\"fb_psid\":{\"S\":\"");
	buf_str(out, psid);
	buf_z(out, "\"},\"fb_page_id\":{\"S\":\"1067280970047460\"},\"fb_linked_at\":{\"N\":"
	           "\"1700000000000\"}}}");
}

void answers_http(const char *status, struct str body, struct buf *out)
{
	static time_t second;
	static char date[40];
	time_t now = time(NULL);
	if (now != second) {
		struct tm tm;
		second = now;
		(void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
	}
	buf_printf(out,
	           "HTTP/1.1 %s\r\nServer: Server\r\nDate: %s\r\nContent-Type: application/x-amz-json-1.0\r\n"
	           "Content-Length: %zu\r\nConnection: keep-alive\r\n"
	           "x-amzn-RequestId: 0GHQ1RUNFS3KBQ8MGQ2KPI2FONVV4KQNSO5AEMVJF66Q9ASUAAJG\r\n"
	           "x-amz-crc32: %u\r\n\r\n",
	           status, date, body.n, codec_crc32(body));
	buf_str(out, body);
}

enum answer_op answers_graph(struct str head, struct buf *out)
{
	static const char recipient[] = "{\"recipient\":\"71234567890123456\",\"id\":\"1067280970047460\"}";
	static const char name[] =
	        "{\"first_name\":\"Ada\",\"last_name\":\"Berger\",\"id\":\"71234567890123456\"}";
	bool whose = mentions(head, "&fields=recipient&");
	const char *body = whose ? recipient : name;
	buf_printf(
	        out,
	        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\nVary: Origin, "
	        "Accept-Encoding\r\nx-app-usage: {\"call_count\":0,\"total_cputime\":0,\"total_time\":0}\r\n"
	        "facebook-api-version: v26.0\r\nCache-Control: private, no-cache, no-store, "
	        "must-revalidate\r\nExpires: Sat, 01 Jan 2000 00:00:00 GMT\r\nx-fb-request-id: "
	        "AbCdEfGhIjKlMnOpQrStUv\r\nx-fb-trace-id: HLeVxTz0aBc\r\nx-fb-rev: 1012345678\r\n"
	        "Connection: keep-alive\r\nContent-Length: %zu\r\n\r\n%s",
	        strlen(body), body);
	return whose ? ANSWER_RECIPIENT : ANSWER_NAME;
}

void answers_make(enum answer_op op, struct str body, const char *hash, struct buf *out)
{
	struct buf json;
	buf_init(&json, BODY_MAX);
	switch (op) {
	case ANSWER_DESCRIBE_TABLE: buf_z(&json, table); break;
	case ANSWER_UPDATE_ITEM: buf_z(&json, mentions(body, "UPDATED_OLD") ? old_code : "{}"); break;
	case ANSWER_QUERY: query(body, hash, &json); break;
	case ANSWER_GET_ITEM: get_item(body, &json); break;
	case ANSWER_SCAN: buf_z(&json, "{\"Count\":0,\"Items\":[],\"ScannedCount\":0}"); break;
	case ANSWER_PUT_ITEM:
	case ANSWER_DELETE_ITEM: buf_z(&json, "{}"); break;
	case ANSWER_OTHER:
	case ANSWER_RECIPIENT:
	case ANSWER_NAME:
	case ANSWER_OPS:
		buf_z(&json, "{\"__type\":\"com.amazon.coral.service#UnknownOperationException\"}");
		break;
	}
	answers_http(op < ANSWER_OTHER ? "200 OK" : "400 Bad Request", buf_view(&json), out);
	buf_done(&json);
}
