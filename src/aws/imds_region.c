#include "aws/imds_region.h"

#include "aws/imds.h"
#include "base/crypto.h"

enum { LIMIT_MS = 3000 };

struct asking {
	struct imds imds;
	struct loop *loop;
	struct loop_timer limit;
	bool done;
	char *region;
	struct err err; /* code ERR_OK: region is filled */
};

static enum exchange_next take_region(struct asking *q, const struct exchange_answer *a, struct err *reterr)
{
	struct str text = str_trim(a->body);
	if (a->status != 200 || !endpoint_region_ok(text) ||
	    !str_copy(q->region, ENDPOINT_REGION_MAX + 1, text)) {
		(void)err_set(reterr, ERR_UPSTREAM,
		              "the instance metadata service tells no region (status %ld); set AWS_REGION",
		              a->status);
		return EXCHANGE_FAILED;
	}
	return EXCHANGE_DONE;
}

static enum exchange_next step(void *arg, const struct exchange_answer *a, struct exchange_request *req,
                               struct err *reterr)
{
	struct asking *q = arg;
	if (a == NULL) {
		imds_ask_token(&q->imds, req);
		return EXCHANGE_SEND;
	}
	if (q->imds.token[0] != '\0')
		return take_region(q, a, reterr);
	if (imds_take_token(&q->imds, a, reterr) != ERR_OK)
		return EXCHANGE_FAILED;
	imds_ask(&q->imds, "placement/region", req);
	return EXCHANGE_SEND;
}

static void on_done(void *arg, const struct err *err)
{
	struct asking *q = arg;
	q->done = true;
	if (err != NULL)
		(void)err_set(&q->err, ERR_INVALID, "no AWS region: set AWS_REGION (%.400s)", err->msg);
	loop_stop(q->loop);
}

static void on_limit(struct loop_timer *t)
{
	struct asking *q = LIST_ENTRY(t, struct asking, limit);
	(void)err_set(&q->err, ERR_INVALID,
	              "no AWS region: set AWS_REGION (the instance metadata service does not answer)");
	loop_stop(q->loop);
}

static enum err_code run(struct asking *q, struct httpc *http, struct err *reterr)
{
	struct exchange *x = NULL;
	struct exchange_options o = {
	        .loop = q->loop, .http = http, .what = "the region", .step = step, .done = on_done, .arg = q};
	enum err_code code = loop_timer_set(q->loop, &q->limit, loop_now_ms(q->loop) + LIMIT_MS);
	if (code == ERR_OK)
		code = exchange_start(&o, &x, reterr);
	if (code != ERR_OK)
		return code;
	loop_run(q->loop);
	if (!q->done)
		exchange_cancel(x);
	return q->err.code == ERR_OK ? ERR_OK : err_set(reterr, q->err.code, "%s", q->err.msg);
}

enum err_code imds_region_get(char *const *environ_, const struct profiles *p,
                              char ret[ENDPOINT_REGION_MAX + 1], struct err *reterr)
{
	struct asking q = {.limit.fn = on_limit, .region = ret};
	struct httpc *http = NULL;
	enum err_code code = imds_init(&q.imds, environ_, p, reterr);
	if (code == ERR_NOT_FOUND)
		return err_set(reterr, ERR_INVALID,
		               "no AWS region; set AWS_REGION, for example to eu-central-1");
	if (code == ERR_OK)
		code = loop_new(&q.loop, reterr);
	if (code == ERR_OK)
		code = httpc_new(q.loop, &http, reterr);
	if (code == ERR_OK)
		code = run(&q, http, reterr);
	if (q.loop != NULL)
		loop_timer_clear(q.loop, &q.limit);
	httpc_free(http);
	loop_free(q.loop);
	crypto_wipe(&q.imds, sizeof q.imds);
	return code;
}
