/* The lists of what Facebook is told after an answer: their bounds, what is merged, and their end. */
#include "test.h"

#include "graph_later_rig.h"
#include "starve.h"

static void what_is_told_twice_of_a_person_is_one_piece_of_work(void **state)
{
	(void)state;
	start(&fake_sharp, RETRY);
	for (int i = 0; i < GRAPH_LATER_UNLINKS + 100; i++)
		unlink_7(0, false, i == 50 ? "100" : "");
	assert_int_equal(metric_value(M_UNLINKS_OPEN), 1);
	graph_later_unlink(&rig.service, &(struct graph_later_unlink){.psid = "8", .page_id = ""});
	assert_int_equal(metric_value(M_UNLINKS_OPEN), 2);
	assert_int_equal(metric_value(M_UNLINKS_DROPPED), dropped_before);
	graph_later_free(rig.service.graph_later);
	rig.service.graph_later = NULL;
	finish();
}

static void a_page_that_is_told_later_is_used(void **state)
{
	(void)state;
	start(&fake_sharp, DONE);
	unlink_7(0, false, "");
	unlink_7(0, false, "100");
	unlink_7(0, false, "");
	run(10000);
	assert_string_equal(fake_graph.page_id, "100");
	expect(1, 1, 0, 0);
}

/* Both orders: the newest call counts, and one that was accepted does not hide one that was not. */
static void the_calls_of_merged_work_count_all(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		start(&fake_sharp, DONE);
		int64_t now_ms = clock_wall_ms();
		unlink_7(first ? now_ms : now_ms - 10000, first, "");
		unlink_7(first ? now_ms - 10000 : now_ms, !first, "");
		run(5000);
		expect(1, 1, 0, 0);
		start(&fake_sharp, DONE);
		link_b();
		now_ms = clock_wall_ms();
		unlink_7(first ? now_ms : 0, false, "");
		unlink_7(first ? 0 : now_ms, false, "");
		run(20000);
		assert_null(rig.store.row[1].psid);
		expect(1, 1, 0, 0);
	}
}

/* The second look comes 2 s after the last call that was accepted, also if the work was open already. */
static void the_last_accepted_call_has_its_second_look(void **state)
{
	(void)state;
	for (int64_t after_ms = 500; after_ms <= 2100; after_ms += 100) {
		start(&fake_sharp, DONE);
		rig.store.delay_ms = 200;
		unlink_7(clock_wall_ms(), true, "");
		run(after_ms);
		unlink_7(clock_wall_ms(), true, "");
		run(1800);
		link_b();
		run(20000);
		assert_null(rig.store.row[1].psid);
		expect(1, 1, 0, 0);
	}
}

static void the_pauses_begin_again(void **state)
{
	(void)state;
	start(&fake_sharp, RETRY);
	unlink_7(0, false, "");
	run(3600 * 1000);
	size_t calls = fake_graph.calls;
	fake_graph.answer[0] = DONE;
	unlink_7(0, false, "");
	run(2500);
	assert_int_equal(fake_graph.calls, calls + 1);
	run(5000);
	expect(calls + 1, 1, 0, 0);
}

static void the_lists_are_bounded_each_for_itself(void **state)
{
	char psid[32];
	(void)state;
	start(&fake_sharp, DONE);
	for (int i = 0; i < GRAPH_LATER_REFUSALS + 3; i++) {
		(void)snprintf(psid, sizeof psid, "%d", 1000 + i);
		tell(LINK_REFUSED, psid, "bad_code", 1);
	}
	assert_int_equal(metric_value(M_UNLINKS_OPEN), GRAPH_LATER_REFUSALS);
	assert_int_equal(metric_value(M_UNLINKS_DROPPED) - dropped_before, 3);
	for (int i = 0; i < GRAPH_LATER_UNLINKS + 2; i++) {
		(void)snprintf(psid, sizeof psid, "%d", 1000 + i);
		tell(LINK_REMOVED, psid, "erased", 1);
	}
	assert_int_equal(metric_value(M_UNLINKS_OPEN), GRAPH_LATER_REFUSALS + GRAPH_LATER_UNLINKS);
	assert_int_equal(metric_value(M_UNLINKS_DROPPED) - dropped_before, 5);
	graph_later_free(rig.service.graph_later);
	rig.service.graph_later = NULL;
	assert_int_equal(metric_value(M_UNLINKS_GIVEN_UP) - given_up_before,
	                 GRAPH_LATER_REFUSALS + GRAPH_LATER_UNLINKS);
	finish();
}

/* Two refused codes each: a person who was not seen before has a place all the same. */
static void people_who_repeat_fill_only_their_own_list(void **state)
{
	char psid[32];
	(void)state;
	start(&fake_sharp, DONE);
	for (int i = 0; i < GRAPH_LATER_REFUSALS + 3; i++) {
		(void)snprintf(psid, sizeof psid, "%d", 1000 + i);
		for (int call = 0; call < 3; call++)
			graph_once_called(fake_graph.refusals, str_c(psid), fake_now_ms);
		tell(LINK_REFUSED, psid, "bad_code", 1);
		if (i % 100 == 99)
			run(3000);
	}
	run(5000);
	assert_int_equal(fake_graph.calls, 0);
	assert_int_equal(metric_value(M_UNLINKS_OPEN), GRAPH_LATER_REFUSALS);
	assert_int_equal(metric_value(M_UNLINKS_DROPPED) - dropped_before, 3);
	tell(LINK_REFUSED, "7", "bad_code", 1);
	run(5000);
	assert_int_equal(fake_graph.calls, 1);
	assert_string_equal(fake_graph.body, "{\"psid\":\"7\"}");
	graph_later_free(rig.service.graph_later);
	rig.service.graph_later = NULL;
	finish();
}

/* Stopped at any time: nothing leaks, and what was not told is counted. */
static void the_end_at_any_time(void **state)
{
	(void)state;
	for (int64_t at = 1000; at <= 7000; at += 20) {
		start(&fake_sharp, RETRY);
		fake_graph_add(DONE);
		rig.store.delay_ms = 30;
		fake_graph.saw = link_b;
		tell(LINK_REMOVED, "7", "relinked", 1);
		run(at);
		graph_later_free(rig.service.graph_later);
		rig.service.graph_later = NULL;
		assert_in_range(metric_value(M_UNLINKS_GIVEN_UP) - given_up_before, 0, 1);
		run(100); /* an operation that was cancelled ends */
		finish();
	}
}

/* Each allocation fails in turn: the work is told later, or dropped and counted, but never lost in silence. */
static void without_memory(void **state)
{
	(void)state;
	for (size_t nth = 1, met = 1; met; nth++) {
		start(&fake_sharp, DONE);
		starve_nth(nth);
		tell(LINK_REMOVED, "7", "relinked", 1);
		run(30000);
		met = starve_calls() >= nth;
		int64_t told = metric_value(M_UNLINKS_DONE) - done_before;
		int64_t lost = metric_value(M_UNLINKS_DROPPED) - dropped_before;
		assert_int_equal(told + lost, 1);
		assert_true(met || told == 1);
		finish();
	}
}

static void lists_without_memory(void **state)
{
	struct graph_later *g = NULL;
	(void)state;
	start(&fake_sharp, DONE);
	STARVE(graph_later_new(&rig.service, &g, NULL), ERR_OK);
	graph_later_free(g);
	finish();
}

int main(void)
{
	if (crypto_start(NULL) != ERR_OK)
		return 1;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_told_twice_of_a_person_is_one_piece_of_work),
	        cmocka_unit_test(a_page_that_is_told_later_is_used),
	        cmocka_unit_test(the_calls_of_merged_work_count_all),
	        cmocka_unit_test(the_last_accepted_call_has_its_second_look),
	        cmocka_unit_test(the_pauses_begin_again),
	        cmocka_unit_test(the_lists_are_bounded_each_for_itself),
	        cmocka_unit_test(people_who_repeat_fill_only_their_own_list),
	        cmocka_unit_test(the_end_at_any_time),
	        cmocka_unit_test(without_memory),
	        cmocka_unit_test(lists_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
