/* The events of a delivery: one PSID in order of time, different ones side by side; when the answer is 200
 * and when 503; what is left when the client goes away. */
#include "test.h"

#include "webhook_rig.h"

enum { PSIDS = 64 };
static struct {
	int in_flight; /* store operations */
	int64_t last_ms;
	int redeems;
} seen[PSIDS];

static void watch(struct fake *f, const struct store_op *op, bool end)
{
	(void)f;
	int p = (int)strtol(store_values(op).psid, NULL, 10);
	assert_in_range(p, 0, PSIDS - 1);
	if (end) {
		seen[p].in_flight--;
		return;
	}
	assert_int_equal(seen[p].in_flight++, 0); /* one after another */
	assert_true(op->admitted);                /* what was let in is not refused halfway */
	if (op->kind != STORE_REDEEM)
		return;
	assert_true(op->in.redeem.time_ms >= seen[p].last_ms);
	seen[p].last_ms = op->in.redeem.time_ms;
	seen[p].redeems++;
}

static void one_psid_in_order_many_side_by_side(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 5; seed++) {
		fake_seed = seed;
		memset(seen, 0, sizeof seen);
		set_up(&fake_sharp);
		rig.store.saw = watch;
		rig.store.delay_ms = 60;
		rig.store.jitter = true;
		struct auth_code_text code = fake_code(&rig, "a");
		open_body();
		for (int i = 0; i < PSIDS * 5; i++)
			add_event(i % PSIDS, FAKE_WALL_MS + fake_now_ms - fake_random(60000), code.s);
		close_body();
		sign();
		deliver();
		expect(200);
		assert_int_equal(rig.store.in_flight_most, SEQUENCER_MAX);
		for (int p = 0; p < PSIDS; p++)
			assert_int_equal(seen[p].redeems, 5);
		tear_down();
	}
}

/* Newer first in the delivery: still in order of time, and at equal times in the delivery's order. */
static void linked_and_unlinked_in_one_delivery(void **state)
{
	(void)state;
	for (int equal = 0; equal < 2; equal++)
		for (int linked_first = 0; linked_first < 2; linked_first++) {
			set_up(&fake_sharp);
			rig.store.row[0] = (struct fake_row){.id = "a"};
			rig.store.n = 1;
			int64_t t = clock_wall_ms() - 5000;
			struct auth_code_text code = fake_code(&rig, "a");
			open_body();
			if (equal) {
				add_event(7, t, linked_first ? code.s : NULL);
				add_event(7, t, linked_first ? NULL : code.s);
			} else {
				add_event(7, t + (linked_first ? 3000 : 0), NULL);
				add_event(7, t + (linked_first ? 0 : 3000), code.s);
			}
			close_body();
			sign();
			deliver();
			expect(200);
			assert_string_equal(rig.store.trace, linked_first
			                                             ? "redeem:a find_psid find_psid unlink:a"
			                                             : "find_psid redeem:a find_psid");
			assert_int_equal(rig.store.row[0].psid == NULL, linked_first);
			tear_down();
		}
}

static void ten_thousand_events(void **state)
{
	(void)state;
	int64_t before = metric_value(M_EVENT_REFUSED);
	set_up(&fake_sharp);
	fake_step_ms = 0;
	open_body();
	for (int i = 0; i < 12000; i++)
		add_event(i % 5000, FAKE_WALL_MS, "not-a-code");
	close_body();
	sign();
	deliver();
	assert_int_equal(q.answers, 0);
	expect(200);
	assert_int_equal(rig.store.ops, 0);
	assert_int_equal(metric_value(M_EVENT_REFUSED) - before, 12000);
	tear_down();
}

/* --- 503 */

/* One write fails: the delivery comes again, the other PSIDs are done, the rest of this one waits. */
static void one_unsettled_event(void **state)
{
	(void)state;
	for (int busy = 0; busy < 2; busy++) {
		int64_t before = metric_value(M_EVENT_UNSETTLED);
		int64_t linked = metric_value(M_EVENT_LINKED);
		memset(seen, 0, sizeof seen);
		set_up(&fake_sharp);
		rig.store.saw = watch;
		*(busy ? &rig.store.busy_at : &rig.store.fail_at) = 1; /* the first PSID's redeem */
		struct auth_code_text code = fake_code(&rig, "a");
		open_body();
		for (int i = 0; i < 12; i++)
			add_event(i % 4, clock_wall_ms() - 1000 + i, code.s);
		close_body();
		sign();
		deliver();
		expect(503);
		assert_int_equal(seen[0].redeems, busy ? 0 : 1);
		for (int p = 1; p < 4; p++)
			assert_int_equal(seen[p].redeems, 3);
		assert_int_equal(metric_value(M_EVENT_UNSETTLED) - before, 3);
		assert_int_equal(metric_value(M_EVENT_LINKED) - linked, 9);
		tear_down();
	}
}

/* A refused code settles: never a 503 that one user could cause for all. */
static void refused_codes_settle(void **state)
{
	(void)state;
	static const enum store_outcome table[] = {STORE_REFUSED,    STORE_NO_CUSTOMER,    STORE_USED,
	                                           STORE_SUPERSEDED, STORE_UNLINKED_SINCE, STORE_ALREADY};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		set_up(&fake_sharp);
		rig.store.redeem = table[i];
		struct auth_code_text code = fake_code(&rig, "a");
		open_body();
		add_event(7, clock_wall_ms(), code.s);
		close_body();
		sign();
		deliver();
		expect(200);
		tear_down();
	}
}

/* A store that never answers: ours comes in time, with what is left of a short deadline too. */
static void store_work_is_bounded(void **state)
{
	(void)state;
	static const int64_t deadline_ms[] = {4500, 500, 0};
	static const int64_t want_ms[] = {2500, 400, 0};
	for (size_t i = 0; i < 3; i++) {
		set_up(&fake_sharp);
		rig.store.hold_at = 1;
		int64_t began = fake_now_ms;
		q.r.deadline_ms = began + deadline_ms[i];
		struct auth_code_text code = fake_code(&rig, "a");
		open_body();
		add_event(7, clock_wall_ms(), code.s);
		add_event(7, clock_wall_ms(), code.s);
		close_body();
		sign();
		deliver();
		expect(503);
		assert_in_range(fake_now_ms - began, want_ms[i], want_ms[i] + 100);
		assert_int_equal(rig.store.ops, i < 2 ? 1 : 0);
		tear_down();
	}
}

/* --- the client goes away */

static struct loop_timer gone;

static void on_gone(struct loop_timer *t)
{
	(void)t;
	fake_end(&q);
	rig.over = true;
}

static void ended_anywhere(void **state)
{
	(void)state;
	for (int64_t after_ms = 0; after_ms < 120; after_ms += 10) {
		set_up(&fake_sharp);
		rig.store.delay_ms = 30;
		struct auth_code_text code = fake_code(&rig, "a");
		open_body();
		for (int i = 0; i < 200; i++)
			add_event(i % 50, clock_wall_ms(), code.s);
		close_body();
		sign();
		deliver();
		gone = (struct loop_timer){.fn = on_gone};
		assert_int_equal(loop_timer_set(rig.loop, &gone, loop_now_ms(rig.loop) + after_ms), ERR_OK);
		assert_true(fake_run(&rig, 5000));
		assert_int_equal(q.answers, 0);
		tear_down();
	}
}

int main(void)
{
	struct offload_options o = {.name = "parse", .threads = 1, .queue_max = 8};
	if (crypto_start(NULL) != ERR_OK || offload_new(&o, &parses, NULL) != ERR_OK)
		return EXIT_FAILURE;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(one_psid_in_order_many_side_by_side),
	        cmocka_unit_test(linked_and_unlinked_in_one_delivery),
	        cmocka_unit_test(ten_thousand_events),
	        cmocka_unit_test(one_unsettled_event),
	        cmocka_unit_test(refused_codes_settle),
	        cmocka_unit_test(store_work_is_bounded),
	        cmocka_unit_test(ended_anywhere),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	offload_free(parses);
	return failed;
}
