/* aws/creds/plan.h - how the next keys will be got: what a provider decided, and what it needs for it.
 *
 *   plan()  on the files' thread: is this provider configured?  Reads files, runs a process.
 *   step    on the loop: the HTTP exchange that gives the keys; NULL when plan() had them already
 *   hops    then roles to assume with those keys, one after another
 *
 * Ownership  the plan owns all; creds_plan_free wipes. */
#pragma once
#include <stdatomic.h>

#include "aws/imds.h"
#include "aws/profile.h"
#include "net/exchange.h"

struct creds_keys;

enum { CREDS_HOPS_MAX = 8, CREDS_SOURCE_MAX = 255, CREDS_LOOKED_MAX = 511 };

/* Keys that are not complete yet. */
struct creds_draft {
	char *id, *secret, *token, *account; /* NULL: none */
	int64_t expires_at_s;                /* 0: never */
};
void creds_draft_free(struct creds_draft *d);
/* Copies; an empty value is none.  False: no memory. */
MUST_CHECK bool creds_draft_set(char **slot, struct str value);
/* Errors  ERR_INVALID (missing, or characters no key has; `where` is named), ERR_NOMEM. */
MUST_CHECK enum err_code creds_draft_check(const struct creds_draft *d, const char *where,
                                           struct err *reterr);

struct creds_hop {
	char *role_arn, *session_name, *external_id; /* session_name, external_id NULL: none */
	uint32_t duration_s;                         /* 0: STS's own */
};

struct creds_plan {
	const char *provider; /* static; of the chain's choice */
	char looked[CREDS_LOOKED_MAX +
	            1]; /* the last provider: why the earlier ones gave no keys; else empty */
	char source[CREDS_SOURCE_MAX + 1]; /* for people */
	struct creds_draft keys;
	exchange_step_fn *step; /* its argument is the plan */
	bool keeps;             /* the keys stay usable past their expiry */
	struct creds_hop hop[CREDS_HOPS_MAX];
	size_t hops, hop_at; /* the last in the array is assumed first: hops - 1 down to 0 */
	struct endpoint sts;
	/* of a step */
	struct imds imds;
	char role[129];        /* imds: name of the role */
	struct buf url, token; /* container: address, Authorization; web identity: token is the form */
};

/* What plan() may look at. */
struct creds_where {
	char *const *environ_;
	const struct profiles *profiles;
	const char *profile; /* the one to look at */
	bool use_env;        /* false for the source of a role: only its profile counts */
	const char *region;  /* NULL: by the rules of aws/endpoint.h */
	const char *container_host;
	const _Atomic bool *stop; /* a running process shall end */
};

struct creds_provider {
	const char *name; /* botocore's word for it */
	/* ERR_OK: chosen.  ERR_NOT_FOUND: not configured, ask the next.  Else configured and wrong. */
	enum err_code (*plan)(const struct creds_where *w, struct creds_plan *p, struct err *reterr);
};

extern const struct creds_provider creds_env_provider;       /* env */
extern const struct creds_provider creds_role_provider;      /* assume-role */
extern const struct creds_provider creds_web_provider;       /* assume-role-with-web-identity */
extern const struct creds_provider creds_sso_provider;       /* sso: refused */
extern const struct creds_provider creds_shared_provider;    /* shared-credentials-file */
extern const struct creds_provider creds_process_provider;   /* custom-process */
extern const struct creds_provider creds_config_provider;    /* config-file */
extern const struct creds_provider creds_container_provider; /* container-role */
extern const struct creds_provider creds_imds_provider;      /* iam-role */

/* The first of these that is configured; NULL-ended.  ERR_NOT_FOUND: none is. */
MUST_CHECK enum err_code creds_plan_first(const struct creds_provider *const *list,
                                          const struct creds_where *w, struct creds_plan *p,
                                          struct err *reterr);
/* The whole order.  Blocks on files and processes. */
MUST_CHECK enum err_code creds_plan_make(const struct creds_where *w, struct creds_plan *p,
                                         struct err *reterr);

/* Explain why there are no keys.  For the last provider, list all sources that were tried, in order. */
void creds_plan_explain(const struct creds_plan *p, const struct err *why, struct err *ret);

void creds_plan_init(struct creds_plan *p);
void creds_plan_free(struct creds_plan *p);

/* The finished plan as keys with one reference. */
MUST_CHECK enum err_code creds_keys_new(const struct creds_plan *p, struct creds_keys **ret,
                                        struct err *reterr);
