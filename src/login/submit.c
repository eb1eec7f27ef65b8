/* POST /link/login: checks the e-mail and the password of a customer.
 *
 *  CHECK -> FIND -> wait -> FOUND -> HASH -> wait -> VERDICT
 *             ^-- in lower case -'                      |
 *     right: (UPGRADE -> wait -> UPGRADED) -> OFFER (-> wait) -> OFFERED
 *                                   `-- the record has changed: AGAIN -> FIND, once
 *     wrong: FLOOR -> wait -> REFUSE
 *
 *  A wrong login takes the same steps for known and unknown e-mails, with one hash, and is answered at a
 *  multiple of the floor time after it was received.  Any step may go to FAIL: not judged, 503.
 *  Waits: store (find, upgrade, offer), hash, timer.
 */
#include "login/submit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "login/login.h"
#include "obs/log.h"
#include "obs/metrics.h"

enum { FLOOR_MS = 600 }; /* a wrong login is answered at a multiple of it */

/* No password was tried. */
static int give_up(struct submit *f, enum err_code code)
{
	submit_unreserve(f);
	f->form.flow.code = code;
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
	return f->form.s->cfg->forgot_url[0] != '\0'; /* then the page has the link */
}

static void tell(const struct submit *f, const char *result, const char *reason)
{
	login_audit(f->form.r, &f->state,
	            (struct audit){.action = "login",
	                           .result = result,
	                           .reason = reason,
	                           .customer_id = f->known ? f->customer.key.id : NULL,
	                           .email = f->email});
}

static int login_again(struct submit *f, unsigned status, const char *error)
{
	answer_login(f->form.r, status, params_get(&f->form.fields, "state"),
	             params_get(&f->form.fields, "email"), error);
	return SUBMIT_DONE;
}

static int refuse(struct submit *f)
{
	return login_again(f, 401,
	                   has_forgot(f) ? WRONG "Wait an hour, or " FORGOT "."
	                                 : WRONG "Wait an hour, then try again.");
}

static int throttled(struct submit *f, int64_t wait_s)
{
	char text[160];
	long long minutes = (long long)(wait_s + 59) / 60;
	metric_add(M_LOGIN_THROTTLED, 1);
	tell(f, "throttled", NULL);
	(void)snprintf(text, sizeof text, "Too many tries. Please wait %lld minute%s, then try again%s.",
	               minutes, minutes == 1 ? "" : "s", has_forgot(f) ? ", or " FORGOT : "");
	answer_retry_after(f->form.r, wait_s);
	return login_again(f, 429, text);
}

static int fail(struct submit *f)
{
	metric_add(f->form.flow.code == ERR_STORE ? M_LOGIN_STORE : M_LOGIN_BUSY, 1);
	log_line(LOG_WARN, "login_not_judged", log_z("reason", err_name(f->form.flow.code)));
	answer_retry_after(f->form.r, 1);
	return login_again(
	        f, 503, err_text(err_http_status(f->form.flow.code) == 503 ? f->form.flow.code : ERR_BUSY));
}

/* --- may the password be tried? */

/* The latest time to answer a wrong login. */
static int64_t last_floor_ms(const struct submit *f)
{
	int64_t limit_ms = f->form.flow.limit_ms - f->form.r->received_ms;
	return f->form.r->received_ms + (limit_ms > 0 ? limit_ms / FLOOR_MS * FLOOR_MS : 0);
}

/* No multiple of the floor is left. */
static bool too_late(const struct submit *f)
{
	int64_t now_ms = loop_now_ms(f->form.r->loop), last_ms = last_floor_ms(f);
	return last_ms <= now_ms || last_ms <= f->form.r->received_ms;
}

/* The login takes its place in the hash queue before it uses the store: without a place the look-up would be wasted, and
 * webhooks need the store too. */
static int take_place(struct submit *f)
{
	if (store_admit(f->form.s->store, flow_due_ms(&f->form.flow), NULL) == STORE_OVERLOADED)
		return give_up(f, ERR_BUSY);
	struct err err;
	struct password_question q = {.pool = f->form.s->hashes,
	                              .home = f->form.r->loop,
	                              .policy = password_policy(f->form.s->cfg),
	                              .password = params_get(&f->form.fields, "password"),
	                              .email = str_c(f->email),
	                              .client = str_c(f->form.r->client),
	                              .known_device = f->known_device,
	                              .answer_by_ms = last_floor_ms(f)};
	enum err_code code = password_job_new(&q, &f->job, &err);
	return code == ERR_OK ? SUBMIT_FIND : give_up(f, code);
}

static int reserve(struct submit *f)
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

static int check(struct submit *f)
{
	if (!form_guard_form(f->form.r, &f->form.fields) ||
	    !form_guard_state(f->form.r, &f->form.fields, &f->state))
		return SUBMIT_DONE;
	if (too_late(f))
		return give_up(f, ERR_TIMEOUT);
	if (!read_email(params_get(&f->form.fields, "email"), f->email) ||
	    !password_length_ok(params_get(&f->form.fields, "password"))) {
		metric_add(M_LOGIN_WRONG, 1); /* no customer can have these: no look-up, no hash */
		tell(f, "wrong", "no_such_email_or_password");
		return SUBMIT_FLOOR;
	}
	return reserve(f);
}

/* --- which customer is it? */

static int find(struct submit *f)
{
	struct store_op *op = flow_op(&f->form.flow, STORE_FIND_EMAIL);
	if (op != NULL)
		(void)str_copy(op->in.find_email.email, sizeof op->in.find_email.email, str_c(f->email));
	return flow_store(&f->form.flow, op, SUBMIT_FOUND);
}

/* The e-mail is looked up as typed and, when no customer matches, in lower case.  Only ASCII letters are lowered:
 * folding more here than the writer of the table did would make two customers one. */
static int found(struct submit *f)
{
	const struct flow *o = &f->form.flow;
	if (o->code != ERR_OK)
		return give_up(f, o->code == ERR_TIMEOUT ? ERR_STORE : o->code);
	f->found = o->out->n;
	if (f->found == 1)
		f->customer = o->out->customers[0];
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
	f->dropped = a->dropped;
	f->verdict = a->verdict;
	f->slot_ends_ms = a->slot_ends_ms;
	(void)str_copy(f->new_hash, sizeof f->new_hash, str_c(a->new_hash));
	flow_resume(&f->form.flow, SUBMIT_VERDICT);
}

/* An unknown e-mail and a customer at the ceiling cost a hash too. */
static int start_hash(struct submit *f)
{
	const char *hash = f->known && !f->at_ceiling ? f->customer.hash : "";
	enum err_code code = password_job_start(f->job, str_c(hash), on_hash, f);
	return code == ERR_OK ? SUBMIT_WAIT : give_up(f, code);
}

static int right(struct submit *f)
{
	submit_reserve_was_right(f);
	if (!f->again) /* one audit line per login */
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

static int wrong(struct submit *f)
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

static int verdict(struct submit *f)
{
	if (f->dropped || f->verdict == PASSWORD_FAILED)
		return give_up(f, f->dropped ? ERR_BUSY : ERR_NOMEM);
	bool is_right = f->verdict == PASSWORD_RIGHT || f->verdict == PASSWORD_OUTDATED;
	return is_right ? right(f) : wrong(f);
}

/* --- after a wrong password */

/* A wrong login is answered at the first multiple of the floor after the slot of the check.  Multiples count
 * from the last byte of the request, since the client chooses when to send it.  After the last multiple the
 * time limit of the whole flow answers with 503: the time of a 401 would reveal how long the hash took. */
static int wait_floor(struct submit *f)
{
	int64_t now_ms = loop_now_ms(f->form.r->loop);
	int64_t ready_ms = f->slot_ends_ms > now_ms ? f->slot_ends_ms : now_ms;
	int64_t due_ms = f->form.r->received_ms + FLOOR_MS;
	while (due_ms < ready_ms)
		due_ms += FLOOR_MS;
	if (due_ms <= last_floor_ms(f))
		(void)flow_pause(&f->form.flow, due_ms, SUBMIT_REFUSE);
	return SUBMIT_WAIT; /* for the pause, else for the limit */
}

/* --- after a right password */

/* The login stands without it; a later one tries again. */
static int upgrade(struct submit *f)
{
	struct store_op *op = flow_op(&f->form.flow, STORE_UPGRADE);
	if (op != NULL) {
		struct store_upgrade *in = &op->in.upgrade;
		in->key = f->customer.key;
		(void)str_copy(in->old_hash, sizeof in->old_hash, str_c(f->customer.hash));
		(void)str_copy(in->new_hash, sizeof in->new_hash, str_c(f->new_hash));
	}
	return flow_store(&f->form.flow, op, SUBMIT_UPGRADED);
}

/* Where another login was first, a double tap for example, the password is judged by the present record: Connect would
 * refuse a consent for the one before. */
static int upgraded(struct submit *f)
{
	const struct flow *o = &f->form.flow;
	if (o->code != ERR_OK) {
		log_line(LOG_WARN, "password_not_upgraded", log_z("error", o->err->msg));
		return SUBMIT_OFFER;
	}
	if (o->out->outcome == STORE_DONE) /* the consent must match the present record */
		(void)str_copy(f->customer.hash, sizeof f->customer.hash, str_c(f->new_hash));
	if (o->out->outcome != STORE_KEPT || f->again)
		return SUBMIT_OFFER;
	f->again = true;
	return SUBMIT_AGAIN;
}

static int offer(struct submit *f)
{
	submit_remember_device(f);
	f->offer = (struct offer){.r = f->form.r, .state = &f->state, .customer = &f->customer};
	return offer_find(&f->offer, &f->form.flow, SUBMIT_OFFERED);
}

static int offered(struct submit *f)
{
	f->form.flow.code = offer_show(&f->offer, &f->form.flow);
	return f->form.flow.code == ERR_OK ? SUBMIT_DONE : SUBMIT_FAIL;
}

/* --- the flow */

static void stop(struct flow *o)
{
	struct submit *f = LIST_ENTRY(o, struct submit, form.flow);
	password_job_cancel(f->job);
	f->job = NULL;
}

static void submit_run(struct flow *o)
{
	struct submit *f = LIST_ENTRY(o, struct submit, form.flow);
	for (;;) {
		switch ((enum submit_phase)o->phase) {
		case SUBMIT_CHECK: flow_move(o, check(f)); break;
		case SUBMIT_FIND: flow_move(o, find(f)); break;
		case SUBMIT_FOUND: flow_move(o, found(f)); break;
		case SUBMIT_HASH: flow_move(o, start_hash(f)); break;
		case SUBMIT_VERDICT: flow_move(o, verdict(f)); break;
		case SUBMIT_FLOOR: flow_move(o, wait_floor(f)); break;
		case SUBMIT_REFUSE: flow_move(o, refuse(f)); break;
		case SUBMIT_UPGRADE: flow_move(o, upgrade(f)); break;
		case SUBMIT_UPGRADED: flow_move(o, upgraded(f)); break;
		case SUBMIT_AGAIN: flow_move(o, take_place(f)); break;
		case SUBMIT_OFFER: flow_move(o, offer(f)); break;
		case SUBMIT_OFFERED: flow_move(o, offered(f)); break;
		case SUBMIT_FAIL: flow_move(o, fail(f)); break;
		case SUBMIT_WAIT: return;
		case SUBMIT_DONE: flow_cancel(o); return;
		}
	}
}

#define TO(phase) FLOW_TO(SUBMIT_##phase)
static const struct flow_phase phases[] = {
        [SUBMIT_WAIT] = {"start", TO(CHECK)},
        [SUBMIT_CHECK] = {"check", TO(FIND) | TO(FLOOR) | TO(DONE)},
        [SUBMIT_FIND] = {"find", TO(FOUND)},
        [SUBMIT_FOUND] = {"found", TO(FIND) | TO(HASH)},
        [SUBMIT_HASH] = {"hash", TO(VERDICT)},
        [SUBMIT_VERDICT] = {"verdict", TO(UPGRADE) | TO(OFFER) | TO(FLOOR)},
        [SUBMIT_FLOOR] = {"floor", TO(REFUSE)},
        [SUBMIT_REFUSE] = {"refuse", TO(DONE)},
        [SUBMIT_UPGRADE] = {"upgrade", TO(UPGRADED)},
        [SUBMIT_UPGRADED] = {"upgraded", TO(OFFER) | TO(AGAIN)},
        [SUBMIT_AGAIN] = {"again", TO(FIND)},
        [SUBMIT_OFFER] = {"offer", TO(OFFERED)},
        [SUBMIT_OFFERED] = {"offered", TO(DONE)},
        [SUBMIT_FAIL] = {"fail", TO(DONE)},
        [SUBMIT_DONE] = {"done", 0},
};

void login_submit(struct request *r)
{
	static const struct flow_kind kind = {.name = "submit",
	                                      .phases = phases,
	                                      .late = SUBMIT_FAIL,
	                                      .store_ms = LOGIN_STORE_MS,
	                                      .run = submit_run,
	                                      .stop = stop};
	form_flow_start(r, &kind, sizeof(struct submit));
}
