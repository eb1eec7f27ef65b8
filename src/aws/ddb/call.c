#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/ddb/private.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/crypto.h"
#include "base/time.h"
#include "obs/log.h"
#include "obs/metrics.h"

enum {
	ATTEMPT_MS = 1000,
	CONNECT_MS = 1000,
	RESPONSE_MAX = 4 << 20, /* bytes; a page of items is 1 MiB, in JSON with its names a little more */
	HEADERS_MAX = 8,
	AFTER_MAX_MS = 600000,
};

/* --- the answer */

static const struct json_limits limits = {.max_depth = 32, .max_values = 200000};

/* The Date of a cached answer is not the current time. */
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

/* A proxy may answer 200 to anything; JSON of another shape did not come from DynamoDB. */
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

/* --- the call */

static void run(struct ddb_call *c);

static void call_free(struct ddb_call *c)
{
	list_del(&c->node);
	loop_timer_clear(c->owner->o.loop, &c->timer);
	loop_task_cancel(&c->task);
	if (c->waiting != NULL)
		creds_wait_cancel(c->waiting);
	if (c->http != NULL)
		httpc_post_cancel(c->http);
	limiter_leave(&c->owner->limiter, &c->slot, false);
	creds_keys_release(c->keys);
	json_free(c->json);
	crypto_wipe_buf(&c->out.bytes); /* password hashes */
	free(c);
}

void ddb_cancel(struct ddb_call *c)
{
	struct ddb *d = c->owner;
	call_free(c);
	if (!d->ending)
		ddb_let_in(d);
}

static int64_t left_ms(const struct ddb_call *c)
{
	return c->req.deadline_ms - clock_mono_ms();
}

/* End with a failure that did not come from the service; it is described in req.err. */
static enum phase fail(struct ddb_call *c, enum ddb_class class)
{
	c->error.class = class;
	c->explained = true;
	return P_DONE;
}

static enum phase no_time(struct ddb_call *c, const char *what)
{
	(void)err_set(c->req.err, ERR_TIMEOUT, "no time left for DynamoDB %s on table %s: %s",
	              c->req.operation, c->owner->o.table, what);
	return fail(c, DDB_TRANSIENT);
}

static enum phase wait_until(struct ddb_call *c, int64_t due_ms, enum phase next)
{
	c->next = next;
	if (loop_timer_set(c->owner->o.loop, &c->timer, due_ms) == ERR_OK)
		return P_WAIT;
	(void)err_set(c->req.err, ERR_NOMEM, "no memory for a timer");
	return fail(c, DDB_TRANSIENT);
}

static void use_keys(struct ddb_call *c, struct creds_keys *keys)
{
	struct ddb *d = c->owner;
	creds_keys_release(c->keys);
	c->keys = keys;
	(void)snprintf(d->keys_from, sizeof d->keys_from, "%s, %s", keys->provider, keys->source);
}

static void on_keys(void *arg, const struct err *err, struct creds_keys *keys)
{
	struct ddb_call *c = arg;
	c->waiting = NULL;
	loop_timer_clear(c->owner->o.loop, &c->timer);
	if (err != NULL) {
		(void)err_set(c->req.err, err->code, "%s", err->msg);
		c->phase = fail(c, DDB_CREDENTIALS);
	} else {
		use_keys(c, creds_keys_acquire(keys));
		c->phase = P_SLOT;
	}
	run(c);
}

static enum phase wait_keys(struct ddb_call *c)
{
	struct ddb *d = c->owner;
	if (creds_wait(d->o.creds, d->o.loop, on_keys, c, &c->waiting) == ERR_OK)
		return wait_until(c, c->req.deadline_ms, P_LATE);
	(void)err_set(c->req.err, ERR_NOMEM, "no memory to wait for credentials");
	return fail(c, DDB_CREDENTIALS);
}

static enum phase get_keys(struct ddb_call *c)
{
	struct creds_keys *keys;
	enum err_code code = creds_get(c->owner->o.creds, &keys, c->req.err);
	if (code == ERR_OK) {
		use_keys(c, keys);
		return P_SLOT;
	}
	return code == ERR_BUSY ? wait_keys(c) : fail(c, DDB_CREDENTIALS);
}

static void call_turn(struct limiter_slot *p)
{
	struct ddb_call *c = LIST_ENTRY(p, struct ddb_call, slot);
	loop_timer_clear(c->owner->o.loop, &c->timer);
	c->phase = P_SEND;
	run(c);
}

static void on_task(struct loop_task *t)
{
	struct ddb_call *c = LIST_ENTRY(t, struct ddb_call, task);
	c->phase = c->next;
	run(c);
}

/* Go on in this turn of the loop, when the caller has returned. */
static enum phase go_on_in_task(struct ddb_call *c, enum phase next)
{
	c->next = next;
	c->task.fn = on_task;
	loop_task_add(c->owner->o.loop, &c->task);
	return P_WAIT;
}

/* Retries and calls of admitted work go ahead of new calls. */
static enum phase get_place(struct ddb_call *c)
{
	c->slot.turn = call_turn;
	limiter_enter(&c->owner->limiter, &c->slot, c->attempts > 0 || c->req.ahead);
	return c->slot.state == LIMITER_SLOT_RUNNING ? P_SLOT_TAKEN
	                                             : wait_until(c, c->req.deadline_ms, P_LATE);
}

static enum err_code sign(struct ddb_call *c, struct sigv4_lines *ret)
{
	struct ddb *d = c->owner;
	c->signed_off_ms = d->clock_off_ms;
	struct sigv4_call call = {
	        .scope = {.region = str_c(d->o.endpoint->sign_region),
	                  .service = STR("dynamodb"),
	                  .time_s = (clock_wall_ms() + d->clock_off_ms) / 1000},
	        .host = str_c(d->o.endpoint->host),
	        .content_type = STR("application/x-amz-json-1.0"),
	        .target = str_c(c->target + sizeof "X-Amz-Target: " - 1),
	        .body = httpc_outgoing_body(&c->out),
	};
	return sigv4_sign(d->signer, &call, c->keys, ret, c->req.err);
}

static void on_answer(void *arg, const struct httpc_response *r)
{
	struct ddb_call *c = arg;
	struct ddb *d = c->owner;
	struct ddb_answer a;
	c->http = NULL;
	limiter_leave(&d->limiter, &c->slot, true);
	json_free(c->json);
	ddb_answer_read(r, clock_wall_ms(), &a);
	c->json = a.json;
	c->error = a.error;
	c->after_ms = a.after_ms;
	(void)str_copy(c->request_id, sizeof c->request_id, str_c(a.request_id));
	if (a.has_date)
		d->clock_seen_ms = a.clock_off_ms;
	c->twice |= r->sends > 1 || (a.unanswered && r->sends > 0);
	c->phase = P_JUDGE;
	ddb_let_in(d);
	run(c);
}

static enum phase send_it(struct ddb_call *c)
{
	struct ddb *d = c->owner;
	struct sigv4_lines lines;
	int64_t left = left_ms(c), most = c->req.attempt_ms > 0 ? c->req.attempt_ms : ATTEMPT_MS;
	if (left <= 0)
		return no_time(c, c->error.name[0] != '\0' ? c->error.name : "it came too late");
	if (sign(c, &lines) != ERR_OK)
		return fail(c, DDB_CREDENTIALS);
	const char *headers[HEADERS_MAX] = {"Content-Type: application/x-amz-json-1.0", c->target, lines.date,
	                                    lines.authorization, c->keys->token_header};
	struct httpc_post_request req = {.out = &c->out,
	                                 .headers = headers,
	                                 .timeout_ms = left < most ? left : most,
	                                 .connect_ms = CONNECT_MS,
	                                 .response_max = RESPONSE_MAX};
	enum err_code code = httpc_post_start(d->poster, &req, on_answer, c, &c->http, c->req.err);
	crypto_wipe(&lines, sizeof lines);
	if (code != ERR_OK)
		return fail(c, DDB_TRANSIENT);
	c->attempts++;
	d->sent_at_ms = loop_now_ms(d->o.loop);
	metric_add(M_DYNAMODB_REQUESTS, 1);
	return P_WAIT;
}

static enum phase send_again(struct ddb_call *c)
{
	struct ddb *d = c->owner;
	enum ddb_class why = c->error.class;
	unsigned most = c->req.attempts > 0 ? c->req.attempts : DDB_ATTEMPTS;
	uint32_t dice = 0;
	if (c->attempts >= most || (why == DDB_THROTTLE && c->req.no_wait) ||
	    crypto_random(&dice, sizeof dice) != ERR_OK)
		return P_DONE;
	int64_t pause = ddb_retry_pause_ms(why, c->retries, dice, c->after_ms);
	if (pause >= left_ms(c)) /* no wait for a retry that would come too late */
		return P_DONE;
	if (!ddb_retry_take(&d->bucket, why, &c->price)) {
		metric_add(M_DYNAMODB_NO_BUDGET, 1);
		return P_DONE;
	}
	c->retries++;
	metric_add(M_DYNAMODB_RETRIES, 1);
	return wait_until(c, clock_mono_ms() + pause, P_KEYS);
}

/* The keys or the signature were refused: try once more with the corrected clock, or with other keys. */
static enum phase renew(struct ddb_call *c)
{
	struct ddb *d = c->owner;
	if (c->renewed)
		return P_DONE;
	c->renewed = true;
	int64_t moved = d->clock_off_ms - c->signed_off_ms;
	if (moved >= DDB_CLOCK_OFF_MS || moved <= -DDB_CLOCK_OFF_MS)
		return P_SLOT;
	return creds_refused(d->o.creds, c->keys) ? wait_keys(c) : P_DONE;
}

static enum phase late(struct ddb_call *c)
{
	if (c->waiting != NULL)
		creds_wait_cancel(c->waiting);
	c->waiting = NULL;
	return no_time(c, c->slot.state == LIMITER_SLOT_WAITING ? "too many calls before it"
	                                                        : "no AWS credentials came in time");
}

static enum phase judge(struct ddb_call *c)
{
	ddb_follow_clock(c->owner);
	log_line(LOG_DEBUG, "dynamodb", log_z("operation", c->req.operation),
	         log_z("result", c->error.class == DDB_SUCCESS ? "ok" : c->error.name),
	         log_int("attempt", c->attempts), log_z("aws_request_id", c->request_id));
	switch (c->error.class) {
	case DDB_SUCCESS:
	case DDB_CONDITION: ddb_retry_refund(&c->owner->bucket, c->price); return P_DONE;
	case DDB_THROTTLE: metric_add(M_DYNAMODB_THROTTLED, 1); return send_again(c);
	case DDB_TRANSIENT: return send_again(c);
	case DDB_CREDENTIALS: return renew(c);
	default: return P_DONE;
	}
}

static void explain(struct ddb_call *c)
{
	struct ddb *d = c->owner;
	struct ddb_context x = {.operation = c->req.operation,
	                        .table = d->o.table,
	                        .region = d->o.endpoint->region,
	                        .keys_from = d->keys_from,
	                        .request_id = c->request_id};
	(void)ddb_error_say(&c->error, &x, c->req.err);
}

static void finish(struct ddb_call *c)
{
	limiter_leave(&c->owner->limiter, &c->slot, false);
	ddb_let_in(c->owner);
	bool good = c->error.class == DDB_SUCCESS || c->error.class == DDB_CONDITION;
	if (!good && !c->explained)
		explain(c);
	struct ddb_reply r = {.class = c->error.class,
	                      .json = good ? c->json : NULL,
	                      .err = good ? NULL : c->req.err,
	                      .twice = c->twice,
	                      .attempts = c->attempts,
	                      .clock_off_ms = c->owner->clock_seen_ms};
	c->done(c->arg, &r);
	call_free(c);
}

/* True: the call has ended. */
static bool go_on(struct ddb_call *c)
{
	for (;;) {
		switch (c->phase) {
		case P_KEYS: c->phase = get_keys(c); break;
		case P_SLOT: c->phase = get_place(c); break;
		case P_SLOT_TAKEN: c->phase = go_on_in_task(c, P_SEND); break;
		case P_LATE: c->phase = late(c); break;
		case P_SEND: c->phase = send_it(c); break;
		case P_JUDGE: c->phase = judge(c); break;
		case P_WAIT: return false;
		case P_DONE: return true;
		}
	}
}

/* c may be dead after this. */
static void run(struct ddb_call *c)
{
	if (go_on(c))
		finish(c);
}

static void on_timer(struct loop_timer *t)
{
	struct ddb_call *c = LIST_ENTRY(t, struct ddb_call, timer);
	c->phase = c->next;
	run(c);
}

static struct ddb_call *call_new(struct ddb *d, const struct ddb_request *req)
{
	struct ddb_call *c = calloc(1, sizeof *c);
	if (c == NULL)
		return NULL;
	c->owner = d;
	c->req = *req;
	c->phase = P_KEYS;
	c->timer.fn = on_timer;
	c->after_ms = -1;
	list_push(&d->calls, &c->node);
	c->out = *req->body;
	buf_init(&req->body->bytes, 0);
	(void)snprintf(c->target, sizeof c->target, "X-Amz-Target: DynamoDB_20120810.%s", req->operation);
	return c;
}

enum err_code ddb_start(struct ddb *d, const struct ddb_request *req, ddb_done_fn *done, void *arg,
                        struct ddb_call **ret, struct err *reterr)
{
	struct ddb_call *c = req->body->bytes.failed ? NULL : call_new(d, req);
	if (c == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for a DynamoDB call");
	c->done = done;
	c->arg = arg;
	if (go_on(c))
		c->phase = go_on_in_task(c, P_DONE);
	*ret = c;
	return ERR_OK;
}
