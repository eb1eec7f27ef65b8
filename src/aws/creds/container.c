/* aws/creds/container.c - the role of an ECS task or, by EKS Pod Identity, of a pod.
 *
 * Without TLS nothing proves who answers.  So http is allowed only to loopback and to the three addresses that AWS
 * uses, compared as addresses, not as text. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "aws/creds/private.h"
#include "base/file.h"

enum { TIMEOUT_MS = 2000, ATTEMPTS = 3, TOKEN_MAX = 16 * 1024 };

static bool v4_allowed(struct in_addr ip)
{
	uint32_t host = ntohl(ip.s_addr);
	return host >> 24 == 127 || host == 0xa9feaa02 /* 169.254.170.2 */ || host == 0xa9feaa17 /* .23 */;
}

static bool v6_allowed(const struct in6_addr *ip)
{
	static const struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;
	static const uint8_t pod_identity[16] = {0xfd, 0, 0x0e, 0xc2, [15] = 0x23}; /* fd00:ec2::23 */
	return memcmp(ip, &loopback, sizeof *ip) == 0 || memcmp(ip, pod_identity, sizeof *ip) == 0;
}

/* inet_pton takes only the full dotted form, so 127.1 and 0x7f.0.0.1 are names, and refused. */
static bool host_allowed(struct str host)
{
	char text[INET6_ADDRSTRLEN];
	struct in_addr four;
	struct in6_addr six;
	bool brackets = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
	if (str_ieq(host, STR("localhost")))
		return true;
	if (brackets)
		host = (struct str){host.p + 1, host.n - 2};
	if (!str_copy(text, sizeof text, host))
		return false;
	if (brackets)
		return inet_pton(AF_INET6, text, &six) == 1 && v6_allowed(&six);
	return inet_pton(AF_INET, text, &four) == 1 && v4_allowed(four);
}

/* "host:port" of a URL: everything up to the first slash, question or number sign. */
static struct str authority_of(struct str after_scheme)
{
	size_t n = 0;
	while (n < after_scheme.n && memchr("/?#", after_scheme.p[n], 3) == NULL)
		n++;
	return (struct str){after_scheme.p, n};
}

static bool full_ok(struct str url)
{
	bool tls = str_starts(url, STR("https://"));
	if (!str_printable(url) || str_has(url, ' ') || str_has(url, '\\') ||
	    (!tls && !str_starts(url, STR("http://"))))
		return false;
	struct str authority = authority_of((struct str){url.p + (tls ? 8 : 7), url.n - (tls ? 8 : 7)}), host,
	           port;
	if (authority.n == 0 || str_has(authority, '@'))
		return false;
	if (authority.p[0] == '[' && str_cut(authority, ']', &host, &port))
		host.n++;
	else
		(void)str_cut(authority, ':', &host, &port);
	return tls || host_allowed(host);
}

static enum err_code set_url(const struct creds_where *w, struct creds_plan *p, struct err *reterr)
{
	const char *relative = env_get(w->environ_, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = env_get(w->environ_, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	if (relative == NULL && full == NULL)
		return ERR_NOT_FOUND;
	if (relative != NULL &&
	    (relative[0] != '/' || !str_printable(str_c(relative)) || strpbrk(relative, " #\\") != NULL))
		return err_set(reterr, ERR_INVALID,
		               "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin with / and hold no blank");
	if (relative == NULL && !full_ok(str_c(full)))
		return err_set(
		        reterr, ERR_INVALID,
		        "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http to a loopback address, "
		        "169.254.170.2, 169.254.170.23 or [fd00:ec2::23]");
	buf_z(&p->url, relative != NULL ? w->container_host : full);
	buf_z(&p->url, relative != NULL ? relative : "");
	(void)snprintf(p->source, sizeof p->source, "AWS_CONTAINER_CREDENTIALS_%s_URI",
	               relative != NULL ? "RELATIVE" : "FULL");
	return p->url.failed ? err_set(reterr, ERR_INVALID, "%s is too long", p->source) : ERR_OK;
}

/* Not trimmed: the service compares it as it is. */
static enum err_code set_token(const struct creds_where *w, struct creds_plan *p, struct err *reterr)
{
	const char *file = env_get(w->environ_, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token = env_get(w->environ_, "AWS_CONTAINER_AUTHORIZATION_TOKEN"), *from;
	struct err why;
	if (file != NULL) {
		from = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
		enum err_code code = file_read(file, FILE_PLAIN, TOKEN_MAX, &p->token, &why);
		if (code != ERR_OK)
			return err_set(reterr, ERR_INVALID, "%s: %.120s %s", from, file, why.msg);
		if (p->token.len == 0)
			return err_set(reterr, ERR_INVALID, "%s: %.120s is empty", from, file);
	} else {
		from = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
		buf_z(&p->token, token != NULL ? token : "");
	}
	struct str t = buf_view(&p->token);
	if (str_has(t, '\r') || str_has(t, '\n') || str_has(t, '\0'))
		return err_set(reterr, ERR_INVALID, "%s must not hold a line break", from);
	return p->token.failed ? err_set(reterr, ERR_NOMEM, "no memory for a token") : ERR_OK;
}

static enum err_code take(struct creds_plan *p, const struct exchange_answer *a, struct err *reterr)
{
	const struct creds_json_shape shape = {.token_key = "Token",
	                                       .token_needed = true,
	                                       .expiry_needed = true,
	                                       .from = "the container's credentials service"};
	if (a->status != 200)
		return err_set(
		        reterr, ERR_UPSTREAM,
		        "%s: the credentials service answered with status %ld; check the task's or pod's "
		        "role%s",
		        p->source, a->status,
		        a->status == 401 || a->status == 403 ? " and the authorization token" : "");
	return creds_json_take(a->body, &shape, p, reterr);
}

static enum exchange_next step(void *arg, const struct exchange_answer *a, struct exchange_request *req,
                               struct err *reterr)
{
	struct creds_plan *p = arg;
	if (a != NULL)
		return take(p, a, reterr) == ERR_OK ? EXCHANGE_DONE : EXCHANGE_FAILED;
	req->allow_http = true; /* set_url has checked the address */
	req->timeout_ms = TIMEOUT_MS;
	req->attempts = ATTEMPTS;
	req->remedy = "is the task or pod given a role?";
	buf_str(&req->url, buf_view(&p->url));
	exchange_header(req, "Accept", STR("application/json"));
	if (p->token.len > 0)
		exchange_header(req, "Authorization", buf_view(&p->token));
	return EXCHANGE_SEND;
}

static enum err_code plan(const struct creds_where *w, struct creds_plan *p, struct err *reterr)
{
	enum err_code code = set_url(w, p, reterr);
	if (code == ERR_OK)
		code = set_token(w, p, reterr);
	if (code == ERR_OK)
		p->step = step;
	return code;
}

const struct creds_provider creds_container_provider = {"container-role", plan};
