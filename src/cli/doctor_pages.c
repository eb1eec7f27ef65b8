/* doctor: each page token of LINKD_PAGE_ACCESS_TOKEN at Graph.
 *
 *   me, once with the proof of each app secret -> app -> debug_token -> {page}/subscribed_apps
 *                                                    `-> {app}/subscriptions, once
 * Source  https://developers.facebook.com/docs/graph-api/reference/debug_token,
 *         https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps,
 *         https://developers.facebook.com/docs/graph-api/reference/app/subscriptions */
#include <limits.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/time.h"
#include "cli/doctor.h"

enum { APP_TOKEN_MAX = 1024, SOON_S = 14 * 86400, DAY_S = 86400 };

void doctor_page_note(const struct doctor_page *e, const char *check, enum doctor_verdict v, const char *fmt,
                      ...)
{
	char text[DOCTOR_TEXT_MAX], which[32] = "";
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (e->all->cfg->page_access_token.n > 1)
		(void)snprintf(which, sizeof which, "token %zu: ", e->n + 1);
	doctor_note(e->all->d, check, v, "%s%s", which, text);
}

static void skip(const struct doctor_page *e, const char *const *checks, const char *why)
{
	for (; *checks != NULL; checks++)
		doctor_page_note(e, *checks, DOCTOR_SKIPPED, "%s", why);
}

/* --- calls */

/* What the first answer says of the way to Graph. */
static void first_answer(struct doctor_pages *all, const struct doctor_answer *a)
{
	all->asked = true;
	if (a->date_s >= 0)
		doctor_clock(all->d, "graph_clock", "Facebook's", a->date_s * 1000 - clock_wall_ms());
	if (a->took_ms > all->cfg->graph_timeout_ms)
		doctor_note(
		        all->d, "graph", DOCTOR_ADVICE,
		        "Graph took %lld ms, more than LINKD_GRAPH_TIMEOUT_MS (%lld): codes are not bound "
		        "to a Messenger profile when it does so at a login. Raise LINKD_GRAPH_TIMEOUT_MS, "
		        "or look for a slow network or DNS",
		        (long long)a->took_ms, (long long)all->cfg->graph_timeout_ms);
	else
		doctor_note(all->d, "graph", DOCTOR_OK, "answers in %lld ms", (long long)a->took_ms);
}

/* There is no usable answer. */
static void note_down(struct doctor_pages *all, const struct doctor_answer *a)
{
	const struct doctor_why why = doctor_graph_why(a);
	const char *url = all->cfg->graph_url;
	if (a->status != 0)
		doctor_note(all->d, "graph", DOCTOR_FAULT,
		            "%s: try again later; https://metastatus.com shows Facebook's outages", why.s);
	else if (a->fault == HTTPC_LOCAL)
		doctor_note(all->d, "graph", DOCTOR_FAULT, "%s: correct this, and run doctor again", why.s);
	else if (a->fault == HTTPC_CERT_TIME)
		doctor_note(all->d, "graph", DOCTOR_FAULT, "%s: set this machine's clock by NTP", why.s);
	else if (a->fault == HTTPC_CERT_ISSUER || a->fault == HTTPC_CERT_NAME || a->fault == HTTPC_NO_TLS)
		doctor_note(all->d, "graph", DOCTOR_FAULT,
		            "%s: install ca-certificates; if a proxy replaces certificates, let it pass %s "
		            "unchanged",
		            why.s, url);
	else
		doctor_note(
		        all->d, "graph", DOCTOR_FAULT,
		        "%s: allow DNS and outgoing connections from this machine to %s. The service also "
		        "needs IPAddressAllow=any in its systemd unit",
		        why.s, url);
}

bool doctor_page_ask(struct doctor_pages *all, const struct doctor_question *q, struct doctor_answer *ret)
{
	if (!all->down)
		doctor_graph_ask(all->web, all->cfg, q, ret);
	else
		*ret = (struct doctor_answer){.graph = {.class = GRAPH_RETRY}};
	/* After a first answer, a 200 that cannot be read concerns its own check alone. */
	bool unread = all->asked && ret->status == 200 && ret->graph.code == 0;
	if (ret->graph.class == GRAPH_RETRY && !all->down && !unread) {
		all->down = true;
		note_down(all, ret);
	}
	if (!all->down && !all->asked)
		first_answer(all, ret);
	return !all->down;
}

struct str doctor_text(const struct json *object, const char *key)
{
	return json_str(json_get(object, key));
}

bool doctor_has(const struct json *list, const char *word)
{
	for (const struct json *one = json_first(list); one != NULL; one = json_next(one))
		if (str_is(json_str(one), word) || str_is(doctor_text(one, "name"), word))
			return true;
	return false;
}

/* --- whose token it is */

static const char *dead_because(int subcode)
{
	switch (subcode) {
	case 458: return " because the person who made it removed the app";
	case 460: return " because the person who made it changed the password";
	case 463: return " because it has expired";
	case 464: return " because the account of the person who made it is not confirmed";
	default: return "";
	}
}

static void note_dead(const struct doctor_page *e, int subcode, const char *why)
{
	doctor_page_note(e, "page_token", DOCTOR_FAULT,
	                 "Facebook does not accept the page token%s (%s): make a new one %s, put it in "
	                 "LINKD_PAGE_ACCESS_TOKEN, and restart",
	                 dead_because(subcode), why, DOCTOR_DASHBOARD);
}

static void note_refused(const struct doctor_page *e, const struct doctor_answer *a)
{
	switch (a->graph.class) {
	case GRAPH_TOKEN_DEAD: note_dead(e, a->graph.subcode, doctor_graph_why(a).s); break;
	case GRAPH_RETRY:
		doctor_page_note(e, "page_token", DOCTOR_ADVICE,
		                 "could not be checked: %s; run doctor again later", doctor_graph_why(a).s);
		break;
	case GRAPH_RATE_LIMITED:
		doctor_page_note(
		        e, "page_token", DOCTOR_ADVICE,
		        "could not be checked: the app makes too many calls (%s); run doctor again later",
		        doctor_graph_why(a).s);
		break;
	default:
		doctor_page_note(e, "page_token", DOCTOR_FAULT,
		                 "Facebook refuses a call with the page token (%s): check %s that the app is "
		                 "live and that the token has pages_messaging",
		                 doctor_graph_why(a).s, DOCTOR_DASHBOARD);
	}
}

static bool take_page(struct doctor_page *e, const struct doctor_answer *a)
{
	if (a->graph.class != GRAPH_DONE || !graph_id_ok(doctor_text(a->json, "id")))
		return false;
	e->known = str_copy(e->id, sizeof e->id, doctor_text(a->json, "id"));
	(void)str_copy(e->name, sizeof e->name, doctor_text(a->json, "name"));
	return e->known;
}

/* Ask with the proof of one app secret, or with none.  False: the token cannot be examined further. */
static bool ask_me(struct doctor_page *e, struct str secret, bool *ret_refused)
{
	struct doctor_answer a;
	struct doctor_question q = {
	        .bearer = e->token, .secret = secret, .path = "me", .query = "fields=id,name"};
	bool ok = doctor_page_ask(e->all, &q, &a);
	*ret_refused = ok && a.proof_refused;
	if (ok && !a.proof_refused && !take_page(e, &a)) {
		note_refused(e, &a);
		ok = false;
	}
	json_free(a.json);
	return ok;
}

/* False: a line says why the token cannot be examined. */
static bool identify(struct doctor_page *e)
{
	const struct strlist *secrets = &e->all->cfg->app_secret;
	bool refused;
	e->fit = secrets->n;
	for (size_t i = 0; i < secrets->n; i++) {
		if (!ask_me(e, str_c(secrets->v[i]), &refused))
			return false;
		if (refused)
			continue;
		e->fits |= 1u << i;
		if (e->fit == secrets->n)
			e->fit = i;
	}
	if (e->fit < secrets->n)
		e->secret = str_c(secrets->v[e->fit]);
	return e->fit < secrets->n || ask_me(e, (struct str){NULL, 0}, &refused);
}

static void check_page(const struct doctor_page *e)
{
	if (!e->known)
		doctor_page_note(e, "page_token", DOCTOR_SKIPPED,
		                 "could not be checked: Facebook wants the correct app secret; correct "
		                 "LINKD_APP_SECRET first");
	else if (e->page.n > 0 && !str_is(e->page, e->id))
		doctor_page_note(e, "page_token", DOCTOR_FAULT,
		                 "is of page %s (%s), but LINKD_PAGE_ACCESS_TOKEN names page %.*s: write "
		                 "%s=token for this token, and restart",
		                 e->id, e->name, (int)e->page.n, e->page.p, e->id);
	else if (!config_page_is_ours(&e->all->cfg->page_ids, str_c(e->id)))
		doctor_page_note(
		        e, "page_token", DOCTOR_FAULT,
		        "is of page %s (%s), which LINKD_PAGE_IDS does not list: list that page, or use the "
		        "token of a page that is listed",
		        e->id, e->name);
	else
		doctor_page_note(e, "page_token", DOCTOR_OK, "valid, of page %s (%s)", e->id, e->name);
}

static void check_spare_secrets(const struct doctor_page *e)
{
	for (size_t i = e->fit + 1; i < e->all->cfg->app_secret.n; i++)
		if ((e->fits & 1u << i) == 0)
			doctor_page_note(e, "app_secret", DOCTOR_ADVICE,
			                 "Facebook does not accept secret %zu: if the app secret was "
			                 "changed more than a day ago, remove it from LINKD_APP_SECRET",
			                 i + 1);
}

static void check_secret(const struct doctor_page *e)
{
	size_t n = e->all->cfg->app_secret.n;
	if (n == 0)
		return;
	if (e->fit == 0) {
		doctor_page_note(e, "app_secret", DOCTOR_OK,
		                 "the first app secret is of the app that made the token");
		check_spare_secrets(e);
	} else if (e->all->secret_told) {
		doctor_page_note(e, "app_secret", DOCTOR_SKIPPED, "fix the fault of the app secret above");
	} else if (e->fit < n) {
		doctor_page_note(
		        e, "app_secret", DOCTOR_FAULT,
		        "the first secret of LINKD_APP_SECRET is not the app's, secret %zu is: the service "
		        "signs its calls with the first. Put secret %zu first, and restart",
		        e->fit + 1, e->fit + 1);
	} else {
		doctor_page_note(
		        e, "app_secret", DOCTOR_FAULT,
		        "LINKD_APP_SECRET is not the secret of the app that made the page token: copy it "
		        "from that app's dashboard, App settings, Basic, or make the token with the right "
		        "app");
	}
	e->all->secret_told |= e->fit > 0;
}

/* --- what the token may do */

static void learn_app(struct doctor_page *e)
{
	struct doctor_answer a;
	struct doctor_question q = {
	        .bearer = e->token, .secret = e->secret, .path = "app", .query = "fields=id"};
	if (doctor_page_ask(e->all, &q, &a) && a.graph.class == GRAPH_DONE &&
	    graph_id_ok(doctor_text(a.json, "id")))
		(void)str_copy(e->app, sizeof e->app, doctor_text(a.json, "id"));
	json_free(a.json);
}

/* The access token of the app itself. */
static void put_app_token(const struct doctor_page *e, struct buf *out)
{
	buf_z(out, e->app);
	buf_z(out, "|");
	buf_str(out, e->secret);
}

static int64_t seconds_of(const struct json *object, const char *key)
{
	double d = 0;
	int64_t s = 0;
	return json_num(json_get(object, key), &d) && time_read_number(d, &s) ? s : 0;
}

static void check_expiry(const struct doctor_page *e, const struct json *data)
{
	int64_t now_s = clock_wall_ms() / 1000, ends_s = seconds_of(data, "expires_at"),
	        access_s = seconds_of(data, "data_access_expires_at");
	char day[TIME_RFC3339_LEN + 1] = "";
	if (ends_s > 0 && time_write_rfc3339(ends_s, day))
		doctor_page_note(e, "expiry", ends_s - now_s < SOON_S ? DOCTOR_FAULT : DOCTOR_ADVICE,
		                 "the token expires at %s, in %lld days: make a new page token %s, put it in "
		                 "LINKD_PAGE_ACCESS_TOKEN, restart, and run doctor again",
		                 day, (long long)((ends_s - now_s) / DAY_S), DOCTOR_DASHBOARD);
	else if (access_s > 0 && access_s - now_s < SOON_S && time_write_rfc3339(access_s, day))
		doctor_page_note(
		        e, "expiry", DOCTOR_ADVICE,
		        "the app's access to data ends at %s: the person who made the token must make "
		        "it again %s",
		        day, DOCTOR_DASHBOARD);
	else
		doctor_page_note(e, "expiry", DOCTOR_OK, "the token does not expire");
}

static void check_scopes(const struct doctor_page *e, const struct json *data)
{
	const struct json *scopes = json_get(data, "scopes");
	struct str type = doctor_text(data, "type");
	if (type.n > 0 && !str_is(type, "PAGE"))
		doctor_page_note(e, "permissions", DOCTOR_FAULT,
		                 "the token is of a user or an app, not of a page: make a page token %s",
		                 DOCTOR_DASHBOARD);
	else if (!doctor_has(scopes, "pages_messaging"))
		doctor_page_note(
		        e, "permissions", DOCTOR_FAULT,
		        "the token lacks the permission pages_messaging: grant it and make a new token "
		        "%s, then restart",
		        DOCTOR_DASHBOARD);
	else if (!doctor_has(scopes, "pages_manage_metadata"))
		doctor_page_note(
		        e, "permissions", DOCTOR_ADVICE,
		        "the token lacks the permission pages_manage_metadata, to show and change the "
		        "subscription of the page: grant it and make a new token %s",
		        DOCTOR_DASHBOARD);
	else
		doctor_page_note(e, "permissions", DOCTOR_OK, "pages_messaging and pages_manage_metadata");
}

static int integer(const struct json *object, const char *key)
{
	double d = 0;
	return json_num(json_get(object, key), &d) && d >= 0 && d <= INT_MAX ? (int)d : 0;
}

/* The answer of debug_token has no error, but calls the token invalid. */
static void note_invalid(const struct doctor_page *e, const struct json *error)
{
	int code = integer(error, "code"), subcode = integer(error, "subcode");
	char why[64] = "debug_token: not valid";
	if (code > 0)
		(void)snprintf(why, sizeof why, "debug_token: error %d, subcode %d", code, subcode);
	note_dead(e, subcode, why);
}

static void check_rights(const struct doctor_page *e, struct str app_token)
{
	static const char *const checks[] = {"expiry", "permissions", NULL};
	struct doctor_answer a = {.json = NULL};
	struct doctor_question q = {.bearer = app_token,
	                            .secret = e->secret,
	                            .path = "debug_token",
	                            .query = "",
	                            .parameter = "input_token",
	                            .value = e->token};
	bool answered = doctor_page_ask(e->all, &q, &a);
	const struct json *data = json_get(a.json, "data"), *valid = json_get(data, "is_valid");
	if (answered && a.graph.class == GRAPH_DONE && json_is_true(valid)) {
		check_expiry(e, data);
		check_scopes(e, data);
	} else if (answered && a.graph.class == GRAPH_DONE && valid != NULL) {
		note_invalid(e, json_get(data, "error"));
		skip(e, checks, "the page token is not valid");
	} else {
		char why[sizeof(struct doctor_why) + 32];
		(void)snprintf(why, sizeof why, "could not be checked: %s",
		               answered ? doctor_graph_why(&a).s : "Graph does not answer");
		skip(e, checks, why);
	}
	json_free(a.json);
}

/* --- all */

static void check_as_app(const struct doctor_page *e)
{
	static const char *const checks[] = {"expiry", "permissions", "app_webhook", NULL};
	struct buf app_token;
	if (e->secret.n == 0 || e->app[0] == '\0') {
		skip(e, checks,
		     e->secret.n == 0 ? "could not be checked without the app secret"
		                      : "could not be checked: Graph does not name the app");
		return;
	}
	buf_init(&app_token, APP_TOKEN_MAX);
	put_app_token(e, &app_token);
	check_rights(e, buf_view(&app_token));
	doctor_app_webhook(e, buf_view(&app_token));
	crypto_wipe_buf(&app_token);
}

static void examine(struct doctor_page *e)
{
	static const char *const checks[] = {"page_token",  "app_secret",   "expiry",
	                                     "permissions", "subscription", NULL},
	                         *const *rest = checks + 1;
	if (!identify(e)) {
		skip(e, e->all->down ? checks : rest,
		     e->all->down ? "could not be checked: Graph does not answer"
		                  : "the page token could not be used");
		return;
	}
	check_page(e);
	check_secret(e);
	if (!e->known) {
		skip(e, rest + 1, "the page token could not be used");
		return;
	}
	learn_app(e);
	check_as_app(e);
	if (e->app[0] != '\0')
		doctor_subscription(e);
	else
		doctor_page_note(e, "subscription", DOCTOR_SKIPPED,
		                 "could not be checked: Graph does not name the app");
}

void doctor_pages(struct doctor *d, struct doctor_web *w, const struct config *cfg)
{
	struct doctor_pages all = {.d = d, .web = w, .cfg = cfg};
	for (size_t i = 0; i < cfg->page_access_token.n; i++) {
		struct doctor_page e = {.all = &all, .n = i};
		config_page_token(cfg->page_access_token.v[i], &e.page, &e.token);
		examine(&e);
	}
}
