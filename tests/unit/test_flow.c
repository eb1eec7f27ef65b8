/* The kit of the flows: one operation or pause at a time, the limit, cancel, the edges. */
#include "test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_store.h"
#include "starve.h"
#include "store/flow.h"

enum { PROBE_WAIT, PROBE_ASK, PROBE_ASKED, PROBE_PAUSED, PROBE_LATE, PROBE_END };

struct probe {
	struct flow flow; /* first */
	bool pauses;
	char trace[256];
	enum err_code code; /* in PROBE_ASKED or PROBE_LATE */
	char why[ERR_MSG_MAX];
	bool had_out;
	size_t stops;
	int64_t ended_ms; /* fake clock */
};

static struct fake_rig rig;
static struct probe p;

static void note(const char *phase)
{
	size_t n = strlen(p.trace);
	(void)snprintf(p.trace + n, sizeof p.trace - n, "%s%s", n == 0 ? "" : " ", phase);
}

static int ask(void)
{
	note("ask");
	struct store_op *op = flow_op(&p.flow, STORE_FIND_PSID);
	if (op != NULL)
		fake_copy(op->in.find_psid.psid, sizeof op->in.find_psid.psid, "7");
	return flow_store(&p.flow, op, PROBE_ASKED);
}

static void keep(void)
{
	p.code = p.flow.code;
	fake_copy(p.why, sizeof p.why, p.code == ERR_OK ? "" : p.flow.err->msg);
	p.had_out = p.flow.out != NULL;
}

static int asked(void)
{
	note("asked");
	keep();
	if (p.pauses && flow_pause(&p.flow, loop_now_ms(rig.loop) + 50, PROBE_PAUSED))
		return FLOW_WAIT;
	return PROBE_END;
}

static int paused(void)
{
	note("paused");
	return PROBE_END;
}

static int late(void)
{
	note("late");
	keep();
	assert_int_equal(flow_store(&p.flow, flow_op(&p.flow, STORE_FIND_PSID), PROBE_END), PROBE_END);
	assert_int_equal(p.flow.code, ERR_TIMEOUT);
	return PROBE_END;
}

static void run(struct flow *f)
{
	for (;;) {
		switch (f->phase) {
		case PROBE_ASK: flow_move(f, ask()); break;
		case PROBE_ASKED: flow_move(f, asked()); break;
		case PROBE_PAUSED: flow_move(f, paused()); break;
		case PROBE_LATE: flow_move(f, late()); break;
		case PROBE_WAIT: return;
		default:
			if (flow_defer(f))
				return;
			note("end");
			p.ended_ms = fake_now_ms;
			rig.over = true;
			flow_cancel(f);
			return;
		}
	}
}

static void stop(struct flow *f)
{
	assert_ptr_equal(f, &p.flow);
	p.stops++;
}

static const struct flow_phase phases[] = {
        [PROBE_WAIT] = {"start", FLOW_TO(PROBE_ASK)},
        [PROBE_ASK] = {"ask", FLOW_TO(PROBE_ASKED)},
        [PROBE_ASKED] = {"asked", FLOW_TO(PROBE_PAUSED) | FLOW_TO(PROBE_END)},
        [PROBE_PAUSED] = {"paused", FLOW_TO(PROBE_END)},
        [PROBE_LATE] = {"late", FLOW_TO(PROBE_END)},
        [PROBE_END] = {"end", 0},
};
static const struct flow_kind plain = {.name = "plain", .phases = phases, .run = run};
static const struct flow_kind strict = {
        .name = "strict", .phases = phases, .late = PROBE_LATE, .store_ms = 200, .run = run, .stop = stop};

static int setup(void **state)
{
	(void)state;
	p = (struct probe){.pauses = false};
	fake_rig_init(&rig, &fake_sharp);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_rig_done(&rig);
	return 0;
}

static void start(const struct flow_kind *k, int64_t limit_ms)
{
	struct flow_call c = {
	        .loop = rig.loop, .store = &rig.port, .limit_ms = fake_now_ms + limit_ms, .scope = "r1"};
	assert_int_equal(flow_start(&p.flow, k, &c), ERR_OK);
	assert_string_equal(p.trace, ""); /* never before the start returned */
}

static void test_one_operation(void **state)
{
	(void)state;
	start(&plain, 1000);
	assert_true(fake_run(&rig, 2000));
	assert_string_equal(p.trace, "ask asked end");
	assert_int_equal(p.code, ERR_OK);
	assert_true(p.had_out);
	assert_true(p.flow.admitted); /* what follows the first operation is work that has begun */
}

static void start_at_once(void)
{
	struct flow_call c = {
	        .loop = rig.loop, .store = &rig.port, .limit_ms = fake_now_ms + 1000, .at_once = true};
	assert_int_equal(flow_start(&p.flow, &plain, &c), ERR_OK);
}

static void test_the_first_step_at_once(void **state)
{
	(void)state;
	start_at_once();
	assert_string_equal(p.trace, "ask");
	assert_int_equal(rig.store.ops, 1);
	assert_true(fake_run(&rig, 2000));
	assert_string_equal(p.trace, "ask asked end");
	assert_int_equal(p.code, ERR_OK);
}

static void test_the_end_comes_after_the_start(void **state)
{
	(void)state;
	rig.store.busy_at = 1;
	start_at_once();
	assert_string_equal(p.trace, "ask asked");
	assert_true(fake_run(&rig, 2000));
	assert_string_equal(p.trace, "ask asked end");
	assert_int_equal(p.flow.code, ERR_BUSY); /* still there after the start */
	assert_true(p.flow.err->msg[0] != '\0');
}

static void test_a_pause(void **state)
{
	(void)state;
	int64_t from_ms = fake_now_ms;
	p.pauses = true;
	start(&plain, 1000);
	assert_true(fake_run(&rig, 2000));
	assert_string_equal(p.trace, "ask asked paused end");
	assert_in_range(p.ended_ms - from_ms, 50, 70);
}

static void test_a_failed_operation(void **state)
{
	(void)state;
	rig.store.fail_at = 1;
	start(&plain, 1000);
	assert_true(fake_run(&rig, 2000));
	assert_string_equal(p.trace, "ask asked end");
	assert_int_equal(p.code, ERR_STORE);
	assert_string_equal(p.why, "as the test wants");
}

static void test_an_operation_that_does_not_start(void **state)
{
	(void)state;
	rig.store.busy_at = 1;
	start(&plain, 1000);
	assert_true(fake_run(&rig, 2000));
	assert_string_equal(p.trace, "ask asked end");
	assert_int_equal(p.code, ERR_BUSY);
	assert_true(p.why[0] != '\0');
	assert_false(p.had_out);
}

static void test_the_limit(void **state)
{
	(void)state;
	rig.store.hold_at = 1;
	start(&strict, 100);
	assert_true(fake_run(&rig, 2000));
	assert_string_equal(p.trace, "ask late end");
	assert_int_equal(p.code, ERR_TIMEOUT);
	assert_true(p.stops >= 1);
	assert_int_equal(rig.store.ops, 1); /* nothing was started after the limit */
}

static void test_the_limit_without_a_phase_of_its_own(void **state)
{
	(void)state;
	rig.store.hold_at = 1;
	start(&plain, 100);
	assert_true(fake_run(&rig, 2000));
	assert_string_equal(p.trace, "ask asked end");
	assert_int_equal(p.code, ERR_TIMEOUT);
	assert_false(p.had_out);
}

static void test_deadline_of_an_operation(void **state)
{
	(void)state;
	start(&strict, 1000);
	assert_int_equal(flow_due_ms(&p.flow), loop_now_ms(rig.loop) + 200);
	flow_cancel(&p.flow);
	start(&strict, 100);
	assert_int_equal(flow_due_ms(&p.flow), p.flow.limit_ms);
	flow_cancel(&p.flow);
	start(&plain, 1000);
	assert_int_equal(flow_due_ms(&p.flow), p.flow.limit_ms);
	flow_cancel(&p.flow);
}

static void test_cancel_before_the_first_run(void **state)
{
	(void)state;
	flow_cancel(&p.flow); /* not started: a no-op */
	start(&strict, 100);
	flow_cancel(&p.flow);
	rig.over = true;
	assert_true(fake_run(&rig, 2000));
	assert_string_equal(p.trace, "");
	assert_int_equal(p.stops, 1);
}

static void cancel_now(struct loop_timer *t)
{
	(void)t;
	flow_cancel(&p.flow);
	rig.over = true;
}

static void test_cancel_while_it_waits(void **state)
{
	struct loop_timer t = {.fn = cancel_now};
	(void)state;
	rig.store.delay_ms = 60;
	start(&plain, 1000);
	assert_int_equal(loop_timer_set(rig.loop, &t, fake_now_ms + 30), ERR_OK);
	assert_true(fake_run(&rig, 2000));
	assert_string_equal(p.trace, "ask");
	assert_int_equal(rig.store.ops, 1);
}

static void test_without_memory(void **state)
{
	struct flow_call c = {.loop = rig.loop, .store = &rig.port, .limit_ms = fake_now_ms + 100};
	(void)state;
	starve_nth(1);
	assert_int_equal(flow_start(&p.flow, &plain, &c), ERR_NOMEM);
	assert_int_equal(starve_calls(), 1);
	start(&plain, 1000);
	assert_int_equal(flow_store(&p.flow, NULL, PROBE_ASKED), PROBE_ASKED);
	assert_int_equal(p.flow.code, ERR_NOMEM);
	flow_cancel(&p.flow);
}

static void test_edges(void **state)
{
	(void)state;
	assert_true(flow_may_move(&plain, PROBE_WAIT, PROBE_ASK));
	assert_true(flow_may_move(&plain, PROBE_ASKED, PROBE_END));
	assert_false(flow_may_move(&plain, PROBE_ASK, PROBE_END));
	assert_false(flow_may_move(&plain, PROBE_END, PROBE_ASK));
	assert_false(flow_may_move(&plain, PROBE_ASK, PROBE_LATE));
	assert_true(flow_may_move(&strict, PROBE_ASK, PROBE_LATE)); /* from everywhere */
}

/* Builds with a sanitizer end at once: the phase is not one of those that may follow. */
static void test_a_forbidden_edge(void **state)
{
	int status = 0;
	(void)state;
	start(&plain, 1000);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)signal(SIGABRT, SIG_DFL);
		flow_move(&p.flow, PROBE_END);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
#else
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
#endif
	flow_cancel(&p.flow);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	if (crypto_start(NULL) != ERR_OK)
		return EXIT_FAILURE;
	const struct CMUnitTest tests[] = {
	        T(test_one_operation),
	        T(test_the_first_step_at_once),
	        T(test_the_end_comes_after_the_start),
	        T(test_a_pause),
	        T(test_a_failed_operation),
	        T(test_an_operation_that_does_not_start),
	        T(test_the_limit),
	        T(test_the_limit_without_a_phase_of_its_own),
	        T(test_deadline_of_an_operation),
	        T(test_cancel_before_the_first_run),
	        T(test_cancel_while_it_waits),
	        T(test_without_memory),
	        T(test_edges),
	        T(test_a_forbidden_edge),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
