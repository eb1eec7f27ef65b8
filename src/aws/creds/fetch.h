/* aws/creds/fetch.h - get keys once: choose the provider, ask it, assume the roles. */
#pragma once
#include "aws/creds/creds.h"
#include "aws/creds/plan.h"
#include "loop/offload.h"

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
