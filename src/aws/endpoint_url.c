#include "aws/endpoint_url.h"

#include <arpa/inet.h>
#include <stdio.h>

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
