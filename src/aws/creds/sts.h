/* aws/creds/sts.h - calls of the Security Token Service: the form, the answer. */
#pragma once
#include "aws/creds/plan.h"

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
/* Fills p->keys.  AGAIN for answers that say "later". */
enum exchange_next creds_sts_take(struct creds_plan *p, const char *action, const struct exchange_answer *a,
                                  struct err *reterr);

/* Assume p->hop[p->hop_at] with p->keys. */
exchange_step_fn creds_role_step;
