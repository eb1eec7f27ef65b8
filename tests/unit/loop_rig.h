/* loop_rig.h - a loop for each test, which a guard stops when nothing else does. */
#pragma once
#include "base/clock.h"
#include "loop/loop.h"

static struct loop *loop;
static struct loop_timer guard;
static bool stalled; /* it was the guard */

static inline void on_guard(struct loop_timer *t)
{
	(void)t;
	stalled = true;
	loop_stop(loop);
}

static inline int loop_setup(void **state)
{
	(void)state;
	stalled = false;
	guard = (struct loop_timer){.fn = on_guard};
	return loop_new(&loop, NULL) == ERR_OK ? 0 : -1;
}

static inline int loop_teardown(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

static inline void run_guarded(int64_t limit_ms)
{
	assert_int_equal(loop_timer_set(loop, &guard, clock_mono_ms() + patience((int)limit_ms)), ERR_OK);
	loop_run(loop);
	loop_timer_clear(loop, &guard);
}

#define WITH_LOOP(f) cmocka_unit_test_setup_teardown(f, loop_setup, loop_teardown)
