/* The consent page's two buttons.
 *
 *  Connect:  CHECK -> ISSUE -> wait -> ISSUED -> back to Messenger with the code
 *              \        \                |-- used before: 'you are connected'
 *              \        \                |-- the customer's record was replaced since the login: 403
 *               \        `----------------`- not stored, FAIL: the consent page again, 503, never a redirect
 *                `- not our form, or too old: 403
 *  Not me:   back to Messenger without a code
 *
 *  One consent gives one code: the consent has its key and salt, so a second press stores the same code
 *  again. */
#include "base/crypto.h"
#include "link/auth_code.h"
#include "login/login.h"
#include "login/private.h"
#include "obs/log.h"
#include "obs/metrics.h"

enum confirm_phase { CONFIRM_WAIT, CONFIRM_CHECK, CONFIRM_ISSUE, CONFIRM_ISSUED, CONFIRM_FAIL, CONFIRM_DONE };

struct confirm {
	struct form_flow form; /* first */
	struct consent consent;
	struct auth_code_text text;
	struct audit_digest code_digest;
};

static void tell(const struct confirm *c, const char *action, const char *result, const char *reason)
{
	login_audit(c->form.r, &c->consent.state,
	            (struct audit){.action = action,
	                           .result = result,
	                           .reason = reason,
	                           .customer_id = c->consent.key.id,
	                           .code_digest = c->code_digest.s});
}

static int fail(struct confirm *c, enum err_code code)
{
	c->form.flow.code = code;
	return CONFIRM_FAIL;
}

static int check(struct confirm *c)
{
	if (!form_guard_form(c->form.r, &c->form.fields) ||
	    !form_guard_consent(c->form.r, &c->form.fields, &c->consent))
		return CONFIRM_DONE;
	enum err_code code = auth_code_make_as(c->form.s->cfg->code_style, c->form.s->sealer, &c->consent.key,
	                                       c->consent.salt, &c->text);
	if (code == ERR_OK) {
		c->code_digest = audit_digest(str_c(c->text.s));
		tell(c, "consent", "given", NULL);
	}
	if (code == ERR_TOO_LARGE) {
		answer_key_too_long(c->form.r);
		return CONFIRM_DONE;
	}
	return code == ERR_OK ? CONFIRM_ISSUE : fail(c, code);
}

static enum err_code fill(const struct confirm *c, struct store_issue *in)
{
	in->key = c->consent.key;
	in->expires_s = form_guard_now_s() + c->form.s->cfg->code_ttl;
	(void)str_copy(in->record, sizeof in->record, str_c(c->consent.record));
	(void)str_copy(in->psid, sizeof in->psid, str_c(c->consent.state.psid));
	in->replaces = c->consent.replaces;
	return crypto_sha256_text(str_c(c->text.s), in->digest);
}

static int issue(struct confirm *c)
{
	struct store_op *op = flow_op(&c->form.flow, STORE_ISSUE);
	enum err_code code = op != NULL ? fill(c, &op->in.issue) : ERR_OK;
	if (code == ERR_OK)
		return flow_store(&c->form.flow, op, CONFIRM_ISSUED);
	store_op_free(op);
	return fail(c, code);
}

static void go_back(struct confirm *c)
{
	struct buf url;
	buf_init(&url, REDIRECT_MAX + AUTH_CODE_MAX + 64);
	redirect_append(&url, str_c(c->consent.state.redirect), str_c(c->text.s));
	if (url.failed)
		answer_error(c->form.r, ERR_NOMEM, NULL);
	else
		reply_redirect(c->form.r, buf_view(&url));
	crypto_wipe_buf(&url);
}

static int issued(struct confirm *c)
{
	const struct flow *o = &c->form.flow;
	if (o->code == ERR_TOO_LARGE) { /* a retry would fail too */
		tell(c, "code", "not_issued", "record_full");
		answer_record_full(c->form.r);
		return CONFIRM_DONE;
	}
	if (o->code != ERR_OK)
		return CONFIRM_FAIL;
	if (o->out->outcome == STORE_DONE) {
		metric_add(M_CODES_ISSUED, 1);
		tell(c, "code", "issued", NULL);
		go_back(c);
		return CONFIRM_DONE;
	}
	tell(c, "code", "not_issued", store_outcome_name(o->out->outcome));
	if (o->out->outcome == STORE_USED)
		answer_connected(c->form.r);
	else if (o->out->outcome == STORE_KEPT)
		form_guard_refuse(c->form.r,
		                  "the customer was made anew, or has another password, since the login");
	else
		form_guard_refuse(c->form.r, "the customer is gone");
	return CONFIRM_DONE;
}

static int not_stored(struct confirm *c)
{
	enum err_code shown = err_http_status(c->form.flow.code) == 503 ? c->form.flow.code : ERR_STORE;
	log_line(LOG_WARN, "code_not_stored", log_z("reason", err_name(c->form.flow.code)));
	answer_retry_after(c->form.r, 1);
	answer_consent(c->form.r, 503, &c->consent, params_get(&c->form.fields, "consent"), err_text(shown));
	return CONFIRM_DONE;
}

static void confirm_run(struct flow *o)
{
	struct confirm *c = LIST_ENTRY(o, struct confirm, form.flow);
	for (;;) {
		switch ((enum confirm_phase)o->phase) {
		case CONFIRM_CHECK: flow_move(o, check(c)); break;
		case CONFIRM_ISSUE: flow_move(o, issue(c)); break;
		case CONFIRM_ISSUED: flow_move(o, issued(c)); break;
		case CONFIRM_FAIL: flow_move(o, not_stored(c)); break;
		case CONFIRM_WAIT: return;
		case CONFIRM_DONE: flow_cancel(o); return;
		}
	}
}

#define TO(phase) FLOW_TO(CONFIRM_##phase)
static const struct flow_phase phases[] = {
        [CONFIRM_WAIT] = {"start", TO(CHECK)},   [CONFIRM_CHECK] = {"check", TO(ISSUE) | TO(DONE)},
        [CONFIRM_ISSUE] = {"issue", TO(ISSUED)}, [CONFIRM_ISSUED] = {"issued", TO(DONE)},
        [CONFIRM_FAIL] = {"fail", TO(DONE)},     [CONFIRM_DONE] = {"done", 0},
};

void login_confirm(struct request *r)
{
	static const struct flow_kind kind = {.name = "confirm",
	                                      .phases = phases,
	                                      .late = CONFIRM_FAIL,
	                                      .store_ms = LOGIN_STORE_MS,
	                                      .run = confirm_run};
	form_flow_start(r, &kind, sizeof(struct confirm));
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
