/* What Facebook is told after an answer: when, how often, and what is removed here so that both sides agree. */
#include "test.h"

#include "graph_later_rig.h"

static void which_changes_are_told(void **state)
{
	static const struct {
		enum link_change_kind kind;
		const char *psid, *reason;
		size_t calls;
	} rows[] = {
	        {LINK_REFUSED, "7", "bad_code", 1},    {LINK_REFUSED, "7", "expired_or_other_psid", 1},
	        {LINK_REFUSED, "7", "no_customer", 1}, {LINK_REFUSED, "7", "used", 0},
	        {LINK_REFUSED, "7", "superseded", 0},  {LINK_REFUSED, "7", "unlinked_since", 0},
	        {LINK_REMOVED, "7", "relinked", 1},    {LINK_REMOVED, "7", "erased", 1},
	        {LINK_REMOVED, "7", "replaced", 0},    {LINK_REMOVED, "7", "unlinked", 0},
	        {LINK_REMOVED, "7", "admin", 0},       {LINK_REMOVED, "7", "command", 0},
	        {LINK_CREATED, "7", "linked", 0},      {LINK_MISSED, "7", "not_linked", 0},
	        {LINK_REMOVED, "7x", "erased", 0},     {LINK_REFUSED, "7\"", "bad_code", 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		start(&fake_sharp, DONE);
		tell(rows[i].kind, rows[i].psid, rows[i].reason, 1);
		run(5000);
		if (rows[i].calls == 1) {
			assert_in_range(fake_graph.at[0], 2000, 2100);
			assert_string_equal(fake_graph.body, "{\"psid\":\"7\"}");
			assert_string_equal(fake_graph.page_id, "100");
			assert_string_equal(fake_graph.path, "me/unlink_accounts");
			assert_string_equal(rig.store.trace, "find_psid find_psid");
		}
		expect(rows[i].calls, (int64_t)rows[i].calls, 0, 0);
	}
}

static void nothing_without_a_page_token(void **state)
{
	(void)state;
	struct graph_later *none = NULL;
	start(&fake_sharp, DONE);
	finish();
	fake_rig_init(&rig, &fake_sharp);
	rig.service.listeners = listeners;
	assert_int_equal(graph_later_new(&rig.service, &none, NULL), ERR_OK);
	assert_null(none);
	tell_refused(1);
	graph_later_unlink(&rig.service, &(struct graph_later_unlink){.psid = "7", .page_id = ""});
	graph_later_free(NULL);
	fake_rig_done(&rig);
}

static void a_scan_is_not_made_for_a_refused_code(void **state)
{
	(void)state;
	start(&fake_scanning, DONE);
	tell_refused(1);
	tell(LINK_REMOVED, "8", "erased", 1);
	run(5000);
	assert_string_equal(fake_graph.body, "{\"psid\":\"8\"}");
	expect(1, 1, 0, 0);
}

static void a_redelivery_is_told_once(void **state)
{
	(void)state;
	start(&fake_sharp, DONE);
	for (int i = 0; i < 5; i++)
		tell_refused(1);
	assert_int_equal(metric_value(M_UNLINKS_OPEN), 1);
	run(6000);
	tell_refused(1);
	run(6000);
	expect(1, 1, 0, 0);
}

/* Each refused code leaves the person linked at Facebook. */
static void a_second_refusal_is_told_too(void **state)
{
	static const int64_t after_ms[] = {1000, 2050, 3000}; /* before, in and after the call */
	(void)state;
	for (size_t i = 0; i < sizeof after_ms / sizeof after_ms[0]; i++) {
		start(&fake_sharp, DONE);
		tell_refused(1);
		run(after_ms[i]);
		tell_refused(2);
		assert_int_equal(metric_value(M_UNLINKS_OPEN), 1);
		run(10000);
		expect(i == 0 ? 1 : 2, 1, 0, 0);
	}
}

static void a_person_who_repeats_refused_codes_costs_few_calls(void **state)
{
	static const enum graph_class classes[] = {GRAPH_DONE, GRAPH_NOBODY, GRAPH_TOKEN_DEAD, GRAPH_REFUSED};
	(void)state;
	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
		start(&fake_sharp, (struct fake_answer){classes[i], false, ERR_OK});
		for (int64_t at_ms = 0; at_ms < 3600 * 1000; at_ms += 2100) {
			tell_refused(at_ms);
			run(2100);
		}
		run(301 * 1000);
		assert_int_equal(metric_value(M_UNLINKS_OPEN), 0);
		assert_in_range(fake_graph.calls, 13, 16); /* 3, then one in 5 min */
		assert_in_range(fake_graph.at[2] - fake_graph.at[1], 30000, 33000);
		assert_in_range(fake_graph.at[3] - fake_graph.at[2], 300000, 303000);
		finish();
	}
}

/* Its links that end are told at once, and so are the refused codes of others. */
static void only_refused_codes_wait(void **state)
{
	(void)state;
	start(&fake_sharp, DONE);
	for (int64_t i = 0; i < 3; i++) {
		tell_refused(i);
		run(10000);
	}
	assert_int_equal(fake_graph.calls, 2);
	tell(LINK_REMOVED, "7", "erased", 1);
	run(5000);
	assert_int_equal(fake_graph.calls, 3);
	tell(LINK_REFUSED, "8", "bad_code", 1);
	run(5000);
	assert_int_equal(fake_graph.calls, 4);
	graph_later_free(rig.service.graph_later);
	rig.service.graph_later = NULL;
	finish();
}

static void a_refused_code_waits_for_the_breaker(void **state)
{
	(void)state;
	start(&fake_sharp, DONE);
	fake_graph.paused = true;
	tell_refused(1);
	run(30000);
	assert_int_equal(fake_graph.calls, 0);
	tell(LINK_REMOVED, "8", "erased", 1);
	run(5000);
	assert_int_equal(fake_graph.calls, 1);
	fake_graph.paused = false;
	run(30000);
	expect(2, 2, 0, 0);
}

static void a_call_that_fails_is_made_again_until_it_is_accepted(void **state)
{
	static const int64_t at[] = {2000, 4100, 9200, 14300, 24400, 34500, 54600};
	(void)state;
	start(&fake_sharp, RETRY);
	fake_graph_add((struct fake_answer){GRAPH_RATE_LIMITED, false, ERR_OK});
	fake_graph_add((struct fake_answer){GRAPH_UNAVAILABLE, false, ERR_OK});
	fake_graph_add((struct fake_answer){GRAPH_RETRY, false, ERR_NOMEM});
	fake_graph_add(RETRY);
	fake_graph_add(RETRY);
	fake_graph_add(DONE);
	tell(LINK_REMOVED, "7", "relinked", 1);
	run(60000);
	for (size_t i = 0; i < sizeof at / sizeof at[0]; i++)
		assert_in_range(fake_graph.at[i], at[i] - 300, at[i] + 300);
	expect(7, 1, 0, 0);
}

static void after_hours_it_is_given_up(void **state)
{
	(void)state;
	start(&fake_sharp, RETRY);
	tell(LINK_REMOVED, "7", "relinked", 1);
	run(12 * 3600 * 1000);
	expect(22, 0, 0, 1);
}

static void what_no_try_can_overcome_is_given_up_at_once(void **state)
{
	static const struct fake_answer answers[] = {{GRAPH_TOKEN_DEAD, false, ERR_OK},
	                                             {GRAPH_NOT_ALLOWED, false, ERR_OK},
	                                             {GRAPH_REFUSED, false, ERR_OK},
	                                             {GRAPH_DONE, false, ERR_NOT_FOUND}};
	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		start(&fake_sharp, answers[i]);
		tell(LINK_REMOVED, "7", "relinked", 1);
		run(20000);
		expect(1, 0, 0, 1);
	}
}

static void a_person_who_is_gone_needs_no_second_look(void **state)
{
	(void)state;
	start(&fake_sharp, (struct fake_answer){GRAPH_NOBODY, false, ERR_OK});
	tell(LINK_REMOVED, "7", "relinked", 1);
	run(5000);
	assert_string_equal(rig.store.trace, "find_psid");
	expect(1, 1, 0, 0);
}

static void nobody_is_unlinked_who_is_linked_again(void **state)
{
	(void)state;
	start(&fake_sharp, DONE);
	tell(LINK_REMOVED, "7", "relinked", 1);
	run(1000);
	link_b();
	run(5000);
	assert_string_equal(rig.store.row[1].psid, "7");
	expect(0, 0, 1, 0);
}

/* A link that was made before the end of the call, or that the call may have met: both sides end without it. */
static void a_link_that_the_call_may_have_met_is_removed(void **state)
{
	static const struct fake_answer first[] = {{GRAPH_DONE, false, ERR_OK}, {GRAPH_RETRY, false, ERR_OK}};
	(void)state;
	for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
		start(&fake_sharp, first[i]);
		fake_graph_add(DONE);
		fake_graph.saw = link_b;
		tell(LINK_REMOVED, "7", "relinked", 1);
		run(3000);
		fake_graph.saw = NULL;
		run(20000);
		assert_null(rig.store.row[1].psid);
		assert_non_null(strstr(fake_heard, "removed:b:7:ended_at_facebook"));
		expect(2, 1, 0, 0);
	}
}

static void a_link_that_no_call_met_stays(void **state)
{
	static const struct {
		struct fake_answer first;
		int64_t newer_ms; /* than the end of the call */
	} rows[] = {{{GRAPH_DONE, false, ERR_OK}, LINK_SLACK_MS + 10},
	            {{GRAPH_RETRY, false, ERR_OK}, LINK_SLACK_MS + 10},
	            {{GRAPH_RETRY, true, ERR_OK}, 0},
	            {{GRAPH_RATE_LIMITED, false, ERR_OK}, 0},
	            {{GRAPH_UNAVAILABLE, false, ERR_OK}, 0}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		start(&fake_sharp, rows[i].first);
		fake_graph.saw = link_b;
		tell(LINK_REMOVED, "7", "relinked", 1);
		run(2500);
		fake_graph.saw = NULL;
		rig.store.row[1].at += rows[i].newer_ms;
		run(20000);
		assert_string_equal(rig.store.row[1].psid, "7");
		expect(1, 0, 1, 0);
	}
}

/* Told by DELETE, whose own call was accepted or may have been. */
static void a_call_of_the_caller_counts(void **state)
{
	(void)state;
	for (int accepted = 0; accepted < 2; accepted++)
		for (int again = 0; again < 2; again++) {
			start(&fake_sharp, DONE);
			struct graph_later_unlink u = {.psid = "7",
			                               .page_id = "",
			                               .called_ms = clock_wall_ms(),
			                               .accepted = accepted};
			if (again)
				link_b();
			graph_later_unlink(&rig.service, &u);
			run(20000);
			assert_null(rig.store.row[1].psid);
			expect(again || !accepted ? 1 : 0, 1, 0, 0);
		}
}

static void a_store_that_fails_is_asked_again(void **state)
{
	(void)state;
	for (size_t nth = 1; nth <= 4; nth++)
		for (int busy = 0; busy < 2; busy++) {
			start(&fake_sharp, DONE);
			fake_graph.saw = nth == 1 ? NULL : link_b; /* so that there is a removal to fail */
			*(busy ? &rig.store.busy_at : &rig.store.fail_at) = nth;
			tell(LINK_REMOVED, "7", "relinked", 1);
			run(2500);
			fake_graph.saw = NULL;
			run(50000);
			assert_null(rig.store.row[1].psid);
			expect(nth == 1 ? 1 : 2, 1, 0, 0);
		}
}

int main(void)
{
	if (crypto_start(NULL) != ERR_OK)
		return 1;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(which_changes_are_told),
	        cmocka_unit_test(nothing_without_a_page_token),
	        cmocka_unit_test(a_scan_is_not_made_for_a_refused_code),
	        cmocka_unit_test(a_redelivery_is_told_once),
	        cmocka_unit_test(a_second_refusal_is_told_too),
	        cmocka_unit_test(a_person_who_repeats_refused_codes_costs_few_calls),
	        cmocka_unit_test(only_refused_codes_wait),
	        cmocka_unit_test(a_refused_code_waits_for_the_breaker),
	        cmocka_unit_test(a_call_that_fails_is_made_again_until_it_is_accepted),
	        cmocka_unit_test(after_hours_it_is_given_up),
	        cmocka_unit_test(what_no_try_can_overcome_is_given_up_at_once),
	        cmocka_unit_test(a_person_who_is_gone_needs_no_second_look),
	        cmocka_unit_test(nobody_is_unlinked_who_is_linked_again),
	        cmocka_unit_test(a_link_that_the_call_may_have_met_is_removed),
	        cmocka_unit_test(a_link_that_no_call_met_stays),
	        cmocka_unit_test(a_call_of_the_caller_counts),
	        cmocka_unit_test(a_store_that_fails_is_asked_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
