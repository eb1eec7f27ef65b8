/* doctor: is the page subscribed to the field of account linking, and does the app's webhook send it?  A field arrives
 * only if both are subscribed to it. */
#include <stdio.h>

#include "cli/doctor.h"

enum { COMMAND_MAX = 3072, WANTED_MAX = 1200 };

/* The names of the fields that the page is subscribed to for this app, with commas. */
static void put_fields(const struct doctor_page *e, const struct json *apps, struct buf *out)
{
	for (const struct json *one = json_first(json_get(apps, "data")); one != NULL; one = json_next(one)) {
		if (!str_is(doctor_text(one, "id"), e->app))
			continue;
		const struct json *fields = json_get(one, "subscribed_fields");
		for (const struct json *f = json_first(fields); f != NULL; f = json_next(f))
			if (str_of(json_str(f), "_") && json_str(f).n > 0 &&
			    !str_is(json_str(f), DOCTOR_FIELD)) {
				buf_str(out, json_str(f));
				buf_z(out, ",");
			}
	}
}

static bool is_subscribed(const struct doctor_page *e, const struct json *apps)
{
	for (const struct json *one = json_first(json_get(apps, "data")); one != NULL; one = json_next(one))
		if (str_is(doctor_text(one, "id"), e->app))
			return doctor_has(json_get(one, "subscribed_fields"), DOCTOR_FIELD);
	return false;
}

/* The list replaces the one that the page has, so it holds all fields.  Other users see the words of a command:
 * none holds the token or the secret. */
static void put_command(const struct doctor_page *e, const struct json *apps, struct buf *out)
{
	const struct config *cfg = e->all->cfg;
	buf_printf(out,
	           "printf 'Authorization: Bearer %%s' \"$PAGE_TOKEN\" | curl -sS -X POST -H @- "
	           "\"%s/%s/%s/subscribed_apps?subscribed_fields=",
	           cfg->graph_url, cfg->graph_version, e->id);
	put_fields(e, apps, out);
	buf_z(out, DOCTOR_FIELD);
	if (cfg->app_secret.n > 0)
		buf_z(out,
		      "&appsecret_proof=$(python3 -c 'import hmac, os; e = os.environb; "
		      "print(hmac.new(e[b\"APP_SECRET\"], e[b\"PAGE_TOKEN\"], \"sha256\").hexdigest())')");
	buf_z(out, "\"");
}

static void judge_subscription(const struct doctor_page *e, const struct json *apps)
{
	struct buf command;
	if (is_subscribed(e, apps)) {
		doctor_page_note(e, "subscription", DOCTOR_OK, "page %s is subscribed to " DOCTOR_FIELD,
		                 e->id);
		return;
	}
	buf_init(&command, COMMAND_MAX);
	put_command(e, apps, &command);
	doctor_page_note(e, "subscription", DOCTOR_FAULT,
	                 "page %s is not subscribed to " DOCTOR_FIELD
	                 " for this app, so that every link ends with 'Account "
	                 "Linking Failed': add the page and this field %s, or export the page token as "
	                 "PAGE_TOKEN%s, and run: "
	                 "%s",
	                 e->id, DOCTOR_DASHBOARD,
	                 e->all->cfg->app_secret.n > 0 ? " and the app secret as APP_SECRET" : "",
	                 command.failed ? "(the page has too many fields for a command)" : command.p);
	buf_done(&command);
}

void doctor_subscription(const struct doctor_page *e)
{
	char path[GRAPH_ID_MAX + 32];
	struct doctor_answer a;
	(void)snprintf(path, sizeof path, "%s/subscribed_apps", e->id);
	struct doctor_question q = {.bearer = e->token,
	                            .secret = e->secret,
	                            .path = path,
	                            .query = "fields=id,subscribed_fields&limit=100"};
	if (!doctor_page_ask(e->all, &q, &a))
		doctor_page_note(e, "subscription", DOCTOR_SKIPPED,
		                 "could not be checked: Graph does not answer");
	else if (a.graph.class == GRAPH_DONE && json_is_array(json_get(a.json, "data")))
		judge_subscription(e, a.json);
	else
		doctor_page_note(e, "subscription", DOCTOR_SKIPPED,
		                 "could not be checked: %s; look for " DOCTOR_FIELD " at the page %s",
		                 doctor_graph_why(&a).s, DOCTOR_DASHBOARD);
	json_free(a.json);
}

/* --- the app's webhook */

static void judge_webhook(const struct doctor_page *e, const struct json *one)
{
	const char *public_url = e->all->cfg->public_url;
	char wanted[WANTED_MAX];
	struct str url = doctor_text(one, "callback_url"), shown, query;
	const struct json *active = json_get(one, "active");
	(void)snprintf(wanted, sizeof wanted, "%s/webhook",
	               public_url[0] != '\0' ? public_url : "LINKD_PUBLIC_URL");
	(void)str_cut(url, '?', &shown, &query);
	if (one == NULL)
		doctor_page_note(e, "app_webhook", DOCTOR_FAULT,
		                 "the app has no webhook for pages: register the callback URL %s and "
		                 "LINKD_VERIFY_TOKEN %s",
		                 wanted, DOCTOR_DASHBOARD);
	else if (public_url[0] != '\0' && !str_is(url, wanted))
		doctor_page_note(
		        e, "app_webhook", DOCTOR_FAULT,
		        "Facebook calls %.*s%s, not %s: correct the callback URL %s, or LINKD_PUBLIC_URL",
		        (int)shown.n, shown.n > 0 ? shown.p : "", shown.n < url.n ? " with a query" : "",
		        wanted, DOCTOR_DASHBOARD);
	else if (active != NULL && !json_is_true(active))
		doctor_page_note(e, "app_webhook", DOCTOR_FAULT,
		                 "Facebook has switched off the webhook of the app, as it does after an hour "
		                 "of failed calls: correct the faults of public_url and webhook below, then "
		                 "register the callback URL again %s",
		                 DOCTOR_DASHBOARD);
	else if (!doctor_has(json_get(one, "fields"), DOCTOR_FIELD))
		doctor_page_note(e, "app_webhook", DOCTOR_FAULT,
		                 "the webhook of the app is not subscribed to " DOCTOR_FIELD
		                 ": subscribe to it %s",
		                 DOCTOR_DASHBOARD);
	else
		doctor_page_note(e, "app_webhook", DOCTOR_OK, "the app sends " DOCTOR_FIELD " to %.*s",
		                 (int)shown.n, shown.n > 0 ? shown.p : "");
}

void doctor_app_webhook(const struct doctor_page *e, struct str app_token)
{
	char path[GRAPH_ID_MAX + 32];
	struct doctor_answer a;
	if (e->all->app_seen)
		return;
	(void)snprintf(path, sizeof path, "%s/subscriptions", e->app);
	struct doctor_question q = {.bearer = app_token, .secret = e->secret, .path = path, .query = ""};
	if (doctor_page_ask(e->all, &q, &a) && a.graph.class == GRAPH_DONE) {
		const struct json *one = json_first(json_get(a.json, "data"));
		while (one != NULL && !str_is(doctor_text(one, "object"), "page"))
			one = json_next(one);
		judge_webhook(e, one);
		e->all->app_seen = true;
	} else if (!e->all->down) {
		doctor_page_note(e, "app_webhook", DOCTOR_SKIPPED, "could not be checked: %s",
		                 doctor_graph_why(&a).s);
	}
	json_free(a.json);
}
