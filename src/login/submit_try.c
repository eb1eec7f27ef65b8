/* May this password be tried?  The counts in memory and the customer's failures in the store decide.  A known
 * device, or a profile that Facebook confirmed, may bypass them.  Its tries are counted too: in memory and,
 * when they fail, in the store like all others. */
#include "base/crypto.h"
#include "login/submit.h"
#include "obs/log.h"
#include "obs/metrics.h"

enum {
	CEILING = 100, /* failures of one customer in a window */
	WINDOW_S = 60 * 60,
	COUNT_MS = 3000, /* the write of a failure */
};

enum err_code submit_reserve(struct submit *f, int64_t *ret_wait_s)
{
	struct throttle_try who = {.client = str_c(f->form.r->client), .email = str_c(f->email)};
	device_open(f->form.s->sealer, request_cookie(f->form.r, device_cookie_name(f->form.s->cfg)),
	            form_guard_now_s(), &f->device);
	f->device_customer = device_find(&f->device, str_c(f->email));
	if (f->device_customer != NULL)
		who.device = (struct str){(const char *)f->device.id, sizeof f->device.id};
	enum err_code code = throttle_reserve(f->form.s->throttle, &who, loop_now_ms(f->form.r->loop),
	                                      &f->claim, ret_wait_s);
	f->known_device = code == ERR_OK && f->claim.of_device;
	return code;
}

void submit_unreserve(struct submit *f)
{
	throttle_release(f->form.s->throttle, &f->claim);
	throttle_release(f->form.s->throttle, &f->customer_claim);
}

void submit_reserve_was_right(struct submit *f)
{
	throttle_right(f->form.s->throttle, &f->claim);
	throttle_release(f->form.s->throttle, &f->customer_claim);
}

static enum err_code reserve_customer(struct submit *f, struct str psid)
{
	uint8_t key[DEVICE_DIGEST_LEN];
	enum err_code code = device_key_digest(&f->customer.key, key);
	if (code != ERR_OK)
		return code;
	return throttle_reserve_customer(f->form.s->throttle, (struct str){(const char *)key, sizeof key},
	                                 psid, loop_now_ms(f->form.r->loop), &f->customer_claim);
}

/* When there is no memory for the count here, the store's count alone decides. */
static bool has_tries(struct submit *f)
{
	bool failed = f->customer.login_failures >= CEILING &&
	              f->customer.login_window_ends_s > form_guard_now_s();
	return !failed && reserve_customer(f, STR("")) != ERR_THROTTLED;
}

/* A device bypasses the limit of its own customer only.  Its try is counted before the customer is known. */
static const char *passes_by(struct submit *f)
{
	if (f->known_device && device_is(f->device_customer, &f->customer.key)) {
		metric_add(M_CEILING_DEVICE, 1);
		return "known_device";
	}
	if (f->state.psid[0] == '\0' || reserve_customer(f, str_c(f->state.psid)) != ERR_OK)
		return NULL;
	metric_add(M_CEILING_PROFILE, 1);
	return "confirmed_profile";
}

bool submit_at_ceiling(struct submit *f)
{
	if (!f->known || has_tries(f))
		return false;
	f->passed_by = passes_by(f);
	return f->passed_by == NULL;
}

static void not_counted(const char *why)
{
	log_line(LOG_WARN, "login_failure_not_counted", log_z("error", why));
}

static void on_counted(void *arg, struct store_op *op)
{
	(void)arg;
	if (op->code != ERR_OK)
		not_counted(op->err.msg);
}

/* The flow does not wait for this write: its time must not reveal that there is a customer.  For the same reason a failed
 * write does not change the answer; the failure is still counted in memory. */
void submit_count_failure(struct submit *f)
{
	struct err err;
	struct store_op *op = store_op_new(STORE_FAILURE, loop_now_ms(f->form.r->loop) + COUNT_MS);
	if (op != NULL) {
		op->admitted = true; /* after the hash */
		struct store_failure *in = &op->in.failure;
		in->key = f->customer.key;
		in->now_s = form_guard_now_s();
		in->window_s = in->now_s + WINDOW_S;
	}
	if (store_start(f->form.s->store, op, on_counted, NULL, &err) != ERR_OK)
		not_counted(err.msg);
}

/* Called as soon as the password was right, not at Connect: the cookie says only that the password was right,
 * which stays true when the person then chooses Not me.  Without memory the cookie stays unchanged. */
void submit_remember_device(struct submit *f)
{
	struct buf cookie;
	buf_init(&cookie, DEVICE_TEXT_MAX + 256);
	enum err_code code = device_add(&f->device, str_c(f->email), &f->customer.key, form_guard_now_s());
	if (code == ERR_OK)
		code = device_cookie(f->form.s->cfg, f->form.s->sealer, &f->device, &cookie);
	if (code == ERR_OK)
		reply_header(f->form.r, "Set-Cookie", buf_view(&cookie));
	crypto_wipe_buf(&cookie);
}
