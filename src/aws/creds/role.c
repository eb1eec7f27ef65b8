/* aws/creds/role.c - a profile with role_arn: where its first keys come from, and the roles to assume with them.
 *
 *   [profile a] role_arn, source_profile = b      keys of b -> role of b if it has one -> role of a
 *   [profile a] role_arn, credential_source = Ec2InstanceMetadata | EcsContainer | Environment
 *
 * A profile may name itself when it also holds keys; any other way back to a profile is a loop. */
#include <stdio.h>
#include <string.h>

#include "aws/creds/private.h"

enum { DURATION_MIN_S = 900, DURATION_MAX_S = 43200 };

#define ACTION "AssumeRole"

static const struct creds_provider *const of_profile[] = {
        &creds_web_provider,     &creds_sso_provider,    &creds_shared_provider,
        &creds_process_provider, &creds_config_provider, NULL,
};

static const char *get(const struct creds_where *w, const char *profile, const char *key)
{
	return profile_get(w->profiles, PROFILE_BOTH, profile, key);
}

static bool has_keys(const struct creds_where *w, const char *profile)
{
	return get(w, profile, "aws_access_key_id") != NULL ||
	       get(w, profile, "aws_secret_access_key") != NULL;
}

/* With a token file the role belongs to the web identity provider. */
static bool has_role(const struct creds_where *w, const char *profile)
{
	return get(w, profile, "role_arn") != NULL && get(w, profile, "web_identity_token_file") == NULL;
}

static enum err_code duration(const struct creds_where *w, const char *profile, uint32_t *ret,
                              struct err *reterr)
{
	const char *text = get(w, profile, "duration_seconds");
	uint64_t s = 0;
	if (text != NULL && (!str_u64(str_c(text), DURATION_MAX_S, &s) || s < DURATION_MIN_S))
		return err_set(reterr, ERR_INVALID, "profile %.64s: duration_seconds must be %d to %d",
		               profile, DURATION_MIN_S, DURATION_MAX_S);
	*ret = (uint32_t)s;
	return ERR_OK;
}

static enum err_code add_hop(const struct creds_where *w, const char *profile, struct creds_plan *p,
                             struct err *reterr)
{
	const char *role = get(w, profile, "role_arn"), *session = get(w, profile, "role_session_name");
	if (p->hops == CREDS_HOPS_MAX)
		return err_set(reterr, ERR_INVALID, "profile %.64s: more than %d roles one after another",
		               w->profile, CREDS_HOPS_MAX);
	if (get(w, profile, "mfa_serial") != NULL)
		return err_set(reterr, ERR_INVALID,
		               "profile %.64s: mfa_serial needs a person; use a role without it", profile);
	if (role[0] == '\0' || !str_printable(str_c(role)))
		return err_set(reterr, ERR_INVALID, "profile %.64s: role_arn is empty or no ARN", profile);
	if (session != NULL && !creds_sts_session_ok(session))
		return err_set(
		        reterr, ERR_INVALID,
		        "profile %.64s: role_session_name must be 2 to 64 of letters, digits and _+=,.@-",
		        profile);
	struct creds_hop *h = &p->hop[p->hops++];
	if (!creds_draft_set(&h->role_arn, str_c(role)) ||
	    !creds_draft_set(&h->session_name, str_c(session)) ||
	    !creds_draft_set(&h->external_id, str_c(get(w, profile, "external_id"))))
		return err_set(reterr, ERR_NOMEM, "no memory for a role");
	return duration(w, profile, &h->duration_s, reterr);
}

/* The first keys from credential_source. */
static enum err_code from_source(const struct creds_where *w, const char *profile, const char *source,
                                 struct creds_plan *p, struct err *reterr)
{
	static const struct {
		const char *name;
		const struct creds_provider *provider;
	} sources[] = {{"Environment", &creds_env_provider},
	               {"EcsContainer", &creds_container_provider},
	               {"Ec2InstanceMetadata", &creds_imds_provider}};
	for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
		if (strcmp(source, sources[i].name) != 0)
			continue;
		enum err_code code = sources[i].provider->plan(w, p, reterr);
		if (code != ERR_NOT_FOUND)
			return code;
		return err_set(reterr, ERR_INVALID,
		               "profile %.64s: credential_source %s has no credentials here", profile,
		               source);
	}
	return err_set(reterr, ERR_INVALID,
	               "profile %.64s: credential_source must be Environment, EcsContainer or "
	               "Ec2InstanceMetadata",
	               profile);
}

/* The first keys from a profile that has no role, or has keys beside it. */
static enum err_code from_profile(const struct creds_where *w, const char *profile, struct creds_plan *p,
                                  struct err *reterr)
{
	struct creds_where below = *w;
	below.profile = profile;
	below.use_env = false;
	enum err_code code = creds_plan_first(of_profile, &below, p, reterr);
	if (code == ERR_NOT_FOUND)
		return err_set(reterr, ERR_INVALID, "source_profile %.64s has no credentials; add them to it",
		               profile);
	return code;
}

struct walk {
	const char *seen[CREDS_HOPS_MAX + 2];
	size_t n;
};

static bool seen(const struct walk *k, const char *profile)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->seen[i], profile) == 0)
			return true;
	return false;
}

static enum err_code check_source(const struct creds_where *w, const struct walk *k, const char *profile,
                                  const char *source, struct err *reterr)
{
	if (!profile_exists(w->profiles, source))
		return err_set(reterr, ERR_INVALID, "profile %.64s: source_profile %.64s does not exist",
		               profile, source);
	if (!seen(k, source))
		return ERR_OK;
	if (strcmp(source, profile) != 0)
		return err_set(reterr, ERR_INVALID,
		               "profile %.64s: source_profile %.64s leads back in a circle; end it with keys",
		               profile, source);
	if (!has_keys(w, source))
		return err_set(reterr, ERR_INVALID,
		               "profile %.64s: source_profile names the profile itself, which has no keys",
		               profile);
	return ERR_OK;
}

/* From the outermost profile inwards until keys are found. */
static enum err_code walk(const struct creds_where *w, struct creds_plan *p, struct err *reterr)
{
	struct walk k = {.seen = {w->profile}, .n = 1};
	for (const char *profile = w->profile;;) {
		const char *source = get(w, profile, "source_profile");
		const char *other = get(w, profile, "credential_source");
		enum err_code code = add_hop(w, profile, p, reterr);
		if (code != ERR_OK)
			return code;
		if ((source == NULL) == (other == NULL))
			return err_set(reterr, ERR_INVALID,
			               "profile %.64s: role_arn needs source_profile or credential_source%s",
			               profile, source != NULL ? ", not both" : "");
		if (other != NULL)
			return from_source(w, profile, other, p, reterr);
		code = check_source(w, &k, profile, source, reterr);
		if (code != ERR_OK)
			return code;
		k.seen[k.n++] = source;
		if (has_keys(w, source) || !has_role(w, source))
			return from_profile(w, source, p, reterr);
		profile = source;
	}
}

static enum err_code plan(const struct creds_where *w, struct creds_plan *p, struct err *reterr)
{
	if (!has_role(w, w->profile))
		return ERR_NOT_FOUND;
	enum err_code code = walk(w, p, reterr);
	if (code == ERR_OK)
		code = creds_sts_place(w, p, reterr);
	p->hop_at = p->hops;
	p->keeps = false;
	(void)snprintf(p->source, sizeof p->source, "role_arn of profile %.64s", w->profile);
	return code;
}

enum exchange_next creds_role_step(void *arg, const struct exchange_answer *a, struct exchange_request *req,
                                   struct err *reterr)
{
	struct creds_plan *p = arg;
	const struct creds_hop *h = &p->hop[p->hop_at];
	struct buf form;
	char seconds[16];
	if (a != NULL)
		return creds_sts_take(p, ACTION, a, reterr);
	buf_init(&form, EXCHANGE_BODY_MAX);
	creds_sts_form(&form, ACTION, h->role_arn, h->session_name);
	if (h->external_id != NULL)
		creds_sts_field(&form, "ExternalId", str_c(h->external_id));
	(void)snprintf(seconds, sizeof seconds, "%u", (unsigned)h->duration_s);
	if (h->duration_s > 0)
		creds_sts_field(&form, "DurationSeconds", str_c(seconds));
	creds_sts_ask(p, buf_view(&form), req);
	enum err_code code = form.failed ? err_set(reterr, ERR_NOMEM, "no memory for a role")
	                                 : creds_sts_sign(p, buf_view(&form), req, reterr);
	buf_done(&form);
	return code == ERR_OK ? EXCHANGE_SEND : EXCHANGE_FAILED;
}

const struct creds_provider creds_role_provider = {"assume-role", plan};
