/* What a wrong password, or no such customer, comes to: counted, and answered no sooner than a floor. */
#include "login/form_guard.h"
#include "login/submit.h"
#include "obs/log.h"

enum {
	FLOOR_MS = 600,
	COUNT_MS = 3000, /* the write */
	WINDOW_S = 60 * 60,
};

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

/* Not waited for: that there is a customer to write to, and how long that takes, must not show.  What is not
 * counted in the store is still counted in memory, and 503 here would tell a customer from a stranger. */
void submit_count_failure(struct submit *f)
{
	struct err err;
	struct store_op *op = store_op_new(STORE_FAILURE, loop_now_ms(f->r->loop) + COUNT_MS);
	if (op != NULL) {
		op->admitted = true; /* after the hash */
		op->in.key = f->customer.key;
		op->in.now_s = form_guard_now_s();
		op->in.window_s = op->in.now_s + WINDOW_S;
	}
	if (store_start(f->s->store, op, on_counted, NULL, &err) != ERR_OK)
		not_counted(err.msg);
}

int64_t submit_last_floor_ms(const struct submit *f)
{
	int64_t limit_ms = f->r->deadline_ms - SUBMIT_LIMIT_MS - f->r->received_ms;
	return f->r->received_ms + (limit_ms > 0 ? limit_ms / FLOOR_MS * FLOOR_MS : 0);
}

bool submit_too_late(const struct submit *f)
{
	int64_t now_ms = loop_now_ms(f->r->loop), last_ms = submit_last_floor_ms(f);
	return last_ms <= now_ms || last_ms <= f->r->received_ms;
}

static void on_floor(struct loop_timer *t)
{
	submit_resume(LIST_ENTRY(t, struct submit, timer), P_REFUSE);
}

/* A wrong login is answered at the first multiple of the floor after the slot of the check.  Multiples count
 * from the last byte of the request, since the client chooses when to send it.  After the last multiple the
 * time limit of the whole flow answers with 503: the time of a 401 would reveal how long the hash took. */
enum submit_phase submit_wait_floor(struct submit *f)
{
	int64_t now_ms = loop_now_ms(f->r->loop);
	int64_t ready_ms = f->slot_ends_ms > now_ms ? f->slot_ends_ms : now_ms;
	int64_t due_ms = f->r->received_ms + FLOOR_MS;
	while (due_ms < ready_ms)
		due_ms += FLOOR_MS;
	f->timer.fn = on_floor;
	bool in_time = due_ms <= submit_last_floor_ms(f);
	return in_time && loop_timer_set(f->r->loop, &f->timer, due_ms) != ERR_OK ? P_REFUSE : P_WAIT;
}
