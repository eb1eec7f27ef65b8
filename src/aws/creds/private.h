/* aws/creds/private.h - the parts of the finder of AWS credentials; for the files of this folder only.
 *
 *   creds.c, refresh.c   the finder: keys, waiters, when to fetch again
 *   fetch.c              one fetch: choose a provider, ask it, assume the roles
 *   plan.c               the order of the providers; keys of a provider, as text or JSON
 *   the others           one provider each; sts.c is shared by those that assume roles */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "aws/creds/creds.h"
#include "aws/private.h"
#include "loop/offload.h"

/* --- plan: how the next keys are obtained
 *
 *   plan()  on the files' thread: is this provider configured?  Reads files, runs a process.
 *   step    on the loop: the HTTP exchange that gives the keys; NULL when plan() already has them
 *   hops    then the roles to assume with those keys, one after another
 *
 * Ownership  the plan owns all; creds_plan_free wipes. */

enum {
	CREDS_HOPS_MAX = 8,
	CREDS_SOURCE_MAX = 255,
	CREDS_LOOKED_MAX = 511,
	CREDS_SPARE_S = 10, /* keys are not given out in their last seconds */
};

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
	const char *provider; /* the chosen one; static */
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

/* The input of plan(). */
struct creds_where {
	char *const *environ_;
	const struct profiles *profiles;
	const char *profile; /* the one to look at */
	bool use_env;        /* false for the source of a role: only its profile counts */
	const char *region;  /* NULL: by the rules of aws/endpoint.h */
	const char *container_host;
	const _Atomic bool *stop; /* true: end a running process */
};

struct creds_provider {
	const char *name; /* as botocore names it */
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

/* --- keys as JSON, from a process, a container or instance metadata */

struct creds_json_shape {
	const char *token_key; /* "Token" or "SessionToken" */
	bool token_needed, expiry_needed;
	int version;      /* what "Version" must be; 0: does not matter */
	const char *from; /* for messages: "the container's credentials service" */
};

/* Fills p->keys.  An answer with status 200 may hold an error ("Code", "Message"), which goes into the message.
 * Errors  ERR_UPSTREAM with what is missing or wrong, never a value; ERR_NOMEM. */
MUST_CHECK enum err_code creds_json_take(struct str text, const struct creds_json_shape *shape,
                                         struct creds_plan *p, struct err *reterr);

/* --- credential_process: the environment of the program, which is all variables except our settings (LINKD_...),
 * since these hold secrets.
 *
 * The list ends with NULL; its strings are borrowed, and the caller frees the list.  NULL: no memory. */
char **creds_process_environ(char *const *environ_);

/* --- calls of the Security Token Service */

/* Where STS is; kept in the plan.  Errors  ERR_INVALID: no region, or a wrong address. */
MUST_CHECK enum err_code creds_sts_place(const struct creds_where *w, struct creds_plan *p,
                                         struct err *reterr);

/* "RoleSessionName" that AWS takes; NULL gives one of ours.  False: not such a name. */
bool creds_sts_session_ok(const char *name);
void creds_sts_form(struct buf *out, const char *action, const char *role_arn, const char *session_name);
void creds_sts_field(struct buf *out, const char *name, struct str value); /* "&name=value" */

/* A POST of `form`; sign it or send it as it is. */
void creds_sts_ask(const struct creds_plan *p, struct str form, struct exchange_request *req);
MUST_CHECK enum err_code creds_sts_sign(const struct creds_plan *p, struct str form,
                                        struct exchange_request *req, struct err *reterr);
/* Fills p->keys.  EXCHANGE_AGAIN if STS asks to retry later. */
enum exchange_next creds_sts_take(struct creds_plan *p, const char *action, const struct exchange_answer *a,
                                  struct err *reterr);

/* Assume p->hop[p->hop_at] with p->keys. */
exchange_step_fn creds_role_step;

/* --- one fetch */

struct creds_fetch; /* opaque: one running fetch */

struct creds_fetch_options { /* all borrowed until done or cancelled; environ_ and texts longer, see below */
	char *const *environ_;
	const char *region, *container_host;
	struct loop *loop;
	struct httpc *http;
	struct offload *files; /* the thread that reads files and runs processes */
};

/* `plan` holds the keys, borrowed until the return; NULL when err is not. */
typedef void creds_fetch_fn(void *arg, const struct err *err, const struct creds_plan *plan);

MUST_CHECK enum err_code creds_fetch_start(const struct creds_fetch_options *o, creds_fetch_fn *done,
                                           void *arg, struct creds_fetch **ret, struct err *reterr);
/* Work on the files' thread still ends (soon): its texts must live until that thread is joined, and what it
 * posts frees itself when the loop is drained.  NULL is a no-op. */
void creds_fetch_cancel(struct creds_fetch *f);

/* --- the finder, and its fetches */

/* A message to the finder's loop that survives the finder. */
struct creds_wake {
	struct loop_post post;
	struct creds *creds; /* NULL: gone.  Guarded by posting and freeing on the same loop */
	bool posted;
};

struct creds {
	struct creds_options o;
	pthread_mutex_t lock; /* guards the next eight */
	struct creds_keys *keys;
	bool keeps;    /* usable past their expiry */
	bool fetching; /* a fetch runs or was asked for */
	bool refused;  /* AWS refused the current keys: waiters get others */
	bool stopped;
	struct err err;           /* of the last fetch; code ERR_OK: it was good, or there was none */
	int64_t refused_ms;       /* the last fetch after a refusal; monotonic, 0: never */
	struct list_node waiters; /* callers that wait for the running fetch */
	struct creds_wake *wake;
	/* used on the loop only */
	struct loop *loop;
	struct httpc *http;
	struct offload *files;
	struct creds_fetch *fetch;
	struct loop_timer timer;
	const char *provider; /* of the first keys */
	unsigned failures;    /* since the last success */
};

void creds_refresh_init(struct creds *c); /* timer and wake; before the next two */
void creds_refresh_now(struct creds *c);  /* on its loop; one is running: a no-op */
void creds_refresh_want(struct creds *c); /* lock held; any thread */
bool creds_usable(const struct creds *c); /* lock held; whether its keys may be given out */
/* Answer all waiters, each on its own loop: `err`, or when that is NULL `keys`.  Lock held. */
void creds_waiters_answer(struct creds *c, const struct err *err, struct creds_keys *keys);
