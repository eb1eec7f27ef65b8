/* aws/creds/web.c - a role for a web identity token (IRSA of EKS, GitHub Actions and others).
 *
 * The token file is read for every call, because it is rotated. */
#include <string.h>

#include "aws/creds/private.h"
#include "base/crypto.h"
#include "base/file.h"

enum { TOKEN_MAX = 20 * 1024 };

#define ACTION "AssumeRoleWithWebIdentity"

/* The variable, else the profile's key; each of the three separately, as in botocore. */
static const char *setting(const struct creds_where *w, const char *variable, const char *key)
{
	const char *value = w->use_env ? env_get(w->environ_, variable) : NULL;
	if (value == NULL)
		value = profile_get(w->profiles, PROFILE_BOTH, w->profile, key);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

static enum err_code read_token(const char *file, struct buf *out, struct err *reterr)
{
	struct err why;
	enum err_code code = file_read(file, FILE_PLAIN, TOKEN_MAX, out, &why);
	if (code != ERR_OK)
		return err_set(reterr, ERR_INVALID,
		               "web identity token file %.120s (AWS_WEB_IDENTITY_TOKEN_FILE) %s", file,
		               why.msg);
	struct str token = str_trim(buf_view(out));
	if (token.n == 0 || !str_printable(token))
		return err_set(reterr, ERR_INVALID,
		               "web identity token file %.120s (AWS_WEB_IDENTITY_TOKEN_FILE) %s", file,
		               token.n == 0 ? "is empty" : "holds no token");
	return ERR_OK;
}

static enum exchange_next step(void *arg, const struct exchange_answer *a, struct exchange_request *req,
                               struct err *reterr)
{
	struct creds_plan *p = arg;
	if (a != NULL)
		return creds_sts_take(p, ACTION, a, reterr);
	creds_sts_ask(p, buf_view(&p->token), req);
	return EXCHANGE_SEND;
}

static enum err_code make_form(struct creds_plan *p, const char *role, const char *session, struct str token,
                               struct err *reterr)
{
	creds_sts_form(&p->token, ACTION, role, session);
	creds_sts_field(&p->token, "WebIdentityToken", str_trim(token));
	return p->token.failed ? err_set(reterr, ERR_INVALID, "the web identity token is too long") : ERR_OK;
}

static enum err_code plan(const struct creds_where *w, struct creds_plan *p, struct err *reterr)
{
	const char *file = setting(w, "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
	const char *role = setting(w, "AWS_ROLE_ARN", "role_arn");
	const char *session = setting(w, "AWS_ROLE_SESSION_NAME", "role_session_name");
	struct buf token;
	if (file == NULL)
		return ERR_NOT_FOUND;
	if (role == NULL)
		return err_set(
		        reterr, ERR_INVALID,
		        "AWS_WEB_IDENTITY_TOKEN_FILE is set but no role: set AWS_ROLE_ARN (or role_arn of "
		        "profile %.64s)",
		        w->profile);
	if (session != NULL && !creds_sts_session_ok(session))
		return err_set(
		        reterr, ERR_INVALID,
		        "AWS_ROLE_SESSION_NAME (role_session_name) must be 2 to 64 of letters, digits and "
		        "_+=,.@-");
	buf_init(&token, TOKEN_MAX + 8192);
	enum err_code code = creds_sts_place(w, p, reterr);
	if (code == ERR_OK)
		code = read_token(file, &token, reterr);
	if (code == ERR_OK)
		code = make_form(p, role, session, buf_view(&token), reterr);
	crypto_wipe_buf(&token);
	if (code == ERR_OK) {
		p->step = step;
		(void)str_copy(p->source, sizeof p->source, STR("AWS_WEB_IDENTITY_TOKEN_FILE"));
	}
	return code;
}

const struct creds_provider creds_web_provider = {"assume-role-with-web-identity", plan};
