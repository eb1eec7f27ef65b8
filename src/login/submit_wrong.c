/* What a wrong password, or no such customer, comes to: counted, and answered no sooner than a floor. */
#include "log.h"
#include "login/gate.h"
#include "login/submit.h"

enum {
	FLOOR_MS = 600,
	COUNT_MS = 3000, /* the write */
	WINDOW_S = 60 * 60,
};

static void not_counted(const char *why)
{
	log_line(LOG_WARN, "a failed login was not counted in the store", log_z("reason", why));
}

static void on_counted(void *arg, struct store_op *op)
{
	(void)arg;
	if (op->code != ERR_OK)
		not_counted(op->err.msg);
}

/* Not waited for: that there is a customer to write to, and how long that takes, must not show.  What is not
 * counted in the store is still counted in memory, and 503 here would tell a customer from a stranger. */
void submit_count_failure(struct submit *f)
{
	struct err err;
	struct store_op *op = store_op_new(STORE_FAILURE, loop_now_ms(f->r->loop) + COUNT_MS);
	if (op != NULL) {
		op->begun = true; /* after the hash */
		op->in.key = f->customer.key;
		op->in.now_s = gate_now_s();
		op->in.window_s = op->in.now_s + WINDOW_S;
	}
	if (store_start(f->s->store, f->r->loop, op, on_counted, NULL, &err) != ERR_OK)
		not_counted(err.msg);
}

static int64_t first_floor_ms(const struct submit *f)
{
	return f->r->received_ms + FLOOR_MS; /* the client says when it sends the last of it */
}

bool submit_too_late(const struct submit *f)
{
	return first_floor_ms(f) > f->r->deadline_ms - SUBMIT_LIMIT_MS;
}

static void on_floor(struct loop_timer *t)
{
	submit_resume(LIST_ENTRY(t, struct submit, timer), P_REFUSE);
}

/* At the floor or, when the work took longer, a multiple of it. */
enum submit_phase submit_wait_floor(struct submit *f)
{
	int64_t now_ms = loop_now_ms(f->r->loop), due_ms = first_floor_ms(f);
	while (due_ms < now_ms)
		due_ms += FLOOR_MS;
	if (due_ms == now_ms || due_ms >= f->r->deadline_ms - SUBMIT_LIMIT_MS)
		return P_REFUSE;
	f->timer.fn = on_floor;
	return loop_timer_set(f->r->loop, &f->timer, due_ms) == ERR_OK ? P_WAIT : P_REFUSE;
}
