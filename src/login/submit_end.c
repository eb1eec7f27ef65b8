/* How POST /link/login ends without an offer: the login page again. */
#include "login/answer.h"
#include "login/form_guard.h"
#include "login/submit.h"
#include "login/trail.h"
#include "obs/log.h"
#include "obs/metrics.h"

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
	log_line(LOG_WARN, "login_not_judged", log_z("reason", err_name(f->code)));
	answer_retry_after(f->r, 1);
	return login_again(f, 503, err_text(err_http_status(f->code) == 503 ? f->code : ERR_BUSY));
}
