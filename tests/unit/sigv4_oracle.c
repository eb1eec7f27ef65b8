#include "sigv4_oracle.h"

#include <string.h>
#include <strings.h>

#include "aws/sigv4.h"
#include "base/codec.h"
#include "base/crypto.h"

enum { HEADERS_MAX = 64, PARAMS_MAX = 64, TEXT_MAX = 1 << 20 };

static bool one_line(struct str s)
{
	return !str_has(s, '\r') && !str_has(s, '\n') && !str_has(s, '\0');
}

/* Byte order, ASCII case ignored. */
static int name_order(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int d = n > 0 ? strncasecmp(a.p, b.p, n) : 0;
	return d != 0 ? d : (a.n > b.n) - (a.n < b.n);
}

static int byte_order(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int d = n > 0 ? memcmp(a.p, b.p, n) : 0;
	return d != 0 ? d : (a.n > b.n) - (a.n < b.n);
}

/* Segments without ".", ".." and empty ones (RFC 3986 5.2.4, and AWS joins slashes), each encoded. */
static void put_path(struct buf *out, struct str path)
{
	size_t start = out->len;
	struct str rest = path, segment;
	bool slash_end = path.n > 0 && path.p[path.n - 1] == '/';
	while (str_next(&rest, '/', &segment)) {
		if (segment.n == 0 || str_is(segment, "."))
			continue;
		if (!str_is(segment, "..")) {
			buf_z(out, "/");
			codec_pct(out, segment);
			continue;
		}
		while (out->len > start && out->p[--out->len] != '/')
			;
	}
	if (out->len == start || slash_end)
		buf_z(out, "/");
}

struct param {
	struct str name, value;
};

static void sort_params(struct param *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct param one = v[i];
		size_t at = i;
		for (; at > 0; at--) {
			int d = byte_order(v[at - 1].name, one.name);
			if (d < 0 || (d == 0 && byte_order(v[at - 1].value, one.value) <= 0))
				break;
			v[at] = v[at - 1];
		}
		v[at] = one;
	}
}

static bool put_query(struct buf *out, struct str query)
{
	struct param v[PARAMS_MAX];
	size_t n = 0;
	struct str rest = query, pair;
	if (query.n == 0)
		return true;
	while (str_next(&rest, '&', &pair)) {
		if (n == PARAMS_MAX)
			return false;
		(void)str_cut(pair, '=', &v[n].name, &v[n].value);
		n++;
	}
	sort_params(v, n);
	for (size_t i = 0; i < n; i++) {
		buf_z(out, i > 0 ? "&" : "");
		buf_str(out, v[i].name);
		buf_z(out, "=");
		buf_str(out, v[i].value);
	}
	return true;
}

static void put_lower(struct buf *out, struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c + ('a' - 'A'));
		buf_put(out, &c, 1);
	}
}

/* White space off both ends, runs of it inside become one space. */
static void put_value(struct buf *out, struct str value)
{
	bool gap = false;
	value = str_trim(value);
	for (size_t i = 0; i < value.n; i++) {
		bool space = value.p[i] == ' ' || value.p[i] == '\t';
		if (!space && gap)
			buf_z(out, " ");
		if (!space)
			buf_put(out, &value.p[i], 1);
		gap = space;
	}
}

/* Stable, so that the values of a repeated name keep their order. */
static void sort_headers(struct sigv4_header *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct sigv4_header one = v[i];
		size_t at = i;
		for (; at > 0 && name_order(v[at - 1].name, one.name) > 0; at--)
			v[at] = v[at - 1];
		v[at] = one;
	}
}

static void put_headers(struct buf *out, struct buf *names, const struct sigv4_header *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool again = i > 0 && name_order(v[i - 1].name, v[i].name) == 0;
		if (again) {
			buf_z(out, ",");
		} else {
			buf_z(out, i > 0 ? "\n" : "");
			buf_z(names, i > 0 ? ";" : "");
			put_lower(out, v[i].name);
			put_lower(names, v[i].name);
			buf_z(out, ":");
		}
		put_value(out, v[i].value);
	}
	buf_z(out, "\n\n");
}

static enum err_code check(const struct sigv4_request *req, struct err *reterr)
{
	if (req->n_headers == 0 || req->n_headers > HEADERS_MAX)
		return err_set(reterr, ERR_INVALID, "cannot sign %zu headers: 1 to %d", req->n_headers,
		               HEADERS_MAX);
	if (req->method.n == 0 || !str_of(req->method, "") || req->path.n == 0 || req->path.p[0] != '/')
		return err_set(reterr, ERR_INVALID, "cannot sign a request without method and path");
	if (!one_line(req->path) || !one_line(req->query))
		return err_set(reterr, ERR_INVALID, "cannot sign an address with a line break");
	for (size_t i = 0; i < req->n_headers; i++)
		if (req->headers[i].name.n == 0 || !str_of(req->headers[i].name, "-_.!#$%&'*+^`|~") ||
		    !one_line(req->headers[i].value))
			return err_set(
			        reterr, ERR_INVALID,
			        "cannot sign header %zu: its name is no token or its value has a line break",
			        i + 1);
	return ERR_OK;
}

enum err_code sigv4_canonical(const struct sigv4_request *req, struct buf *out, struct buf *signed_names,
                              struct err *reterr)
{
	struct sigv4_header sorted[HEADERS_MAX];
	uint8_t sum[CRYPTO_SHA256_LEN];
	enum err_code code = check(req, reterr);
	if (code != ERR_OK)
		return code;
	memcpy(sorted, req->headers, req->n_headers * sizeof *sorted);
	sort_headers(sorted, req->n_headers);
	buf_str(out, req->method);
	buf_z(out, "\n");
	put_path(out, req->path);
	buf_z(out, "\n");
	if (!put_query(out, req->query))
		return err_set(reterr, ERR_INVALID, "cannot sign more than %d query parameters", PARAMS_MAX);
	buf_z(out, "\n");
	put_headers(out, signed_names, sorted, req->n_headers);
	buf_str(out, buf_view(signed_names));
	buf_z(out, "\n");
	if (crypto_sha256(req->body, sum) != ERR_OK)
		return err_set(reterr, ERR_NOMEM, "no memory for a digest");
	codec_hex(out, sum, sizeof sum);
	if (out->failed || signed_names->failed)
		return err_set(reterr, ERR_NOMEM, "no memory for a canonical request");
	return ERR_OK;
}

enum err_code sigv4_string_to_sign(const struct sigv4_scope *scope, struct str canonical, struct buf *out,
                                   struct err *reterr)
{
	char date[SIGV4_DATE_LEN + 1];
	uint8_t sum[CRYPTO_SHA256_LEN];
	enum err_code code = sigv4_key_check(scope, date, reterr);
	if (code != ERR_OK)
		return code;
	if (crypto_sha256(canonical, sum) != ERR_OK)
		return err_set(reterr, ERR_NOMEM, "no memory for a digest");
	buf_printf(out, "AWS4-HMAC-SHA256\n%s\n%.8s/%.*s/%.*s/aws4_request\n", date, date,
	           (int)scope->region.n, scope->region.p, (int)scope->service.n, scope->service.p);
	codec_hex(out, sum, sizeof sum);
	return out->failed ? err_set(reterr, ERR_NOMEM, "no memory for a string to sign") : ERR_OK;
}

enum err_code sigv4_signature(const struct sigv4_scope *scope, struct str secret, struct str string_to_sign,
                              char ret[SIGV4_SIGNATURE_LEN + 1], struct err *reterr)
{
	char date[SIGV4_DATE_LEN + 1];
	uint8_t key[CRYPTO_SHA256_LEN], sum[CRYPTO_SHA256_LEN];
	enum err_code code = sigv4_key_check(scope, date, reterr);
	if (code != ERR_OK)
		return code;
	code = sigv4_key_derive(scope, secret, date, key, reterr);
	if (code != ERR_OK)
		return code;
	code = crypto_hmac_sha256((struct str){(const char *)key, sizeof key}, string_to_sign, sum);
	crypto_wipe(key, sizeof key);
	if (code != ERR_OK)
		return err_set(reterr, code, "no memory for a signature");
	sigv4_key_hex(sum, ret);
	return ERR_OK;
}

static enum err_code authorize(const struct sigv4_scope *scope, const struct creds_keys *keys,
                               struct str canonical, struct str names, struct buf *out, struct err *reterr)
{
	char signature[SIGV4_SIGNATURE_LEN + 1], date[SIGV4_DATE_LEN + 1];
	struct buf to_sign;
	buf_init(&to_sign, TEXT_MAX);
	enum err_code code = sigv4_string_to_sign(scope, canonical, &to_sign, reterr);
	if (code == ERR_OK)
		code = sigv4_signature(scope, str_c(keys->secret_access_key), buf_view(&to_sign), signature,
		                       reterr);
	buf_done(&to_sign);
	if (code != ERR_OK || !time_write_basic(scope->time_s, date))
		return code;
	buf_printf(out,
	           "AWS4-HMAC-SHA256 Credential=%s/%.8s/%.*s/%.*s/aws4_request, SignedHeaders=%.*s, "
	           "Signature=%s",
	           keys->access_key_id, date, (int)scope->region.n, scope->region.p, (int)scope->service.n,
	           scope->service.p, (int)names.n, names.p, signature);
	return out->failed ? err_set(reterr, ERR_NOMEM, "no memory for a signature") : ERR_OK;
}

enum err_code sigv4_authorize(const struct sigv4_scope *scope, const struct creds_keys *keys,
                              const struct sigv4_request *req, struct buf *out, struct err *reterr)
{
	struct buf canonical, names;
	enum err_code code = sigv4_key_check_keys(keys, reterr);
	if (code != ERR_OK)
		return code;
	buf_init(&canonical, TEXT_MAX);
	buf_init(&names, TEXT_MAX);
	code = sigv4_canonical(req, &canonical, &names, reterr);
	if (code == ERR_OK)
		code = authorize(scope, keys, buf_view(&canonical), buf_view(&names), out, reterr);
	crypto_wipe_buf(&canonical); /* it holds the token */
	buf_done(&names);
	return code;
}
