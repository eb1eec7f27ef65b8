#include "aws/ddb/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "net/httpc.h"

struct ddb_session {
	struct loop *loop;
	struct httpc *http;
	struct creds *creds;
	bool started;
	struct endpoint endpoint;
	char *table;
	struct ddb *client;
};

struct asking {
	struct loop *loop;
	const struct ddb_question *question;
	struct ddb_result *result;
};

static enum err_code bring_up(struct ddb_session *s, char *const *environ_, struct err *reterr)
{
	struct endpoint_options where = {.environ_ = environ_, .service = "dynamodb"};
	struct creds_options creds = {.environ_ = environ_};
	enum err_code code = endpoint_load(&where, &s->endpoint, reterr);
	if (code == ERR_OK)
		code = loop_new(&s->loop, reterr);
	if (code == ERR_OK)
		code = httpc_new(s->loop, &s->http, reterr);
	if (code == ERR_OK)
		code = creds_new(&creds, &s->creds, reterr);
	if (code == ERR_OK)
		code = creds_start(s->creds, s->loop, s->http, reterr);
	if (code != ERR_OK)
		return code;
	s->started = true;
	struct ddb_options o = {.loop = s->loop,
	                        .http = s->http,
	                        .creds = s->creds,
	                        .endpoint = &s->endpoint,
	                        .table = s->table};
	return ddb_new(&o, &s->client, reterr);
}

enum err_code ddb_session_new(char *const *environ_, const char *table, struct ddb_session **ret,
                              struct err *reterr)
{
	struct ddb_session *s = calloc(1, sizeof *s);
	if (s == NULL || (s->table = strdup(table)) == NULL) {
		free(s);
		return err_set(reterr, ERR_NOMEM, "no memory for a DynamoDB client");
	}
	enum err_code code = bring_up(s, environ_, reterr);
	if (code != ERR_OK) {
		ddb_session_free(s);
		return code;
	}
	*ret = s;
	return ERR_OK;
}

void ddb_session_free(struct ddb_session *s)
{
	if (s == NULL)
		return;
	ddb_free(s->client);
	if (s->started)
		creds_stop(s->creds);
	creds_free(s->creds);
	httpc_free(s->http);
	if (s->loop != NULL)
		loop_drain(s->loop); /* what the files' thread posted frees itself */
	loop_free(s->loop);
	free(s->table);
	free(s);
}

static void on_reply(void *arg, const struct ddb_reply *r)
{
	struct asking *a = arg;
	a->result->class = r->class;
	a->result->twice = r->twice;
	a->result->clock_off_ms = r->clock_off_ms;
	if (r->class == DDB_SUCCESS && a->question->take != NULL)
		a->question->take(a->question->arg, r->json);
	loop_stop(a->loop);
}

void ddb_session_ask(struct ddb_session *s, const struct ddb_question *q, struct ddb_result *ret)
{
	struct asking a = {.loop = s->loop, .question = q, .result = ret};
	struct ddb_call *call;
	struct httpc_outgoing body;
	int64_t start_us = clock_mono_us();
	struct ddb_request req = {.operation = q->operation,
	                          .body = &body,
	                          .err = &ret->err,
	                          .deadline_ms = clock_mono_ms() + q->limit_ms,
	                          .attempt_ms = q->limit_ms / 2};
	*ret = (struct ddb_result){.class = DDB_FAULT};
	httpc_outgoing_init(&body, q->body.n, q->body.n);
	buf_str(&body.bytes, q->body);
	if (ddb_start(s->client, &req, on_reply, &a, &call, &ret->err) == ERR_OK)
		loop_run(s->loop);
	crypto_wipe_buf(&body.bytes);
	ret->took_us = clock_mono_us() - start_us;
}

const struct endpoint *ddb_session_endpoint(const struct ddb_session *s)
{
	return &s->endpoint;
}

const char *ddb_session_keys_from(const struct ddb_session *s)
{
	return ddb_keys_from(s->client);
}
