/* The Facebook part of doctor: the page tokens at Graph, and the address that Facebook calls. */
#include "cli/doctor.h"

static bool is_set(const struct config *cfg)
{
	return cfg->app_secret.n > 0 || cfg->page_access_token.n > 0 || cfg->public_url[0] != '\0' ||
	       cfg->verify_token[0] != '\0';
}

static void check_app_secret(struct doctor *d, const struct config *cfg)
{
	if (cfg->app_secret.n == 0)
		doctor_note(d, "app_secret", DOCTOR_ADVICE,
		            "LINKD_APP_SECRET is not set here; serve needs it: copy it from the app's "
		            "dashboard, App settings, Basic");
}

/* Pages of LINKD_PAGE_IDS whose codes are not bound.  One token without a page id may be of any of them. */
static void check_covered(struct doctor *d, const struct config *cfg)
{
	struct str page, token;
	for (size_t i = 0; i < cfg->page_ids.n; i++) {
		bool covered = false;
		for (size_t k = 0; k < cfg->page_access_token.n; k++) {
			config_page_token(cfg->page_access_token.v[k], &page, &token);
			covered |= page.n == 0 || str_is(page, cfg->page_ids.v[i]);
		}
		if (!covered)
			doctor_note(d, "page_token", DOCTOR_ADVICE,
			            "LINKD_PAGE_IDS lists page %s, which has no token in "
			            "LINKD_PAGE_ACCESS_TOKEN: codes of its users are not bound to their "
			            "Messenger profile; add PAGE_ID=token for it, and restart",
			            cfg->page_ids.v[i]);
	}
}

static void examine(struct doctor *d, const struct config *cfg)
{
	struct doctor_web web;
	struct err err;
	if (doctor_web_open(&web, &err) != ERR_OK) {
		doctor_note(d, "facebook", DOCTOR_FAULT, "%s", err.msg);
	} else {
		check_app_secret(d, cfg);
		if (cfg->page_access_token.n == 0)
			doctor_note(
			        d, "page_token", DOCTOR_ADVICE,
			        "LINKD_PAGE_ACCESS_TOKEN is not set for this command. If the service has "
			        "none either, a code is not bound to the Messenger profile that opened the "
			        "page, the consent page cannot name that profile, no message is sent after "
			        "a link, and Facebook is not told when a link ends here. To use one, make "
			        "it %s, set LINKD_PAGE_ACCESS_TOKEN, and restart",
			        DOCTOR_DASHBOARD);
		else
			doctor_pages(d, &web, cfg);
		check_covered(d, cfg);
		doctor_public(d, &web, cfg);
	}
	doctor_web_close(&web);
}

void doctor_facebook(struct doctor *d)
{
	struct config_from from = {
	        .file = d->c->config_file, .environ_ = d->c->environ_, .scope = CONFIG_FACEBOOK};
	struct config_findings found;
	struct config *cfg = NULL;
	struct err err;
	config_findings_init(&found);
	if (config_load(&from, &cfg, &found, &err) != ERR_OK)
		doctor_note(
		        d, "facebook", DOCTOR_FAULT,
		        "the settings of Facebook could not be read (%s): run account-linkd check-config, "
		        "correct what it names, and run doctor again",
		        err.msg);
	else if (!is_set(cfg))
		doctor_note(d, "facebook", DOCTOR_SKIPPED, "no setting of Facebook is set here");
	else
		examine(d, cfg);
	config_findings_done(&found);
	config_free(cfg);
}
