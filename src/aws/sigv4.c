#include "aws/sigv4.h"

#include <stdlib.h>
#include <string.h>

#include "aws/creds/creds.h"

static bool name_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '-')
			return false;
	return s.n > 0 && s.n <= SIGV4_KEY_NAME_MAX;
}

enum err_code sigv4_key_check(const struct sigv4_scope *scope, char ret_date[SIGV4_DATE_LEN + 1],
                              struct err *reterr)
{
	if (!name_ok(scope->region))
		return err_set(reterr, ERR_INVALID, "a region to sign for is 1 to %d of a-z, 0-9 and -",
		               SIGV4_KEY_NAME_MAX);
	if (!name_ok(scope->service))
		return err_set(reterr, ERR_INVALID, "a service to sign for is 1 to %d of a-z, 0-9 and -",
		               SIGV4_KEY_NAME_MAX);
	if (!time_write_basic(scope->time_s, ret_date))
		return err_set(reterr, ERR_INVALID, "the clock is outside the years 1970 to 9999");
	return ERR_OK;
}

enum err_code sigv4_key_check_keys(const struct creds_keys *keys, struct err *reterr)
{
	struct str id = str_c(keys->access_key_id), secret = str_c(keys->secret_access_key);
	const char *token = keys->session_token != NULL ? keys->session_token : "";
	if (id.n == 0 || id.n > SIGV4_KEY_ID_MAX || !str_printable(id) || strpbrk(id.p, " ,/") != NULL)
		return err_set(reterr, ERR_INVALID,
		               "the access key id is empty, too long or has a character that no key has");
	if (secret.n == 0 || secret.n > SIGV4_KEY_SECRET_MAX || str_has(secret, '\r') ||
	    str_has(secret, '\n'))
		return err_set(reterr, ERR_INVALID,
		               "the secret access key is empty, too long or has a line break");
	if (strchr(token, '\r') != NULL || strchr(token, '\n') != NULL)
		return err_set(reterr, ERR_INVALID, "the session token has a line break");
	return ERR_OK;
}

enum err_code sigv4_key_derive(const struct sigv4_scope *scope, struct str secret, const char *date,
                               uint8_t ret[CRYPTO_SHA256_LEN], struct err *reterr)
{
	char first[4 + SIGV4_KEY_SECRET_MAX] = "AWS4";
	const struct str steps[] = {{date, 8}, scope->region, scope->service, STR("aws4_request")};
	uint8_t key[CRYPTO_SHA256_LEN];
	enum err_code code = ERR_OK;
	if (secret.n == 0 || secret.n > SIGV4_KEY_SECRET_MAX)
		return err_set(reterr, ERR_INVALID, "the secret access key is empty or too long");
	memcpy(first + 4, secret.p, secret.n);
	struct str with = {first, 4 + secret.n};
	for (size_t i = 0; i < sizeof steps / sizeof *steps && code == ERR_OK; i++) {
		code = crypto_hmac_sha256(with, steps[i], ret);
		memcpy(key, ret, sizeof key);
		with = (struct str){(const char *)key, sizeof key};
	}
	crypto_wipe(first, sizeof first);
	crypto_wipe(key, sizeof key);
	return code == ERR_OK ? ERR_OK : err_set(reterr, code, "no memory for a signing key");
}

void sigv4_key_hex(const uint8_t sum[CRYPTO_SHA256_LEN], char ret[SIGV4_SIGNATURE_LEN + 1])
{
	static const char hex[] = "0123456789abcdef";
	char *at = ret;
	for (size_t i = 0; i < CRYPTO_SHA256_LEN; i++) {
		*at++ = hex[sum[i] >> 4];
		*at++ = hex[sum[i] & 15];
	}
	*at = '\0';
}

enum { TEXT_MAX = 64 * 1024, TO_SIGN_MAX = 512 };

struct sigv4_cache {
	struct crypto_mac *mac; /* keyed for the four below */
	bool keyed;
	char day[8];
	char region[SIGV4_KEY_NAME_MAX + 1], service[SIGV4_KEY_NAME_MAX + 1];
	char secret[SIGV4_KEY_SECRET_MAX + 1];
	struct buf text; /* canonical request; kept to save an allocation for each signature */
};

enum err_code sigv4_cache_new(struct sigv4_cache **ret, struct err *reterr)
{
	struct sigv4_cache *c = calloc(1, sizeof *c);
	if (c == NULL || crypto_mac_new(&c->mac) != ERR_OK) {
		free(c);
		return err_set(reterr, ERR_NOMEM, "no memory for signing keys");
	}
	buf_init(&c->text, TEXT_MAX);
	*ret = c;
	return ERR_OK;
}

void sigv4_cache_free(struct sigv4_cache *c)
{
	if (c == NULL)
		return;
	crypto_mac_free(c->mac);
	crypto_wipe_buf(&c->text);
	crypto_wipe(c, sizeof *c);
	free(c);
}

static bool cached(const struct sigv4_cache *c, const struct sigv4_scope *scope, struct str secret,
                   const char *date)
{
	return c->keyed && memcmp(c->day, date, sizeof c->day) == 0 && str_is(scope->region, c->region) &&
	       str_is(scope->service, c->service) && crypto_str_equal(secret, str_c(c->secret));
}

static enum err_code set_key(struct sigv4_cache *c, const struct sigv4_scope *scope, struct str secret,
                             const char *date, struct err *reterr)
{
	uint8_t key[CRYPTO_SHA256_LEN];
	if (cached(c, scope, secret, date))
		return ERR_OK;
	c->keyed = false;
	enum err_code code = sigv4_key_derive(scope, secret, date, key, reterr);
	if (code != ERR_OK)
		return code;
	code = crypto_mac_key(c->mac, (struct str){(const char *)key, sizeof key});
	crypto_wipe(key, sizeof key);
	crypto_wipe(c->secret, sizeof c->secret);
	if (code != ERR_OK)
		return err_set(reterr, code, "no memory for a signing key");
	memcpy(c->day, date, sizeof c->day);
	c->keyed = str_copy(c->region, sizeof c->region, scope->region) &&
	           str_copy(c->service, sizeof c->service, scope->service) &&
	           str_copy(c->secret, sizeof c->secret, secret);
	return c->keyed ? ERR_OK : err_set(reterr, ERR_INVALID, "the secret access key holds a NUL");
}

/* Printable and in canonical form: single spaces, none at the ends. */
static bool header_ok(struct str s)
{
	char before = ' ';
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < 0x20 || s.p[i] > 0x7e || (s.p[i] == ' ' && before == ' '))
			return false;
		before = s.p[i];
	}
	return before != ' ';
}

static enum err_code check(const struct sigv4_call *call, const struct creds_keys *keys, struct err *reterr)
{
	if (!header_ok(call->host) || !header_ok(call->content_type) ||
	    (call->target.n > 0 && !header_ok(call->target)))
		return err_set(reterr, ERR_INVALID,
		               "cannot sign: host, content type or target is empty, not printable or has "
		               "more than single spaces");
	return sigv4_key_check_keys(keys, reterr);
}

static void put_sum(struct buf *out, const uint8_t sum[CRYPTO_SHA256_LEN])
{
	char hex[SIGV4_SIGNATURE_LEN + 1];
	sigv4_key_hex(sum, hex);
	buf_put(out, hex, SIGV4_SIGNATURE_LEN);
}

static const char *signed_names(const struct sigv4_call *call, const struct creds_keys *keys)
{
	static const char *const names[2][2] = {
	        {"content-type;host;x-amz-date", "content-type;host;x-amz-date;x-amz-target"},
	        {"content-type;host;x-amz-date;x-amz-security-token",
	         "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"}};
	return names[keys->session_token != NULL][call->target.n > 0];
}

static void put_line(struct buf *out, struct str name, struct str value)
{
	buf_str(out, name);
	buf_str(out, value);
	buf_put(out, "\n", 1);
}

/* The digest of the canonical request. */
static enum err_code canonical(struct sigv4_cache *c, const struct sigv4_call *call,
                               const struct creds_keys *keys, const char *date,
                               uint8_t ret[CRYPTO_SHA256_LEN])
{
	uint8_t body[CRYPTO_SHA256_LEN];
	struct buf *b = &c->text;
	if (crypto_sha256(call->body, body) != ERR_OK)
		return ERR_NOMEM;
	buf_reset(b);
	put_line(b, STR("POST\n/\n\ncontent-type:"), call->content_type);
	put_line(b, STR("host:"), call->host);
	put_line(b, STR("x-amz-date:"), (struct str){date, SIGV4_DATE_LEN});
	if (keys->session_token != NULL)
		put_line(b, STR("x-amz-security-token:"), str_c(keys->session_token));
	if (call->target.n > 0)
		put_line(b, STR("x-amz-target:"), call->target);
	put_line(b, STR("\n"), str_c(signed_names(call, keys)));
	put_sum(b, body);
	return b->failed ? ERR_NOMEM : crypto_sha256(buf_view(b), ret);
}

/* A text of bounded length.  The checks have refused everything that would not fit. */
struct text {
	char *p;
	size_t n, cap;
};

static void add(struct text *t, struct str s)
{
	size_t n = s.n < t->cap - 1 - t->n ? s.n : t->cap - 1 - t->n;
	if (n > 0)
		memcpy(t->p + t->n, s.p, n);
	t->n += n;
	t->p[t->n] = '\0';
}

static void add_scope(struct text *t, const struct sigv4_scope *scope, const char *date)
{
	add(t, (struct str){date, 8});
	add(t, STR("/"));
	add(t, scope->region);
	add(t, STR("/"));
	add(t, scope->service);
	add(t, STR("/aws4_request"));
}

static enum err_code sign(struct sigv4_cache *c, const struct sigv4_scope *scope, const char *date,
                          const uint8_t canonical_sum[CRYPTO_SHA256_LEN], char ret[SIGV4_SIGNATURE_LEN + 1])
{
	char space[TO_SIGN_MAX], hex[SIGV4_SIGNATURE_LEN + 1];
	uint8_t sum[CRYPTO_SHA256_LEN];
	struct text t = {space, 0, sizeof space};
	sigv4_key_hex(canonical_sum, hex);
	add(&t, STR("AWS4-HMAC-SHA256\n"));
	add(&t, (struct str){date, SIGV4_DATE_LEN});
	add(&t, STR("\n"));
	add_scope(&t, scope, date);
	add(&t, STR("\n"));
	add(&t, (struct str){hex, SIGV4_SIGNATURE_LEN});
	if (crypto_mac_run(c->mac, (struct str){t.p, t.n}, sum) != ERR_OK)
		return ERR_NOMEM;
	sigv4_key_hex(sum, ret);
	return ERR_OK;
}

static void put_lines(const struct sigv4_call *call, const struct creds_keys *keys, const char *date,
                      const char *signature, struct sigv4_lines *ret)
{
	struct text d = {ret->date, 0, sizeof ret->date};
	struct text a = {ret->authorization, 0, sizeof ret->authorization};
	add(&d, STR("X-Amz-Date: "));
	add(&d, (struct str){date, SIGV4_DATE_LEN});
	add(&a, STR("Authorization: AWS4-HMAC-SHA256 Credential="));
	add(&a, str_c(keys->access_key_id));
	add(&a, STR("/"));
	add_scope(&a, &call->scope, date);
	add(&a, STR(", SignedHeaders="));
	add(&a, str_c(signed_names(call, keys)));
	add(&a, STR(", Signature="));
	add(&a, (struct str){signature, SIGV4_SIGNATURE_LEN});
}

enum err_code sigv4_sign(struct sigv4_cache *cache, const struct sigv4_call *call,
                         const struct creds_keys *keys, struct sigv4_lines *ret, struct err *reterr)
{
	char date[SIGV4_DATE_LEN + 1], signature[SIGV4_SIGNATURE_LEN + 1];
	uint8_t sum[CRYPTO_SHA256_LEN];
	enum err_code code = check(call, keys, reterr);
	if (code == ERR_OK)
		code = sigv4_key_check(&call->scope, date, reterr);
	if (code == ERR_OK)
		code = set_key(cache, &call->scope, str_c(keys->secret_access_key), date, reterr);
	if (code != ERR_OK)
		return code;
	if (canonical(cache, call, keys, date, sum) != ERR_OK ||
	    sign(cache, &call->scope, date, sum, signature) != ERR_OK)
		return err_set(reterr, ERR_NOMEM, "no memory for a signature");
	put_lines(call, keys, date, signature, ret);
	return ERR_OK;
}
