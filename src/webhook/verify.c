#include "base/crypto.h"
#include "config/config.h"
#include "http/params.h"
#include "obs/metrics.h"
#include "service.h"
#include "webhook/webhook.h"

enum { CHALLENGE_MAX = 256 };

static bool right(const struct params *p, struct str token)
{
	struct str challenge = params_get(p, "hub.challenge");
	if (token.n == 0 || !str_is(params_get(p, "hub.mode"), "subscribe"))
		return false;
	if (challenge.n == 0 || challenge.n > CHALLENGE_MAX || !str_printable(challenge))
		return false;
	return crypto_str_equal(params_get(p, "hub.verify_token"), token);
}

void webhook_verify(struct request *r)
{
	static const char *const own[] = {"hub.mode", "hub.challenge", "hub.verify_token", NULL};
	struct params p;
	struct err err;
	enum err_code code = params_parse_own(&p, r->query, own, &err);
	if (code == ERR_NOMEM)
		reply_error(r, code, NULL, &err);
	else if (code != ERR_OK || !right(&p, str_c(r->service->cfg->verify_token))) {
		metric_add(M_WEBHOOK_BAD_TOKEN, 1);
		request_refused(r, LOG_REPEAT_VERIFY_TOKEN, NULL);
		reply_error(r, ERR_DENIED, NULL, NULL);
	} else
		reply_text(r, 200, params_get(&p, "hub.challenge"));
	params_done(&p);
}
