#include "aws/dynamodb_gate.h"

#include "base/clock.h"

enum {
	FIRST_US = 10000, /* taken to be a call's time before one was measured */
	SMOOTH = 16,      /* calls over which its time is smoothed */
};

void dynamodb_gate_init(struct dynamodb_gate *g, size_t max)
{
	*g = (struct dynamodb_gate){.max = max, .call_us = FIRST_US};
	list_init(&g->ahead);
	list_init(&g->line);
}

static int64_t first_waits_us(const struct dynamodb_gate *g)
{
	if (list_empty(&g->line))
		return 0;
	return clock_mono_us() - LIST_ENTRY(g->line.next, struct dynamodb_pass, node)->since_us;
}

bool dynamodb_gate_full(const struct dynamodb_gate *g, int64_t left_ms)
{
	if (g->running < g->max)
		return false;
	int64_t wait_us = ((int64_t)g->waiting + 1) * g->call_us / (int64_t)g->max;
	return first_waits_us(g) > DYNAMODB_GATE_WAIT_MS * 1000LL ||
	       wait_us > DYNAMODB_GATE_WAIT_MS * 1000LL || wait_us + g->call_us > left_ms * 1000;
}

static void run(struct dynamodb_gate *g, struct dynamodb_pass *p)
{
	p->state = DYNAMODB_PASS_RUNNING;
	p->since_us = clock_mono_us();
	g->running++;
}

void dynamodb_gate_enter(struct dynamodb_gate *g, struct dynamodb_pass *p, bool ahead)
{
	if (g->running < g->max) {
		run(g, p);
		return;
	}
	p->state = DYNAMODB_PASS_WAITING;
	p->since_us = clock_mono_us();
	g->waiting += 1 + p->more;
	list_push(ahead ? &g->ahead : &g->line, &p->node);
}

void dynamodb_gate_leave(struct dynamodb_gate *g, struct dynamodb_pass *p, bool answered)
{
	if (p->state == DYNAMODB_PASS_WAITING) {
		list_del(&p->node);
		g->waiting -= 1 + p->more;
	} else if (p->state == DYNAMODB_PASS_RUNNING) {
		g->running--;
		if (answered)
			g->call_us += (clock_mono_us() - p->since_us - g->call_us) / SMOOTH;
	}
	p->state = DYNAMODB_PASS_NONE;
}

struct dynamodb_pass *dynamodb_gate_next(struct dynamodb_gate *g)
{
	const struct list_node *from = list_empty(&g->ahead) ? &g->line : &g->ahead;
	if (g->running >= g->max || list_empty(from))
		return NULL;
	struct dynamodb_pass *p = LIST_ENTRY(from->next, struct dynamodb_pass, node);
	list_del(&p->node);
	g->waiting -= 1 + p->more;
	run(g, p);
	return p;
}

static void come(struct dynamodb_pass *p)
{
	struct dynamodb_turn *t = LIST_ENTRY(p, struct dynamodb_turn, pass);
	dynamodb_gate_line_leave(t);
	t->fn(t);
}

bool dynamodb_gate_line(struct dynamodb_gate *g, struct dynamodb_turn *t)
{
	if (g->running < g->max)
		return false;
	t->gate = g;
	t->pass.turn = come;
	dynamodb_gate_enter(g, &t->pass, false);
	return true;
}

void dynamodb_gate_line_leave(struct dynamodb_turn *t)
{
	if (t->gate == NULL)
		return;
	dynamodb_gate_leave(t->gate, &t->pass, false);
	t->gate = NULL;
}

void dynamodb_gate_end(struct dynamodb_gate *g)
{
	while (!list_empty(&g->line)) {
		struct dynamodb_pass *p = LIST_ENTRY(g->line.next, struct dynamodb_pass, node);
		dynamodb_gate_line_leave(LIST_ENTRY(p, struct dynamodb_turn, pass));
	}
}
