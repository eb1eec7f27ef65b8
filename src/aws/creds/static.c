/* aws/creds/static.c - keys that are configured: in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, in
 * the shared credentials file or in the config file.  Single sign-on, which needs a person, is refused. */
#include <stdio.h>

#include "aws/creds/private.h"
#include "base/time.h"

static enum err_code plan(const struct creds_where *w, struct creds_plan *p, struct err *reterr)
{
	const char *id = env_get(w->environ_, "AWS_ACCESS_KEY_ID");
	const char *secret = env_get(w->environ_, "AWS_SECRET_ACCESS_KEY");
	const char *token = env_get(w->environ_,
	                            "AWS_SECURITY_TOKEN"); /* the old name; botocore prefers it too */
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

static enum err_code plan_from(enum profile_from from, const struct creds_where *w, struct creds_plan *p,
                               struct err *reterr)
{
	const char *id = profile_get(w->profiles, from, w->profile, "aws_access_key_id");
	const char *secret = profile_get(w->profiles, from, w->profile, "aws_secret_access_key");
	const char *token = profile_get(w->profiles, from, w->profile, "aws_security_token");
	if (id == NULL)
		return ERR_NOT_FOUND;
	if (token == NULL)
		token = profile_get(w->profiles, from, w->profile, "aws_session_token");
	(void)snprintf(p->source, sizeof p->source, "profile %.60s in %.170s", w->profile,
	               profile_file(w->profiles, from));
	if (secret == NULL)
		return err_set(reterr, ERR_INVALID, "%.180s: aws_access_key_id has no aws_secret_access_key",
		               p->source);
	if (!creds_draft_set(&p->keys.id, str_c(id)) || !creds_draft_set(&p->keys.secret, str_c(secret)) ||
	    !creds_draft_set(&p->keys.token, str_c(token)) ||
	    !creds_draft_set(&p->keys.account,
	                     str_c(profile_get(w->profiles, from, w->profile, "aws_account_id"))))
		return err_set(reterr, ERR_NOMEM, "no memory for credentials");
	return creds_draft_check(&p->keys, p->source, reterr);
}

static enum err_code plan_shared(const struct creds_where *w, struct creds_plan *p, struct err *reterr)
{
	return plan_from(PROFILE_CREDENTIALS, w, p, reterr);
}

static enum err_code plan_config(const struct creds_where *w, struct creds_plan *p, struct err *reterr)
{
	return plan_from(PROFILE_CONFIG, w, p, reterr);
}

static enum err_code plan_sso(const struct creds_where *w, struct creds_plan *p, struct err *reterr)
{
	(void)p;
	if (profile_get(w->profiles, PROFILE_BOTH, w->profile, "sso_role_name") == NULL &&
	    profile_get(w->profiles, PROFILE_BOTH, w->profile, "sso_account_id") == NULL)
		return ERR_NOT_FOUND;
	return err_set(reterr, ERR_INVALID,
	               "profile %.64s uses single sign-on, which needs a person; use a role, keys or "
	               "credential_process",
	               w->profile);
}

const struct creds_provider creds_shared_provider = {"shared-credentials-file", plan_shared};
const struct creds_provider creds_config_provider = {"config-file", plan_config};
const struct creds_provider creds_sso_provider = {"sso", plan_sso};
