#include "config/danger.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "config/addr.h"
#include "config/secret.h"

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

/* The service refuses a key file that others may read. */
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

void config_danger(struct config *c, struct config_report *r)
{
	check_argon2(c, r);
	check_proxies(c, r);
	check_redirect_hosts(c, r);
	check_admin(c, r);
	check_database(c, r);
	config_secret_check(c, r);
}
