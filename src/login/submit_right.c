/* After a right password: replace an old hash, then offer the link. */
#include "login/submit.h"
#include "obs/log.h"

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
		log_line(LOG_WARN, "password_not_upgraded", log_z("error", op->err.msg));
	else if (op->out.outcome == STORE_DONE) /* the consent must match the record as it is now */
		(void)str_copy(f->customer.hash, sizeof f->customer.hash, str_c(f->new_hash));
	submit_resume(f, changed ? P_AGAIN : P_OFFER);
}

/* The login stands without it; a later one tries again.  Where another login was first, a double tap say, the
 * password is judged by the record as it is now: Connect would refuse a consent for the one before. */
enum submit_phase submit_upgrade(struct submit *f)
{
	return submit_store(f, STORE_UPGRADE, fill_upgrade, on_upgrade) == ERR_OK ? P_WAIT : P_OFFER;
}

static void on_offered(struct offer *o)
{
	submit_resume(LIST_ENTRY(o, struct submit, offer), P_OFFERED);
}

enum submit_phase submit_offer(struct submit *f)
{
	submit_remember_device(f);
	f->offer = (struct offer){.r = f->r,
	                          .state = &f->state,
	                          .customer = &f->customer,
	                          .deadline_ms = submit_store_deadline(f),
	                          .done = on_offered};
	return offer_start(&f->offer) ? P_WAIT : P_OFFERED;
}

enum submit_phase submit_offered(struct submit *f)
{
	f->code = f->offer.code;
	return f->code == ERR_OK ? P_DONE : P_FAIL;
}
