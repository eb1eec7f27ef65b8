/* aws/ddb/answer.h - one HTTP answer of DynamoDB, or what came instead, judged. */
#pragma once
#include "aws/ddb/error.h"
#include "net/httpc.h"

struct ddb_answer {
	struct ddb_error error; /* class SUCCESS: json is the answer */
	struct json *json;      /* owned by the caller; NULL when it was none */
	bool unanswered;        /* nothing trustworthy came: the request may have been executed */
	bool has_date;
	int64_t clock_off_ms; /* with has_date: the service's clock less now_ms */
	int64_t after_ms;     /* x-amz-retry-after; -1: none */
	char request_id[64];  /* "" when there was none; printable */
};

/* `now_ms` is this machine's wall clock. */
void ddb_answer_read(const struct httpc_response *r, int64_t now_ms, struct ddb_answer *ret);
