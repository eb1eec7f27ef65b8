#include "config/private.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/codec.h"
#include "base/crypto.h"
#include "base/file.h"

enum {
	SECRETS_MAX = 32, /* only the first ones are compared */
	SHORT = 16,       /* characters */
	DISTINCT_MIN = 8, /* different characters; one in 5,000 texts of 16 random hex digits has fewer */
	FORM_MAX = 16384,
};

/* OWASP Password Storage Cheat Sheet: argon2id with one lane is strong enough with at least one of these. */
static const struct {
	int64_t memory_kib, passes;
} argon2_least[] = {{47104, 1}, {19456, 2}, {12288, 3}, {9216, 4}, {7168, 5}};

static void check_argon2(const struct config *c, struct config_report *r)
{
	for (size_t i = 0; i < sizeof argon2_least / sizeof argon2_least[0]; i++)
		if (c->argon2_memory_kib >= argon2_least[i].memory_kib &&
		    c->argon2_passes >= argon2_least[i].passes)
			return;
	config_report_warning(
	        r,
	        "LINKD_ARGON2_MEMORY_KIB %lld with LINKD_ARGON2_PASSES %lld is weaker than OWASP "
	        "advises: passwords of stolen hashes are found faster. Use at least "
	        "19456 with 2, 47104 with 1 or 12288 with 3.",
	        (long long)c->argon2_memory_kib, (long long)c->argon2_passes);
}

static void check_proxies(const struct config *c, struct config_report *r)
{
	for (size_t i = 0; i < c->trusted_proxies.n; i++)
		if (config_cidr_wide(c->trusted_proxies.v[i]))
			config_report_warning(r,
			                      "LINKD_TRUSTED_PROXIES: %s trusts X-Forwarded-For from so many "
			                      "addresses that clients can forge their address and evade "
			                      "throttling. List the addresses of your proxies only.",
			                      c->trusted_proxies.v[i]);
}

/* The domain itself, or a name under it. */
static bool is_under(const char *host, const char *domain)
{
	size_t n = strlen(host), m = strlen(domain);
	return n >= m && strcmp(host + n - m, domain) == 0 && (n == m || host[n - m - 1] == '.');
}

static void check_redirect_hosts(const struct config *c, struct config_report *r)
{
	for (size_t i = 0; i < c->redirect_hosts.n; i++) {
		const char *host = c->redirect_hosts.v[i];
		if (strchr(host, '/') == NULL && !is_under(host, "facebook.com") &&
		    !is_under(host, "messenger.com"))
			config_report_warning(r,
			                      "LINKD_REDIRECT_HOSTS: %s is not Facebook's: browsers would "
			                      "send authorization codes there. Remove it.",
			                      host);
	}
}

static void check_admin(const struct config *c, struct config_report *r)
{
	char host[CONFIG_HOST_MAX + 1];
	uint16_t port;
	for (size_t i = 0; i < c->admin_listen.n; i++) {
		const char *addr = c->admin_listen.v[i];
		if (!config_host_port(addr, host, sizeof host, &port) || config_host_is_loopback(host))
			continue; /* also "off" */
		if (config_host_is_public(host))
			config_report_warning(
			        r,
			        "LINKD_ADMIN_LISTEN: %s is not a loopback or private address: anyone "
			        "who can reach it can read the metrics and guess tokens of /v1. Listen on a "
			        "loopback or private address, or restrict access with a firewall.",
			        addr);
		else if (c->admin_token.n == 0)
			config_report_warning(
			        r,
			        "LINKD_ADMIN_LISTEN: %s is not a loopback address and "
			        "LINKD_ADMIN_TOKEN is not set: anyone who can reach it can read "
			        "the metrics, and /v1 answers 404.",
			        addr);
	}
}

/* The service refuses a key file that other users may read. */
static void check_key_file(const struct config *c, const char *path, struct config_report *r)
{
	struct stat st;
	if (c->seal_key.n == 0 && (r->scope & CONFIG_REQUIRED) != 0 && stat(path, &st) == 0 &&
	    (st.st_mode & 077) != 0)
		config_report_problem(
		        r, CONFIG_ROW_STORE,
		        "the key file %s can be read by other users: chmod 600 it, and remove it "
		        "if it may have leaked",
		        path);
}

/* The database, and the key beside it. */
static void check_database(const struct config *c, struct config_report *r)
{
	char key[PATH_MAX];
	if (strncmp(c->store, "sqlite:", 7) != 0)
		return;
	const char *path = c->store + 7;
	if (file_open_to_all(path))
		config_report_warning(
		        r,
		        "LINKD_STORE: every user of this machine may read %s, which holds password "
		        "hashes and links: chmod 600 it.",
		        path);
	int n = snprintf(key, sizeof key, "%s.key", path);
	if (n > 0 && (size_t)n < sizeof key)
		check_key_file(c, key, r);
}

/* --- secrets */

struct secret {
	int row;
	size_t number;   /* from 1 in a list; 0: alone */
	struct str text; /* borrowed from the settings */
};

struct secrets {
	size_t n;
	struct secret v[SECRETS_MAX];
};

struct secret_name {
	char s[64];
};

static struct secret_name name_of(const struct secret *s)
{
	struct secret_name name;
	const char *key = config_row_table[s->row].key;
	if (s->number == 0)
		(void)snprintf(name.s, sizeof name.s, "LINKD_%s", key);
	else
		(void)snprintf(name.s, sizeof name.s, "LINKD_%s, secret %zu", key, s->number);
	return name;
}

/* Of "name=secret" only the secret; a secret in base64 may end in '='. */
static struct str without_name(struct str s)
{
	struct str name, secret;
	bool named = str_cut(s, '=', &name, &secret) && str_of(name, "_.:-") && secret.n >= SHORT;
	return named ? secret : s;
}

static void add(struct secrets *all, int row, size_t number, const char *text)
{
	if (all->n < SECRETS_MAX && text[0] != '\0')
		all->v[all->n++] = (struct secret){row, number, without_name(str_c(text))};
}

static void collect(struct config *c, struct secrets *all)
{
	for (int i = 0; i < CONFIG_ROWS; i++) {
		const struct config_row *row = &config_row_table[i];
		if (!row->secret)
			continue;
		if (row->kind == CONFIG_K_STR)
			add(all, i, 0, *config_row_text(c, row));
		else
			for (size_t k = 0; k < config_row_list(c, row)->n; k++)
				add(all, i, config_row_list(c, row)->n == 1 ? 0 : k + 1,
				    config_row_list(c, row)->v[k]);
	}
}

static size_t distinct(struct str s)
{
	bool seen[256] = {false};
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		n += !seen[(unsigned char)s.p[i]];
		seen[(unsigned char)s.p[i]] = true;
	}
	return n;
}

/* The length of the shortest text that, repeated, gives s; s is only as strong as that text. */
static size_t period(struct str s)
{
	for (size_t n = 1; n <= s.n / 2; n++)
		if (memcmp(s.p, s.p + n, s.n - n) == 0)
			return n;
	return s.n;
}

/* An app secret comes from Facebook; all others the operator makes. */
static const char *how_to_make(const struct secret *s)
{
	return strcmp(config_row_table[s->row].key, "APP_SECRET") == 0
	               ? "copy it whole from the Facebook app's settings, Basic, or reset it there"
	               : "make one with: openssl rand -hex 32";
}

static void check_strength(const struct secret *s, struct config_report *r)
{
	if (s->text.n < SHORT)
		config_report_warning(r, "%s has fewer than %d characters and can be guessed; %s",
		                      name_of(s).s, SHORT, how_to_make(s));
	else if (distinct(s->text) < DISTINCT_MIN || period(s->text) < SHORT)
		config_report_warning(r,
		                      "%s is made of few characters, or of a short text repeated, and can be "
		                      "guessed; %s",
		                      name_of(s).s, how_to_make(s));
}

/* ASCII case is ignored, since hex has either case; '+' and '/' become their base64url characters. */
static char fold(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	if (c == '+')
		return '-';
	if (c == '/')
		return '_';
	return c;
}

static bool holds(struct str text, struct str part)
{
	for (size_t at = 0; part.n >= SHORT && at + part.n <= text.n; at++) {
		size_t i = 0;
		while (i < part.n && fold(text.p[at + i]) == fold(part.p[i]))
			i++;
		if (i == part.n)
			return true;
	}
	return false;
}

/* Does the text contain the bytes in hex or in base64? */
static bool holds_bytes(struct str text, const void *p, size_t n, struct config_report *r)
{
	struct buf hex, b64;
	buf_init(&hex, FORM_MAX);
	buf_init(&b64, FORM_MAX);
	codec_hex(&hex, p, n);
	codec_b64url(&b64, p, n);
	r->nomem |= hex.failed || b64.failed;
	bool found = !hex.failed && !b64.failed &&
	             (holds(text, buf_view(&hex)) || holds(text, buf_view(&b64)));
	crypto_wipe_buf(&hex);
	crypto_wipe_buf(&b64);
	return found;
}

/* Does the text contain the SHA-256 or SHA-1 of `of`, with a line end (as `echo` adds it) or without? */
static bool holds_digest(struct str text, struct str of, struct config_report *r)
{
	uint8_t sha256[CRYPTO_SHA256_LEN], sha1[CRYPTO_SHA1_LEN];
	struct buf line;
	bool found = false;
	buf_init(&line, FORM_MAX);
	buf_str(&line, of);
	buf_z(&line, "\n");
	for (int end = 0; end <= 1 && !line.failed && !found && !r->nomem; end++) {
		struct str data = {line.p, of.n + (size_t)end};
		if (crypto_sha256(data, sha256) != ERR_OK || crypto_sha1(data, sha1) != ERR_OK)
			r->nomem = true;
		else
			found = holds_bytes(text, sha256, sizeof sha256, r) ||
			        holds_bytes(text, sha1, sizeof sha1, r);
	}
	r->nomem |= line.failed;
	crypto_wipe_buf(&line);
	return found;
}

static bool made_from(const struct secret *s, const struct secret *other, struct config_report *r)
{
	return holds(s->text, other->text) || holds_bytes(s->text, other->text.p, other->text.n, r) ||
	       holds_digest(s->text, other->text, r);
}

static void compare(const struct secret *a, const struct secret *b, struct config_report *r)
{
	if (str_eq(a->text, b->text))
		config_report_warning(
		        r,
		        "%s and %s are the same secret: whoever learns one has both. Give each its "
		        "own, made with: openssl rand -hex 32",
		        name_of(a).s, name_of(b).s);
	else if (made_from(a, b, r) || made_from(b, a, r))
		config_report_warning(
		        r,
		        "%s and %s are made from one another: whoever learns one can have both. "
		        "Give each its own, made with: openssl rand -hex 32",
		        name_of(a).s, name_of(b).s);
}

static void check_secrets(struct config *c, struct config_report *r)
{
	struct secrets all = {.n = 0};
	collect(c, &all);
	for (size_t i = 0; i < all.n; i++)
		check_strength(&all.v[i], r);
	if (all.n > 1 && crypto_start(NULL) != ERR_OK)
		r->nomem = true;
	for (size_t i = 0; i < all.n; i++)
		for (size_t k = i + 1; k < all.n && !r->nomem; k++)
			compare(&all.v[i], &all.v[k], r);
}

void config_danger(struct config *c, struct config_report *r)
{
	check_argon2(c, r);
	check_proxies(c, r);
	check_redirect_hosts(c, r);
	check_admin(c, r);
	check_database(c, r);
	check_secrets(c, r);
}
