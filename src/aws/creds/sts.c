#include <stdio.h>
#include <string.h>

#include "aws/creds/private.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/time.h"

enum { TIMEOUT_MS = 5000, ATTEMPTS = 3 };

static const char form_type[] = "application/x-www-form-urlencoded; charset=utf-8";

enum err_code creds_sts_place(const struct creds_where *w, struct creds_plan *p, struct err *reterr)
{
	const struct endpoint_options o = {.environ_ = w->environ_, .service = "sts", .region = w->region};
	struct err why;
	enum err_code code = endpoint_resolve(&o, w->profiles, &p->sts, &why);
	if (code == ERR_OK)
		return ERR_OK;
	return err_set(reterr, code == ERR_NOT_FOUND ? ERR_INVALID : code, "STS: %.200s", why.msg);
}

bool creds_sts_session_ok(const char *name)
{
	struct str s = str_c(name);
	return s.n >= 2 && s.n <= 64 && str_of(s, "_+=,.@-");
}

void creds_sts_field(struct buf *out, const char *name, struct str value)
{
	buf_z(out, "&");
	buf_z(out, name);
	buf_z(out, "=");
	codec_pct(out, value);
}

void creds_sts_form(struct buf *out, const char *action, const char *role_arn, const char *session_name)
{
	char made[40];
	(void)snprintf(made, sizeof made, "account-linkd-%lld", (long long)(clock_wall_ms() / 1000));
	buf_z(out, "Action=");
	buf_z(out, action);
	buf_z(out, "&Version=2011-06-15");
	creds_sts_field(out, "RoleArn", str_c(role_arn));
	creds_sts_field(out, "RoleSessionName", str_c(session_name != NULL ? session_name : made));
}

void creds_sts_ask(const struct creds_plan *p, struct str form, struct exchange_request *req)
{
	req->method = "POST";
	req->timeout_ms = TIMEOUT_MS;
	req->attempts = ATTEMPTS;
	req->remedy = "check the network's way to STS, AWS_REGION and AWS_ENDPOINT_URL_STS";
	buf_z(&req->url, p->sts.url);
	buf_str(&req->body, form);
	req->allow_http = true; /* as the address is configured */
	exchange_header(req, "Content-Type", str_c(form_type));
}

enum err_code creds_sts_sign(const struct creds_plan *p, struct str form, struct exchange_request *req,
                             struct err *reterr)
{
	struct sigv4_cache *cache = NULL;
	struct sigv4_lines lines;
	const struct creds_keys keys = {.access_key_id = p->keys.id,
	                                .secret_access_key = p->keys.secret,
	                                .session_token = p->keys.token};
	const struct sigv4_call call = {
	        .scope = {str_c(p->sts.sign_region), STR("sts"), clock_wall_ms() / 1000},
	        .host = str_c(p->sts.host),
	        .content_type = str_c(form_type),
	        .body = form};
	enum err_code code = sigv4_cache_new(&cache, reterr);
	if (code == ERR_OK)
		code = sigv4_sign(cache, &call, &keys, &lines, reterr);
	if (code == ERR_OK) {
		exchange_line(req, lines.date);
		exchange_line(req, lines.authorization);
		if (keys.session_token != NULL)
			exchange_header(req, "X-Amz-Security-Token", str_c(keys.session_token));
	}
	crypto_wipe(&lines, sizeof lines);
	sigv4_cache_free(cache);
	return code;
}

/* --- the answer: XML, or JSON where a proxy asked for it */

enum { VALUE_MAX = 16 * 1024, KEYS = 4, CODE = 4, MESSAGE = 5, FIELDS = 6 };

static const char *const names[KEYS] = {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"};

struct said {
	struct xml_want v[FIELDS]; /* the four, then the code and message of an error */
	char path[KEYS][160];
	int64_t expires_at_s; /* when JSON gave a number; else 0 */
};

static void said_init(struct said *s, const char *action)
{
	*s = (struct said){0};
	for (size_t i = 0; i < FIELDS; i++)
		buf_init(&s->v[i].value, VALUE_MAX);
	for (size_t i = 0; i < KEYS; i++) {
		(void)snprintf(s->path[i], sizeof s->path[i], "%sResponse/%sResult/Credentials/%s", action,
		               action, names[i]);
		s->v[i].path = s->path[i];
	}
	s->v[CODE].path = "ErrorResponse/Error/Code";
	s->v[MESSAGE].path = "ErrorResponse/Error/Message";
}

static void said_done(struct said *s)
{
	for (size_t i = 0; i < FIELDS; i++) {
		crypto_wipe(s->v[i].value.p, s->v[i].value.cap);
		buf_done(&s->v[i].value);
	}
}

/* The member at the end of "a/b/c". */
static const struct json *at_path(const struct json *j, const char *path)
{
	char key[64];
	struct str rest = str_c(path), part;
	while (str_next(&rest, '/', &part))
		j = str_copy(key, sizeof key, part) ? json_get(j, key) : NULL;
	return j;
}

static enum err_code read_json(struct said *s, struct str text, struct err *reterr)
{
	const struct json_limits limits = {16, 1000};
	struct json *j = NULL;
	double seconds;
	enum err_code code = json_parse(text, &limits, &j, reterr);
	if (code != ERR_OK)
		return code;
	for (size_t i = 0; i < FIELDS; i++) {
		const char *path = i < KEYS ? s->v[i].path : s->v[i].path + sizeof "ErrorResponse/" - 1;
		buf_str(&s->v[i].value, json_str(at_path(j, path)));
	}
	if (json_num(at_path(j, s->v[3].path), &seconds) && !time_read_number(seconds, &s->expires_at_s))
		s->expires_at_s = 0;
	json_free(j);
	return ERR_OK;
}

static enum err_code read_any(struct said *s, struct str text, struct err *reterr)
{
	text = str_trim(text);
	if (text.n > 0 && text.p[0] == '{')
		return read_json(s, text, reterr);
	return xml_read(text, s->v, FIELDS, reterr);
}

static enum err_code keep(const struct said *s, struct creds_plan *p, const char *action, struct err *reterr)
{
	struct creds_draft *d = &p->keys, fresh = {.expires_at_s = s->expires_at_s};
	if (fresh.expires_at_s == 0 && !time_read_rfc3339(buf_view(&s->v[3].value), &fresh.expires_at_s))
		return err_set(reterr, ERR_UPSTREAM, "STS %s: the answer has no Expiration that is a time",
		               action);
	bool room = creds_draft_set(&fresh.id, buf_view(&s->v[0].value)) &&
	            creds_draft_set(&fresh.secret, buf_view(&s->v[1].value)) &&
	            creds_draft_set(&fresh.token, buf_view(&s->v[2].value));
	enum err_code code = room ? creds_draft_check(&fresh, "the answer of STS", reterr)
	                          : err_set(reterr, ERR_NOMEM, "no memory for credentials");
	if (code == ERR_OK && fresh.token == NULL)
		code = err_set(reterr, ERR_UPSTREAM, "STS %s: the answer has no SessionToken", action);
	creds_draft_free(code == ERR_OK ? d : &fresh);
	if (code == ERR_OK)
		*d = fresh;
	return code;
}

static struct str word(const struct buf *b, size_t max)
{
	struct str s = buf_view(b);
	if (s.n > max)
		s.n = max;
	return str_printable(s) ? s : (struct str){NULL, 0};
}

static const char *remedy(struct str code)
{
	if (str_is(code, "AccessDenied"))
		return "; check the role's trust policy and role_arn";
	if (str_is(code, "ExpiredTokenException") || str_is(code, "InvalidIdentityToken"))
		return "; check the web identity token file";
	if (str_is(code, "InvalidClientTokenId") || str_is(code, "SignatureDoesNotMatch"))
		return "; check the source profile's keys and the clock";
	return "";
}

static bool later(struct str code)
{
	return str_is(code, "Throttling") || str_is(code, "IDPCommunicationError") ||
	       str_is(code, "RequestLimitExceeded");
}

static enum exchange_next refused(const struct said *s, const char *action, long status, struct err *reterr)
{
	struct str code = word(&s->v[CODE].value, 60), text = word(&s->v[MESSAGE].value, 90);
	(void)err_set(reterr, ERR_UPSTREAM, "STS %s: status %ld%s%.*s%s%.*s%s", action, status,
	              code.n > 0 ? " " : "", (int)code.n, code.p, text.n > 0 ? ", " : "", (int)text.n, text.p,
	              remedy(code));
	return later(code) ? EXCHANGE_AGAIN : EXCHANGE_FAILED;
}

enum exchange_next creds_sts_take(struct creds_plan *p, const char *action, const struct exchange_answer *a,
                                  struct err *reterr)
{
	struct said s;
	struct err why;
	enum exchange_next next = EXCHANGE_FAILED;
	said_init(&s, action);
	enum err_code code = read_any(&s, a->body, &why);
	if (a->status != 200 || s.v[CODE].value.len > 0)
		next = refused(&s, action, a->status, reterr);
	else if (code != ERR_OK)
		(void)err_set(reterr, code == ERR_NOMEM ? code : ERR_UPSTREAM, "STS %s: the answer is %.100s",
		              action, why.msg);
	else if (keep(&s, p, action, reterr) == ERR_OK)
		next = EXCHANGE_DONE;
	said_done(&s);
	return next;
}
