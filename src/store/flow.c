#include "store/flow.h"

#include <assert.h>

#include "obs/log.h"

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { CHECKED = 1 };
#else
enum { CHECKED = 0 };
#endif

bool flow_may_move(const struct flow_kind *k, int from, int to)
{
	return (k->phases[from].next & FLOW_TO(to)) != 0 || (k->late != FLOW_WAIT && to == k->late);
}

void flow_move(struct flow *f, int to)
{
	const struct flow_phase *p = f->kind->phases;
	f->phase = to;
	if (to == FLOW_WAIT || to == f->from) /* a wait, or a phase that was deferred */
		return;
	bool allowed = !CHECKED || flow_may_move(f->kind, f->from, to);
	log_line(allowed ? LOG_DEBUG : LOG_ERROR, "flow_moved", log_z("flow", f->kind->name),
	         log_z("from", p[f->from].name), log_z("to", p[to].name));
	assert(allowed);
	f->from = to;
}

static void enter(struct flow *f, int phase)
{
	log_scope(f->scope);
	flow_move(f, phase);
	f->kind->run(f); /* f may be dead after this */
	log_scope(NULL);
}

static void without_result(struct flow *f)
{
	f->code = ERR_OK;
	f->err = &f->own;
	f->out = NULL;
}

void flow_resume(struct flow *f, int phase)
{
	without_result(f);
	enter(f, phase);
}

static void on_task(struct loop_task *t)
{
	struct flow *f = LIST_ENTRY(t, struct flow, task);
	enter(f, f->next);
}

static void on_pause(struct loop_timer *t)
{
	struct flow *f = LIST_ENTRY(t, struct flow, pause);
	flow_resume(f, f->next);
}

static void on_limit(struct loop_timer *t)
{
	struct flow *f = LIST_ENTRY(t, struct flow, limit);
	flow_cancel(f);
	f->late = true;
	without_result(f);
	f->code = err_set(f->err, ERR_TIMEOUT, "no answer from the store by the deadline");
	enter(f, f->kind->late != FLOW_WAIT ? f->kind->late : f->next);
}

static void on_store(void *arg, struct store_op *op)
{
	struct flow *f = arg;
	f->op = NULL;
	f->admitted = true;
	f->code = op->code;
	f->err = &op->err;
	f->out = &op->out;
	enter(f, f->next);
}

enum err_code flow_start(struct flow *f, const struct flow_kind *k, const struct flow_call *c)
{
	f->kind = k;
	f->loop = c->loop;
	f->store = c->store;
	f->scope = c->scope;
	f->limit_ms = c->limit_ms;
	f->admitted = c->admitted;
	f->next = FLOW_FIRST;
	f->task.fn = on_task;
	f->limit.fn = on_limit;
	f->pause.fn = on_pause;
	if (loop_timer_set(f->loop, &f->limit, f->limit_ms) != ERR_OK)
		return ERR_NOMEM;
	without_result(f);
	if (c->at_once) {
		f->starting = true;
		flow_move(f, FLOW_FIRST);
		f->kind->run(f);
		f->starting = false;
	} else
		loop_task_add(f->loop, &f->task);
	return ERR_OK;
}

bool flow_defer(struct flow *f)
{
	if (!f->starting)
		return false;
	f->next = f->phase;
	f->phase = FLOW_WAIT;
	loop_task_add(f->loop, &f->task);
	return true;
}

void flow_cancel(struct flow *f)
{
	if (f->kind == NULL)
		return;
	loop_task_cancel(&f->task);
	loop_timer_clear(f->loop, &f->limit);
	loop_timer_clear(f->loop, &f->pause);
	if (f->op != NULL)
		store_cancel(f->op);
	f->op = NULL;
	if (f->kind->stop != NULL)
		f->kind->stop(f);
}

int64_t flow_due_ms(const struct flow *f)
{
	int64_t due_ms = loop_now_ms(f->loop) + f->kind->store_ms;
	return f->kind->store_ms > 0 && due_ms < f->limit_ms ? due_ms : f->limit_ms;
}

struct store_op *flow_op(const struct flow *f, enum store_kind kind)
{
	struct store_op *op = store_op_new(kind, flow_due_ms(f));
	if (op != NULL)
		op->admitted = f->admitted;
	return op;
}

int flow_store(struct flow *f, struct store_op *op, int next)
{
	without_result(f);
	if (f->late) {
		store_op_free(op);
		f->code = err_set(f->err, ERR_TIMEOUT, "no time left for a store operation");
		return next;
	}
	f->code = store_start(f->store, op, on_store, f, f->err);
	if (f->code != ERR_OK)
		return next;
	f->op = op;
	f->next = next;
	return FLOW_WAIT;
}

bool flow_pause(struct flow *f, int64_t due_ms, int next)
{
	f->next = next;
	return due_ms < f->limit_ms && loop_timer_set(f->loop, &f->pause, due_ms) == ERR_OK;
}
