#include "webhook/delivery_parse.h"

#include <stdlib.h>

#include "http/body.h"

struct delivery_parse {
	struct offload_job job;
	struct delivery_parse_input in; /* its body lies in `body` */
	struct body body;
	struct delivery_parse_result result;
	delivery_parse_done_fn *done; /* NULL: cancelled */
	void *arg;
};

void delivery_parse_now(const struct delivery_parse_input *in, struct signature_keys *keys,
                        struct delivery_parse_result *ret)
{
	*ret = (struct delivery_parse_result){0};
	ret->code = signature_check(str_c(in->signature), in->body, keys);
	if (ret->code != ERR_OK) {
		(void)err_set(&ret->err, ret->code, "the signature is not one of ours");
		return;
	}
	struct event_rules rules = {.pages = &in->service->cfg->page_ids, .received_ms = in->received_ms};
	ret->code = event_parse(in->body, &rules, &ret->events, &ret->err);
	if (ret->code != ERR_OK)
		event_list_done(&ret->events);
}

static void work(struct offload_job *j)
{
	struct delivery_parse *e = LIST_ENTRY(j, struct delivery_parse, job);
	if (body_hold(&e->body) != ERR_OK) {
		e->result.code = err_set(&e->result.err, ERR_BUSY,
		                         "the body was evicted, since the budget for bodies was full");
		return;
	}
	const struct strlist *secrets = &e->in.service->cfg->app_secret;
	struct signature_keys *keys; /* its own: the loop's are in use there */
	e->result.code = signature_keys_new(secrets->v, secrets->n, &keys);
	if (e->result.code != ERR_OK) {
		(void)err_set(&e->result.err, e->result.code, "no memory for the app secrets");
		return;
	}
	delivery_parse_now(&e->in, keys, &e->result);
	signature_keys_free(keys);
}

static void on_work(struct offload_job *j)
{
	struct delivery_parse *e = LIST_ENTRY(j, struct delivery_parse, job);
	body_done(&e->body);
	if (e->done != NULL)
		e->done(e->arg, &e->result);
	else
		event_list_done(&e->result.events);
	free(e);
}

enum err_code delivery_parse_start(struct request *r, const struct delivery_parse_input *in,
                                   delivery_parse_done_fn *done, void *arg, struct delivery_parse **ret,
                                   struct err *reterr)
{
	struct delivery_parse *e = malloc(sizeof *e);
	if (e == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory to examine a body");
	*e = (struct delivery_parse){
	        .job = {.work = work, .done = on_work}, .in = *in, .done = done, .arg = arg};
	request_take_body(r, &e->body);
	body_offer(&e->body); /* its signature is not checked yet */
	enum err_code code = offload_start(in->service->parses, r->loop, &e->job);
	if (code != ERR_OK) {
		body_done(&e->body);
		free(e);
		return err_set(reterr, code, "too many large bodies wait to be parsed");
	}
	*ret = e;
	return ERR_OK;
}

void delivery_parse_cancel(struct delivery_parse *e)
{
	e->done = NULL;
}
