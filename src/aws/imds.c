#include "aws/private.h"

#include "base/crypto.h"

enum { TIMEOUT_MS = 1000, ATTEMPTS = 2 };

static const char no_answer[] = "check the hop limit (2 for containers) or give credentials in another way";

static const char *setting(char *const *environ_, const struct profiles *p, const char *variable,
                           const char *key)
{
	const char *value = env_get(environ_, variable);
	return value != NULL ? value : profile_get(p, PROFILE_BOTH, profile_name(p), key);
}

enum err_code imds_init(struct imds *m, char *const *environ_, const struct profiles *p, struct err *reterr)
{
	struct endpoint e;
	const char *off = env_get(environ_, "AWS_EC2_METADATA_DISABLED");
	const char *base = setting(environ_, p, "AWS_EC2_METADATA_SERVICE_ENDPOINT",
	                           "ec2_metadata_service_endpoint");
	const char *mode = setting(environ_, p, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
	                           "ec2_metadata_service_endpoint_mode");
	*m = (struct imds){0};
	if (off != NULL && str_ieq(str_c(off), STR("true")))
		return err_set(reterr, ERR_NOT_FOUND, "AWS_EC2_METADATA_DISABLED is true");
	bool six = mode != NULL && str_ieq(str_c(mode), STR("IPv6"));
	if (mode != NULL && !six && !str_ieq(str_c(mode), STR("IPv4")))
		return err_set(reterr, ERR_INVALID,
		               "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE must be IPv4 or IPv6");
	if (base == NULL || base[0] == '\0')
		base = six ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
	enum err_code code = endpoint_url_parse(str_c(base), "AWS_EC2_METADATA_SERVICE_ENDPOINT", &e, reterr);
	if (code == ERR_OK)
		(void)str_copy(m->base, sizeof m->base, str_c(e.url));
	return code;
}

static void prepare(struct exchange_request *req)
{
	req->allow_http = true;
	req->timeout_ms = TIMEOUT_MS;
	req->attempts = ATTEMPTS;
	req->remedy = no_answer;
}

void imds_ask_token(const struct imds *m, struct exchange_request *req)
{
	prepare(req);
	req->method = "PUT";
	buf_z(&req->url, m->base);
	buf_z(&req->url, "latest/api/token");
	exchange_header(req, "X-aws-ec2-metadata-token-ttl-seconds", STR("21600"));
}

enum err_code imds_take_token(struct imds *m, const struct exchange_answer *a, struct err *reterr)
{
	if (a->status == 404 || a->status == 403 || a->status == 405)
		return err_set(
		        reterr, ERR_UPSTREAM,
		        "the instance metadata service gives no token (status %ld); switch on version 2 "
		        "of it (HttpTokens), version 1 is not used",
		        a->status);
	if (a->status != 200)
		return err_set(reterr, ERR_UPSTREAM,
		               "the instance metadata service answered a token request with status %ld",
		               a->status);
	if (a->body.n == 0 || !str_printable(a->body) || !str_copy(m->token, sizeof m->token, a->body))
		return err_set(reterr, ERR_UPSTREAM,
		               "the instance metadata service gave a token that is none (%zu bytes)",
		               a->body.n);
	return ERR_OK;
}

void imds_ask(const struct imds *m, const char *path, struct exchange_request *req)
{
	prepare(req);
	buf_z(&req->url, m->base);
	buf_z(&req->url, "latest/meta-data/");
	buf_z(&req->url, path);
	exchange_header(req, "X-aws-ec2-metadata-token", str_c(m->token));
}

/* --- the region */

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
