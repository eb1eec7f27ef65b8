/* GET /link: the login page.
 *
 *  P_CHECK --address and token fine--> P_BIND --> P_METHOD --> P_SHOW
 *     \-- not: 400                       |            \-- here the company's own login page will branch off
 *                                        \-- here the Messenger profile of the token will be asked for */
#include "login/answer.h"
#include "login/form_guard.h"
#include "login/login.h"
#include "login/trail.h"

#include "http/params.h"
#include "service.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "web/web.h"

#include <stdlib.h>

struct page {
	struct request *r;
	enum phase { P_CHECK, P_BIND, P_METHOD, P_SHOW, P_DONE } phase;
	struct state state;
};

static void page_cleanup(struct request *r)
{
	free(r->flow);
	r->flow = NULL;
}

static void refuse(struct page *p, const char *reason)
{
	request_refused(p->r, LOG_REPEAT_ADDRESS, reason);
	metric_add(M_REDIRECT_REFUSED, 1);
	answer_tap_login(p->r);
}

/* Keep token and address when they are what Facebook sends; the reason why not otherwise. */
static const char *take(struct page *p, const struct params *query)
{
	struct str token = params_get(query, "account_linking_token");
	struct str redirect = params_get(query, "redirect_uri");
	if (!redirect_token_ok(token))
		return token.p == NULL ? "no account_linking_token"
		                       : "the account_linking_token is malformed";
	enum redirect_verdict v = redirect_check(p->r->service->cfg, token, redirect);
	if (v != REDIRECT_OK)
		return redirect_reason(v);
	if (!str_copy(p->state.token, sizeof p->state.token, token) ||
	    !str_copy(p->state.redirect, sizeof p->state.redirect, redirect))
		return "token or address too long";
	return NULL;
}

static enum phase check(struct page *p)
{
	static const char *const own[] = {"account_linking_token", "redirect_uri", NULL};
	struct params query;
	struct err err;
	enum err_code code = params_parse_own(&query, p->r->query, own, &err);
	const char *reason = code == ERR_OK ? take(p, &query) : err.msg;
	params_done(&query);
	if (code == ERR_NOMEM)
		answer_error(p->r, code, &err);
	else if (reason != NULL)
		refuse(p, reason);
	return reason == NULL ? P_BIND : P_DONE;
}

/* Unbound for now: any profile may use the code. */
static enum phase bind(struct page *p)
{
	p->state.psid[0] = p->state.page_id[0] = '\0';
	return P_METHOD;
}

static enum phase method(const struct page *p)
{
	switch ((enum config_login)p->r->service->cfg->login) {
	case LOGIN_PASSWORD: return P_SHOW;
	}
	return P_SHOW;
}

static void set_cookie(struct request *r, const struct browser_nonce *nonce)
{
	struct buf text;
	buf_init(&text, 256);
	browser_cookie(r->service->cfg, nonce, &text);
	reply_header(r, "Set-Cookie", buf_view(&text));
	buf_done(&text);
}

static enum err_code seal(struct page *p, struct browser_nonce *nonce, struct buf *out)
{
	struct request *r = p->r;
	enum err_code code = browser_nonce(request_cookie(r, browser_cookie_name(r->service->cfg)), nonce);
	if (code == ERR_OK)
		code = browser_digest(str_c(nonce->s), p->state.browser);
	trail_browser(r, &p->state);
	p->state.issued_s = form_guard_now_s();
	return code == ERR_OK ? state_seal(r->service->sealer, &p->state, out) : code;
}

static enum phase show(struct page *p)
{
	struct browser_nonce nonce;
	struct buf sealed;
	buf_init(&sealed, SEAL_TEXT_MAX);
	enum err_code code = seal(p, &nonce, &sealed);
	if (code == ERR_OK && nonce.made)
		set_cookie(p->r, &nonce);
	if (code == ERR_OK)
		answer_login(p->r, 200, buf_view(&sealed), (struct str){NULL, 0}, NULL);
	else
		answer_error(p->r, code, NULL);
	buf_done(&sealed);
	return P_DONE;
}

static void page_run(struct page *p)
{
	while (p->phase != P_DONE) {
		switch (p->phase) {
		case P_CHECK: p->phase = check(p); break;
		case P_BIND: p->phase = bind(p); break;
		case P_METHOD: p->phase = method(p); break;
		case P_SHOW: p->phase = show(p); break;
		case P_DONE: break;
		}
	}
}

void login_page(struct request *r)
{
	struct page *p = calloc(1, sizeof *p);
	if (p == NULL) {
		answer_error(r, ERR_NOMEM, NULL);
		return;
	}
	p->r = r;
	r->flow = p;
	r->cleanup = page_cleanup;
	page_run(p);
}

void login_style(struct request *r)
{
	web_style(r);
}
