/* exchange.h - a sequence of HTTP requests, where each request may depend on the previous answer.  It handles
 * timeouts, retries, size limits and error messages.
 *
 *   step(NULL) -> send -> answer -> step(answer) -> send -> ... -> done
 *
 * Again   no answer, 429 and 5xx are tried again with pauses of 0.2 to 2 s until `attempts` are used up; the
 *         last 429 or 5xx goes to the step.
 * Threads  the loop's thread, as in net/httpc.h.  No function blocks. */
#pragma once
#include "base/buf.h"
#include "net/httpc.h"

enum { EXCHANGE_HEADERS_MAX = 8, EXCHANGE_BODY_MAX = 64 * 1024 };

struct exchange; /* opaque */

struct exchange_request {   /* empty before each step */
	const char *method; /* static */
	struct buf url, body;
	struct buf header[EXCHANGE_HEADERS_MAX]; /* "Name: value" */
	size_t headers;
	bool allow_http; /* these two as in net/httpc.h */
	const char *ca_file;
	int64_t timeout_ms;
	unsigned attempts;
	const char *remedy; /* what to look at when there is no answer; static */
};
void exchange_header(struct exchange_request *r, const char *name, struct str value);
void exchange_line(struct exchange_request *r, const char *line); /* a whole header line: "Name: value" */

struct exchange_answer {
	long status;
	struct str body;
};

enum exchange_next {
	EXCHANGE_SEND,  /* the request is filled */
	EXCHANGE_AGAIN, /* send the same request again if attempts are left; reterr is used if none is left */
	EXCHANGE_DONE,
	EXCHANGE_FAILED, /* reterr is filled */
};
typedef enum exchange_next exchange_step_fn(void *arg, const struct exchange_answer *answer,
                                            struct exchange_request *req, struct err *reterr);
typedef void exchange_done_fn(void *arg, const struct err *err); /* NULL: the step said done */

struct exchange_options {
	struct loop *loop;
	struct httpc *http;
	const char *what; /* what is asked for, in messages: "credentials"; static */
	exchange_step_fn *step;
	exchange_done_fn *done;
	void *arg; /* of both */
};

/* Runs the first step at once.  If that step fails, its error is returned here.
 * Errors  ERR_INVALID (as the step says), ERR_NOMEM. */
MUST_CHECK enum err_code exchange_start(const struct exchange_options *o, struct exchange **ret,
                                        struct err *reterr);
void exchange_cancel(struct exchange *x); /* NULL is a no-op */
