#include "aws/creds/sts.h"

#include <stdio.h>

#include "aws/creds/creds.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/crypto.h"

enum { TIMEOUT_MS = 5000, ATTEMPTS = 3 };

static const char form_type[] = "application/x-www-form-urlencoded; charset=utf-8";

enum err_code creds_sts_place(const struct creds_where *w, struct creds_plan *p, struct err *reterr)
{
	const struct endpoint_options o = {.environ_ = w->environ_, .service = "sts", .region = w->region};
	struct err why;
	enum err_code code = endpoint_resolve(&o, w->profiles, &p->sts, &why);
	if (code == ERR_OK)
		return ERR_OK;
	return err_set(reterr, code == ERR_NOT_FOUND ? ERR_INVALID : code, "STS: %.200s", why.msg);
}

bool creds_sts_session_ok(const char *name)
{
	struct str s = str_c(name);
	return s.n >= 2 && s.n <= 64 && str_of(s, "_+=,.@-");
}

void creds_sts_field(struct buf *out, const char *name, struct str value)
{
	buf_z(out, "&");
	buf_z(out, name);
	buf_z(out, "=");
	codec_pct(out, value);
}

void creds_sts_form(struct buf *out, const char *action, const char *role_arn, const char *session_name)
{
	char made[40];
	(void)snprintf(made, sizeof made, "account-linkd-%lld", (long long)(clock_wall_ms() / 1000));
	buf_z(out, "Action=");
	buf_z(out, action);
	buf_z(out, "&Version=2011-06-15");
	creds_sts_field(out, "RoleArn", str_c(role_arn));
	creds_sts_field(out, "RoleSessionName", str_c(session_name != NULL ? session_name : made));
}

void creds_sts_ask(const struct creds_plan *p, struct str form, struct exchange_request *req)
{
	req->method = "POST";
	req->timeout_ms = TIMEOUT_MS;
	req->attempts = ATTEMPTS;
	req->remedy = "check the network's way to STS, AWS_REGION and AWS_ENDPOINT_URL_STS";
	buf_z(&req->url, p->sts.url);
	buf_str(&req->body, form);
	req->allow_http = true; /* as the address is configured */
	exchange_header(req, "Content-Type", str_c(form_type));
}

enum err_code creds_sts_sign(const struct creds_plan *p, struct str form, struct exchange_request *req,
                             struct err *reterr)
{
	struct sigv4_cache *cache = NULL;
	struct sigv4_lines lines;
	const struct creds_keys keys = {.access_key_id = p->keys.id,
	                                .secret_access_key = p->keys.secret,
	                                .session_token = p->keys.token};
	const struct sigv4_call call = {
	        .scope = {str_c(p->sts.sign_region), STR("sts"), clock_wall_ms() / 1000},
	        .host = str_c(p->sts.host),
	        .content_type = str_c(form_type),
	        .body = form};
	enum err_code code = sigv4_cache_new(&cache, reterr);
	if (code == ERR_OK)
		code = sigv4_sign(cache, &call, &keys, &lines, reterr);
	if (code == ERR_OK) {
		exchange_line(req, lines.date);
		exchange_line(req, lines.authorization);
		if (keys.session_token != NULL)
			exchange_header(req, "X-Amz-Security-Token", str_c(keys.session_token));
	}
	crypto_wipe(&lines, sizeof lines);
	sigv4_cache_free(cache);
	return code;
}
