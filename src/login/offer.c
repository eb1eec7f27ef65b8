#include "login/private.h"

#include "base/crypto.h"
#include "link/auth_code.h"
#include "obs/log.h"
#include "obs/metrics.h"

/* The links that Connect will remove. */
static unsigned loses(const struct offer *o)
{
	unsigned what = STATE_LOSES_NOTHING;
	bool bound = o->state->psid[0] != '\0';
	const char *linked = o->customer->link.psid;
	if (linked[0] != '\0' && !(bound && str_is(str_c(linked), o->state->psid)))
		what |= STATE_LOSES_PROFILE;
	if (o->customer->link_unknown)
		what |= STATE_LOSES_UNKNOWN;
	if (o->holder.id[0] != '\0')
		what |= STATE_LOSES_CUSTOMER;
	if (!bound) /* also with CONFLICT_REFUSE: the holder cannot be looked up before the profile is known */
		what |= STATE_LOSES_PERHAPS;
	return what;
}

static enum err_code make_consent(const struct offer *o, struct consent *ret, struct buf *sealed)
{
	*ret = (struct consent){
	        .state = *o->state, .key = o->customer->key, .replaces = o->holder, .loses = loses(o)};
	ret->state.issued_s = form_guard_now_s();
	enum err_code code = crypto_sha256_text(str_c(o->customer->hash), ret->record);
	if (code == ERR_OK)
		code = crypto_random(ret->salt, sizeof ret->salt);
	return code == ERR_OK ? state_seal_consent(o->r->service->sealer, ret, sealed) : code;
}

/* The audit line has the digest of the code that Connect would make, so that it matches the webhook's lines. */
static enum err_code tell_consent(const struct offer *o, const struct consent *c)
{
	struct auth_code_text text;
	enum err_code code = auth_code_make_as(o->r->service->cfg->code_style, o->r->service->sealer, &c->key,
	                                       c->salt, &text);
	if (code == ERR_OK)
		login_audit(o->r, &c->state,
		            (struct audit){.action = "consent",
		                           .result = "shown",
		                           .customer_id = c->key.id,
		                           .code_digest = audit_digest(str_c(text.s)).s});
	crypto_wipe(&text, sizeof text);
	return code;
}

static enum err_code show_consent(const struct offer *o)
{
	struct consent c;
	struct buf sealed;
	metric_add(M_LOGIN_OK, 1);
	buf_init(&sealed, SEAL_TEXT_MAX);
	enum err_code code = make_consent(o, &c, &sealed);
	if (code == ERR_OK)
		code = tell_consent(o, &c);
	if (code == ERR_OK)
		answer_consent(o->r, 200, &c, buf_view(&sealed), NULL);
	crypto_wipe(c.salt, sizeof c.salt);
	buf_done(&sealed);
	return code;
}

static void refuse_taken(const struct offer *o)
{
	login_audit(o->r, o->state,
	            (struct audit){.action = "consent",
	                           .result = "not_shown",
	                           .reason = "profile_linked_to_another_customer",
	                           .customer_id = o->customer->key.id});
	answer_taken(o->r);
}

int offer_find(const struct offer *o, struct flow *f, int next)
{
	f->out = NULL;
	f->code = ERR_OK;
	if (o->customer->too_long || o->state->psid[0] == '\0' || !store_traits(f->store)->find_psid)
		return next;
	struct store_op *op = flow_op(f, STORE_FIND_PSID);
	if (op != NULL) {
		op->admitted = true; /* the login was admitted */
		(void)str_copy(op->in.find_psid.psid, sizeof op->in.find_psid.psid, str_c(o->state->psid));
	}
	return flow_store(f, op, next);
}

enum err_code offer_show(struct offer *o, const struct flow *f)
{
	if (f->code != ERR_OK)
		return f->code;
	for (size_t i = f->out != NULL ? f->out->n : 0;
	     i-- > 0;) /* newest first, so the loop ends with the newest */
		if (!str_is(str_c(f->out->customers[i].key.id), o->customer->key.id))
			o->holder = f->out->customers[i].key;
	if (o->customer->too_long) {
		log_line(LOG_ERROR, "customer_key_too_long",
		         log_z("error", "a login was right, but no code can carry the customer's key"));
		answer_key_too_long(o->r);
	} else if (o->holder.id[0] != '\0' && o->r->service->cfg->link_conflict == CONFLICT_REFUSE)
		refuse_taken(o);
	else
		return show_consent(o);
	return ERR_OK;
}
