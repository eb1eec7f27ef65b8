#include "login/private.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "obs/log.h"
#include "obs/metrics.h"

_Static_assert(REQUEST_BROWSER_LEN <= 2 * STATE_BROWSER_LEN, "as many digits are there");

/* The digest of 32 random bytes identifies no person, so it needs no key. */
void login_note_browser(struct request *r, const struct state *s)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < REQUEST_BROWSER_LEN; i++)
		r->browser[i] = digits[i % 2 == 0 ? s->browser[i / 2] >> 4 : s->browser[i / 2] & 15];
	r->browser[REQUEST_BROWSER_LEN] = '\0';
}

void login_audit(const struct request *r, const struct state *s, struct audit a)
{
	a.way = "password";
	a.client = r->client;
	a.browser_digest = r->browser;
	a.psid = s->psid;
	a.page_id = s->page_id;
	audit_line(&a);
}

int64_t form_guard_now_s(void)
{
	return clock_wall_ms() / 1000;
}

void form_guard_refuse(struct request *r, const char *reason)
{
	metric_add(M_STATE_REFUSED, 1);
	request_refused(r, LOG_REPEAT_FORM, reason);
	answer_start_again(r);
}

/* --- Origin */

/* Get the host of "host[:port]", with the brackets of an IPv6 address.  False: malformed. */
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

/* Only names that nobody can point at another address, so DNS rebinding does not pass. */
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

/* A browser writes an origin in lower case, without the default port and without a path.  The comparison allocates
 * nothing, so it cannot fail for lack of memory. */
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

bool form_guard_origin_ours(const struct config *cfg, struct str origin, struct str host)
{
	if (origin.p == NULL)
		return true;
	if (cfg->public_url[0] != '\0')
		return is_origin_of(origin, str_c(cfg->public_url));
	return is_loopback(host) && is_origin(origin, STR("http://"), host, STR(":80"));
}

static bool from_our_page(const struct request *r)
{
	size_t n = 0;
	struct str origin = request_header(r, "Origin", &n);
	return n <= 1 && form_guard_origin_ours(r->service->cfg, origin, request_header(r, "Host", NULL));
}

/* --- the forms */

bool form_guard_form(struct request *r, struct params *form)
{
	struct err err;
	enum err_code code = params_parse(form, r->body, &err);
	if (code != ERR_OK) {
		answer_error(r, code, &err);
		return false;
	}
	if (from_our_page(r))
		return true;
	form_guard_refuse(r, "the Origin is not ours");
	return false;
}

static struct str nonce_of(const struct request *r)
{
	return request_cookie(r, state_cookie_name(r->service->cfg));
}

static void refuse_token(struct request *r, enum err_code code, const struct err *err)
{
	if (code == ERR_DENIED)
		form_guard_refuse(r, err->msg);
	else
		answer_error(r, code, err);
}

bool form_guard_state(struct request *r, const struct params *form, struct state *ret)
{
	struct err err;
	enum err_code code = state_open(r->service->sealer, params_get(form, "state"), nonce_of(r),
	                                form_guard_now_s(), ret, &err);
	if (code != ERR_OK)
		refuse_token(r, code, &err);
	else
		login_note_browser(r, ret);
	return code == ERR_OK;
}

bool form_guard_consent(struct request *r, const struct params *form, struct consent *ret)
{
	struct err err;
	enum err_code code = state_open_consent(r->service->sealer, params_get(form, "consent"), nonce_of(r),
	                                        form_guard_now_s(), ret, &err);
	if (code != ERR_OK)
		refuse_token(r, code, &err);
	else
		login_note_browser(r, &ret->state);
	return code == ERR_OK;
}

/* --- a posted form, handled as a flow */

static void cleanup(struct request *r)
{
	struct form_flow *f = r->flow;
	flow_cancel(&f->flow);
	params_done(&f->fields);
	crypto_wipe(f, f->size);
	free(f);
	r->flow = NULL;
}

void form_flow_start(struct request *r, const struct flow_kind *k, size_t size)
{
	struct flow_call c = {.loop = r->loop,
	                      .store = r->service->store,
	                      .limit_ms = r->deadline_ms - LOGIN_LIMIT_MS,
	                      .scope = r->id};
	struct form_flow *f = calloc(1, size);
	if (f != NULL) {
		f->r = r;
		f->s = r->service;
		f->size = size;
		r->flow = f;
		r->cleanup = cleanup;
	}
	if (f == NULL || flow_start(&f->flow, k, &c) != ERR_OK)
		answer_error(r, ERR_NOMEM, NULL);
}
