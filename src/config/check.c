#include "config/private.h"

#include <string.h>

enum {
	KEYS_MAX = 3,      /* seal keys, app secrets */
	SEAL_KEY_MIN = 32, /* bytes */
	PAGE_ID_MAX = 64,  /* characters */
	PAGE_TOKENS_MAX = 8,
	CONFIRM_MAX = 640, /* characters of the text of a button template */
};

#define PROBLEM(KEY, ...) config_report_problem(r, CONFIG_ROW_##KEY, __VA_ARGS__)
#define QUOTED(z) config_report_quote(str_c(z)).s

/* Are all required settings set? */
static bool required(const struct config_report *r)
{
	return (r->scope & CONFIG_REQUIRED) != 0;
}

static bool admin_is_off(const struct config *c)
{
	return c->admin_listen.n == 1 && strcmp(c->admin_listen.v[0], "off") == 0;
}

/* True when every address parses and is loopback. */
static bool check_listeners(const struct strlist *l, int row, struct config_report *r)
{
	bool loopback = true;
	for (size_t i = 0; i < l->n; i++) {
		char host[CONFIG_HOST_MAX + 1];
		uint16_t port;
		if (!config_host_port(l->v[i], host, sizeof host, &port)) {
			config_report_problem(r, row,
			                      "%s is not an address; write host:port or [v6]:port, such as "
			                      "0.0.0.0:8080, 127.0.0.1:8080 or [::]:8080",
			                      QUOTED(l->v[i]));
			continue;
		}
		loopback &= config_host_is_loopback(host);
	}
	return loopback;
}

static void check_listen(struct config *c, struct config_report *r)
{
	c->public_loopback = check_listeners(&c->listen, CONFIG_ROW_LISTEN, r);
}

static bool only_padding(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '=')
			return false;
	return true;
}

static bool name_valid(struct str name)
{
	return name.n > 0 && name.n <= CONFIG_TOKEN_NAME_MAX && str_of(name, "._-");
}

const char *config_token_parse(struct str item, struct config_token *ret)
{
	struct str left, token, name, scope;
	*ret = (struct config_token){.token = item};
	if (str_cut(item, '=', &left, &token) && !only_padding(token)) {
		bool scoped = str_cut(left, ':', &name, &scope);
		*ret = (struct config_token){.name = name, .token = token, .read_only = scoped};
		if (!name_valid(name))
			return "has a name that is not 1 to 32 of A-Z a-z 0-9 . _ -";
		if (scoped && !str_is(scope, "read"))
			return "has a name that ends in something other than :read";
	}
	return ret->token.n < CONFIG_TOKEN_MIN
	               ? "needs at least 16 characters; make one with: openssl rand -hex 32"
	               : NULL;
}

/* Compare token `at` with those before it. */
static void check_repeated(const struct strlist *tokens, size_t at, const struct config_token *t,
                           struct config_report *r)
{
	struct config_token other;
	for (size_t i = 0; i < at; i++) {
		(void)config_token_parse(str_c(tokens->v[i]), &other);
		if (t->name.n > 0 && str_eq(t->name, other.name))
			PROBLEM(ADMIN_TOKEN, "token %zu has the name of token %zu; give each its own", at + 1,
			        i + 1);
		if (str_eq(t->token, other.token))
			PROBLEM(ADMIN_TOKEN, "token %zu is the same as token %zu; give each name its own",
			        at + 1, i + 1);
	}
}

static void check_admin_tokens(const struct strlist *tokens, struct config_report *r)
{
	if (tokens->n > CONFIG_TOKENS_MAX)
		PROBLEM(ADMIN_TOKEN, "holds %zu tokens; at most %d are allowed; remove some", tokens->n,
		        CONFIG_TOKENS_MAX);
	for (size_t i = 0; i < tokens->n; i++) {
		struct config_token t;
		const char *fault = config_token_parse(str_c(tokens->v[i]), &t);
		if (tokens->n == 1 && fault != NULL)
			PROBLEM(ADMIN_TOKEN, "%s", fault);
		else if (fault != NULL)
			PROBLEM(ADMIN_TOKEN, "token %zu %s", i + 1, fault);
		else if (tokens->n > 1 && t.name.n == 0)
			PROBLEM(ADMIN_TOKEN, "token %zu has no name; with several write name=token", i + 1);
		else
			check_repeated(tokens, i, &t, r);
	}
}

static void check_admin(struct config *c, struct config_report *r)
{
	check_admin_tokens(&c->admin_token, r);
	if (!admin_is_off(c))
		(void)check_listeners(&c->admin_listen, CONFIG_ROW_ADMIN_LISTEN, r);
}

/* Pre: check_listen has set public_loopback. */
static void check_public_url(struct config *c, struct config_report *r)
{
	struct config_origin o;
	if (c->public_url[0] == '\0') {
		if (!c->public_loopback && required(r))
			PROBLEM(PUBLIC_URL,
			        "must be set unless every address of LINKD_LISTEN is loopback; write the "
			        "address people use, such as https://link.example.com");
		return;
	}
	if (!config_origin_parse(c->public_url, &o)) {
		PROBLEM(PUBLIC_URL,
		        "%s must be https://host or https://host:port in lower case: no path, no final "
		        "slash, "
		        "and no port 443",
		        QUOTED(c->public_url));
		return;
	}
	c->public_https = o.https;
	c->public_loopback = !o.https && config_host_is_loopback(o.host);
	if (!o.https && !c->public_loopback)
		PROBLEM(PUBLIC_URL, "%s must begin with https://; http is for loopback addresses only",
		        QUOTED(c->public_url));
}

/* The limits of AWS. */
static bool table_name_valid(struct str s)
{
	return s.n >= 3 && s.n <= 255 && str_of(s, "_.-");
}

static void check_table(struct config *c, struct config_report *r)
{
	struct str table = {c->store + 9, strlen(c->store) - 9};
	if (!table_name_valid(table))
		PROBLEM(STORE, "%s is no name of a table: 3 to 255 of A-Z a-z 0-9 _ . -", QUOTED(table.p));
}

static void check_store(struct config *c, struct config_report *r)
{
	struct str s = str_c(c->store);
	if (str_starts(s, STR("dynamodb:")))
		check_table(c, r);
	else if (!str_starts(s, STR("sqlite:")) || s.n == 7)
		PROBLEM(STORE,
		        "%s names no store; write dynamodb:TABLE or sqlite:PATH, such as "
		        "sqlite:/var/lib/account-linkd/account-linkd.db",
		        QUOTED(c->store));
}

static void check_seal_keys(struct config *c, struct config_report *r)
{
	if (c->seal_key.n == 0 && required(r) && str_starts(str_c(c->store), STR("dynamodb:")))
		PROBLEM(SEAL_KEY, "must be set with LINKD_STORE=dynamodb:TABLE, to the same value on every "
		                  "instance; make one with: openssl rand -hex 32");
	if (c->seal_key.n > KEYS_MAX)
		PROBLEM(SEAL_KEY, "holds %zu keys; at most %d are allowed; remove the oldest", c->seal_key.n,
		        KEYS_MAX);
	for (size_t i = 0; i < c->seal_key.n; i++)
		if (strlen(c->seal_key.v[i]) < SEAL_KEY_MIN)
			PROBLEM(SEAL_KEY,
			        "key %zu is shorter than %d bytes; make one with: openssl rand -hex 32",
			        i + 1, SEAL_KEY_MIN);
}

static void check_app_secrets(struct config *c, struct config_report *r)
{
	if (c->app_secret.n == 0 && required(r))
		PROBLEM(APP_SECRET, "must be set; copy it from the Facebook app dashboard: App settings, "
		                    "Basic, App secret");
	if (c->app_secret.n > KEYS_MAX)
		PROBLEM(APP_SECRET, "holds %zu secrets; at most %d are allowed; remove the oldest",
		        c->app_secret.n, KEYS_MAX);
}

static bool page_id_ok(struct str id)
{
	size_t digits = 0;
	while (digits < id.n && id.p[digits] >= '0' && id.p[digits] <= '9')
		digits++;
	return id.n > 0 && digits == id.n && id.n <= PAGE_ID_MAX;
}

static void check_page_ids(struct config *c, struct config_report *r)
{
	for (size_t i = 0; i < c->page_ids.n; i++)
		if (!page_id_ok(str_c(c->page_ids.v[i])))
			PROBLEM(PAGE_IDS, "%s is not a page id; write its digits only",
			        QUOTED(c->page_ids.v[i]));
}

bool config_page_is_ours(const struct strlist *page_ids, struct str page_id)
{
	for (size_t i = 0; i < page_ids->n; i++)
		if (str_is(page_id, page_ids->v[i]))
			return true;
	return page_ids->n == 0;
}

void config_page_token(const char *item, struct str *ret_page, struct str *ret_token)
{
	if (str_cut(str_c(item), '=', ret_page, ret_token))
		return;
	*ret_token = *ret_page;
	*ret_page = (struct str){NULL, 0};
}

/* NULL: the token is well-formed. */
static const char *fault_of_page_token(const struct config *c, struct str item)
{
	struct str page, token;
	if (!str_cut(item, '=', &page, &token))
		return c->page_access_token.n > 1 ? "has no page id; with several write PAGE_ID=token"
		       : str_of(item, "._|-")     ? NULL
		                                  : "has a character that no token has; copy it again";
	if (!page_id_ok(page))
		return "begins with something other than a page id of digits; write PAGE_ID=token";
	if (!config_page_is_ours(&c->page_ids, page))
		return "is of a page that LINKD_PAGE_IDS does not list; add the page there, or remove the "
		       "token";
	return token.n > 0 && str_of(token, "._|-") ? NULL
	                                            : "has a character that no token has; copy it again";
}

static void check_page_tokens(const struct config *c, struct config_report *r)
{
	if (c->page_access_token.n > PAGE_TOKENS_MAX)
		PROBLEM(PAGE_ACCESS_TOKEN, "holds %zu tokens; at most %d are allowed; remove some",
		        c->page_access_token.n, PAGE_TOKENS_MAX);
	for (size_t i = 0; i < c->page_access_token.n; i++) {
		struct str item = str_c(c->page_access_token.v[i]), page, token, other;
		const char *fault = fault_of_page_token(c, item);
		if (fault != NULL)
			PROBLEM(PAGE_ACCESS_TOKEN, "token %zu %s", i + 1, fault);
		(void)str_cut(item, '=', &page, &token);
		for (size_t k = 0; k < i; k++) {
			(void)str_cut(str_c(c->page_access_token.v[k]), '=', &other, &token);
			if (str_eq(page, other))
				PROBLEM(PAGE_ACCESS_TOKEN,
				        "token %zu is of the same page as token %zu; keep one", i + 1, k + 1);
		}
	}
	if (c->require_psid_binding == BINDING_REQUIRED && c->page_access_token.n == 0 && required(r))
		PROBLEM(REQUIRE_PSID_BINDING,
		        "needs LINKD_PAGE_ACCESS_TOKEN; set it: without a page token Facebook is not "
		        "asked, and every login would be refused");
}

/* "v26.0" */
static bool version_ok(struct str v)
{
	struct str major, minor;
	uint64_t n;
	return str_starts(v, STR("v")) && str_cut((struct str){v.p + 1, v.n - 1}, '.', &major, &minor) &&
	       str_u64(major, 999, &n) && str_u64(minor, 999, &n);
}

/* Facebook counts characters. */
static void check_confirm_message(const struct config *c, struct config_report *r)
{
	size_t characters = 0, n = 0;
	for (struct str s = str_c(c->confirm_message); s.n > 0; s = (struct str){s.p + n, s.n - n}) {
		(void)str_code_point(s, &n);
		characters++;
	}
	if (characters > CONFIRM_MAX)
		PROBLEM(CONFIRM_MESSAGE, "has %zu characters; at most %d are allowed; shorten it", characters,
		        CONFIRM_MAX);
	if (characters > 0 && c->page_access_token.n == 0 && required(r))
		PROBLEM(CONFIRM_MESSAGE,
		        "needs LINKD_PAGE_ACCESS_TOKEN: the message is sent by a page; set it, or remove "
		        "LINKD_CONFIRM_MESSAGE");
}

static void check_graph(const struct config *c, struct config_report *r)
{
	struct config_origin o;
	check_page_tokens(c, r);
	check_confirm_message(c, r);
	if (!config_origin_parse(c->graph_url, &o))
		PROBLEM(GRAPH_URL,
		        "%s must be https://host or https://host:port in lower case, without a path",
		        QUOTED(c->graph_url));
	else if (!o.https && !config_host_is_loopback(o.host))
		PROBLEM(GRAPH_URL, "%s must begin with https://; http is for loopback addresses only",
		        QUOTED(c->graph_url));
	if (!version_ok(str_c(c->graph_version)))
		PROBLEM(GRAPH_VERSION, "%s is not a version; write it as v26.0", QUOTED(c->graph_version));
}

/* A host name or, for local tests, a whole origin. */
static void check_redirect_host(const char *text, struct config *c, struct config_report *r)
{
	struct config_origin o;
	struct str s = str_c(text);
	if (!str_has(s, '/')) {
		if (!config_host_valid(s) || strpbrk(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL)
			PROBLEM(REDIRECT_HOSTS,
			        "%s is not a host name in lower case; write it alone, such as "
			        "www.facebook.com",
			        QUOTED(text));
		return;
	}
	bool local = config_origin_parse(text, &o) && !o.https && strcmp(o.host, "127.0.0.1") == 0 &&
	             str_has((struct str){s.p + 7, s.n - 7}, ':');
	if (!local)
		PROBLEM(REDIRECT_HOSTS, "%s must be a host name, or http://127.0.0.1:PORT for trying it out",
		        QUOTED(text));
	else if (!c->public_loopback)
		PROBLEM(REDIRECT_HOSTS,
		        "%s is for trying it out and needs a loopback LINKD_PUBLIC_URL such as "
		        "http://127.0.0.1:8080",
		        QUOTED(text));
}

static void check_redirect_hosts(struct config *c, struct config_report *r)
{
	for (size_t i = 0; i < c->redirect_hosts.n; i++)
		check_redirect_host(c->redirect_hosts.v[i], c, r);
}

static void check_proxies(struct config *c, struct config_report *r)
{
	for (size_t i = 0; i < c->trusted_proxies.n; i++)
		if (!config_cidr_valid(c->trusted_proxies.v[i]))
			PROBLEM(TRUSTED_PROXIES,
			        "%s is not an address or a range; write 10.0.0.7 or 10.0.0.0/8",
			        QUOTED(c->trusted_proxies.v[i]));
}

/* This program has no TLS, so an https address means that a proxy is in front of it.  All connections then have
 * the address of the proxy. */
static void check_clients(struct config *c, struct config_report *r)
{
	if (c->public_https && c->trusted_proxies.n == 0)
		config_report_warning(
		        r, "LINKD_TRUSTED_PROXIES is not set: the proxy that speaks https counts as the one "
		           "client of all people, so that 30 wrong passwords lock out everybody for 15 "
		           "minutes.");
}

static bool link_valid(const char *url)
{
	struct str s = str_c(url), rest, host, tail;
	if (!str_starts(s, STR("https://")) || strpbrk(url, " \"'<>\\^`{|}") != NULL || !str_printable(s))
		return false;
	rest = (struct str){s.p + 8, s.n - 8};
	host = (struct str){rest.p, strcspn(rest.p, "/?#")};
	(void)str_cut(host, ':', &host, &tail);
	return config_host_valid(host);
}

static void check_links(struct config *c, struct config_report *r)
{
	const struct {
		int row;
		const char *url;
	} links[] = {{CONFIG_ROW_PRIVACY_URL, c->privacy_url},
	             {CONFIG_ROW_SIGNUP_URL, c->signup_url},
	             {CONFIG_ROW_FORGOT_URL, c->forgot_url}};
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
		if (links[i].url[0] != '\0' && !link_valid(links[i].url))
			config_report_problem(
			        r, links[i].row,
			        "%s is not an https link; write one such as https://example.com/privacy",
			        QUOTED(links[i].url));
}

static bool mailto_valid(const char *url)
{
	struct str s = str_c(url), user, host;
	return str_starts(s, STR("mailto:")) && strpbrk(url, " \"'<>\\^`{|}?#") == NULL && str_printable(s) &&
	       str_cut((struct str){s.p + 7, s.n - 7}, '@', &user, &host) && user.n > 0 &&
	       config_host_valid(host);
}

static void check_security_contact(struct config *c, struct config_report *r)
{
	const char *url = c->security_contact;
	if (url[0] != '\0' && !link_valid(url) && !mailto_valid(url))
		PROBLEM(SECURITY_CONTACT,
		        "%s is neither a mailto: nor an https: address; write one such as "
		        "mailto:security@example.com",
		        QUOTED(url));
}

static void check_webhook(struct config *c, struct config_report *r)
{
	if (c->webhook_body_budget < c->webhook_max_body)
		PROBLEM(WEBHOOK_BODY_BUDGET,
		        "is less than LINKD_WEBHOOK_MAX_BODY, so that the largest webhook could "
		        "never be taken; raise it to at least %lld",
		        (long long)c->webhook_max_body);
	if (c->verify_token[0] == '\0')
		config_report_warning(r,
		                      "LINKD_VERIFY_TOKEN is not set: Facebook cannot register the webhook.");
}

static void check_passwords(struct config *c, struct config_report *r)
{
	if (c->legacy_sha1 == SHA1_ACCEPT)
		config_report_warning(
		        r, "LINKD_LEGACY_SHA1 is accept: unsalted SHA-1 password hashes still let "
		           "people in. Use upgrade if nobody else reads them, refuse if there are none.");
}

static void check_facebook(struct config *c, struct config_report *r)
{
	check_public_url(c, r);
	check_app_secrets(c, r);
	check_page_ids(c, r);
	check_graph(c, r);
}

void config_check(struct config *c, struct config_report *r)
{
	check_store(c, r);
	check_seal_keys(c, r);
	check_listen(c, r);
	if ((r->scope & CONFIG_FACEBOOK) != 0)
		check_facebook(c, r);
	if ((r->scope & CONFIG_OTHERS) == 0)
		return;
	check_admin(c, r);
	check_redirect_hosts(c, r);
	check_proxies(c, r);
	check_clients(c, r);
	check_links(c, r);
	check_security_contact(c, r);
	check_webhook(c, r);
	check_passwords(c, r);
}
