#include "aws/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "aws/private.h"

static bool name_ok(struct str s)
{
	return s.n > 0 && s.n <= ENDPOINT_HOST_MAX && str_of(s, ".-_");
}

static bool v6_ok(struct str s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr ip;
	return str_copy(text, sizeof text, s) && inet_pton(AF_INET6, text, &ip) == 1;
}

/* "name", "name:1", "[::1]", "[::1]:1" */
static bool split_port(struct str authority, struct str *ret_host, struct str *ret_port)
{
	struct str rest = {NULL, 0};
	*ret_port = rest;
	if (authority.n > 0 && authority.p[0] == '[') {
		if (!str_cut(authority, ']', ret_host, &rest) ||
		    !v6_ok((struct str){ret_host->p + 1, ret_host->n - 1}))
			return false;
		ret_host->n++;
		if (rest.n > 0 && rest.p[0] != ':')
			return false;
		*ret_port = (struct str){rest.p + 1, rest.n > 0 ? rest.n - 1 : 0};
		return rest.n != 1;
	}
	bool port = str_cut(authority, ':', ret_host, ret_port);
	return name_ok(*ret_host) && (!port || ret_port->n > 0);
}

enum err_code endpoint_url_parse(struct str text, const char *from, struct endpoint *ret, struct err *reterr)
{
	bool tls = str_starts(text, STR("https://"));
	struct str authority = {text.p + (tls ? 8 : 7), text.n - (tls ? 8 : 7)}, host, port;
	uint64_t number = tls ? 443 : 80;
	if (!tls && !str_starts(text, STR("http://")))
		return err_set(reterr, ERR_INVALID, "%s must begin with https:// or http://", from);
	if (authority.n > 0 && authority.p[authority.n - 1] == '/')
		authority.n--;
	if (!split_port(authority, &host, &port) ||
	    (port.n > 0 && (!str_u64(port, 65535, &number) || number == 0)))
		return err_set(reterr, ERR_INVALID,
		               "%s must be https://HOST or https://HOST:PORT, without user, path or query",
		               from);
	if (number == (tls ? 443U : 80U))
		(void)snprintf(ret->host, sizeof ret->host, "%.*s", (int)host.n, host.p);
	else if (snprintf(ret->host, sizeof ret->host, "%.*s:%u", (int)host.n, host.p, (unsigned)number) >=
	         (int)sizeof ret->host)
		return err_set(reterr, ERR_INVALID, "%s: the host is too long", from);
	(void)snprintf(ret->url, sizeof ret->url, "%s://%s/", tls ? "https" : "http", ret->host);
	return ERR_OK;
}

/* Regions beginning with `prefix`; the first row that fits.  dual NULL: no dual-stack names known. */
static const struct partition {
	const char *prefix, *dns, *dual;
	bool plain_is_fips;
} partitions[] = {
        {"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", false},
        {"us-gov-", "amazonaws.com", "api.aws", true},
        {"eusc-", "amazonaws.eu", "api.amazonwebservices.eu", false},
        {"us-iso-", "c2s.ic.gov", NULL, false},
        {"us-isob-", "sc2s.sgov.gov", NULL, false},
        {"eu-isoe-", "cloud.adc-e.uk", NULL, false},
        {"us-isof-", "csp.hci.ic.gov", NULL, false},
        {"", "amazonaws.com", "api.aws", false},
};

struct wishes {
	bool fips, dual, ignore_urls;
};

bool endpoint_region_ok(struct str region)
{
	for (size_t i = 0; i < region.n; i++) {
		char c = region.p[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
			return false;
	}
	return region.n > 0 && region.n <= ENDPOINT_REGION_MAX && region.p[0] != '-' &&
	       region.p[region.n - 1] != '-';
}

static enum err_code local(const char *service, struct endpoint *ret, struct err *reterr)
{
	if (!str_is(STR("dynamodb"), service))
		return err_set(reterr, ERR_INVALID,
		               "the region local has no %s; set AWS_ENDPOINT_URL_STS or another region",
		               service);
	(void)str_copy(ret->host, sizeof ret->host, STR("localhost:8000"));
	(void)str_copy(ret->url, sizeof ret->url, STR("http://localhost:8000/"));
	(void)str_copy(ret->sign_region, sizeof ret->sign_region, STR("us-east-1"));
	return ERR_OK;
}

enum err_code endpoint_compute(const char *service, const char *region, bool fips, bool dualstack,
                               struct endpoint *ret, struct err *reterr)
{
	const struct partition *p = partitions;
	if (!endpoint_region_ok(str_c(region)))
		return err_set(reterr, ERR_INVALID,
		               "a region is 1 to %d of a-z, 0-9 and -, like eu-central-1",
		               ENDPOINT_REGION_MAX);
	(void)str_copy(ret->region, sizeof ret->region, str_c(region));
	(void)str_copy(ret->sign_region, sizeof ret->sign_region, str_c(region));
	if (str_is(STR("local"), region))
		return local(service, ret, reterr);
	while (!str_starts(str_c(region), str_c(p->prefix)))
		p++;
	if (dualstack && p->dual == NULL)
		return err_set(reterr, ERR_INVALID,
		               "no dual-stack address is known for %s; unset AWS_USE_DUALSTACK_ENDPOINT",
		               region);
	(void)snprintf(ret->host, sizeof ret->host, "%s%s.%s.%s", service,
	               fips && (dualstack || !p->plain_is_fips) ? "-fips" : "", region,
	               dualstack ? p->dual : p->dns);
	(void)snprintf(ret->url, sizeof ret->url, "https://%s/", ret->host);
	return ERR_OK;
}

/* "true" or "false" in any case; the variable before the profile. */
static enum err_code flag(const struct endpoint_options *o, const struct profiles *p, const char *variable,
                          bool *ret, struct err *reterr)
{
	char key[64];
	size_t n = 0;
	const char *value = env_get(o->environ_, variable), *from = variable;
	for (const char *c = variable + sizeof "AWS_" - 1; *c != '\0' && n + 1 < sizeof key; c++)
		key[n++] = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
	key[n] = '\0';
	if (value == NULL) {
		value = profile_get(p, PROFILE_BOTH, profile_name(p), key);
		from = key;
	}
	*ret = value != NULL && strcasecmp(value, "true") == 0;
	if (value == NULL || *ret || strcasecmp(value, "false") == 0)
		return ERR_OK;
	return err_set(reterr, ERR_INVALID, "%s must be true or false", from);
}

static enum err_code read_wishes(const struct endpoint_options *o, const struct profiles *p,
                                 struct wishes *ret, struct err *reterr)
{
	enum err_code code = flag(o, p, "AWS_USE_FIPS_ENDPOINT", &ret->fips, reterr);
	if (code == ERR_OK)
		code = flag(o, p, "AWS_USE_DUALSTACK_ENDPOINT", &ret->dual, reterr);
	if (code == ERR_OK)
		code = flag(o, p, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", &ret->ignore_urls, reterr);
	return code;
}

/* The configured address; n is 0 if there is none. */
static struct str set_url(const struct endpoint_options *o, const struct profiles *p, bool ignore,
                          const char **ret_from)
{
	char variable[64];
	struct str own;
	const char *value = o->url;
	*ret_from = "the endpoint setting";
	if (ignore || (value != NULL && value[0] != '\0'))
		return str_c(value);
	bool sts = str_is(STR("sts"), o->service);
	(void)snprintf(variable, sizeof variable, "AWS_ENDPOINT_URL_%s", sts ? "STS" : "DYNAMODB");
	*ret_from = sts ? "AWS_ENDPOINT_URL_STS" : "AWS_ENDPOINT_URL_DYNAMODB";
	if ((value = env_get(o->environ_, variable)) != NULL)
		return str_c(value);
	*ret_from = "AWS_ENDPOINT_URL";
	if ((value = env_get(o->environ_, "AWS_ENDPOINT_URL")) != NULL)
		return str_c(value);
	*ret_from = "endpoint_url of the profile's services";
	if (profile_service_url(p, profile_name(p), o->service, &own))
		return own;
	*ret_from = "endpoint_url of the profile";
	return str_c(profile_get(p, PROFILE_BOTH, profile_name(p), "endpoint_url"));
}

static enum err_code set_region(const struct endpoint_options *o, const struct profiles *p,
                                struct endpoint *ret, struct err *reterr)
{
	const struct {
		const char *value, *from;
	} places[] = {
	        {o->region, "the region setting"},
	        {env_get(o->environ_, "AWS_REGION"), "AWS_REGION"},
	        {env_get(o->environ_, "AWS_DEFAULT_REGION"), "AWS_DEFAULT_REGION"},
	        {profile_get(p, PROFILE_BOTH, profile_name(p), "region"), "region of the profile"},
	};
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		if (places[i].value == NULL || places[i].value[0] == '\0')
			continue;
		if (!endpoint_region_ok(str_c(places[i].value)))
			return err_set(reterr, ERR_INVALID,
			               "%s must be 1 to %d of a-z, 0-9 and -, like eu-central-1",
			               places[i].from, ENDPOINT_REGION_MAX);
		(void)str_copy(ret->region, sizeof ret->region, str_c(places[i].value));
		(void)str_copy(ret->sign_region, sizeof ret->sign_region, str_c(places[i].value));
		ret->region_from = places[i].from;
		return ERR_OK;
	}
	return err_set(reterr, ERR_NOT_FOUND, "no AWS region; set AWS_REGION, for example to eu-central-1");
}

static enum err_code set_address(const struct endpoint_options *o, const struct profiles *p,
                                 struct endpoint *ret, struct err *reterr)
{
	struct wishes w;
	char region[ENDPOINT_REGION_MAX + 1];
	enum err_code code = read_wishes(o, p, &w, reterr);
	if (code != ERR_OK)
		return code;
	struct str url = set_url(o, p, w.ignore_urls, &ret->url_from);
	if (url.n > 0 && (w.fips || w.dual))
		return err_set(reterr, ERR_INVALID, "%s cannot be used together with %s; unset one of them",
		               ret->url_from,
		               w.fips ? "AWS_USE_FIPS_ENDPOINT" : "AWS_USE_DUALSTACK_ENDPOINT");
	if (url.n > 0)
		return endpoint_url_parse(url, ret->url_from, ret, reterr);
	ret->url_from = "the region";
	memcpy(region, ret->region, sizeof region); /* the next call writes there */
	return endpoint_compute(o->service, region, w.fips, w.dual, ret, reterr);
}

enum err_code endpoint_resolve(const struct endpoint_options *o, const struct profiles *p,
                               struct endpoint *ret, struct err *reterr)
{
	struct endpoint e = {.region_from = ""};
	enum err_code code = set_region(o, p, &e, reterr);
	if (code == ERR_OK)
		code = set_address(o, p, &e, reterr);
	if (code != ERR_OK)
		return code;
	if (str_is(STR("local"), e.region))
		(void)str_copy(e.sign_region, sizeof e.sign_region, STR("us-east-1"));
	*ret = e;
	return ERR_OK;
}

enum err_code endpoint_load(const struct endpoint_options *o, struct endpoint *ret, struct err *reterr)
{
	struct profiles *p = NULL;
	struct err why;
	enum err_code code = profile_load(o->environ_, &p, reterr);
	if (code != ERR_OK)
		return code;
	code = endpoint_resolve(o, p, ret, &why);
	if (code == ERR_NOT_FOUND) {
		char region[ENDPOINT_REGION_MAX + 1];
		struct endpoint_options with = *o;
		with.region = region; /* read after it was filled */
		code = imds_region_get(o->environ_, p, region, &why);
		if (code == ERR_OK)
			code = endpoint_resolve(&with, p, ret, &why);
		if (code == ERR_OK)
			ret->region_from = "instance metadata";
	}
	profile_free(p);
	return code == ERR_OK ? ERR_OK : err_set(reterr, code, "%s", why.msg);
}
