#include "aws/creds/json.h"

#include "base/json.h"
#include "base/time.h"

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
