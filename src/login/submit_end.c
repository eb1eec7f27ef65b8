/* How POST /link/login ends: the login page again, or the consent page. */
#include "base/crypto.h"
#include "link/auth_code.h"
#include "obs/log.h"
#include "login/answer.h"
#include "login/form_guard.h"
#include "login/submit.h"
#include "login/trail.h"
#include "obs/metrics.h"
#include "store/fingerprint.h"

#include <stdio.h>

/* The text does not reveal why a password was refused.  So it must be true in each case: a wrong password, an
 * unknown e-mail, a right password after too many failures. */
#define WRONG                                                                                   \
	"E-mail or password is not right. If you are sure that both are right: after too many " \
	"wrong tries even the right password is refused for up to an hour. "
#define FORGOT "use 'Forgot your password?' below"

static bool has_forgot(const struct submit *f)
{
	return f->s->cfg->forgot_url[0] != '\0'; /* then the page has the link */
}

static struct str typed(const struct submit *f, const char *field)
{
	return params_get(&f->form, field);
}

void submit_tell(const struct submit *f, const char *result, const char *reason)
{
	trail_line(f->r, &f->state,
	           (struct audit){.action = "login",
	                          .result = result,
	                          .reason = reason,
	                          .customer_id = f->known ? f->customer.key.id : NULL,
	                          .email = f->email});
}

static enum submit_phase login_again(struct submit *f, unsigned status, const char *error)
{
	answer_login(f->r, status, typed(f, "state"), typed(f, "email"), error);
	return P_DONE;
}

enum submit_phase submit_refuse(struct submit *f)
{
	return login_again(f, 401,
	                   has_forgot(f) ? WRONG "Wait an hour, or " FORGOT "."
	                                 : WRONG "Wait an hour, then try again.");
}

enum submit_phase submit_throttled(struct submit *f, int64_t wait_s)
{
	char text[160];
	long long minutes = (long long)(wait_s + 59) / 60;
	metric_add(M_LOGIN_THROTTLED, 1);
	submit_tell(f, "throttled", NULL);
	(void)snprintf(text, sizeof text, "Too many tries. Please wait %lld minute%s, then try again%s.",
	               minutes, minutes == 1 ? "" : "s", has_forgot(f) ? ", or " FORGOT : "");
	answer_retry_after(f->r, wait_s);
	return login_again(f, 429, text);
}

enum submit_phase submit_fail(struct submit *f)
{
	metric_add(f->code == ERR_STORE ? M_LOGIN_STORE : M_LOGIN_BUSY, 1);
	log_line(LOG_WARN, "login not judged", log_z("reason", err_name(f->code)));
	answer_retry_after(f->r, 1);
	return login_again(f, 503, err_text(err_http_status(f->code) == 503 ? f->code : ERR_BUSY));
}

/* What Connect will take away. */
static unsigned loses(const struct submit *f)
{
	unsigned what = STATE_LOSES_NOTHING;
	bool bound = f->state.psid[0] != '\0';
	const char *linked = f->customer.link.psid;
	if (linked[0] != '\0' && !(bound && str_is(str_c(linked), f->state.psid)))
		what |= STATE_LOSES_PROFILE;
	if (f->customer.link_unknown)
		what |= STATE_LOSES_UNKNOWN;
	if (f->holder.id[0] != '\0')
		what |= STATE_LOSES_CUSTOMER;
	if (!bound) /* with CONFLICT_REFUSE too: nobody can be asked before the profile is known */
		what |= STATE_LOSES_PERHAPS;
	return what;
}

static enum err_code make_consent(const struct submit *f, struct consent *ret, struct buf *sealed)
{
	*ret = (struct consent){
	        .state = f->state, .key = f->customer.key, .replaces = f->holder, .loses = loses(f)};
	ret->state.issued_s = form_guard_now_s();
	enum err_code code = fingerprint_make(str_c(f->customer.hash), ret->record);
	if (code == ERR_OK)
		code = crypto_random(ret->salt, sizeof ret->salt);
	return code == ERR_OK ? state_seal_consent(f->s->sealer, ret, sealed) : code;
}

/* The line has the digest of the code that Connect would make, which the webhook's lines have too. */
static enum err_code tell_consent(const struct submit *f, const struct consent *c)
{
	struct auth_code_text text;
	enum err_code code = auth_code_make_as((enum config_code_style)f->s->cfg->code_style, f->s->sealer,
	                                  &c->key, c->salt, &text);
	if (code == ERR_OK)
		trail_line(f->r, &c->state,
		           (struct audit){.action = "consent",
		                          .result = "shown",
		                          .customer_id = c->key.id,
		                          .code_digest = audit_digest(str_c(text.s)).s});
	crypto_wipe(&text, sizeof text);
	return code;
}

enum submit_phase submit_consent(struct submit *f)
{
	struct consent c;
	struct buf sealed;
	submit_remember_device(f);
	if (f->customer.too_long) {
		log_line(LOG_ERROR, "login right, but the customer's key is too long for a code");
		answer_key_too_long(f->r);
		return P_DONE;
	}
	if (f->holder.id[0] != '\0' && f->s->cfg->link_conflict == CONFLICT_REFUSE) {
		trail_line(f->r, &f->state,
		           (struct audit){.action = "consent",
		                          .result = "not_shown",
		                          .reason = "profile_linked_to_another_customer",
		                          .customer_id = f->customer.key.id});
		answer_taken(f->r);
		return P_DONE;
	}
	metric_add(M_LOGIN_OK, 1);
	buf_init(&sealed, SEAL_TEXT_MAX);
	enum err_code code = make_consent(f, &c, &sealed);
	if (code == ERR_OK)
		code = tell_consent(f, &c);
	if (code == ERR_OK)
		answer_consent(f->r, 200, &c, buf_view(&sealed), NULL);
	crypto_wipe(c.salt, sizeof c.salt);
	buf_done(&sealed);
	if (code == ERR_OK)
		return P_DONE;
	f->code = code;
	return P_FAIL;
}
