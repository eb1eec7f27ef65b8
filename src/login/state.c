#include "login/state.h"

#include "base/codec.h"
#include "base/crypto.h"

#include <string.h>

/* Fields of a state, then of a consent, in the token's order. */
enum {
	F_TOKEN,
	F_REDIRECT,
	F_PSID,
	F_PAGE,
	F_ISSUED,
	F_BROWSER,
	F_PROFILE,
	F_STATE_COUNT,
	F_ID = F_STATE_COUNT,
	F_EMAIL,
	F_SALT,
	F_REPLACES_ID,
	F_REPLACES_EMAIL,
	F_LOSES,
	F_RECORD,
	F_CONSENT_COUNT,
};

enum { TIME_LEN = 8, NONCE_BYTES = 32 };

static struct str bytes(const uint8_t *p, size_t n)
{
	return (struct str){(const char *)p, n};
}

static void put_time(uint8_t ret[TIME_LEN], int64_t t)
{
	for (int i = 0; i < TIME_LEN; i++)
		ret[i] = (uint8_t)((uint64_t)t >> (56 - 8 * i));
}

static bool get_time(struct str field, int64_t *ret)
{
	uint64_t t = 0;
	if (field.n != TIME_LEN)
		return false;
	for (int i = 0; i < TIME_LEN; i++)
		t = t << 8 | (uint8_t)field.p[i];
	*ret = (int64_t)t;
	return true;
}

static bool get_bytes(struct str field, uint8_t *ret, size_t n)
{
	if (field.n != n)
		return false;
	memcpy(ret, field.p, n);
	return true;
}

static void state_fields(const struct state *s, uint8_t issued[TIME_LEN], struct str *ret)
{
	put_time(issued, s->issued_s);
	ret[F_TOKEN] = str_c(s->token);
	ret[F_REDIRECT] = str_c(s->redirect);
	ret[F_PSID] = str_c(s->psid);
	ret[F_PAGE] = str_c(s->page_id);
	ret[F_ISSUED] = bytes(issued, TIME_LEN);
	ret[F_BROWSER] = bytes(s->browser, sizeof s->browser);
	ret[F_PROFILE] = str_c(s->profile);
}

enum err_code state_seal(const struct sealer *s, const struct state *state, struct buf *out)
{
	uint8_t issued[TIME_LEN];
	struct str fields[F_STATE_COUNT];
	state_fields(state, issued, fields);
	return seal_make(s, SEAL_STATE, NULL, fields, F_STATE_COUNT, out);
}

enum err_code state_seal_consent(const struct sealer *s, const struct consent *c, struct buf *out)
{
	uint8_t issued[TIME_LEN], loses = (uint8_t)c->loses;
	struct str fields[F_CONSENT_COUNT];
	state_fields(&c->state, issued, fields);
	fields[F_ID] = str_c(c->key.id);
	fields[F_EMAIL] = str_c(c->key.email);
	fields[F_SALT] = bytes(c->salt, sizeof c->salt);
	fields[F_REPLACES_ID] = str_c(c->replaces.id);
	fields[F_REPLACES_EMAIL] = str_c(c->replaces.email);
	fields[F_LOSES] = bytes(&loses, 1);
	fields[F_RECORD] = str_c(c->record);
	return seal_make(s, SEAL_CONSENT, NULL, fields, F_CONSENT_COUNT, out);
}

static bool read_state(const struct str *f, struct state *ret)
{
	return str_copy(ret->token, sizeof ret->token, f[F_TOKEN]) &&
	       str_copy(ret->redirect, sizeof ret->redirect, f[F_REDIRECT]) &&
	       str_copy(ret->psid, sizeof ret->psid, f[F_PSID]) &&
	       str_copy(ret->page_id, sizeof ret->page_id, f[F_PAGE]) &&
	       str_copy(ret->profile, sizeof ret->profile, f[F_PROFILE]) &&
	       get_time(f[F_ISSUED], &ret->issued_s) &&
	       get_bytes(f[F_BROWSER], ret->browser, sizeof ret->browser);
}

static bool read_key(const struct str *f, struct store_key *ret)
{
	return str_copy(ret->id, sizeof ret->id, f[0]) && str_copy(ret->email, sizeof ret->email, f[1]);
}

static bool read_consent(const struct str *f, struct consent *ret)
{
	uint8_t loses = 0;
	if (!read_state(f, &ret->state) || !read_key(f + F_ID, &ret->key) ||
	    !read_key(f + F_REPLACES_ID, &ret->replaces) ||
	    !get_bytes(f[F_SALT], ret->salt, sizeof ret->salt) || !get_bytes(f[F_LOSES], &loses, 1) ||
	    !str_copy(ret->record, sizeof ret->record, f[F_RECORD]))
		return false;
	ret->loses = loses;
	return true;
}

/* The token must be of this browser and not be expired. */
static enum err_code judge(const struct state *s, struct str nonce, int64_t now_s, int64_t ttl_s,
                           struct err *reterr)
{
	uint8_t browser[STATE_BROWSER_LEN];
	if (nonce.p == NULL)
		return err_set(reterr, ERR_DENIED, "no cookie of ours");
	enum err_code code = state_browser_digest(nonce, browser);
	if (code != ERR_OK)
		return err_set(reterr, code, "no memory for a digest");
	if (!crypto_equal(browser, s->browser, sizeof browser))
		return err_set(reterr, ERR_DENIED, "made for another browser");
	if (now_s < s->issued_s - STATE_SKEW_S)
		return err_set(reterr, ERR_DENIED, "made in the future");
	if (now_s >= s->issued_s + ttl_s)
		return err_set(reterr, ERR_DENIED, "expired");
	return ERR_OK;
}

/* The message for a code of seal_open other than OK. */
static enum err_code not_open(enum err_code code, struct err *reterr)
{
	return err_set(reterr, code,
	               code == ERR_DENIED ? "not a token of ours" : "no memory to open a token");
}

enum err_code state_open(const struct sealer *s, struct str token, struct str nonce, int64_t now_s,
                         struct state *ret, struct err *reterr)
{
	struct seal_open o NOT_ZEROED;
	enum err_code code = seal_open(s, SEAL_STATE, token, &o);
	if (code != ERR_OK)
		return not_open(code, reterr);
	bool shaped = o.n == F_STATE_COUNT && read_state(o.field, ret);
	seal_open_done(&o);
	if (!shaped)
		return not_open(ERR_DENIED, reterr);
	return judge(ret, nonce, now_s, STATE_TTL_S, reterr);
}

enum err_code state_open_consent(const struct sealer *s, struct str token, struct str nonce, int64_t now_s,
                                 struct consent *ret, struct err *reterr)
{
	struct seal_open o NOT_ZEROED;
	enum err_code code = seal_open(s, SEAL_CONSENT, token, &o);
	if (code != ERR_OK)
		return not_open(code, reterr);
	bool shaped = o.n == F_CONSENT_COUNT && read_consent(o.field, ret);
	seal_open_done(&o);
	if (!shaped)
		return not_open(ERR_DENIED, reterr);
	return judge(&ret->state, nonce, now_s, STATE_CONSENT_TTL_S, reterr);
}

/* --- the cookie that binds a state to a browser */

static bool nonce_ok(struct str nonce)
{
	uint8_t raw[NONCE_BYTES];
	size_t n = 0;
	bool ok = nonce.n == STATE_NONCE_LEN && codec_unb64url(nonce, raw, sizeof raw, &n);
	crypto_wipe(raw, sizeof raw);
	return ok;
}

enum err_code state_nonce(struct str cookie, struct state_nonce *ret)
{
	uint8_t raw[NONCE_BYTES];
	struct buf text;
	ret->made = !nonce_ok(cookie);
	if (!ret->made)
		return str_copy(ret->s, sizeof ret->s, cookie) ? ERR_OK : ERR_INTERNAL;
	enum err_code code = crypto_random(raw, sizeof raw);
	if (code != ERR_OK)
		return code;
	buf_init(&text, STATE_NONCE_LEN);
	codec_b64url(&text, raw, sizeof raw);
	code = str_copy(ret->s, sizeof ret->s, buf_view(&text)) && !text.failed ? ERR_OK : ERR_NOMEM;
	crypto_wipe(raw, sizeof raw);
	crypto_wipe_buf(&text);
	return code;
}

enum err_code state_browser_digest(struct str nonce, uint8_t ret[STATE_BROWSER_LEN])
{
	_Static_assert((int)STATE_BROWSER_LEN == (int)CRYPTO_SHA256_LEN, "a browser is a SHA-256");
	return crypto_sha256(nonce, ret);
}

const char *state_cookie_name(const struct config *cfg)
{
	return cfg->public_https ? "__Host-linkd" : "linkd";
}

/* No Max-Age: the cookie ends with the webview.  Lax, not Strict: the page is reached from another site. */
void state_cookie(const struct config *cfg, const struct state_nonce *nonce, struct buf *out)
{
	buf_printf(out, "%s=%s; Path=/; HttpOnly; SameSite=Lax%s", state_cookie_name(cfg), nonce->s,
	           cfg->public_https ? "; Secure" : "");
}
