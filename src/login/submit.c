/* POST /link/login: is it one of our customers?
 *
 *  P_CHECK -> P_FIND -> wait -> P_FOUND -> P_HASH -> wait -> P_VERDICT
 *                ^-- in lower case -'                          |
 *     right: (P_UPGRADE -> wait) -> P_OFFER (-> wait) -> P_OFFERED
 *                         `-- the record has changed: P_AGAIN -> P_FIND, once
 *     wrong: P_FLOOR -> wait -> P_REFUSE
 *
 *  A wrong login takes the same steps for known and unknown e-mails, with one hash, and is answered at a
 *  multiple of the floor time after it was received.  Any step may go to P_FAIL: not judged, 503.
 *  Waits: store (find, upgrade), hash, timer, offer.
 */
#include "login/submit.h"

#include "base/crypto.h"
#include "login/answer.h"
#include "login/email.h"
#include "login/form_guard.h"
#include "login/login.h"
#include "obs/audit.h"
#include "obs/log.h"
#include "obs/metrics.h"

#include <stdlib.h>

enum {
	STORE_MS = 3000, /* one store operation */
};

static void submit_run(struct submit *f);

void submit_resume(struct submit *f, enum submit_phase phase)
{
	log_scope(f->r->id);
	f->phase = phase;
	submit_run(f);
	log_scope(NULL);
}

/* Nothing was tried. */
static enum submit_phase give_up(struct submit *f, enum err_code code)
{
	submit_unreserve(f);
	f->code = code;
	return P_FAIL;
}

/* --- may this be tried? */

int64_t submit_store_deadline(const struct submit *f)
{
	int64_t at = loop_now_ms(f->r->loop) + STORE_MS, last = f->r->deadline_ms - SUBMIT_LIMIT_MS;
	return at < last ? at : last;
}

/* A place where the hash will wait is taken before the store is asked: its work would be for nothing else,
 * and webhooks want it. */
static enum submit_phase take_place(struct submit *f)
{
	if (store_admit(f->s->store, submit_store_deadline(f), NULL) == STORE_OVERLOADED)
		return give_up(f, ERR_BUSY);
	struct err err;
	struct password_question q = {.pool = f->s->hashes,
	                              .home = f->r->loop,
	                              .policy = password_policy(f->s->cfg),
	                              .password = params_get(&f->form, "password"),
	                              .email = str_c(f->email),
	                              .client = str_c(f->r->client),
	                              .known_device = f->known_device,
	                              .answer_by_ms = submit_last_floor_ms(f)};
	enum err_code code = password_job_new(&q, &f->job, &err);
	return code == ERR_OK ? P_FIND : give_up(f, code);
}

static enum submit_phase reserve(struct submit *f)
{
	int64_t wait_s = 0;
	enum err_code code = submit_reserve(f, &wait_s);
	if (code == ERR_THROTTLED)
		return submit_throttled(f, wait_s);
	return code == ERR_OK ? take_place(f) : give_up(f, code);
}

static enum submit_phase check(struct submit *f)
{
	if (!form_guard_form(f->r, &f->form) || !form_guard_state(f->r, &f->form, &f->state))
		return P_DONE;
	if (submit_too_late(f))
		return give_up(f, ERR_TIMEOUT);
	if (!email_read(params_get(&f->form, "email"), f->email) ||
	    !password_length_ok(params_get(&f->form, "password"))) {
		metric_add(M_LOGIN_WRONG, 1); /* nobody can have these: no lookup, no hash */
		submit_tell(f, "wrong", "no_such_email_or_password");
		return P_FLOOR;
	}
	return reserve(f);
}

/* --- who is it? */

enum err_code submit_store(struct submit *f, enum store_kind kind, submit_fill_fn *fill, store_done_fn *done)
{
	struct err err;
	struct store_op *op = store_op_new(kind, submit_store_deadline(f));
	if (op == NULL)
		return ERR_NOMEM;
	fill(f, &op->in);
	enum err_code code = store_start(f->s->store, op, done, f, &err);
	if (code == ERR_OK)
		f->op = op;
	return code;
}

static void fill_email(const struct submit *f, struct store_in *in)
{
	(void)str_copy(in->email, sizeof in->email, str_c(f->email));
}

static void on_found(void *arg, struct store_op *op)
{
	struct submit *f = arg;
	f->op = NULL;
	f->code = op->code;
	f->found = op->code == ERR_OK ? op->out.n : 0;
	if (f->found == 1)
		f->customer = op->out.customers[0];
	submit_resume(f, P_FOUND);
}

static enum submit_phase find(struct submit *f)
{
	enum err_code code = submit_store(f, STORE_FIND_EMAIL, fill_email, on_found);
	return code == ERR_OK ? P_WAIT : give_up(f, code);
}

static enum submit_phase found(struct submit *f)
{
	if (f->code != ERR_OK)
		return give_up(f, f->code == ERR_BUSY ? ERR_BUSY : ERR_STORE);
	if (f->found == 0 && email_lower(f->email))
		return P_FIND;
	if (f->found > 1) {
		struct audit_digest email = audit_digest_email(str_c(f->email));
		metric_add(M_LOGIN_AMBIGUOUS, 1);
		log_line(LOG_ERROR, "email_not_unique",
		         log_z("error", "several customers have this e-mail: none of them can log in"),
		         log_z("email_digest", email.s));
	}
	f->known = f->found == 1;
	f->at_ceiling = submit_at_ceiling(f);
	return P_HASH;
}

/* --- is the password right? */

static void on_hash(void *arg, const struct password_answer *a)
{
	struct submit *f = arg;
	f->job = NULL;
	f->code = a->dropped ? ERR_BUSY : ERR_OK;
	f->verdict = a->verdict;
	f->slot_ends_ms = a->slot_ends_ms;
	(void)str_copy(f->new_hash, sizeof f->new_hash, str_c(a->new_hash));
	submit_resume(f, P_VERDICT);
}

/* An unknown e-mail and a customer at the ceiling cost a hash too. */
static enum submit_phase start_hash(struct submit *f)
{
	const char *hash = f->known && !f->at_ceiling ? f->customer.hash : "";
	enum err_code code = password_job_start(f->job, str_c(hash), on_hash, f);
	return code == ERR_OK ? P_WAIT : give_up(f, code);
}

static enum submit_phase right(struct submit *f)
{
	submit_reserve_was_right(f);
	if (!f->again) /* one login, one line */
		submit_tell(f, "right", f->passed_by);
	if (f->verdict == PASSWORD_OUTDATED && f->new_hash[0] != '\0' && !f->customer.too_long)
		return P_UPGRADE;
	return P_OFFER;
}

static const char *why_wrong(const struct submit *f)
{
	if (!f->known)
		return f->found > 1 ? "several_customers" : "unknown_email";
	return f->verdict == PASSWORD_UNUSABLE || f->customer.too_long ? "unusable_record" : "password";
}

static enum submit_phase wrong(struct submit *f)
{
	metric_add(f->at_ceiling ? M_LOGIN_CEILING : M_LOGIN_WRONG, 1);
	submit_tell(f, f->at_ceiling ? "at_ceiling" : "wrong", f->at_ceiling ? NULL : why_wrong(f));
	if (f->at_ceiling)
		return P_FLOOR;
	if (f->known && f->customer.too_long)
		log_line(LOG_ERROR, "customer_record_unusable",
		         log_z("error", "its key or password hash is too long"));
	else if (f->verdict == PASSWORD_UNUSABLE)
		log_line(LOG_ERROR, "customer_record_unusable",
		         log_z("error", "its password hash cannot be checked"));
	if (f->known && !f->customer.too_long)
		submit_count_failure(f);
	return P_FLOOR;
}

static enum submit_phase verdict(struct submit *f)
{
	if (f->code != ERR_OK || f->verdict == PASSWORD_FAILED)
		return give_up(f, f->code != ERR_OK ? f->code : ERR_NOMEM);
	bool is_right = f->verdict == PASSWORD_RIGHT || f->verdict == PASSWORD_OUTDATED;
	return is_right ? right(f) : wrong(f);
}

/* --- the flow */

static void stop(struct submit *f)
{
	loop_timer_clear(f->r->loop, &f->timer);
	loop_timer_clear(f->r->loop, &f->limit);
	if (f->op != NULL)
		store_cancel(f->op);
	offer_cancel(&f->offer);
	password_job_cancel(f->job);
	f->op = NULL;
	f->job = NULL;
}

static void submit_run(struct submit *f)
{
	for (;;) {
		switch (f->phase) {
		case P_CHECK: f->phase = check(f); break;
		case P_FIND: f->phase = find(f); break;
		case P_FOUND: f->phase = found(f); break;
		case P_HASH: f->phase = start_hash(f); break;
		case P_VERDICT: f->phase = verdict(f); break;
		case P_FLOOR: f->phase = submit_wait_floor(f); break;
		case P_REFUSE: f->phase = submit_refuse(f); break;
		case P_UPGRADE: f->phase = submit_upgrade(f); break;
		case P_AGAIN: f->phase = take_place(f); break;
		case P_OFFER: f->phase = submit_offer(f); break;
		case P_OFFERED: f->phase = submit_offered(f); break;
		case P_FAIL: f->phase = submit_fail(f); break;
		case P_WAIT: return;
		case P_DONE: stop(f); return;
		}
	}
}

static void on_limit(struct loop_timer *t)
{
	struct submit *f = LIST_ENTRY(t, struct submit, limit);
	stop(f);
	f->code = ERR_TIMEOUT;
	submit_resume(f, P_FAIL);
}

static void submit_cleanup(struct request *r)
{
	struct submit *f = r->flow;
	stop(f);
	params_done(&f->form);
	crypto_wipe(f, sizeof *f);
	free(f);
	r->flow = NULL;
}

void login_submit(struct request *r)
{
	struct submit *f = calloc(1, sizeof *f);
	if (f == NULL) {
		answer_error(r, ERR_NOMEM, NULL);
		return;
	}
	f->r = r;
	f->s = r->service;
	f->limit.fn = on_limit;
	r->flow = f;
	r->cleanup = submit_cleanup;
	if (loop_timer_set(r->loop, &f->limit, r->deadline_ms - SUBMIT_LIMIT_MS) == ERR_OK)
		submit_run(f);
	else
		answer_error(r, ERR_NOMEM, NULL);
}
