/* DELETE /v1/links/{psid} with a page token: the answer, and what is told to Facebook later. */
#include "test.h"

#include "admin/admin.h"
#include "admin_rig.h"
#include "starve.h"

#include "fake_graph.h"
#include "link/graph_later.h"
#include "obs/metrics.h"

static void start(struct fake_answer answer, const char *psid)
{
	set_up(&fake_sharp);
	fake_graph_reset(&rig, answer);
	assert_int_equal(graph_later_new(&rig.service, &rig.service.graph_later, NULL), ERR_OK);
	rig.store.row[0] = (struct fake_row){.id = "a", .psid = psid, .at = 1};
	rig.store.n = 1;
	fake_arg(&q, "7");
}

static void ask(void)
{
	admin_link_delete(&q.r);
	if (q.answers == 0)
		(void)fake_run(&rig, 10000);
	assert_int_equal(q.answers, 1);
}

static void finish(void)
{
	fake_end(&q);
	graph_later_free(rig.service.graph_later);
	fake_graph_done();
	tear_down();
}

static void every_answer(void **state)
{
	static const struct {
		struct fake_answer graph;
		const char *psid; /* of the row */
		unsigned status;
		int64_t later;
	} rows[] = {
	        {{GRAPH_DONE, false, ERR_OK}, "7", 204, 1},
	        {{GRAPH_DONE, false, ERR_OK}, NULL, 204, 1},
	        {{GRAPH_NOBODY, false, ERR_OK}, "7", 204, 0},
	        {{GRAPH_NOBODY, false, ERR_OK}, NULL, 204, 0},
	        {{GRAPH_DONE, false, ERR_NOT_FOUND}, "7", 204, 1},
	        {{GRAPH_DONE, false, ERR_NOT_FOUND}, NULL, 404, 1},
	        {{GRAPH_RETRY, false, ERR_OK}, "7", 502, 1},
	        {{GRAPH_RETRY, true, ERR_OK}, NULL, 502, 1},
	        {{GRAPH_RATE_LIMITED, false, ERR_OK}, "7", 502, 1},
	        {{GRAPH_UNAVAILABLE, false, ERR_OK}, "7", 502, 1},
	        {{GRAPH_TOKEN_DEAD, false, ERR_OK}, "7", 502, 1},
	        {{GRAPH_NOT_ALLOWED, false, ERR_OK}, "7", 502, 1},
	        {{GRAPH_DONE, false, ERR_TIMEOUT}, "7", 502, 1},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		start(rows[i].graph, rows[i].psid);
		ask();
		if (q.status != rows[i].status)
			fail_msg("row %zu: %u", i, q.status);
		assert_null(rig.store.row[0].psid);
		assert_string_equal(fake_graph.page_id, rows[i].psid != NULL ? "100" : "");
		assert_int_equal(metric_value(M_UNLINKS_OPEN), rows[i].later);
		if (q.status == 502) {
			assert_string_equal(q.body, "{\"local\":\"removed\",\"facebook\":\"failed\"}\n");
			assert_string_equal(q.type, "application/json");
		}
		finish();
	}
}

static void a_store_that_fails_asks_nobody_and_is_told_later(void **state)
{
	(void)state;
	for (size_t nth = 1; nth <= 2; nth++) {
		start((struct fake_answer){GRAPH_DONE, false, ERR_OK}, "7");
		rig.store.fail_at = nth;
		ask();
		assert_int_equal(q.status, 503);
		assert_int_equal(fake_graph.calls, 0);
		assert_int_equal(metric_value(M_UNLINKS_OPEN), 1);
		finish();
	}
}

static void a_name_that_is_no_psid_is_not_asked_for(void **state)
{
	(void)state;
	start((struct fake_answer){GRAPH_DONE, false, ERR_OK}, "seven");
	fake_arg(&q, "seven");
	ask();
	assert_int_equal(q.status, 204);
	new_request();
	fake_arg(&q, "seven");
	ask();
	assert_int_equal(q.status, 404);
	assert_int_equal(fake_graph.calls, 0);
	finish();
}

/* The client goes at any time: what was begun here is told to Facebook. */
static void a_client_that_goes(void **state)
{
	(void)state;
	for (int64_t at = 5; at < 200; at += 5) {
		start((struct fake_answer){GRAPH_DONE, false, ERR_OK}, "7");
		rig.store.delay_ms = 30;
		admin_link_delete(&q.r);
		(void)fake_run(&rig, at);
		if (q.answers == 0) {
			fake_end(&q);
			assert_int_equal(metric_value(M_UNLINKS_OPEN), 1);
		}
		rig.over = false;
		(void)fake_run(&rig, 20000);
		assert_int_equal(metric_value(M_UNLINKS_OPEN), 0);
		assert_true(rig.store.row[0].psid != NULL || fake_graph.calls > 0);
		finish();
	}
}

static void without_memory(void **state)
{
	(void)state;
	for (size_t nth = 1, met = 1; met; nth++) {
		start((struct fake_answer){GRAPH_DONE, false, ERR_OK}, "7");
		starve_nth(nth);
		ask();
		met = starve_calls() >= nth;
		assert_true(q.status == 204 || (met && q.status == 503));
		finish();
	}
}

int main(void)
{
	if (crypto_start(NULL) != ERR_OK)
		return EXIT_FAILURE;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_answer),
	        cmocka_unit_test(a_store_that_fails_asks_nobody_and_is_told_later),
	        cmocka_unit_test(a_name_that_is_no_psid_is_not_asked_for),
	        cmocka_unit_test(a_client_that_goes),
	        cmocka_unit_test(without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
