#include "aws/creds/private.h"

#include <stdlib.h>

/*  PLAN -> wait (files' thread) -> KEYS -> wait (provider) -> ROLE -> wait (STS) -> ROLE ... -> DONE
 *  KEYS does not wait when the plan had the keys, ROLE goes to DONE when no role is left; every failure goes
 *  to DONE with the error set. */
enum phase { P_PLAN, P_WAIT_FILES, P_KEYS, P_WAIT_KEYS, P_ROLE, P_WAIT_ROLE, P_DONE };

struct creds_fetch {
	enum phase phase;
	struct creds_fetch_options o;
	creds_fetch_fn *done; /* NULL: cancelled, the thread still has it */
	void *arg;
	struct creds_plan plan;
	struct offload_job job;
	struct exchange *exchange;
	_Atomic bool stop;
	struct err err; /* code ERR_OK: none */
};

static void run(struct creds_fetch *f);

static void fetch_free(struct creds_fetch *f)
{
	creds_plan_free(&f->plan);
	free(f);
}

static enum phase fail(struct creds_fetch *f, enum err_code code)
{
	f->err.code = code;
	return P_DONE;
}

/* On the files' thread. */
static void make_plan(struct offload_job *j)
{
	struct creds_fetch *f = LIST_ENTRY(j, struct creds_fetch, job);
	struct profiles *profiles = NULL;
	enum err_code code = profile_load(f->o.environ_, &profiles, &f->err);
	if (code == ERR_OK) {
		struct creds_where w = {.environ_ = f->o.environ_,
		                        .profiles = profiles,
		                        .profile = profile_name(profiles),
		                        .use_env = true,
		                        .region = f->o.region,
		                        .container_host = f->o.container_host,
		                        .stop = &f->stop};
		code = creds_plan_make(&w, &f->plan, &f->err);
	}
	profile_free(profiles);
	f->err.code = code;
}

static void on_planned(struct offload_job *j)
{
	struct creds_fetch *f = LIST_ENTRY(j, struct creds_fetch, job);
	if (f->done == NULL) {
		fetch_free(f);
		return;
	}
	f->phase = f->err.code == ERR_OK ? P_KEYS : P_DONE;
	run(f);
}

static void on_exchanged(void *arg, const struct err *err)
{
	struct creds_fetch *f = arg;
	f->exchange = NULL;
	if (err != NULL)
		creds_plan_explain(&f->plan, err, &f->err);
	f->phase = err != NULL ? P_DONE : P_ROLE;
	run(f);
}

static enum phase plan(struct creds_fetch *f)
{
	f->job = (struct offload_job){.work = make_plan, .done = on_planned};
	enum err_code code = offload_start(f->o.files, f->o.loop, &f->job);
	return code == ERR_OK ? P_WAIT_FILES : fail(f, err_set(&f->err, code, "no thread for credentials"));
}

static enum phase exchange(struct creds_fetch *f, exchange_step_fn *step, enum phase wait)
{
	struct exchange_options o = {.loop = f->o.loop,
	                             .http = f->o.http,
	                             .what = "credentials",
	                             .step = step,
	                             .done = on_exchanged,
	                             .arg = f};
	enum err_code code = exchange_start(&o, &f->exchange, &f->err);
	return code == ERR_OK ? wait : fail(f, code);
}

static enum exchange_next keys_step(void *arg, const struct exchange_answer *a, struct exchange_request *req,
                                    struct err *reterr)
{
	struct creds_fetch *f = arg;
	return f->plan.step(&f->plan, a, req, reterr);
}

static enum exchange_next role_step(void *arg, const struct exchange_answer *a, struct exchange_request *req,
                                    struct err *reterr)
{
	struct creds_fetch *f = arg;
	return creds_role_step(&f->plan, a, req, reterr);
}

static enum phase ask_role(struct creds_fetch *f)
{
	if (f->plan.hop_at == 0)
		return P_DONE;
	f->plan.hop_at--;
	return exchange(f, role_step, P_WAIT_ROLE);
}

static void finish(struct creds_fetch *f)
{
	bool ok = f->err.code == ERR_OK;
	f->done(f->arg, ok ? NULL : &f->err, ok ? &f->plan : NULL);
	fetch_free(f);
}

static void run(struct creds_fetch *f)
{
	for (;;) {
		switch (f->phase) {
		case P_KEYS:
			f->phase = f->plan.step == NULL ? P_ROLE : exchange(f, keys_step, P_WAIT_KEYS);
			break;
		case P_ROLE: f->phase = ask_role(f); break;
		case P_PLAN: /* made by creds_fetch_start */
		case P_WAIT_FILES:
		case P_WAIT_KEYS:
		case P_WAIT_ROLE: return;
		case P_DONE: finish(f); return;
		}
	}
}

enum err_code creds_fetch_start(const struct creds_fetch_options *o, creds_fetch_fn *done, void *arg,
                                struct creds_fetch **ret, struct err *reterr)
{
	struct creds_fetch *f = calloc(1, sizeof *f);
	if (f == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory to fetch credentials");
	f->o = *o;
	f->done = done;
	f->arg = arg;
	creds_plan_init(&f->plan);
	f->phase = plan(f);
	if (f->phase == P_DONE) {
		enum err_code code = err_set(reterr, f->err.code, "%s", f->err.msg);
		fetch_free(f);
		return code;
	}
	*ret = f;
	return ERR_OK;
}

void creds_fetch_cancel(struct creds_fetch *f)
{
	if (f == NULL)
		return;
	exchange_cancel(f->exchange);
	f->exchange = NULL;
	f->done = NULL;
	atomic_store(&f->stop, true);
	if (f->phase != P_WAIT_FILES)
		fetch_free(f);
}
