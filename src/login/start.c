/* GET /link: checks what Facebook sent, asks Facebook for the Messenger profile (only with a page token), makes the
 * sealed state, and begins the method of login.
 *
 *   check --------------------------------------------------> first page of the method
 *     `--> binding_start --> found: the state is bound to it --^
 *              |--> unknown: not bound, or 503 with LINKD_REQUIRE_PSID_BINDING
 *              `--> expired: 'tap Log In again' */
#include "facebook/binding.h"
#include "http/params.h"
#include "login/login.h"
#include "login/private.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "service.h"
#include "web/web.h"

#include <stdlib.h>

/* E-mail and password on our page; the form goes to login/submit.c. */
static void begin_password(struct request *r, struct str sealed_state)
{
	answer_login(r, 200, sealed_state, (struct str){NULL, 0}, NULL);
}

/* The ways to log in, one row each.  A method finds out which customer it is, and then starts an offer (private.h).  To
 * add one: its file, a row here, its word in LINKD_LOGIN (config/settings.def), and the routes it needs.
 * `begin` is called after GET /link passed its checks, and answers with the first page of the method, which carries the
 * sealed state. */
static const struct {
	void (*begin)(struct request *r, struct str sealed_state);
} methods[] = {
        [LOGIN_PASSWORD] = {begin_password},
};

static void refuse(struct request *r, const char *reason)
{
	request_refused(r, LOG_REPEAT_ADDRESS, reason);
	metric_add(M_REDIRECT_REFUSED, 1);
	answer_tap_login(r);
}

/* Copy the token and the return address to `ret`.  Returns NULL, or the reason for a refusal. */
static const char *take(const struct request *r, const struct params *query, struct state *ret)
{
	struct str token = params_get(query, "account_linking_token");
	struct str redirect = params_get(query, "redirect_uri");
	if (!redirect_token_ok(token))
		return token.p == NULL ? "no account_linking_token"
		                       : "the account_linking_token is malformed";
	enum redirect_verdict v = redirect_check(r->service->cfg, token, redirect);
	if (v != REDIRECT_OK)
		return redirect_reason(v);
	if (!str_copy(ret->token, sizeof ret->token, token) ||
	    !str_copy(ret->redirect, sizeof ret->redirect, redirect))
		return "token or address too long";
	return NULL;
}

/* False: the request is answered. */
static bool check(struct request *r, struct state *ret)
{
	static const char *const own[] = {"account_linking_token", "redirect_uri", NULL};
	struct params query;
	struct err err;
	enum err_code code = params_parse_own(&query, r->query, own, &err);
	const char *reason = code == ERR_OK ? take(r, &query, ret) : err.msg;
	params_done(&query);
	if (code == ERR_NOMEM)
		answer_error(r, code, &err);
	else if (reason != NULL)
		refuse(r, reason);
	return reason == NULL;
}

static void set_cookie(struct request *r, const struct state_nonce *nonce)
{
	struct buf text;
	buf_init(&text, 256);
	state_cookie(r->service->cfg, nonce, &text);
	reply_header(r, "Set-Cookie", buf_view(&text));
	buf_done(&text);
}

static enum err_code seal(struct request *r, struct state *state, struct state_nonce *nonce, struct buf *out)
{
	enum err_code code = state_nonce(request_cookie(r, state_cookie_name(r->service->cfg)), nonce);
	if (code == ERR_OK)
		code = state_browser_digest(str_c(nonce->s), state->browser);
	login_note_browser(r, state);
	state->issued_s = form_guard_now_s();
	return code == ERR_OK ? state_seal(r->service->sealer, state, out) : code;
}

static void show_page(struct request *r, struct state *state)
{
	struct state_nonce nonce;
	struct buf sealed;
	buf_init(&sealed, SEAL_TEXT_MAX);
	enum err_code code = seal(r, state, &nonce, &sealed);
	if (code == ERR_OK && nonce.made)
		set_cookie(r, &nonce);
	if (code == ERR_OK)
		methods[r->service->cfg->login].begin(r, buf_view(&sealed));
	else
		answer_error(r, code, NULL);
	buf_done(&sealed);
}

/* --- the Messenger profile that the linking token belongs to, if Facebook tells it */

struct start {
	struct request *r;
	struct state state;
	struct binding binding;
};

static void show_bound(struct start *s)
{
	const struct graph_recipient *who = &s->binding.who;
	metric_add(M_BINDING_FOUND, 1);
	(void)str_copy(s->state.psid, sizeof s->state.psid, str_c(who->psid));
	(void)str_copy(s->state.page_id, sizeof s->state.page_id, str_c(who->page_id));
	(void)str_copy(s->state.profile, sizeof s->state.profile, str_c(s->binding.name.s));
	show_page(s->r, &s->state);
}

static void refuse_expired(const struct start *s)
{
	metric_add(M_BINDING_EXPIRED, 1);
	request_refused(s->r, LOG_REPEAT_ADDRESS, "Facebook does not know the account_linking_token");
	answer_link_expired(s->r);
}

static void show_unbound(struct start *s)
{
	metric_add(M_BINDING_UNKNOWN, 1);
	log_line(LOG_DEBUG, "binding_unknown", log_z("reason", s->binding.reason));
	if (s->r->service->cfg->require_psid_binding == BINDING_REQUIRED)
		answer_unbound(s->r);
	else
		show_page(s->r, &s->state);
}

static void on_binding(struct binding *b)
{
	struct start *s = LIST_ENTRY(b, struct start, binding);
	switch (b->result) {
	case BINDING_FOUND: show_bound(s); break;
	case BINDING_EXPIRED: refuse_expired(s); break;
	case BINDING_UNKNOWN: show_unbound(s); break;
	}
}

static void start_cleanup(struct request *r)
{
	struct start *s = r->flow;
	binding_cancel(&s->binding);
	free(s);
	r->flow = NULL;
}

static void find_profile(struct request *r, const struct state *state)
{
	struct start *s = calloc(1, sizeof *s);
	if (s == NULL) {
		answer_error(r, ERR_NOMEM, NULL);
		return;
	}
	s->r = r;
	s->state = *state;
	s->binding = (struct binding){.graph = r->service->graph,
	                              .http = r->service->http,
	                              .loop = r->loop,
	                              .token = s->state.token,
	                              .client = r->client,
	                              .scope = r->id,
	                              .done = on_binding};
	r->flow = s;
	r->cleanup = start_cleanup;
	if (!binding_start(&s->binding))
		on_binding(&s->binding);
}

void login_page(struct request *r)
{
	struct state state = {.psid = ""};
	if (!check(r, &state))
		return;
	if (r->service->graph != NULL)
		find_profile(r, &state);
	else
		show_page(r, &state);
}

void login_style(struct request *r)
{
	web_style(r);
}
