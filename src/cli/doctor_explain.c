/* account-linkd doctor --token: what Facebook and the store know of one linking attempt.  It changes nothing. */
#include "base/crypto.h"
#include "cli/doctor.h"
#include "login/redirect.h"

enum explain_end { UNKNOWN, EXPIRED, VALID };

struct explain {
	struct cli *c;
	const struct config *cfg;
	const char *token; /* account_linking_token */
	enum explain_end end;
	size_t page; /* the page token that knows it */
	struct graph_recipient who;
	struct doctor_why why; /* of a page token that could not answer */
	size_t failed;         /* its number, from 1; 0: none */
};

/* The token of a linking URL, as it is or inside redirect_uri; else the text itself.  False: it has another shape. */
static bool take_token(const char *text, char *ret, size_t cap)
{
	static const char name[] = "account_linking_token";
	const char *at = strstr(text, name);
	struct str token = str_c(text);
	if (at != NULL) {
		at += sizeof name - 1;
		if (*at == '=')
			at++;
		else if (strncmp(at, "%3D", 3) == 0 || strncmp(at, "%3d", 3) == 0)
			at += 3;
		token = (struct str){at, strcspn(at, "&#%'\" \t\r\n")};
	}
	return redirect_token_ok(token) && str_copy(ret, cap, token);
}

/* Ask with one page token.  True: no further one needs to be asked. */
static bool ask(struct explain *x, struct doctor_web *w, size_t i)
{
	struct doctor_answer a;
	struct str page;
	struct doctor_question q = {.path = "me",
	                            .query = "fields=recipient",
	                            .parameter = "account_linking_token",
	                            .value = str_c(x->token)};
	if (x->cfg->app_secret.n > 0)
		q.secret = str_c(x->cfg->app_secret.v[0]);
	config_page_token(x->cfg->page_access_token.v[i], &page, &q.bearer);
	doctor_graph_ask(w, x->cfg, &q, &a);
	bool found = a.graph.class == GRAPH_DONE && graph_recipient_read(a.json, &x->who);
	if (found) {
		x->end = VALID;
		x->page = i;
	} else if (a.graph.class != GRAPH_LINK_TOKEN && x->failed == 0) {
		x->failed = i + 1;
		x->why = doctor_graph_why(&a);
	}
	json_free(a.json);
	return found;
}

/* False: the reason is on `err`. */
static bool ask_all(struct explain *x)
{
	struct doctor_web web = {.loop = NULL};
	struct err err;
	bool ok = crypto_start(&err) == ERR_OK && httpc_global_start(&err) == ERR_OK &&
	          doctor_web_open(&web, &err) == ERR_OK;
	for (size_t i = 0; ok && i < x->cfg->page_access_token.n; i++)
		if (ask(x, &web, i))
			break;
	if (ok && x->end != VALID && x->failed == 0)
		x->end = EXPIRED;
	doctor_web_close(&web);
	return ok || cli_fail(x->c, "%s", err.msg) == CLI_OK;
}

static bool is_ours(const struct explain *x)
{
	struct str page, token;
	config_page_token(x->cfg->page_access_token.v[x->page], &page, &token);
	return config_page_is_ours(&x->cfg->page_ids, str_c(x->who.page_id)) &&
	       (page.n == 0 || str_is(page, x->who.page_id));
}

static void show_next(struct explain *x, bool ours, bool linked)
{
	struct cli *c = x->c;
	if (!ours)
		cli_str(c, "next",
		        STR("Either LINKD_PAGE_IDS does not list the page of this linking token, or "
		            "LINKD_PAGE_ACCESS_TOKEN has its token under another page id. The code will "
		            "not be bound, and events of a page that is not listed are ignored. Correct "
		            "the setting and restart."));
	else if (!linked)
		cli_str(c, "next",
		        STR("The person logs in and taps Connect within 5 minutes of the tap on Log In. Then "
		            "Facebook posts 'linked' to /webhook, and this profile is linked to that "
		            "customer."));
	else if (x->cfg->link_conflict == CONFLICT_REPLACE)
		cli_str(c, "next",
		        STR("The profile is linked already. A login as the same customer keeps the link; a "
		            "login as another customer replaces it, and the consent page says so."));
	else
		cli_str(c, "next",
		        STR("The profile is linked already. A login as the same customer keeps the link; a "
		            "login as another customer is refused (LINKD_LINK_CONFLICT)."));
}

static void show_holder(struct cli *c, const struct store_customer *holder)
{
	cli_str(c, "customer_id", str_c(holder->key.id));
	cli_str(c, "email", str_c(holder->key.email));
	if (holder->link.linked_at_ms >= 0)
		cli_int(c, "linked_at", holder->link.linked_at_ms);
}

/* False: the store cannot tell, and the reason is on `err`. */
static bool show_link(struct explain *x, bool ours)
{
	struct cli *c = x->c;
	struct cli_store s;
	struct store_op *op = NULL;
	struct store_out out = {.n = 0};
	bool ok = cli_store_open(c, &s);
	if (ok && (op = cli_store_op(STORE_FIND_PSID)) != NULL)
		(void)str_copy(op->in.find_psid.psid, sizeof op->in.find_psid.psid, str_c(x->who.psid));
	if (ok && (ok = cli_store_run(c, &s, op, &out))) {
		cli_bool(c, "linked", out.n > 0);
		if (out.n > 0)
			show_holder(c, &out.customers[0]);
		show_next(x, ours, out.n > 0);
	}
	cli_store_drop(&out);
	cli_store_close(&s);
	return ok;
}

static int show_owner(struct explain *x)
{
	bool ours = is_ours(x);
	cli_str(x->c, "linking_token", STR("valid"));
	cli_str(x->c, "page_id", str_c(x->who.page_id));
	cli_bool(x->c, "page_is_ours", ours);
	cli_str(x->c, "psid", str_c(x->who.psid));
	return show_link(x, ours) && ours ? CLI_OK : CLI_FAILED;
}

static int show(struct explain *x)
{
	struct cli *c = x->c;
	int rc = CLI_FAILED;
	if (x->end == VALID) {
		rc = show_owner(x);
	} else if (x->end == EXPIRED) {
		cli_str(c, "linking_token", STR("expired"));
		cli_str(c, "next",
		        x->cfg->page_ids.n > x->cfg->page_access_token.n
		                ? STR("Facebook does not know it for a page whose token is set: it is "
		                      "older than 5 minutes, it was used, it was made up, or it is of a "
		                      "page of LINKD_PAGE_IDS without a token. The person goes back to "
		                      "Messenger and taps Log In again.")
		                : STR("Facebook does not know it (any more): it is older than 5 minutes, "
		                      "it was used, or it was made up. The person goes back to Messenger "
		                      "and taps Log In again."));
	} else {
		char text[512];
		(void)snprintf(text, sizeof text,
		               "Facebook did not answer for page token %zu: %s. Run account-linkd doctor.",
		               x->failed, x->why.s);
		cli_str(c, "linking_token", STR("unknown"));
		cli_str(c, "next", str_c(text));
	}
	int done = cli_done(c);
	return done == CLI_OK ? rc : done;
}

int doctor_explain(struct cli *c, const char *text)
{
	char token[REDIRECT_TOKEN_MAX + 1];
	struct config *cfg;
	int rc = CLI_FAILED;
	if (!take_token(text, token, sizeof token))
		return cli_usage(
		        c,
		        "--token takes an account_linking_token, which is 1 to %d of A-Z a-z 0-9 _ -, "
		        "or the whole linking URL",
		        REDIRECT_TOKEN_MAX);
	if (!cli_config(c, CONFIG_FACEBOOK, &cfg))
		return c->rc;
	struct explain x = {.c = c, .cfg = cfg, .token = token};
	if (cfg->page_access_token.n == 0)
		rc = cli_fail(c,
		              "Facebook tells the owner of a linking token only to a page token: set "
		              "LINKD_PAGE_ACCESS_TOKEN, from the app's dashboard, Messenger, API settings");
	else if (ask_all(&x))
		rc = show(&x);
	config_free(cfg);
	return rc;
}
