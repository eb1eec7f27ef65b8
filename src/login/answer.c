#include "login/private.h"

#include "service.h"
#include "web/web.h"

#include <stdio.h>

#define TAP_LOG_IN "Go back to Messenger and tap Log In."

void answer_login(struct request *r, unsigned status, struct str state, struct str email, const char *error)
{
	struct web_fields f = {
	        .title = STR("Connect your account"), .state = state, .email = email, .error = str_c(error)};
	web_reply(r, status, WEB_LOGIN, &f);
}

void answer_consent(struct request *r, unsigned status, const struct consent *c, struct str sealed,
                    const char *error)
{
	struct web_fields f = {.title = STR("Connect with Messenger?"),
	                       .consent = sealed,
	                       .email = str_c(c->key.email),
	                       .profile = str_c(c->state.profile),
	                       .error = str_c(error)};
	if (c->loses & STATE_LOSES_PROFILE)
		f.loses_profile = STR(
		        "This account is connected with a Messenger profile already. If you connect "
		        "another one, that earlier connection ends.");
	if (c->loses & STATE_LOSES_UNKNOWN)
		f.loses_perhaps = STR("If this account or this Messenger profile was connected with another "
		                      "one, that connection ends.");
	if (c->loses & STATE_LOSES_CUSTOMER)
		f.loses_customer = STR(
		        "This Messenger profile is connected with another account. That connection ends.");
	if ((c->loses & STATE_LOSES_PERHAPS) && f.loses_perhaps.n == 0)
		f.loses_perhaps = STR("If this Messenger profile was connected with another account, that "
		                      "connection ends.");
	web_reply(r, status, WEB_CONSENT, &f);
}

void answer_tap_login(struct request *r)
{
	web_message(r, 400, "Please start in Messenger",
	            "This page opens from the Log In button in the Messenger app. The address that opened it "
	            "now is not complete or not valid.",
	            TAP_LOG_IN);
}

void answer_link_expired(struct request *r)
{
	web_message(r, 400, "Please tap Log In again",
	            "The link that opened this page was already used, or it is older than 5 minutes. Nothing "
	            "was connected.",
	            TAP_LOG_IN);
}

void answer_unbound(struct request *r)
{
	answer_retry_after(r, 5);
	web_message(
	        r, 503, "Please try again in a moment",
	        "Facebook did not tell us which Messenger profile this link belongs to, so nothing can be "
	        "connected now.",
	        TAP_LOG_IN);
}

void answer_start_again(struct request *r)
{
	web_message(r, 403, "Please start again",
	            "This page is too old, or it was opened in another browser. Nothing was connected.",
	            TAP_LOG_IN);
}

void answer_connected(struct request *r)
{
	web_message(r, 200, "You are connected", "Your account is connected with Messenger.",
	            "Go back to Messenger.");
}

void answer_taken(struct request *r)
{
	web_message(r, 409, "Already connected",
	            "This Messenger profile is connected with another account. Nothing was changed.",
	            "Go back to Messenger, tap Log Out there, then tap Log In again.");
}

void answer_key_too_long(struct request *r)
{
	web_message(
	        r, 500, "This account cannot be connected",
	        "The customer number and the e-mail of this account are too long together to be connected "
	        "with Messenger. Nothing was connected.",
	        "Please tell the customer service, with the support id below.");
}

void answer_record_full(struct request *r)
{
	web_message(r, 500, "This account cannot be connected",
	            "The record of this account has no room left. Nothing was connected.",
	            "Please tell the customer service, with the support id below.");
}

void answer_error(struct request *r, enum err_code code, const struct err *e)
{
	reply_error(r, code, NULL, e);
}

void answer_retry_after(struct request *r, int64_t seconds)
{
	char text[24];
	int n = snprintf(text, sizeof text, "%lld", (long long)seconds);
	reply_header(r, "Retry-After", (struct str){text, (size_t)n});
}
