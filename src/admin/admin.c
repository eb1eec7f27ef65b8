#include "admin/admin.h"

#include "base/crypto.h"
#include "link/service.h"
#include "metrics.h"

enum { METRICS_TEXT_MAX = 1024 * 1024 };

/* RFC 6750 section 2.1; the scheme is case-insensitive (RFC 9110 section 11.1). */
static bool bearer(struct str header, struct str *ret_token)
{
	struct str scheme;
	return str_cut(header, ' ', &scheme, ret_token) && str_ieq(scheme, STR("Bearer"));
}

enum err_code admin_authorize(struct request *r, struct err *reterr)
{
	struct str want = str_c(r->service->cfg->admin_token);
	if (want.n == 0)
		return err_set(reterr, ERR_NOT_FOUND, "LINKD_ADMIN_TOKEN is not set");
	size_t count;
	struct str header = request_header(r, "Authorization", &count);
	struct str token;
	if (count == 1 && bearer(header, &token) && crypto_str_equal(str_trim(token), want))
		return ERR_OK;
	request_refused(r, LOG_REPEAT_ADMIN_TOKEN, NULL);
	reply_header(r, "WWW-Authenticate", STR("Bearer realm=\"account-linkd\""));
	return err_set(reterr, ERR_UNAUTHORIZED, count == 0 ? "no token" : "a wrong token");
}

void admin_tell(const struct request *r, struct audit a)
{
	a.way = "admin";
	a.client = r->client;
	audit_line(&a);
}

void admin_metrics(struct request *r)
{
	struct buf text;
	buf_init(&text, METRICS_TEXT_MAX);
	metrics_write(&text);
	reply_cacheable(r, "no-cache");
	reply_body(r, 200, "text/plain; version=0.0.4; charset=utf-8", &text);
}
