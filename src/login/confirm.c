/* The consent page's two buttons.
 *
 *  Connect:  P_CHECK -> P_ISSUE -> wait -> P_ISSUED -> back to Messenger with the code
 *               \          \                  |-- used before: 'you are connected'
 *               \          \                  |-- the customer's record was replaced since the login: 403
 *                \          `------------------`- not stored: the consent page again, 503, never a redirect
 *                 `- not our form, or too old: 403
 *  Not me:   P_CHECK -> back to Messenger without a code
 *
 *  One consent gives one code: the consent has its key and salt, so a second press stores the same code
 *  again. */
#include "base/crypto.h"
#include "link/auth_code.h"
#include "login/login.h"
#include "login/private.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "service.h"

#include <stdlib.h>

enum {
	LIMIT_MS = 500,  /* before the request's own deadline, so that the page keeps the form */
	STORE_MS = 3000, /* the store operation */
};

struct confirm {
	struct request *r;
	const struct service *s;
	enum phase { P_CHECK, P_ISSUE, P_ISSUED, P_FAIL, P_WAIT, P_DONE } phase;
	struct params form;
	struct consent consent;
	struct auth_code_text text;
	struct audit_digest code_digest;
	struct store_op *op; /* running, else NULL */
	struct loop_timer limit;
	enum err_code code; /* what the operation came to; why P_FAIL */
	enum store_outcome outcome;
};

static void confirm_run(struct confirm *c);

static void resume(struct confirm *c, enum phase phase)
{
	log_scope(c->r->id);
	c->phase = phase;
	confirm_run(c);
	log_scope(NULL);
}

static void tell(const struct confirm *c, const char *action, const char *result, const char *reason)
{
	login_audit(c->r, &c->consent.state,
	            (struct audit){.action = action,
	                           .result = result,
	                           .reason = reason,
	                           .customer_id = c->consent.key.id,
	                           .code_digest = c->code_digest.s});
}

static enum phase fail(struct confirm *c, enum err_code code)
{
	c->code = code;
	return P_FAIL;
}

static enum phase check(struct confirm *c)
{
	if (!form_guard_form(c->r, &c->form) || !form_guard_consent(c->r, &c->form, &c->consent))
		return P_DONE;
	enum err_code code = auth_code_make_as((enum config_code_style)c->s->cfg->code_style, c->s->sealer,
	                                       &c->consent.key, c->consent.salt, &c->text);
	if (code == ERR_OK) {
		c->code_digest = audit_digest(str_c(c->text.s));
		tell(c, "consent", "given", NULL);
	}
	if (code == ERR_TOO_LARGE) {
		answer_key_too_long(c->r);
		return P_DONE;
	}
	return code == ERR_OK ? P_ISSUE : fail(c, code);
}

static enum err_code fill(const struct confirm *c, struct store_issue *in)
{
	in->key = c->consent.key;
	in->expires_s = form_guard_now_s() + c->s->cfg->code_ttl;
	(void)str_copy(in->record, sizeof in->record, str_c(c->consent.record));
	(void)str_copy(in->psid, sizeof in->psid, str_c(c->consent.state.psid));
	in->replaces = c->consent.replaces;
	return digest_text(str_c(c->text.s), in->digest);
}

static void on_issued(void *arg, struct store_op *op)
{
	struct confirm *c = arg;
	c->op = NULL;
	c->code = op->code;
	c->outcome = op->out.outcome;
	resume(c, P_ISSUED);
}

static enum phase issue(struct confirm *c)
{
	struct err err;
	int64_t at = loop_now_ms(c->r->loop) + STORE_MS, last = c->r->deadline_ms - LIMIT_MS;
	struct store_op *op = store_op_new(STORE_ISSUE, at < last ? at : last);
	if (op == NULL)
		return fail(c, ERR_NOMEM);
	enum err_code code = fill(c, &op->in.issue);
	if (code != ERR_OK) {
		store_op_free(op);
		return fail(c, code);
	}
	code = store_start(c->s->store, op, on_issued, c, &err);
	if (code != ERR_OK)
		return fail(c, code);
	c->op = op;
	return P_WAIT;
}

static void go_back(struct confirm *c)
{
	struct buf url;
	buf_init(&url, REDIRECT_MAX + AUTH_CODE_MAX + 64);
	redirect_append(&url, str_c(c->consent.state.redirect), str_c(c->text.s));
	if (url.failed)
		answer_error(c->r, ERR_NOMEM, NULL);
	else
		reply_redirect(c->r, buf_view(&url));
	crypto_wipe_buf(&url);
}

static enum phase issued(struct confirm *c)
{
	if (c->code == ERR_TOO_LARGE) { /* a retry would fail too */
		tell(c, "code", "not_issued", "record_full");
		answer_record_full(c->r);
		return P_DONE;
	}
	if (c->code != ERR_OK)
		return P_FAIL;
	if (c->outcome != STORE_DONE)
		tell(c, "code", "not_issued", store_outcome_name(c->outcome));
	if (c->outcome == STORE_DONE) {
		metric_add(M_CODES_ISSUED, 1);
		tell(c, "code", "issued", NULL);
		go_back(c);
	} else if (c->outcome == STORE_USED)
		answer_connected(c->r);
	else if (c->outcome == STORE_KEPT)
		form_guard_refuse(c->r,
		                  "the customer was made anew, or has another password, since the login");
	else
		form_guard_refuse(c->r, "the customer is gone");
	return P_DONE;
}

static enum phase not_stored(struct confirm *c)
{
	enum err_code shown = err_http_status(c->code) == 503 ? c->code : ERR_STORE;
	log_line(LOG_WARN, "code_not_stored", log_z("reason", err_name(c->code)));
	answer_retry_after(c->r, 1);
	answer_consent(c->r, 503, &c->consent, params_get(&c->form, "consent"), err_text(shown));
	return P_DONE;
}

static void stop(struct confirm *c)
{
	loop_timer_clear(c->r->loop, &c->limit);
	if (c->op != NULL)
		store_cancel(c->op);
	c->op = NULL;
}

static void confirm_run(struct confirm *c)
{
	for (;;) {
		switch (c->phase) {
		case P_CHECK: c->phase = check(c); break;
		case P_ISSUE: c->phase = issue(c); break;
		case P_ISSUED: c->phase = issued(c); break;
		case P_FAIL: c->phase = not_stored(c); break;
		case P_WAIT: return;
		case P_DONE: stop(c); return;
		}
	}
}

static void on_limit(struct loop_timer *t)
{
	struct confirm *c = LIST_ENTRY(t, struct confirm, limit);
	stop(c);
	c->code = ERR_TIMEOUT;
	resume(c, P_FAIL);
}

static void confirm_cleanup(struct request *r)
{
	struct confirm *c = r->flow;
	stop(c);
	params_done(&c->form);
	crypto_wipe(c, sizeof *c);
	free(c);
	r->flow = NULL;
}

void login_confirm(struct request *r)
{
	struct confirm *c = calloc(1, sizeof *c);
	if (c == NULL) {
		answer_error(r, ERR_NOMEM, NULL);
		return;
	}
	c->r = r;
	c->s = r->service;
	c->limit.fn = on_limit;
	r->flow = c;
	r->cleanup = confirm_cleanup;
	if (loop_timer_set(r->loop, &c->limit, r->deadline_ms - LIMIT_MS) == ERR_OK)
		confirm_run(c);
	else
		answer_error(r, ERR_NOMEM, NULL);
}

void login_cancel(struct request *r)
{
	struct params form;
	struct consent consent;
	if (form_guard_form(r, &form) && form_guard_consent(r, &form, &consent)) {
		metric_add(M_CONSENT_CANCELLED, 1);
		login_audit(r, &consent.state,
		            (struct audit){
		                    .action = "consent", .result = "refused", .customer_id = consent.key.id});
		reply_redirect(r, str_c(consent.state.redirect));
	}
	params_done(&form);
	crypto_wipe(&consent, sizeof consent);
}
