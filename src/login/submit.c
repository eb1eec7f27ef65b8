/* POST /link/login: checks the e-mail and the password of a customer.
 *
 *  CHECK -> FIND -> wait -> FOUND -> HASH -> wait -> VERDICT
 *             ^-- in lower case -'                      |
 *     right: (UPGRADE -> wait) -> OFFER (-> wait) -> OFFERED
 *                           `-- the record has changed: AGAIN -> FIND, once
 *     wrong: FLOOR -> wait -> REFUSE
 *
 *  A wrong login takes the same steps for known and unknown e-mails, with one hash, and is answered at a
 *  multiple of the floor time after it was received.  Any step may go to FAIL: not judged, 503.
 *  Waits: store (find, upgrade), hash, timer, offer.
 */
#include "login/submit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "login/login.h"
#include "obs/log.h"
#include "obs/metrics.h"

enum {
	STORE_MS = 3000, /* one store operation */
	LIMIT_MS =
	        500, /* the flow ends this long before the request's own deadline, so that the page keeps the form */
	FLOOR_MS = 600, /* a wrong login is answered at a multiple of it */
};

static void submit_run(struct submit *f);

static void resume(struct submit *f, enum submit_phase phase)
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
	return SUBMIT_FAIL;
}

/* --- the answers: the login page again */

/* The text does not reveal why a password was refused.  So it must be true in each case: a wrong password, an
 * unknown e-mail, a right password after too many failures. */
#define WRONG                                                                                   \
	"E-mail or password is not right. If you are sure that both are right: after too many " \
	"wrong tries even the right password is refused for up to an hour. "
#define FORGOT "use 'Forgot your password?' below"

static bool has_forgot(const struct submit *f)
{
	return f->s->cfg->forgot_url[0] != '\0'; /* then the page has the link */
}

static void tell(const struct submit *f, const char *result, const char *reason)
{
	login_audit(f->r, &f->state,
	            (struct audit){.action = "login",
	                           .result = result,
	                           .reason = reason,
	                           .customer_id = f->known ? f->customer.key.id : NULL,
	                           .email = f->email});
}

static enum submit_phase login_again(struct submit *f, unsigned status, const char *error)
{
	answer_login(f->r, status, params_get(&f->form, "state"), params_get(&f->form, "email"), error);
	return SUBMIT_DONE;
}

static enum submit_phase refuse(struct submit *f)
{
	return login_again(f, 401,
	                   has_forgot(f) ? WRONG "Wait an hour, or " FORGOT "."
	                                 : WRONG "Wait an hour, then try again.");
}

static enum submit_phase throttled(struct submit *f, int64_t wait_s)
{
	char text[160];
	long long minutes = (long long)(wait_s + 59) / 60;
	metric_add(M_LOGIN_THROTTLED, 1);
	tell(f, "throttled", NULL);
	(void)snprintf(text, sizeof text, "Too many tries. Please wait %lld minute%s, then try again%s.",
	               minutes, minutes == 1 ? "" : "s", has_forgot(f) ? ", or " FORGOT : "");
	answer_retry_after(f->r, wait_s);
	return login_again(f, 429, text);
}

static enum submit_phase fail(struct submit *f)
{
	metric_add(f->code == ERR_STORE ? M_LOGIN_STORE : M_LOGIN_BUSY, 1);
	log_line(LOG_WARN, "login_not_judged", log_z("reason", err_name(f->code)));
	answer_retry_after(f->r, 1);
	return login_again(f, 503, err_text(err_http_status(f->code) == 503 ? f->code : ERR_BUSY));
}

/* --- may the password be tried? */

/* The latest time to answer a wrong login. */
static int64_t last_floor_ms(const struct submit *f)
{
	int64_t limit_ms = f->r->deadline_ms - LIMIT_MS - f->r->received_ms;
	return f->r->received_ms + (limit_ms > 0 ? limit_ms / FLOOR_MS * FLOOR_MS : 0);
}

/* No multiple of the floor is left. */
static bool too_late(const struct submit *f)
{
	int64_t now_ms = loop_now_ms(f->r->loop), last_ms = last_floor_ms(f);
	return last_ms <= now_ms || last_ms <= f->r->received_ms;
}

static int64_t store_deadline(const struct submit *f)
{
	int64_t at = loop_now_ms(f->r->loop) + STORE_MS, last = f->r->deadline_ms - LIMIT_MS;
	return at < last ? at : last;
}

/* The login takes its place in the hash queue before it uses the store: without a place the look-up would be wasted, and
 * webhooks need the store too. */
static enum submit_phase take_place(struct submit *f)
{
	if (store_admit(f->s->store, store_deadline(f), NULL) == STORE_OVERLOADED)
		return give_up(f, ERR_BUSY);
	struct err err;
	struct password_question q = {.pool = f->s->hashes,
	                              .home = f->r->loop,
	                              .policy = password_policy(f->s->cfg),
	                              .password = params_get(&f->form, "password"),
	                              .email = str_c(f->email),
	                              .client = str_c(f->r->client),
	                              .known_device = f->known_device,
	                              .answer_by_ms = last_floor_ms(f)};
	enum err_code code = password_job_new(&q, &f->job, &err);
	return code == ERR_OK ? SUBMIT_FIND : give_up(f, code);
}

static enum submit_phase reserve(struct submit *f)
{
	int64_t wait_s = 0;
	enum err_code code = submit_reserve(f, &wait_s);
	if (code == ERR_THROTTLED)
		return throttled(f, wait_s);
	return code == ERR_OK ? take_place(f) : give_up(f, code);
}

/* Trim; false unless it has 1..254 bytes, no control and one '@' with something on either side.  The store decides
 * whether a customer has it. */
static bool read_email(struct str typed, char ret[STORE_EMAIL_MAX + 1])
{
	struct str email = str_trim(typed), local, domain;
	ret[0] = '\0';
	for (size_t i = 0; i < email.n; i++)
		if ((unsigned char)email.p[i] < 0x20 || email.p[i] == 0x7f)
			return false;
	if (!str_cut(email, '@', &local, &domain) || local.n == 0 || domain.n == 0 || str_has(domain, '@'))
		return false;
	return str_copy(ret, STORE_EMAIL_MAX + 1, email);
}

static enum submit_phase check(struct submit *f)
{
	if (!form_guard_form(f->r, &f->form) || !form_guard_state(f->r, &f->form, &f->state))
		return SUBMIT_DONE;
	if (too_late(f))
		return give_up(f, ERR_TIMEOUT);
	if (!read_email(params_get(&f->form, "email"), f->email) ||
	    !password_length_ok(params_get(&f->form, "password"))) {
		metric_add(M_LOGIN_WRONG, 1); /* nobody can have these: no lookup, no hash */
		tell(f, "wrong", "no_such_email_or_password");
		return SUBMIT_FLOOR;
	}
	return reserve(f);
}

/* --- which customer is it? */

/* `fill` sets the input.  Return  ERR_OK: `done` will be called, with f. */
static enum err_code start_op(struct submit *f, enum store_kind kind,
                              void (*fill)(const struct submit *f, union store_in *in), store_done_fn *done)
{
	struct err err;
	struct store_op *op = store_op_new(kind, store_deadline(f));
	if (op == NULL)
		return ERR_NOMEM;
	fill(f, &op->in);
	enum err_code code = store_start(f->s->store, op, done, f, &err);
	if (code == ERR_OK)
		f->op = op;
	return code;
}

static void fill_email(const struct submit *f, union store_in *in)
{
	(void)str_copy(in->find_email.email, sizeof in->find_email.email, str_c(f->email));
}

static void on_found(void *arg, struct store_op *op)
{
	struct submit *f = arg;
	f->op = NULL;
	f->code = op->code;
	f->found = op->code == ERR_OK ? op->out.n : 0;
	if (f->found == 1)
		f->customer = op->out.customers[0];
	resume(f, SUBMIT_FOUND);
}

static enum submit_phase find(struct submit *f)
{
	enum err_code code = start_op(f, STORE_FIND_EMAIL, fill_email, on_found);
	return code == ERR_OK ? SUBMIT_WAIT : give_up(f, code);
}

/* The e-mail is looked up as typed and, when no customer matches, in lower case.  Only ASCII letters are lowered:
 * folding more here than the writer of the table did would make two customers one. */
static enum submit_phase found(struct submit *f)
{
	if (f->code != ERR_OK)
		return give_up(f, f->code == ERR_BUSY ? ERR_BUSY : ERR_STORE);
	if (f->found == 0 && str_lower(f->email))
		return SUBMIT_FIND;
	if (f->found > 1) {
		struct audit_digest email = audit_digest_email(str_c(f->email));
		metric_add(M_LOGIN_AMBIGUOUS, 1);
		log_line(LOG_ERROR, "email_not_unique",
		         log_z("error", "several customers have this e-mail: none of them can log in"),
		         log_z("email_digest", email.s));
	}
	f->known = f->found == 1;
	f->at_ceiling = submit_at_ceiling(f);
	return SUBMIT_HASH;
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
	resume(f, SUBMIT_VERDICT);
}

/* An unknown e-mail and a customer at the ceiling cost a hash too. */
static enum submit_phase start_hash(struct submit *f)
{
	const char *hash = f->known && !f->at_ceiling ? f->customer.hash : "";
	enum err_code code = password_job_start(f->job, str_c(hash), on_hash, f);
	return code == ERR_OK ? SUBMIT_WAIT : give_up(f, code);
}

static enum submit_phase right(struct submit *f)
{
	submit_reserve_was_right(f);
	if (!f->again) /* one login, one line */
		tell(f, "right", f->passed_by);
	if (f->verdict == PASSWORD_OUTDATED && f->new_hash[0] != '\0' && !f->customer.too_long)
		return SUBMIT_UPGRADE;
	return SUBMIT_OFFER;
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
	tell(f, f->at_ceiling ? "at_ceiling" : "wrong", f->at_ceiling ? NULL : why_wrong(f));
	if (f->at_ceiling)
		return SUBMIT_FLOOR;
	if (f->known && f->customer.too_long)
		log_line(LOG_ERROR, "customer_record_unusable",
		         log_z("error", "its key or password hash is too long"));
	else if (f->verdict == PASSWORD_UNUSABLE)
		log_line(LOG_ERROR, "customer_record_unusable",
		         log_z("error", "its password hash cannot be checked"));
	if (f->known && !f->customer.too_long)
		submit_count_failure(f);
	return SUBMIT_FLOOR;
}

static enum submit_phase verdict(struct submit *f)
{
	if (f->code != ERR_OK || f->verdict == PASSWORD_FAILED)
		return give_up(f, f->code != ERR_OK ? f->code : ERR_NOMEM);
	bool is_right = f->verdict == PASSWORD_RIGHT || f->verdict == PASSWORD_OUTDATED;
	return is_right ? right(f) : wrong(f);
}

/* --- after a wrong password */

static void on_floor(struct loop_timer *t)
{
	resume(LIST_ENTRY(t, struct submit, timer), SUBMIT_REFUSE);
}

/* A wrong login is answered at the first multiple of the floor after the slot of the check.  Multiples count
 * from the last byte of the request, since the client chooses when to send it.  After the last multiple the
 * time limit of the whole flow answers with 503: the time of a 401 would reveal how long the hash took. */
static enum submit_phase wait_floor(struct submit *f)
{
	int64_t now_ms = loop_now_ms(f->r->loop);
	int64_t ready_ms = f->slot_ends_ms > now_ms ? f->slot_ends_ms : now_ms;
	int64_t due_ms = f->r->received_ms + FLOOR_MS;
	while (due_ms < ready_ms)
		due_ms += FLOOR_MS;
	f->timer.fn = on_floor;
	bool in_time = due_ms <= last_floor_ms(f);
	return in_time && loop_timer_set(f->r->loop, &f->timer, due_ms) != ERR_OK ? SUBMIT_REFUSE
	                                                                          : SUBMIT_WAIT;
}

/* --- after a right password */

static void fill_upgrade(const struct submit *f, union store_in *ret)
{
	struct store_upgrade *in = &ret->upgrade;
	in->key = f->customer.key;
	(void)str_copy(in->old_hash, sizeof in->old_hash, str_c(f->customer.hash));
	(void)str_copy(in->new_hash, sizeof in->new_hash, str_c(f->new_hash));
}

static void on_upgrade(void *arg, struct store_op *op)
{
	struct submit *f = arg;
	f->op = NULL;
	bool changed = op->code == ERR_OK && op->out.outcome == STORE_KEPT && !f->again;
	f->again |= changed;
	if (op->code != ERR_OK)
		log_line(LOG_WARN, "password_not_upgraded", log_z("error", op->err.msg));
	else if (op->out.outcome == STORE_DONE) /* the consent must match the record as it is now */
		(void)str_copy(f->customer.hash, sizeof f->customer.hash, str_c(f->new_hash));
	resume(f, changed ? SUBMIT_AGAIN : SUBMIT_OFFER);
}

/* The login stands without it; a later one tries again.  Where another login was first, a double tap say, the
 * password is judged by the record as it is now: Connect would refuse a consent for the one before. */
static enum submit_phase upgrade(struct submit *f)
{
	return start_op(f, STORE_UPGRADE, fill_upgrade, on_upgrade) == ERR_OK ? SUBMIT_WAIT : SUBMIT_OFFER;
}

static void on_offered(struct offer *o)
{
	resume(LIST_ENTRY(o, struct submit, offer), SUBMIT_OFFERED);
}

static enum submit_phase offer(struct submit *f)
{
	submit_remember_device(f);
	f->offer = (struct offer){.r = f->r,
	                          .state = &f->state,
	                          .customer = &f->customer,
	                          .deadline_ms = store_deadline(f),
	                          .done = on_offered};
	return offer_start(&f->offer) ? SUBMIT_WAIT : SUBMIT_OFFERED;
}

static enum submit_phase offered(struct submit *f)
{
	f->code = f->offer.code;
	return f->code == ERR_OK ? SUBMIT_DONE : SUBMIT_FAIL;
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
		case SUBMIT_CHECK: f->phase = check(f); break;
		case SUBMIT_FIND: f->phase = find(f); break;
		case SUBMIT_FOUND: f->phase = found(f); break;
		case SUBMIT_HASH: f->phase = start_hash(f); break;
		case SUBMIT_VERDICT: f->phase = verdict(f); break;
		case SUBMIT_FLOOR: f->phase = wait_floor(f); break;
		case SUBMIT_REFUSE: f->phase = refuse(f); break;
		case SUBMIT_UPGRADE: f->phase = upgrade(f); break;
		case SUBMIT_AGAIN: f->phase = take_place(f); break;
		case SUBMIT_OFFER: f->phase = offer(f); break;
		case SUBMIT_OFFERED: f->phase = offered(f); break;
		case SUBMIT_FAIL: f->phase = fail(f); break;
		case SUBMIT_WAIT: return;
		case SUBMIT_DONE: stop(f); return;
		}
	}
}

static void on_limit(struct loop_timer *t)
{
	struct submit *f = LIST_ENTRY(t, struct submit, limit);
	stop(f);
	f->code = ERR_TIMEOUT;
	resume(f, SUBMIT_FAIL);
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
	if (loop_timer_set(r->loop, &f->limit, r->deadline_ms - LIMIT_MS) == ERR_OK)
		submit_run(f);
	else
		answer_error(r, ERR_NOMEM, NULL);
}
