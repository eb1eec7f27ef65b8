#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/creds/private.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/time.h"

enum { ID_MAX = 128, SECRET_MAX = 256, TOKEN_MAX = 16 * 1024 };

static const struct creds_provider *const order[] = {
        &creds_env_provider,    &creds_role_provider,
        &creds_web_provider,    &creds_sso_provider,
        &creds_shared_provider, &creds_process_provider,
        &creds_config_provider, &creds_container_provider,
        &creds_imds_provider,   NULL,
};

static void wipe_text(char **slot)
{
	char *p = *slot;
	*slot = NULL;
	if (p != NULL)
		crypto_wipe(p, strlen(p));
	free(p);
}

void creds_draft_free(struct creds_draft *d)
{
	wipe_text(&d->id);
	wipe_text(&d->secret);
	wipe_text(&d->token);
	wipe_text(&d->account);
	*d = (struct creds_draft){0};
}

bool creds_draft_set(char **slot, struct str value)
{
	wipe_text(slot);
	if (value.n == 0)
		return true;
	*slot = calloc(1, value.n + 1);
	return *slot != NULL && str_copy(*slot, value.n + 1, value);
}

static bool fits(const char *value, size_t max, const char *refused)
{
	return value != NULL && strlen(value) <= max && str_printable(str_c(value)) &&
	       strpbrk(value, refused) == NULL;
}

enum err_code creds_draft_check(const struct creds_draft *d, const char *where, struct err *reterr)
{
	const char *wrong = NULL;
	if (!fits(d->id, ID_MAX, " ,/"))
		wrong = "access key id";
	else if (!fits(d->secret, SECRET_MAX, " "))
		wrong = "secret access key";
	else if (d->token != NULL && !fits(d->token, TOKEN_MAX, " "))
		wrong = "session token";
	if (wrong == NULL)
		return ERR_OK;
	return err_set(reterr, ERR_INVALID, "%.150s: the %s is missing, empty, cut or not a key", where,
	               wrong);
}

void creds_plan_init(struct creds_plan *p)
{
	*p = (struct creds_plan){.provider = ""};
	buf_init(&p->url, 4096);
	buf_init(&p->token, EXCHANGE_BODY_MAX);
}

void creds_plan_free(struct creds_plan *p)
{
	creds_draft_free(&p->keys);
	for (size_t i = 0; i < p->hops; i++) {
		wipe_text(&p->hop[i].role_arn);
		wipe_text(&p->hop[i].session_name);
		wipe_text(&p->hop[i].external_id);
	}
	crypto_wipe_buf(&p->url);
	crypto_wipe_buf(&p->token);
	crypto_wipe(&p->imds, sizeof p->imds);
	creds_plan_init(p);
}

enum err_code creds_plan_first(const struct creds_provider *const *list, const struct creds_where *w,
                               struct creds_plan *p, struct err *reterr)
{
	for (; *list != NULL; list++) {
		enum err_code code = (*list)->plan(w, p, reterr);
		if (code == ERR_NOT_FOUND)
			continue;
		if (code == ERR_OK)
			p->provider = (*list)->name;
		return code;
	}
	return ERR_NOT_FOUND;
}

/* "~/.aws/config (does not exist)", with the full path */
static void look_at_file(const struct creds_where *w, enum profile_from from, struct buf *out)
{
	const char *file = profile_file(w->profiles, from);
	bool there = access(file, F_OK) == 0;
	buf_printf(out, "%.80s (%s%.40s), ", file, there ? "no keys for profile " : "does not exist",
	           there ? w->profile : "");
}

/* All sources except the last one are not configured. */
static void look_back(const struct creds_where *w, struct creds_plan *p)
{
	struct buf out;
	buf_over(&out, p->looked, sizeof p->looked);
	buf_printf(&out, "environment (AWS_ACCESS_KEY_ID is not set), profile %.40s (no role_arn), ",
	           w->profile);
	buf_z(&out, "web identity (AWS_WEB_IDENTITY_TOKEN_FILE is not set), ");
	look_at_file(w, PROFILE_CREDENTIALS, &out);
	buf_z(&out, "credential_process (not in the profile), ");
	look_at_file(w, PROFILE_CONFIG, &out);
	buf_z(&out, "container (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set)");
}

void creds_plan_explain(const struct creds_plan *p, const struct err *why, struct err *ret)
{
	if (p->looked[0] == '\0')
		(void)err_set(ret, why->code, "%s", why->msg);
	else
		(void)err_set(ret, why->code,
		              "no AWS credentials; looked at, in order: %s, instance metadata (%s)",
		              p->looked, why->msg);
}

enum err_code creds_plan_make(const struct creds_where *w, struct creds_plan *p, struct err *reterr)
{
	struct err why = {.msg = ""};
	enum err_code code = creds_plan_first(order, w, p, &why);
	if (code == ERR_OK && strcmp(p->provider, creds_imds_provider.name) == 0)
		look_back(w, p);
	if (code != ERR_NOT_FOUND)
		return code == ERR_OK ? code : err_set(reterr, code, "%s", why.msg);
	look_back(w, p);
	(void)err_set(&why, ERR_INVALID,
	              "switched off by AWS_EC2_METADATA_DISABLED; set AWS_ACCESS_KEY_ID and "
	              "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the task or instance a role");
	creds_plan_explain(p, &why, reterr);
	return ERR_INVALID;
}

/* --- keys as JSON */

static bool get_expiry(const struct json *j, int64_t *ret)
{
	double seconds;
	if (json_is_string(j))
		return time_read_rfc3339(json_str(j), ret);
	return json_num(j, &seconds) && time_read_number(seconds, ret);
}

/* A word of the answer that is safe in a message. */
static struct str word(const struct json *j, const char *key)
{
	struct str s = json_str(json_get(j, key));
	if (s.n > 60)
		s.n = 60;
	return str_printable(s) ? s : (struct str){NULL, 0};
}

static enum err_code refused(const struct json *j, const struct creds_json_shape *shape, struct err *reterr)
{
	struct str code = word(j, "Code"), text = word(j, "Message");
	if (code.n == 0) {
		code = word(j, "code");
		text = word(j, "message");
	}
	return err_set(reterr, ERR_UPSTREAM, "%.80s gave no keys%s%.*s%s%.*s", shape->from,
	               code.n > 0 ? ": " : "", (int)code.n, code.p, text.n > 0 ? ", " : "", (int)text.n,
	               text.p);
}

static enum err_code take(const struct json *j, const struct creds_json_shape *shape, struct creds_plan *p,
                          struct err *reterr)
{
	struct creds_draft *d = &p->keys;
	const struct json *expiry = json_get(j, "Expiration");
	struct str id = json_str(json_get(j, "AccessKeyId")),
	           secret = json_str(json_get(j, "SecretAccessKey"));
	struct str token = json_str(json_get(j, shape->token_key));
	double version = 0;
	if (shape->version > 0 &&
	    (!json_num(json_get(j, "Version"), &version) || version != (double)shape->version))
		return err_set(reterr, ERR_UPSTREAM, "%.80s: \"Version\" must be %d", shape->from,
		               shape->version);
	if (id.n == 0 || secret.n == 0)
		return refused(j, shape, reterr);
	if (shape->token_needed && token.n == 0)
		return err_set(reterr, ERR_UPSTREAM, "%.80s gave keys without \"%s\"", shape->from,
		               shape->token_key);
	if (shape->expiry_needed && expiry == NULL)
		return err_set(reterr, ERR_UPSTREAM, "%.80s gave keys without \"Expiration\"", shape->from);
	creds_draft_free(d);
	if (expiry != NULL && !get_expiry(expiry, &d->expires_at_s))
		return err_set(reterr, ERR_UPSTREAM, "%.80s: \"Expiration\" is not a time", shape->from);
	if (!creds_draft_set(&d->id, id) || !creds_draft_set(&d->secret, secret) ||
	    !creds_draft_set(&d->token, token) ||
	    !creds_draft_set(&d->account, json_str(json_get(j, "AccountId"))))
		return err_set(reterr, ERR_NOMEM, "no memory for credentials");
	return creds_draft_check(d, shape->from, reterr);
}

enum err_code creds_json_take(struct str text, const struct creds_json_shape *shape, struct creds_plan *p,
                              struct err *reterr)
{
	const struct json_limits limits = {16, 1000};
	struct json *j = NULL;
	struct err why;
	enum err_code code = json_parse(text, &limits, &j, &why);
	if (code == ERR_NOMEM)
		return err_set(reterr, code, "%s", why.msg);
	if (code != ERR_OK || !json_is_object(j))
		code = err_set(reterr, ERR_UPSTREAM, "%.80s gave no JSON object (%zu bytes)", shape->from,
		               text.n);
	else
		code = take(j, shape, p, reterr);
	json_free(j);
	return code;
}
