#include "login/redirect.h"

static bool characters_ok(struct str uri)
{
	for (size_t i = 0; i < uri.n; i++)
		if (uri.p[i] <= 0x20 || uri.p[i] > 0x7e || uri.p[i] == '\\' || uri.p[i] == '#')
			return false;
	return true;
}

static bool skip(struct str *s, struct str prefix)
{
	if (!str_starts(*s, prefix))
		return false;
	*s = (struct str){s->p + prefix.n, s->n - prefix.n};
	return true;
}

/* "http://127.0.0.1:PORT" with a canonical port, nothing after it. */
static bool is_loopback_entry(struct str entry)
{
	uint64_t port;
	return skip(&entry, STR("http://127.0.0.1:")) && str_u64(entry, 65535, &port) && entry.p[0] != '0';
}

/* Remove the scheme, host and port of `entry` from the front of `uri`.  The rest must begin with the path: after a longer
 * host, a port or a userinfo it does not. */
static bool skip_origin(struct str *uri, struct str entry, bool loopback)
{
	struct str rest = *uri;
	if (str_starts(entry, STR("http://"))) {
		if (!loopback || !is_loopback_entry(entry) || !skip(&rest, entry))
			return false;
	} else {
		if (entry.n == 0 || !skip(&rest, STR("https://")) || !skip(&rest, entry))
			return false;
		(void)skip(&rest, STR(":443"));
	}
	if (rest.n == 0 || rest.p[0] != '/')
		return false;
	*uri = rest;
	return true;
}

static bool skip_any_origin(struct str *uri, const struct config *cfg)
{
	for (size_t i = 0; i < cfg->redirect_hosts.n; i++)
		if (skip_origin(uri, str_c(cfg->redirect_hosts.v[i]), cfg->public_loopback))
			return true;
	return false;
}

static enum redirect_verdict check_query(struct str query, struct str token)
{
	size_t tokens = 0;
	struct str pair, name, value;
	while (str_next(&query, '&', &pair)) {
		(void)str_cut(pair, '=', &name, &value);
		if (name.n == 0 || !str_of(name, "_"))
			return REDIRECT_NAME;
		if (str_is(name, "authorization_code"))
			return REDIRECT_CODE;
		if (!str_is(name, "account_linking_token"))
			continue;
		if (!str_eq(value, token))
			return REDIRECT_TOKEN;
		tokens++;
	}
	return tokens == 1 ? REDIRECT_OK : REDIRECT_TOKEN;
}

bool redirect_token_ok(struct str token)
{
	return token.n >= 1 && token.n <= REDIRECT_TOKEN_MAX && str_of(token, "_-");
}

enum redirect_verdict redirect_check(const struct config *cfg, struct str token, struct str uri)
{
	struct str rest = uri, path, query;
	if (uri.n == 0)
		return REDIRECT_MISSING;
	if (uri.n > REDIRECT_MAX)
		return REDIRECT_TOO_LONG;
	if (!characters_ok(uri))
		return REDIRECT_CHARACTER;
	if (!redirect_token_ok(token))
		return REDIRECT_TOKEN;
	if (!skip_any_origin(&rest, cfg))
		return REDIRECT_ORIGIN;
	(void)str_cut(rest, '?', &path, &query);
	if (!str_is(path, "/messenger_platform/account_linking") &&
	    !str_is(path, "/messenger_platform/account_linking/"))
		return REDIRECT_PATH;
	return check_query(query, token);
}

const char *redirect_reason(enum redirect_verdict v)
{
	static const char *const reason[] = {
#define X(name, text) [REDIRECT_##name] = (text),
	        REDIRECT_TABLE(X)
#undef X
	};
	return reason[v];
}

void redirect_append(struct buf *out, struct str uri, struct str code)
{
	buf_str(out, uri);
	buf_z(out, str_has(uri, '?') ? "&authorization_code=" : "?authorization_code=");
	buf_str(out, code);
}
