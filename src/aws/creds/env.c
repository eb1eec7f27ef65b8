/* aws/creds/env.c - AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. */
#include "aws/env.h"
#include "aws/creds/plan.h"
#include "base/time.h"

static enum err_code plan(const struct creds_where *w, struct creds_plan *p, struct err *reterr)
{
	const char *id = env_get(w->environ_, "AWS_ACCESS_KEY_ID");
	const char *secret = env_get(w->environ_, "AWS_SECRET_ACCESS_KEY");
	const char *token = env_get(w->environ_,
	                            "AWS_SECURITY_TOKEN"); /* the old name, first in botocore too */
	const char *expiry = env_get(w->environ_, "AWS_CREDENTIAL_EXPIRATION");
	if (id == NULL)
		return ERR_NOT_FOUND;
	if (secret == NULL)
		return err_set(reterr, ERR_INVALID,
		               "AWS_ACCESS_KEY_ID is set but not AWS_SECRET_ACCESS_KEY; set both or neither");
	if (token == NULL)
		token = env_get(w->environ_, "AWS_SESSION_TOKEN");
	if (expiry != NULL && !time_read_rfc3339(str_c(expiry), &p->keys.expires_at_s))
		return err_set(reterr, ERR_INVALID,
		               "AWS_CREDENTIAL_EXPIRATION is not a time such as 2026-01-31T23:59:59Z");
	if (!creds_draft_set(&p->keys.id, str_c(id)) || !creds_draft_set(&p->keys.secret, str_c(secret)) ||
	    !creds_draft_set(&p->keys.token, str_c(token)) ||
	    !creds_draft_set(&p->keys.account, str_c(env_get(w->environ_, "AWS_ACCOUNT_ID"))))
		return err_set(reterr, ERR_NOMEM, "no memory for credentials");
	(void)str_copy(p->source, sizeof p->source, STR("AWS_ACCESS_KEY_ID"));
	return creds_draft_check(&p->keys, "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN",
	                         reterr);
}

const struct creds_provider creds_env_provider = {"env", plan};
