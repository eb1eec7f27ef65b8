/* What a wrong password, or no such customer, comes to: counted, and answered no sooner than a floor. */
#include "log.h"
#include "login/gate.h"
#include "login/submit.h"

enum { FLOOR_MS = 600, WINDOW_S = 60 * 60 };

static void fill_failure(const struct submit *f, struct store_in *in)
{
	in->key = f->customer.key;
	in->now_s = gate_now_s();
	in->window_s = in->now_s + WINDOW_S;
}

static void on_failure(void *arg, struct store_op *op)
{
	struct submit *f = arg;
	f->op = NULL;
	if (op->code != ERR_OK)
		log_line(LOG_WARN, "a failed login was not counted in the store",
		         log_z("reason", op->err.msg));
	submit_resume(f, P_FLOOR);
}

/* Not counted in the store is still counted in memory, and 503 here would tell a customer from a stranger. */
enum submit_phase submit_count_failure(struct submit *f)
{
	enum err_code code = submit_store(f, STORE_FAILURE, fill_failure, on_failure);
	if (code != ERR_OK)
		log_line(LOG_WARN, "a failed login was not counted in the store",
		         log_z("reason", err_name(code)));
	return code == ERR_OK ? P_WAIT : P_FLOOR;
}

static void on_floor(struct loop_timer *t)
{
	submit_resume(LIST_ENTRY(t, struct submit, timer), P_REFUSE);
}

/* At the floor or, when the work took longer, a multiple of it: a known customer's failure is written to the
 * store, and the time of that must not tell. */
enum submit_phase submit_wait_floor(struct submit *f)
{
	int64_t now_ms = loop_now_ms(f->r->loop), due_ms = f->r->arrived_ms + FLOOR_MS;
	while (due_ms < now_ms)
		due_ms += FLOOR_MS;
	if (due_ms == now_ms || due_ms >= f->r->deadline_ms - SUBMIT_LIMIT_MS)
		return P_REFUSE;
	f->timer.fn = on_floor;
	return loop_timer_set(f->r->loop, &f->timer, due_ms) == ERR_OK ? P_WAIT : P_REFUSE;
}
