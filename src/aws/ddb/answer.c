#include "aws/ddb/answer.h"

#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/time.h"

enum { AFTER_MAX_MS = 600000 };

static const struct json_limits limits = {.max_depth = 32, .max_values = 200000};

/* An answer out of a cache says nothing about the clock. */
static void read_clock(const struct httpc_response *r, int64_t now_ms, struct ddb_answer *ret)
{
	int64_t date_s;
	if (httpc_header(r, "Age").n > 0 || !time_read_http(httpc_header(r, "Date"), &date_s))
		return;
	ret->has_date = true;
	ret->clock_off_ms = date_s * 1000 - now_ms;
}

static void read_headers(const struct httpc_response *r, struct ddb_answer *ret)
{
	uint64_t after;
	struct str id = httpc_header(r, "x-amzn-RequestId");
	if (str_u64(httpc_header(r, "x-amz-retry-after"), AFTER_MAX_MS, &after))
		ret->after_ms = (int64_t)after;
	if (!str_printable(id) || !str_copy(ret->request_id, sizeof ret->request_id, id))
		ret->request_id[0] = '\0';
}

static void spoiled(struct ddb_answer *ret, const char *name, const char *text)
{
	ret->unanswered = true;
	ret->error.class = DDB_TRANSIENT;
	ret->error.own_text = true;
	(void)snprintf(ret->error.name, sizeof ret->error.name, "%s", name);
	(void)snprintf(ret->error.text, sizeof ret->error.text, "%s", text);
}

/* The sum is of the bytes sent; we never ask for compressed ones. */
static bool sum_fits(const struct httpc_response *r)
{
	uint64_t sum;
	struct str text = httpc_header(r, "x-amz-crc32");
	return text.n == 0 || (str_u64(text, UINT32_MAX, &sum) && sum == codec_crc32(r->body));
}

static bool absent_or(const struct json *j, bool (*is)(const struct json *j))
{
	return j == NULL || is(j);
}

/* Something between may answer 200 to anything; what is not of DynamoDB's shape did not come from it. */
static bool shaped(const struct json *j)
{
	return json_is_object(j) && absent_or(json_get(j, "Item"), json_is_object) &&
	       absent_or(json_get(j, "Attributes"), json_is_object) &&
	       absent_or(json_get(j, "Items"), json_is_array);
}

void ddb_answer_read(const struct httpc_response *r, int64_t now_ms, struct ddb_answer *ret)
{
	struct err why = {.msg = ""};
	*ret = (struct ddb_answer){.after_ms = -1};
	if (r->code != ERR_OK) {
		spoiled(ret, r->code == ERR_TIMEOUT ? "timeout" : "no answer", r->error);
		return;
	}
	read_clock(r, now_ms, ret);
	read_headers(r, ret);
	if (!sum_fits(r)) {
		spoiled(ret, "wrong checksum", "");
		return;
	}
	enum err_code parsed = json_parse(r->body, &limits, &ret->json, &why);
	if (parsed == ERR_NOMEM) {
		spoiled(ret, "no memory for the answer", "");
		ret->unanswered = r->status == 200 || r->status >= 500;
		return;
	}
	if (r->status != 200)
		ddb_error_read(r->status, ret->json, &ret->error);
	else if (parsed != ERR_OK)
		spoiled(ret, "an answer that is not JSON", why.msg);
	else if (!shaped(ret->json))
		spoiled(ret, "an answer of another shape", "");
	ret->unanswered = ret->error.class == DDB_TRANSIENT;
}
