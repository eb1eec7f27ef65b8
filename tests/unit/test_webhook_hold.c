/* A listener of link changes delays Facebook's 200 until its own work is done, but not for ever. */
#include "test.h"

#include "webhook_rig.h"

static struct loop_timer work;
static struct link_hold *taken;
static int64_t work_ms; /* -1: the work never ends */

static void on_work(struct loop_timer *t)
{
	(void)t;
	struct link_hold *h = taken;
	taken = NULL;
	link_hold_release(h);
}

static void hear(const struct link_listener *self, struct service *s, const struct link_change *c)
{
	(void)self;
	assert_non_null(c->hold);
	taken = link_hold_take(c->hold);
	assert_non_null(taken);
	work = (struct loop_timer){.fn = on_work};
	if (work_ms >= 0)
		assert_int_equal(loop_timer_set(s->loop, &work, loop_now_ms(s->loop) + work_ms), ERR_OK);
}

static const struct link_listener holder = {.heard = hear};
static const struct link_listener *const holders[] = {&holder, NULL};

static int64_t began_ms;

static void start(int64_t ms)
{
	set_up(&fake_sharp);
	rig.service.listeners = holders;
	work_ms = ms;
	rig.store.row[0] = (struct fake_row){.id = "a", .psid = "7", .at = 1};
	rig.store.n = 1;
	open_body();
	add_event(7, FAKE_WALL_MS, NULL);
	close_body();
	sign();
	began_ms = fake_now_ms;
	deliver();
}

static void the_answer_waits_for_the_listener(void **state)
{
	(void)state;
	start(300);
	expect(200);
	assert_in_range(fake_now_ms - began_ms, 300, 400);
	assert_null(taken);
	tear_down();
}

static void a_listener_that_never_ends_costs_a_second(void **state)
{
	(void)state;
	start(-1);
	expect(200);
	assert_in_range(fake_now_ms - began_ms, 1000, 1100);
	link_hold_release(taken); /* its work goes on, and nobody is told */
	taken = NULL;
	tear_down();
}

static void the_client_leaves(void **state)
{
	(void)state;
	start(300);
	rig.over = true;
	fake_end(&q);
	assert_int_equal(q.answers, 0);
	loop_timer_clear(rig.loop, &work);
	link_hold_release(taken);
	taken = NULL;
	tear_down();
}

int main(void)
{
	if (crypto_start(NULL) != ERR_OK)
		return EXIT_FAILURE;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_answer_waits_for_the_listener),
	        cmocka_unit_test(a_listener_that_never_ends_costs_a_second),
	        cmocka_unit_test(the_client_leaves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
