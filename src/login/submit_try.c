/* May this password be tried?  The counts in memory, the customer's failures in the store, and what passes
 * them: a known device, or a profile that Facebook confirmed.  Of each the tries are counted, here and, when
 * they fail, in the store as all others. */
#include "base/crypto.h"
#include "login/gate.h"
#include "login/submit.h"
#include "metrics.h"

enum { CEILING = 100 }; /* failures of one customer in a window */

enum err_code submit_reserve(struct submit *f, int64_t *ret_wait_s)
{
	struct throttle_try who = {.client = str_c(f->r->client), .email = str_c(f->email)};
	device_open(f->s->sealer, request_cookie(f->r, device_cookie_name(f->s->cfg)), gate_now_s(),
	            &f->device);
	f->device_customer = device_find(&f->device, str_c(f->email));
	if (f->device_customer != NULL)
		who.device = (struct str){(const char *)f->device.id, sizeof f->device.id};
	enum err_code code = throttle_reserve(f->s->throttle, &who, loop_now_ms(f->r->loop), &f->claim,
	                                      ret_wait_s);
	f->known_device = code == ERR_OK && f->claim.of_device;
	return code;
}

void submit_unreserve(struct submit *f)
{
	throttle_release(f->s->throttle, &f->claim);
	throttle_release(f->s->throttle, &f->profile_claim);
}

void submit_reserve_was_right(struct submit *f)
{
	throttle_right(f->s->throttle, &f->claim);
	throttle_release(f->s->throttle, &f->profile_claim);
}

/* A device passes as one of this customer only.  Its try was taken before the customer was known. */
static bool passes_by_device(const struct submit *f)
{
	return f->known_device && device_is(f->device_customer, &f->customer.key);
}

static bool passes_by_profile(struct submit *f)
{
	uint8_t key[DEVICE_DIGEST_LEN];
	return f->state.psid[0] != '\0' && device_key_digest(&f->customer.key, key) == ERR_OK &&
	       throttle_reserve_profile(f->s->throttle, str_c(f->state.psid),
	                                (struct str){(const char *)key, sizeof key}, loop_now_ms(f->r->loop),
	                                &f->profile_claim) == ERR_OK;
}

static bool passes(struct submit *f)
{
	bool device = passes_by_device(f);
	if (!device && !passes_by_profile(f))
		return false;
	metric_add(device ? M_CEILING_DEVICE : M_CEILING_PROFILE, 1);
	return true;
}

bool submit_at_ceiling(struct submit *f)
{
	return f->known && f->customer.login_failures >= CEILING &&
	       f->customer.login_window_ends_s > gate_now_s() && !passes(f);
}

/* Not at Connect but as soon as the password was right: that it was is all that the cookie says, and somebody
 * who then chooses Not me is no less the owner.  Without memory the browser stays as it was. */
void submit_remember_device(struct submit *f)
{
	struct buf cookie;
	buf_init(&cookie, DEVICE_TEXT_MAX + 256);
	enum err_code code = device_add(&f->device, str_c(f->email), &f->customer.key, gate_now_s());
	if (code == ERR_OK)
		code = device_cookie(f->s->cfg, f->s->sealer, &f->device, &cookie);
	if (code == ERR_OK)
		reply_header(f->r, "Set-Cookie", buf_view(&cookie));
	crypto_wipe_buf(&cookie);
}
