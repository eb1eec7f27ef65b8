/* Every use case when the store fails, is full, hangs or is slow, and when it is cancelled at any time. */
#include "test.h"

#include "link_rig.h"

enum { COMPLETE, COMPLETE_REPLACES, REMOVE, FIND, FLOWS };

/* Three operations each, so that every wait of every flow is met. */
static struct link_op *begin(int flow)
{
	rows(A, (struct fake_row){.id = "b", .psid = "7", .at = 4000});
	switch (flow) {
	case COMPLETE: return complete_a();
	case COMPLETE_REPLACES: rig.store.replaces = "b"; return complete_a();
	case REMOVE:
		rig.store.row[0] = (struct fake_row){.id = "a", .psid = "7", .at = 3000};
		return remove_7(5000, false, true);
	default: return find_7();
	}
}

static size_t operations(int flow)
{
	return flow == FIND ? 1 : 3;
}

/* The n-th operation fails, is refused at its start, or never answers: not settled, with the reason, in time.
 */
static void every_operation_may_fail(void **state)
{
	(void)state;
	static const enum err_code why[] = {ERR_STORE, ERR_BUSY, ERR_TIMEOUT};
	for (int flow = 0; flow < FLOWS; flow++)
		for (size_t op = 1; op <= operations(flow); op++)
			for (int how = 0; how < 3; how++) {
				start_rig(&fake_sharp);
				size_t *at[] = {&rig.store.fail_at, &rig.store.busy_at, &rig.store.hold_at};
				*at[how] = op;
				int64_t began = fake_now_ms;
				(void)begin(flow);
				assert_true(fake_run(&rig, 5000));
				assert_int_equal(got.calls, 1);
				assert_int_equal(got.result, LINK_R_UNSETTLED);
				assert_int_equal(got.why, why[how]);
				assert_int_equal(rig.store.ops, op);
				assert_in_range(got.at - began, how == 2 ? 2500 : 0, how == 2 ? 2600 : 100);
				fake_rig_done(&rig);
			}
}

/* The pause before a second look is over: the deadline holds again. */
static void a_second_look_may_hang_too(void **state)
{
	(void)state;
	start_rig(&fake_lagging);
	rows(A, B);
	rig.store.hold_at = 2;
	int64_t began = fake_now_ms;
	(void)find_7();
	assert_true(fake_run(&rig, 5000));
	assert_int_equal(got.result, LINK_R_UNSETTLED);
	assert_int_equal(got.why, ERR_TIMEOUT);
	assert_in_range(got.at - began, 2500, 2600);
	fake_rig_done(&rig);
}

static void slow_answers_end_at_the_deadline(void **state)
{
	(void)state;
	start_rig(&fake_sharp);
	rows(A, B);
	rig.store.delay_ms = 1500;
	int64_t began = fake_now_ms;
	(void)complete_a();
	assert_true(fake_run(&rig, 5000));
	assert_int_equal(got.result, LINK_R_UNSETTLED);
	assert_int_equal(got.why, ERR_TIMEOUT);
	assert_in_range(got.at - began, 2500, 2600);
	fake_rig_done(&rig);
}

/* Cancelled in the k-th turn: never called back, whatever was open. */
static struct {
	struct loop_timer timer;
	struct link_op *op;
} cancel;

static void on_cancel(struct loop_timer *t)
{
	(void)t;
	if (got.calls == 0)
		link_cancel(cancel.op);
	got.calls += 100;
	rig.over = true;
}

static void cancelled_anywhere(void **state)
{
	(void)state;
	int before = 0;
	for (int flow = 0; flow < FLOWS; flow++)
		for (int64_t after_ms = 0; after_ms < 100; after_ms += 5) {
			start_rig(&fake_sharp);
			rig.store.delay_ms = 25;
			watch = true;
			cancel.op = begin(flow);
			cancel.timer.fn = on_cancel;
			assert_int_equal(
			        loop_timer_set(rig.loop, &cancel.timer, loop_now_ms(rig.loop) + after_ms),
			        ERR_OK);
			assert_true(fake_run(&rig, 5000));
			assert_true(got.calls == 100 || got.calls == 101);
			before += got.calls == 100;
			fake_rig_done(&rig);
		}
	assert_in_range(before, 40, 79); /* most came before the answer, some after */
}

/* A code that does not open waits for the loop with nothing running. */
static void cancelled_before_the_loop_turns(void **state)
{
	(void)state;
	start_rig(&fake_sharp);
	link_cancel(complete("x", 5000, 2500));
	rig.over = true;
	assert_true(fake_run(&rig, 1000));
	assert_int_equal(got.calls, 0);
	fake_rig_done(&rig);
}

int main(void)
{
	if (crypto_start(NULL) != ERR_OK)
		return EXIT_FAILURE;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_operation_may_fail),
	        cmocka_unit_test(a_second_look_may_hang_too),
	        cmocka_unit_test(slow_answers_end_at_the_deadline),
	        cmocka_unit_test(cancelled_anywhere),
	        cmocka_unit_test(cancelled_before_the_loop_turns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
