/* The message after a link: what is sent, and that it is never sent twice. */
#include "test.h"

#include "fake_store.h"

#include "fake_graph.h"
#include "link/confirm_message.h"
#include "obs/metrics.h"
#include "starve.h"

static struct fake_rig rig;
static int64_t sent_before, not_sent_before, unknown_before, dropped_before;
static const struct link_listener *const listeners[] = {&confirm_message_listener, NULL};
static char text[] = "Hello \"you\"";
static char none[] = "";

static void start(struct fake_answer answer)
{
	fake_rig_init(&rig, &fake_sharp);
	fake_graph_reset(&rig, answer);
	rig.cfg.confirm_message = text;
	rig.service.listeners = listeners;
	rig.store.n = 1;
	rig.store.row[0] = (struct fake_row){.id = "a", .psid = "7", .at = 1};
	assert_int_equal(confirm_message_new(&rig.service, &rig.service.confirms, NULL), ERR_OK);
	sent_before = metric_value(M_CONFIRMS_SENT);
	not_sent_before = metric_value(M_CONFIRMS_NOT_SENT);
	unknown_before = metric_value(M_CONFIRMS_UNKNOWN);
	dropped_before = metric_value(M_CONFIRMS_DROPPED);
}

static void run(int64_t ms)
{
	fake_step_ms = ms > 60000 ? 100 : 5;
	(void)fake_run(&rig, ms);
}

static void finish(void)
{
	later_free(rig.service.confirms);
	assert_int_equal(metric_value(M_CONFIRMS_OPEN), 0);
	fake_graph_done();
	fake_rig_done(&rig);
}

static void tell(enum link_change_kind kind, const char *reason)
{
	link_change_tell(&rig.service, &(struct link_change){.kind = kind,
	                                                     .code_digest = "",
	                                                     .customer_id = "a",
	                                                     .psid = "7",
	                                                     .page_id = "100",
	                                                     .time_ms = 1,
	                                                     .reason = reason});
}

static void a_link_is_confirmed_after_the_answer(void **state)
{
	(void)state;
	start((struct fake_answer){GRAPH_DONE, false, ERR_OK});
	tell(LINK_CREATED, "linked");
	tell(LINK_CREATED, "already_done");
	tell(LINK_REMOVED, "linked");
	run(20000);
	assert_int_equal(fake_graph.calls, 1);
	assert_in_range(fake_graph.at[0], 1000, 1100);
	assert_true(fake_graph.once);
	assert_string_equal(fake_graph.path, "me/messages");
	assert_string_equal(fake_graph.page_id, "100");
	assert_string_equal(fake_graph.body,
	                    "{\"recipient\":{\"id\":\"7\"},\"messaging_type\":\"RESPONSE\",\"message\":{"
	                    "\"attachment\":{\"type\":\"template\",\"payload\":{\"template_type\":\"button\","
	                    "\"text\":\"Hello \\\"you\\\"\",\"buttons\":[{\"type\":\"account_unlink\"}]}}}}");
	assert_int_equal(metric_value(M_CONFIRMS_SENT) - sent_before, 1);
	finish();
}

static void which_failures_are_tried_again(void **state)
{
	static const struct {
		struct fake_answer first;
		size_t calls;
	} rows[] = {{{GRAPH_RETRY, false, ERR_OK}, 1},        {{GRAPH_RETRY, true, ERR_OK}, 2},
	            {{GRAPH_RATE_LIMITED, false, ERR_OK}, 2}, {{GRAPH_NOT_ALLOWED, false, ERR_OK}, 1},
	            {{GRAPH_NOBODY, false, ERR_OK}, 1},       {{GRAPH_UNAVAILABLE, false, ERR_OK}, 1},
	            {{GRAPH_TOKEN_DEAD, false, ERR_OK}, 1},   {{GRAPH_REFUSED, false, ERR_OK}, 1},
	            {{GRAPH_DONE, false, ERR_NOT_FOUND}, 1},  {{GRAPH_DONE, false, ERR_NOMEM}, 2},
	            {{GRAPH_DONE, false, ERR_OK}, 1}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		start(rows[i].first);
		fake_graph_add((struct fake_answer){GRAPH_DONE, false, ERR_OK});
		tell(LINK_CREATED, "linked");
		run(20000);
		bool unknown = i == 0, sent = rows[i].calls == 2 || i == sizeof rows / sizeof rows[0] - 1;
		assert_int_equal(fake_graph.calls, rows[i].calls);
		assert_int_equal(metric_value(M_CONFIRMS_SENT) - sent_before, sent);
		assert_int_equal(metric_value(M_CONFIRMS_NOT_SENT) - not_sent_before, !sent && !unknown);
		assert_int_equal(metric_value(M_CONFIRMS_UNKNOWN) - unknown_before, unknown);
		finish();
	}
}

static void it_is_not_tried_for_ever(void **state)
{
	(void)state;
	start((struct fake_answer){GRAPH_RATE_LIMITED, false, ERR_OK});
	tell(LINK_CREATED, "linked");
	run(600000);
	assert_int_equal(fake_graph.calls, 4);
	assert_int_equal(metric_value(M_CONFIRMS_NOT_SENT) - not_sent_before, 1);
	finish();
}

static const struct fake_answer LIMITED = {GRAPH_RATE_LIMITED, false, ERR_OK};

/* Only the first try is made without a look. */
static void a_link_that_has_ended_is_not_confirmed(void **state)
{
	static const char *const holds[] = {NULL, "8", "7"};
	(void)state;
	for (size_t i = 0; i < sizeof holds / sizeof holds[0]; i++) {
		start(LIMITED);
		fake_graph_add((struct fake_answer){GRAPH_DONE, false, ERR_OK});
		tell(LINK_CREATED, "linked");
		run(5000);
		assert_int_equal(fake_graph.calls, 1);
		assert_string_equal(rig.store.trace, "");
		rig.store.row[0].psid = holds[i];
		run(20000);
		bool held = i == 2;
		assert_int_equal(fake_graph.calls, 1 + held);
		assert_int_equal(metric_value(M_CONFIRMS_SENT) - sent_before, held);
		assert_int_equal(metric_value(M_CONFIRMS_NOT_SENT) - not_sent_before, !held);
		finish();
	}
}

static void a_store_that_fails_delays_the_message(void **state)
{
	(void)state;
	start(LIMITED);
	fake_graph_add((struct fake_answer){GRAPH_DONE, false, ERR_OK});
	rig.store.fail_at = 1;
	tell(LINK_CREATED, "linked");
	run(60000);
	assert_int_equal(fake_graph.calls, 1);
	run(60000);
	assert_int_equal(metric_value(M_CONFIRMS_SENT) - sent_before, 1);
	finish();
}

/* A call that runs at the end may have sent the message. */
static void the_end_at_any_time(void **state)
{
	(void)state;
	for (int64_t at = 500; at < 14000; at += 20) {
		start(LIMITED);
		fake_graph_add((struct fake_answer){GRAPH_DONE, false, ERR_OK});
		rig.store.delay_ms = 30;
		tell(LINK_CREATED, "linked");
		run(at);
		bool calls = fake_graph.running != NULL;
		later_free(rig.service.confirms);
		rig.service.confirms = NULL;
		int64_t sent = metric_value(M_CONFIRMS_SENT) - sent_before;
		assert_int_equal(metric_value(M_CONFIRMS_UNKNOWN) - unknown_before, calls);
		assert_int_equal(metric_value(M_CONFIRMS_NOT_SENT) - not_sent_before, !calls && sent == 0);
		run(100);
		finish();
	}
}

static void the_list_is_bounded(void **state)
{
	(void)state;
	start((struct fake_answer){GRAPH_DONE, false, ERR_OK});
	for (int i = 0; i < CONFIRM_MESSAGE_MAX + 2; i++)
		tell(LINK_CREATED, "linked");
	assert_int_equal(metric_value(M_CONFIRMS_OPEN), CONFIRM_MESSAGE_MAX);
	assert_int_equal(metric_value(M_CONFIRMS_DROPPED) - dropped_before, 2);
	finish();
}

static void none_without_a_text_or_a_page_token(void **state)
{
	(void)state;
	struct later *list = NULL;
	start((struct fake_answer){GRAPH_DONE, false, ERR_OK});
	rig.cfg.confirm_message = none;
	assert_int_equal(confirm_message_new(&rig.service, &list, NULL), ERR_OK);
	assert_null(list);
	rig.cfg.confirm_message = text;
	rig.service.graph = NULL;
	assert_int_equal(confirm_message_new(&rig.service, &list, NULL), ERR_OK);
	assert_null(list);
	finish();
	fake_rig_init(&rig, &fake_sharp);
	rig.service.listeners = listeners;
	tell(LINK_CREATED, "linked");
	fake_rig_done(&rig);
}

static void without_memory(void **state)
{
	(void)state;
	for (size_t nth = 1, met = 1; met; nth++) {
		start((struct fake_answer){GRAPH_DONE, false, ERR_OK});
		starve_nth(nth);
		tell(LINK_CREATED, "linked");
		run(20000);
		met = starve_calls() >= nth;
		assert_int_equal(metric_value(M_CONFIRMS_SENT) - sent_before +
		                         metric_value(M_CONFIRMS_DROPPED) - dropped_before,
		                 1);
		finish();
	}
}

int main(void)
{
	if (crypto_start(NULL) != ERR_OK)
		return EXIT_FAILURE;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_link_is_confirmed_after_the_answer),
	        cmocka_unit_test(which_failures_are_tried_again),
	        cmocka_unit_test(it_is_not_tried_for_ever),
	        cmocka_unit_test(a_link_that_has_ended_is_not_confirmed),
	        cmocka_unit_test(a_store_that_fails_delays_the_message),
	        cmocka_unit_test(the_end_at_any_time),
	        cmocka_unit_test(the_list_is_bounded),
	        cmocka_unit_test(none_without_a_text_or_a_page_token),
	        cmocka_unit_test(without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
