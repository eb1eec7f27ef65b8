/* What a right password comes to: an old hash is replaced, and the profile's holder looked up. */
#include "obs/log.h"
#include "login/submit.h"

static void fill_upgrade(const struct submit *f, struct store_in *in)
{
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
		log_line(LOG_WARN, "an old password hash was not replaced", log_z("reason", op->err.msg));
	else if (op->out.outcome == STORE_DONE) /* the consent must match the record as it is now */
		(void)str_copy(f->customer.hash, sizeof f->customer.hash, str_c(f->new_hash));
	submit_resume(f, changed ? P_AGAIN : P_HOLDER);
}

/* The login stands without it; a later one tries again.  Where another login was first, a double tap say, the
 * password is judged by the record as it is now: Connect would refuse a consent for the one before. */
enum submit_phase submit_upgrade(struct submit *f)
{
	return submit_store(f, STORE_UPGRADE, fill_upgrade, on_upgrade) == ERR_OK ? P_WAIT : P_HOLDER;
}

static void fill_psid(const struct submit *f, struct store_in *in)
{
	(void)str_copy(in->psid, sizeof in->psid, str_c(f->state.psid));
}

static void on_holder(void *arg, struct store_op *op)
{
	struct submit *f = arg;
	f->op = NULL;
	f->code = op->code;
	if (op->code == ERR_OK)
		for (size_t i = op->out.n; i-- > 0;) /* the newest, which comes first, is the last kept */
			if (!str_is(str_c(op->out.customers[i].key.id), f->customer.key.id))
				f->holder = op->out.customers[i].key;
	submit_resume(f, op->code == ERR_OK ? P_CONSENT : P_FAIL);
}

/* Who holds this profile now, where it is known and can be looked up. */
enum submit_phase submit_find_holder(struct submit *f)
{
	if (f->state.psid[0] == '\0' || !store_traits(f->s->store)->find_psid)
		return P_CONSENT;
	enum err_code code = submit_store(f, STORE_FIND_PSID, fill_psid, on_holder);
	return code == ERR_OK ? P_WAIT : submit_give_up(f, code);
}
