#include "login/form_guard.h"

#include "base/clock.h"
#include "login/answer.h"
#include "login/trail.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "service.h"

int64_t form_guard_now_s(void)
{
	return clock_wall_ms() / 1000;
}

void form_guard_refuse(struct request *r, const char *reason)
{
	metric_add(M_STATE_REFUSED, 1);
	request_refused(r, LOG_REPEAT_FORM, reason);
	answer_start_again(r);
}

static bool from_our_page(const struct request *r)
{
	size_t n = 0;
	struct str origin = request_header(r, "Origin", &n);
	return n <= 1 && browser_origin_ours(r->service->cfg, origin, request_header(r, "Host", NULL));
}

bool form_guard_form(struct request *r, struct params *form)
{
	struct err err;
	enum err_code code = params_parse(form, r->body, &err);
	if (code != ERR_OK) {
		answer_error(r, code, &err);
		return false;
	}
	if (from_our_page(r))
		return true;
	form_guard_refuse(r, "the Origin is not ours");
	return false;
}

static struct str nonce_of(const struct request *r)
{
	return request_cookie(r, browser_cookie_name(r->service->cfg));
}

/* The answer for a token that did not open. */
static void refuse_token(struct request *r, enum err_code code, const struct err *err)
{
	if (code == ERR_DENIED)
		form_guard_refuse(r, err->msg);
	else
		answer_error(r, code, err);
}

bool form_guard_state(struct request *r, const struct params *form, struct state *ret)
{
	struct err err;
	enum err_code code = state_open(r->service->sealer, params_get(form, "state"), nonce_of(r),
	                                form_guard_now_s(), ret, &err);
	if (code != ERR_OK)
		refuse_token(r, code, &err);
	else
		trail_browser(r, ret);
	return code == ERR_OK;
}

bool form_guard_consent(struct request *r, const struct params *form, struct consent *ret)
{
	struct err err;
	enum err_code code = state_open_consent(r->service->sealer, params_get(form, "consent"), nonce_of(r),
	                                        form_guard_now_s(), ret, &err);
	if (code != ERR_OK)
		refuse_token(r, code, &err);
	else
		trail_browser(r, &ret->state);
	return code == ERR_OK;
}
