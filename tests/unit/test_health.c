/* The probes: alive, fit for traffic, ready; with a store that answers, fails, hangs. */
#include "test.h"

#include "admin/health.h"
#include "admin_rig.h"
#include "base/json.h"

static void healthz(void **state)
{
	(void)state;
	set_up(&fake_sharp);
	health_healthz(&q.r);
	assert_int_equal(q.status, 200);
	assert_string_equal(q.body, "ok");
	new_request();
	fake_draining = true;
	health_healthz(&q.r);
	fake_draining = false;
	assert_int_equal(q.status, 503);
	assert_string_equal(q.body, "draining");
	assert_int_equal(rig.store.ops, 0);
	tear_down();
}

static struct loop_timer probe;
static void (*probe_fn)(struct request *r);
static char probed[12][256]; /* "status body", one a probe */
static size_t probes, probes_want;
static int64_t probe_gap_ms;

static void on_probe(struct loop_timer *t)
{
	new_request();
	probe_fn(&q.r);
	assert_int_equal(q.answers, 1);
	(void)snprintf(probed[probes++], sizeof probed[0], "%u %.200s", q.status, q.body);
	rig.over = probes == probes_want;
	if (!rig.over)
		assert_int_equal(loop_timer_set(rig.loop, t, loop_now_ms(rig.loop) + probe_gap_ms), ERR_OK);
}

/* Probe at first_ms, then each gap_ms. */
static void probe_run(void (*fn)(struct request *r), int64_t first_ms, int64_t gap_ms, size_t n)
{
	struct health *h;
	assert_int_equal(health_new(&h, NULL), ERR_OK);
	rig.service.health = h;
	assert_int_equal(health_start(&rig.service, NULL), ERR_OK);
	probe = (struct loop_timer){.fn = on_probe};
	probe_fn = fn;
	probe_gap_ms = gap_ms;
	probes = 0;
	probes_want = n;
	assert_int_equal(loop_timer_set(rig.loop, &probe, loop_now_ms(rig.loop) + first_ms), ERR_OK);
	(void)fake_run(&rig, first_ms + gap_ms * (int64_t)n + 1000);
	assert_int_equal(probes, n);
	health_stop(&rig.service);
	health_stop(&rig.service); /* again: nothing */
	health_free(h);
}

static bool is(size_t i, const char *start)
{
	return strncmp(probed[i], start, strlen(start)) == 0;
}

static void readyz_of_a_store_that_answers(void **state)
{
	(void)state;
	set_up(&fake_sharp);
	probe_run(health_readyz, 100, 5000, 3);
	for (size_t i = 0; i < 3; i++) {
		struct json *j = NULL;
		struct json_limits limits = {.max_depth = 8, .max_values = 16};
		double age;
		assert_int_equal(json_parse(str_c(probed[i] + 4), &limits, &j, NULL), ERR_OK);
		const struct json *s = json_get(json_get(j, "checks"), "store");
		assert_true(is(i, "200 "));
		assert_true(str_is(json_str(json_get(j, "status")), "ok"));
		assert_true(json_num(json_get(s, "age_ms"), &age) && age >= 0 && age < 2100);
		assert_non_null(json_get(s, "ok"));
		assert_false(json_is_string(json_get(s, "error")));
		json_free(j);
	}
	assert_in_range(rig.store.ops, 5, 7); /* every 2 s, not at each probe */
	tear_down();
}

static void readyz_before_the_first_answer(void **state)
{
	(void)state;
	set_up(&fake_sharp);
	rig.store.delay_ms = 300;
	probe_run(health_readyz, 100, 400, 2);
	assert_true(is(0, "503 "
	                  "{\"status\":\"failing\",\"checks\":{\"store\":{\"ok\":false,\"age_ms\":null,"
	                  "\"error\":\"BUSY: the log and /readyz on the admin listener say why\"}}}"));
	assert_true(is(1, "200 "));
	tear_down();
}

static void readyz_of_a_store_that_fails(void **state)
{
	(void)state;
	set_up(&fake_sharp);
	rig.store.fail_from = 3;
	probe_run(health_readyz, 100, 4000, 2);
	assert_true(is(0, "200 "));
	assert_true(is(1, "503 "));
	assert_non_null(
	        strstr(probed[1], "\"error\":\"STORE: the log and /readyz on the admin listener say why\""));
	assert_non_null(strstr(probed[1], "\"age_ms\":2")); /* since the last good answer */
	tear_down();
	set_up(&fake_sharp);
	rig.store.fail_from = 1;
	probe_run(health_readyz_admin, 100, 4000, 1);
	assert_non_null(strstr(probed[0], "\"error\":\"as the test wants\"}}}"));
	tear_down();
}

static void readyz_of_a_store_that_hangs(void **state)
{
	(void)state;
	set_up(&fake_sharp);
	rig.store.hold_from = 2;
	probe_run(health_readyz, 100, 2100, 4);
	assert_true(is(0, "200 "));
	assert_true(is(1, "200 "));
	assert_true(is(2, "503 "));
	assert_non_null(strstr(probed[2],
	                       "\"error\":\"TIMEOUT: the log and /readyz on the admin listener say why\""));
	assert_true(is(3, "503 "));
	assert_in_range(rig.store.held_n, 2, 3); /* given up one by one, and asked again */
	tear_down();
}

/* A loop that does not turn: here one that was started and never runs. */
static void livez(void **state)
{
	(void)state;
	set_up(&fake_sharp);
	probe_run(health_livez, 100, 20000, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(probed[i], "200 ok");
	tear_down();
	set_up(&fake_sharp);
	struct loop *other;
	struct service stuck = rig.service;
	struct health *h;
	assert_int_equal(loop_new(&other, NULL), ERR_OK);
	assert_int_equal(health_new(&h, NULL), ERR_OK);
	stuck.loop = other;
	stuck.health = rig.service.health = h;
	assert_int_equal(health_start(&stuck, NULL), ERR_OK);
	health_livez(&q.r);
	assert_int_equal(q.status, 200);
	fake_now_ms += HEALTH_STUCK_MS + 1;
	new_request();
	health_livez(&q.r);
	assert_int_equal(q.status, 503);
	health_stop(&stuck);
	new_request();
	health_livez(&q.r);
	assert_int_equal(q.status, 200); /* a loop that was stopped is not stuck */
	health_free(h);
	loop_free(other);
	tear_down();
}

int main(void)
{
	if (crypto_start(NULL) != ERR_OK)
		return EXIT_FAILURE;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(healthz),
	        cmocka_unit_test(readyz_of_a_store_that_answers),
	        cmocka_unit_test(readyz_before_the_first_answer),
	        cmocka_unit_test(readyz_of_a_store_that_fails),
	        cmocka_unit_test(readyz_of_a_store_that_hangs),
	        cmocka_unit_test(livez),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
