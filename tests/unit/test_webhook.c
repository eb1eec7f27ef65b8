/* Deliveries: what is refused before the body and after it, what is taken although it is of no use, large
 * bodies. */
#include "test.h"

#include "webhook_rig.h"

/* --- before the body */

static void misshapen_signature_headers(void **state)
{
	(void)state;
	static const struct str bad[] = {
	        STR(""), STR("sha256="), STR("sha1=0123456789012345678901234567890123456789"),
	        STR("SHA256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
	        STR("sha256=757107EA0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")};
	struct err err;
	int64_t before = metric_value(M_WEBHOOK_BAD_SIGNATURE);
	set_up(&fake_sharp);
	assert_int_equal(webhook_admit(&q.r, &err), ERR_DENIED); /* none */
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		q.n = 0;
		fake_header(&q, "X-Hub-Signature-256", bad[i]);
		assert_int_equal(webhook_admit(&q.r, &err), ERR_DENIED);
	}
	q.n = 0;
	sign();
	sign();
	assert_int_equal(webhook_admit(&q.r, &err), ERR_DENIED); /* twice */
	assert_null(q.r.cleanup);
	assert_int_equal(metric_value(M_WEBHOOK_BAD_SIGNATURE) - before, 7);
	tear_down();
}

/* --- answers that need no store */

static void wrong_signature(void **state)
{
	(void)state;
	for (int large = 0; large < 2; large++) {
		set_up(&fake_sharp);
		fake_step_ms = 0;
		open_body();
		add_event(7, FAKE_WALL_MS, "x");
		close_body();
		for (size_t n = WEBHOOK_INLINE_MAX; large && n > 0; n -= 1024)
			for (int i = 0; i < 1024; i++)
				buf_z(&body, " ");
		sign();
		header[SIGNATURE_LEN - 1] = header[SIGNATURE_LEN - 1] == '0' ? '1' : '0';
		deliver();
		assert_int_equal(q.answers, large ? 0 : 1);
		expect(403);
		assert_int_equal(rig.store.ops, 0);
		tear_down();
	}
}

static void unusable_json_is_taken(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "x", "[]", "{\"object\":\"page\",\"entry\":[]}x"};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		int64_t before = metric_value(M_WEBHOOK_UNUSABLE);
		set_up(&fake_sharp);
		buf_z(&body, texts[i]);
		sign();
		deliver();
		expect(200);
		assert_int_equal(metric_value(M_WEBHOOK_UNUSABLE) - before, 1);
		assert_int_equal(rig.store.ops, 0);
		tear_down();
	}
}

static void no_link_event(void **state)
{
	(void)state;
	int64_t before = metric_value(M_EVENT_IGNORED);
	set_up(&fake_sharp);
	open_body();
	close_body();
	sign();
	deliver();
	assert_int_equal(q.answers, 1); /* at once */
	expect(200);
	assert_int_equal(metric_value(M_EVENT_IGNORED) - before, 1);
	tear_down();
}

/* What needs the store is refused before it is asked; what does not is taken. */
static void a_store_with_too_much_to_do(void **state)
{
	(void)state;
	int64_t unsettled = metric_value(M_EVENT_UNSETTLED), busy = metric_value(M_STORE_BUSY);
	for (int events = 0; events <= 2; events += 2) {
		set_up(&fake_sharp);
		rig.store.store.in_flight_max = 0;
		struct auth_code_text code = fake_code(&rig, "a");
		open_body();
		for (int i = 0; i < events; i++)
			add_event(i, FAKE_WALL_MS, code.s);
		close_body();
		sign();
		deliver();
		assert_int_equal(q.answers, 1); /* at once */
		expect(events == 0 ? 200 : 503);
		assert_int_equal(rig.store.ops, 0);
		tear_down();
	}
	assert_int_equal(metric_value(M_EVENT_UNSETTLED) - unsettled, 2);
	assert_int_equal(metric_value(M_STORE_BUSY) - busy, 1);
}

/* --- large bodies */

static void large_body(int psids)
{
	struct auth_code_text code = fake_code(&rig, "a");
	open_body();
	for (int i = 0; body.len <= WEBHOOK_INLINE_MAX; i++)
		add_event(i % psids, FAKE_WALL_MS + 900000 + i, code.s);
	close_body();
	sign();
	deliver();
}

static void large_bodies_are_read_on_the_pool(void **state)
{
	(void)state;
	set_up(&fake_sharp);
	fake_step_ms = 0;
	large_body(50);
	assert_int_equal(q.answers, 0);
	assert_int_equal(rig.store.ops, 0);
	expect(200);
	assert_true(rig.store.ops > 1000);
	tear_down();
}

/* The request ends while the pool still reads its body. */
static void large_body_of_a_client_that_left(void **state)
{
	(void)state;
	set_up(&fake_sharp);
	fake_step_ms = 0;
	large_body(50);
	fake_end(&q);
	buf_done(&body);
	while (metric_value(M_BODY_BYTES) > 0)
		loop_drain(rig.loop);
	assert_int_equal(q.answers, 0);
	assert_int_equal(rig.store.ops, 0);
	tear_down();
}

static void no_thread_for_a_large_body(void **state)
{
	(void)state;
	struct offload_options none = {.name = "none", .threads = 1, .queue_max = 0};
	struct offload *full;
	assert_int_equal(offload_new(&none, &full, NULL), ERR_OK);
	set_up(&fake_sharp);
	rig.service.parses = full;
	large_body(50);
	expect(503);
	tear_down();
	offload_free(full);
}

int main(void)
{
	struct offload_options o = {.name = "parse", .threads = 1, .queue_max = 8};
	if (crypto_start(NULL) != ERR_OK || offload_new(&o, &parses, NULL) != ERR_OK)
		return EXIT_FAILURE;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(misshapen_signature_headers),
	        cmocka_unit_test(wrong_signature),
	        cmocka_unit_test(unusable_json_is_taken),
	        cmocka_unit_test(no_link_event),
	        cmocka_unit_test(a_store_with_too_much_to_do),
	        cmocka_unit_test(large_bodies_are_read_on_the_pool),
	        cmocka_unit_test(large_body_of_a_client_that_left),
	        cmocka_unit_test(no_thread_for_a_large_body),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	offload_free(parses);
	return failed;
}
