/* Calls of doctor: one GET after another, and those to Graph. */
#include <stdio.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/crypto.h"
#include "base/time.h"
#include "cli/doctor.h"
#include "facebook/graph.h"

enum { URL_MAX = 8192, LINE_MAX = 2048 };

struct get {
	struct loop *loop;
	struct doctor_reply *reply;
};

enum err_code doctor_web_open(struct doctor_web *w, struct err *reterr)
{
	*w = (struct doctor_web){.loop = NULL};
	enum err_code code = loop_new(&w->loop, reterr);
	return code == ERR_OK ? httpc_new(w->loop, &w->http, reterr) : code;
}

void doctor_web_close(struct doctor_web *w)
{
	httpc_free(w->http);
	loop_free(w->loop);
}

static void on_reply(void *arg, const struct httpc_response *r)
{
	struct get *g = arg;
	struct doctor_reply *ret = g->reply;
	ret->fault = r->fault;
	if (r->fault == HTTPC_LOCAL)
		(void)snprintf(ret->error, sizeof ret->error, "%s", r->error);
	if (r->code == ERR_OK) {
		ret->status = r->status;
		buf_str(&ret->body, r->body);
		(void)time_read_http(httpc_header(r, "Date"), &ret->date_s);
	}
	loop_stop(g->loop);
}

void doctor_web_get(struct doctor_web *w, const struct httpc_request *req, struct doctor_reply *ret)
{
	struct get g = {w->loop, ret};
	struct httpc_call *call;
	struct err err;
	int64_t start_ms = clock_mono_ms();
	*ret = (struct doctor_reply){.fault = HTTPC_LOCAL, .date_s = -1};
	buf_init(&ret->body, GRAPH_ANSWER_MAX);
	if (httpc_start(w->http, req, on_reply, &g, &call, &err) == ERR_OK)
		loop_run(w->loop);
	else
		(void)snprintf(ret->error, sizeof ret->error, "%.*s", DOCTOR_ERROR_MAX - 1, err.msg);
	ret->took_ms = clock_mono_ms() - start_ms;
}

/* --- Graph */

static void put_url(struct buf *url, const struct config *cfg, const struct doctor_question *q)
{
	char proof[GRAPH_PROOF_LEN + 1];
	buf_printf(url, "%s/%s/%s?%s", cfg->graph_url, cfg->graph_version, q->path, q->query);
	if (q->secret.n > 0 && graph_proof(q->secret, q->bearer, proof))
		buf_printf(url, "&appsecret_proof=%s", proof);
	if (q->parameter != NULL) {
		buf_printf(url, "&%s=", q->parameter);
		codec_pct(url, q->value);
	}
}

/* The text of an error is read for this alone: a wrong proof has no code of its own. */
static bool names_proof(const struct json *json)
{
	struct str text = json_str(json_get(json_get(json, "error"), "message"));
	char copy[ERR_MSG_MAX];
	return str_copy(copy, sizeof copy, text) && strstr(copy, "appsecret_proof") != NULL;
}

static void read_reply(const struct doctor_reply *r, struct doctor_answer *ret)
{
	static const struct json_limits limits = {16, 5000};
	struct err err;
	*ret = (struct doctor_answer){
	        .fault = r->fault, .status = r->status, .date_s = r->date_s, .took_ms = r->took_ms};
	if (json_parse(buf_view(&r->body), &limits, &ret->json, &err) != ERR_OK)
		ret->json = NULL;
	(void)str_copy(ret->error, sizeof ret->error, str_c(r->error));
	ret->graph = graph_answer_parsed(r->status, ret->json);
	ret->proof_refused = ret->graph.code == 100 && names_proof(ret->json);
}

void doctor_graph_ask(struct doctor_web *w, const struct config *cfg, const struct doctor_question *q,
                      struct doctor_answer *ret)
{
	struct buf url, line;
	struct doctor_reply reply;
	buf_init(&url, URL_MAX);
	buf_init(&line, LINE_MAX);
	put_url(&url, cfg, q);
	buf_z(&line, "Authorization: Bearer ");
	buf_str(&line, q->bearer);
	const char *const headers[] = {line.p, "Accept: application/json", NULL};
	struct httpc_request req = {.method = "GET",
	                            .url = url.p,
	                            .headers = headers,
	                            .allow_http = true, /* the settings allow it on loopback only */
	                            .timeout_ms = DOCTOR_CALL_MS,
	                            .connect_ms = DOCTOR_CALL_MS,
	                            .response_max = GRAPH_ANSWER_MAX};
	if (url.failed || line.failed)
		reply = (struct doctor_reply){
		        .fault = HTTPC_LOCAL, .error = "no memory for the call", .date_s = -1};
	else
		doctor_web_get(w, &req, &reply);
	read_reply(&reply, ret);
	crypto_wipe_buf(&reply.body);
	crypto_wipe_buf(&url);
	crypto_wipe_buf(&line);
}

struct doctor_why doctor_graph_why(const struct doctor_answer *a)
{
	static const char *const faults[] = {
	        [HTTPC_NO_FAULT] = "Graph does not answer",
	        [HTTPC_NO_NAME] = "the name of Graph does not resolve",
	        [HTTPC_NO_CONNECTION] = "there is no connection to Graph",
	        [HTTPC_NO_ANSWER] = "Graph does not answer in time, or not in full",
	        [HTTPC_NO_TLS] = "Graph cannot be reached by TLS",
	        [HTTPC_CERT_TIME] = "the certificate of Graph is not valid at this machine's time",
	        [HTTPC_CERT_ISSUER] = "the certificate of Graph is not trusted",
	        [HTTPC_CERT_NAME] = "the certificate of Graph is for another name",
	};
	struct doctor_why why;
	const struct graph_answer *g = &a->graph;
	if (a->status == 0 && a->fault == HTTPC_LOCAL)
		(void)snprintf(why.s, sizeof why.s, "this machine cannot call Graph (%s)", a->error);
	else if (a->status == 0)
		(void)snprintf(why.s, sizeof why.s, "%s", faults[a->fault]);
	else if (g->code == 0)
		(void)snprintf(why.s, sizeof why.s, "Graph answered with status %ld and no usable text",
		               a->status);
	else
		(void)snprintf(why.s, sizeof why.s, "Graph answered with error %d, subcode %d, fbtrace_id %s",
		               g->code, g->subcode, g->trace[0] != '\0' ? g->trace : "none");
	return why;
}
