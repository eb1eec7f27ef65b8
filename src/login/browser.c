#include "login/browser.h"

#include "base/codec.h"
#include "base/crypto.h"

#include <arpa/inet.h>

enum { NONCE_BYTES = 32 };

static bool nonce_ok(struct str nonce)
{
	uint8_t raw[NONCE_BYTES];
	size_t n = 0;
	bool ok = nonce.n == BROWSER_NONCE_LEN && codec_unb64url(nonce, raw, sizeof raw, &n);
	crypto_wipe(raw, sizeof raw);
	return ok;
}

enum err_code browser_nonce(struct str cookie, struct browser_nonce *ret)
{
	uint8_t raw[NONCE_BYTES];
	struct buf text;
	ret->made = !nonce_ok(cookie);
	if (!ret->made)
		return str_copy(ret->s, sizeof ret->s, cookie) ? ERR_OK : ERR_INTERNAL;
	enum err_code code = crypto_random(raw, sizeof raw);
	if (code != ERR_OK)
		return code;
	buf_init(&text, BROWSER_NONCE_LEN);
	codec_b64url(&text, raw, sizeof raw);
	code = str_copy(ret->s, sizeof ret->s, buf_view(&text)) && !text.failed ? ERR_OK : ERR_NOMEM;
	crypto_wipe(raw, sizeof raw);
	crypto_wipe_buf(&text);
	return code;
}

enum err_code browser_digest(struct str nonce, uint8_t ret[BROWSER_DIGEST_LEN])
{
	_Static_assert((int)BROWSER_DIGEST_LEN == (int)CRYPTO_SHA256_LEN, "a browser is a SHA-256");
	return crypto_sha256(nonce, ret);
}

const char *browser_cookie_name(const struct config *cfg)
{
	return cfg->public_https ? "__Host-linkd" : "linkd";
}

/* No Max-Age: it ends with the webview.  Lax, not Strict: the page is reached from another site. */
void browser_cookie(const struct config *cfg, const struct browser_nonce *nonce, struct buf *out)
{
	buf_printf(out, "%s=%s; Path=/; HttpOnly; SameSite=Lax%s", browser_cookie_name(cfg), nonce->s,
	           cfg->public_https ? "; Secure" : "");
}

/* Cut "host[:port]" of `authority`; false on an odd shape.  Brackets of an IPv6 address stay. */
static bool host_of(struct str authority, struct str *ret_host)
{
	size_t end = 0;
	uint64_t n = 0;
	if (authority.n > 0 && authority.p[0] == '[')
		while (end < authority.n && authority.p[end] != ']')
			end++;
	while (end < authority.n && authority.p[end] != ':')
		end++;
	*ret_host = (struct str){authority.p, end};
	if (end == authority.n)
		return true;
	return str_u64((struct str){authority.p + end + 1, authority.n - end - 1}, 65535, &n);
}

/* Only names no stranger can point at this machine, so that a rebound name is not ours. */
static bool is_loopback(struct str authority)
{
	struct str host;
	char text[INET_ADDRSTRLEN];
	unsigned char address[4];
	if (!host_of(authority, &host))
		return false;
	if (str_ieq(host, STR("localhost")) || str_eq(host, STR("[::1]")))
		return true;
	return str_copy(text, sizeof text, host) && inet_pton(AF_INET, text, address) == 1 &&
	       address[0] == 127;
}

/* A browser writes an origin in lower case, without the default port and without a path.  Compared in place:
 * no memory is needed that might not be there. */
static bool is_origin(struct str origin, struct str scheme, struct str authority, struct str port)
{
	if (authority.n > port.n && str_eq((struct str){authority.p + authority.n - port.n, port.n}, port))
		authority.n -= port.n;
	if (authority.n == 0 || origin.n != scheme.n + authority.n || !str_starts(origin, scheme))
		return false;
	for (size_t i = 0; i < authority.n; i++) {
		char c = authority.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (origin.p[scheme.n + i] != c)
			return false;
	}
	return true;
}

static bool is_origin_of(struct str origin, struct str url)
{
	bool https = str_starts(url, STR("https://"));
	struct str scheme = https ? STR("https://") : STR("http://"), authority, tail;
	if (!str_starts(url, scheme))
		return false;
	(void)str_cut((struct str){url.p + scheme.n, url.n - scheme.n}, '/', &authority, &tail);
	return is_origin(origin, scheme, authority, https ? STR(":443") : STR(":80"));
}

bool browser_origin_ours(const struct config *cfg, struct str origin, struct str host)
{
	if (origin.p == NULL)
		return true;
	if (cfg->public_url[0] != '\0')
		return is_origin_of(origin, str_c(cfg->public_url));
	return is_loopback(host) && is_origin(origin, STR("http://"), host, STR(":80"));
}
