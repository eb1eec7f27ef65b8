/* aws/creds/imds.c - the role of the EC2 instance.
 *
 *   token -> name of the role -> keys
 *
 * During an outage the service returns expired keys, and AWS accepts them.  So their expiry is extended. */
#include <stdio.h>
#include <string.h>

#include "aws/creds/private.h"
#include "base/clock.h"
#include "base/crypto.h"

enum { OLD_S = 900, LONGER_S = 120, LONGER_MORE_S = 480 }; /* as botocore: 15 minutes and 2 to 10 more */

#define ROLE_PATH "iam/security-credentials/"

static void keep_old(struct creds_draft *d)
{
	int64_t now_s = clock_wall_ms() / 1000;
	uint16_t chance;
	if (d->expires_at_s > now_s + OLD_S + LONGER_S)
		return;
	if (crypto_random(&chance, sizeof chance) != ERR_OK)
		chance = 0;
	d->expires_at_s = now_s + OLD_S + LONGER_S + chance % LONGER_MORE_S;
}

static enum err_code take_role(struct creds_plan *p, const struct exchange_answer *a, struct err *reterr)
{
	struct str first, rest;
	if (a->status == 404)
		return err_set(
		        reterr, ERR_UPSTREAM,
		        "the instance has no role; attach an instance profile or set AWS_ACCESS_KEY_ID");
	(void)str_cut(a->body, '\n', &first, &rest);
	first = str_trim(first);
	if (a->status != 200 || !str_of(first, "+=,.@_-") || !str_copy(p->role, sizeof p->role, first) ||
	    first.n == 0)
		return err_set(reterr, ERR_UPSTREAM,
		               "the instance metadata service tells no role name (status %ld)", a->status);
	return ERR_OK;
}

static enum err_code take_keys(struct creds_plan *p, const struct exchange_answer *a, struct err *reterr)
{
	const struct creds_json_shape shape = {.token_key = "Token",
	                                       .token_needed = true,
	                                       .expiry_needed = true,
	                                       .from = "the instance metadata service"};
	if (a->status != 200)
		return err_set(reterr, ERR_UPSTREAM,
		               "the instance metadata service answered with status %ld for role %.64s",
		               a->status, p->role);
	enum err_code code = creds_json_take(a->body, &shape, p, reterr);
	if (code == ERR_OK) {
		keep_old(&p->keys);
		(void)snprintf(p->source, sizeof p->source, "instance role %s", p->role);
	}
	return code;
}

static enum exchange_next step(void *arg, const struct exchange_answer *a, struct exchange_request *req,
                               struct err *reterr)
{
	struct creds_plan *p = arg;
	char path[sizeof ROLE_PATH + sizeof p->role];
	if (a == NULL) {
		imds_ask_token(&p->imds, req);
		return EXCHANGE_SEND;
	}
	if (p->imds.token[0] == '\0') {
		if (imds_take_token(&p->imds, a, reterr) != ERR_OK)
			return EXCHANGE_FAILED;
		imds_ask(&p->imds, ROLE_PATH, req);
		return EXCHANGE_SEND;
	}
	if (p->role[0] != '\0')
		return take_keys(p, a, reterr) == ERR_OK ? EXCHANGE_DONE : EXCHANGE_FAILED;
	if (take_role(p, a, reterr) != ERR_OK)
		return EXCHANGE_FAILED;
	(void)snprintf(path, sizeof path, ROLE_PATH "%s", p->role);
	imds_ask(&p->imds, path, req);
	return EXCHANGE_SEND;
}

static enum err_code plan(const struct creds_where *w, struct creds_plan *p, struct err *reterr)
{
	enum err_code code = imds_init(&p->imds, w->environ_, w->profiles, reterr);
	if (code != ERR_OK)
		return code;
	p->step = step;
	p->keeps = true;
	(void)str_copy(p->source, sizeof p->source, STR("instance metadata"));
	return ERR_OK;
}

const struct creds_provider creds_imds_provider = {"iam-role", plan};
