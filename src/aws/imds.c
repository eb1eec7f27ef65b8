#include "aws/imds.h"

#include <string.h>

#include "aws/endpoint_url.h"
#include "aws/env.h"

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
