#include "login/method.h"

#include "login/answer.h"
#include "service.h"

/* E-mail and password on our page; the form goes to login/submit.c. */
static void begin_password(struct request *r, struct str sealed_state)
{
	answer_login(r, 200, sealed_state, (struct str){NULL, 0}, NULL);
}

static const struct login_method methods[] = {
        [LOGIN_PASSWORD] = {begin_password},
};

const struct login_method *login_method(const struct config *cfg)
{
	return &methods[cfg->login];
}
