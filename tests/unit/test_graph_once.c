/* The events that were acted on. */
#include "test.h"

#include "facebook/graph_once.h"
#include "starve.h"

static struct graph_once *made(void)
{
	struct graph_once *o = NULL;
	assert_int_equal(graph_once_new(&o, NULL), ERR_OK);
	return o;
}

static void an_event_is_new_once(void **state)
{
	struct graph_once *o = made();
	(void)state;
	assert_true(graph_once_first(o, STR("7"), 1000));
	assert_false(graph_once_first(o, STR("7"), 1000));
	assert_true(graph_once_first(o, STR("7"), 1001));
	assert_true(graph_once_first(o, STR("8"), 1000));
	assert_false(graph_once_first(o, STR("7"), 1000));
	assert_false(graph_once_first(o, STR("7"), 1001));
	graph_once_free(o);
}

/* Events of one person cannot evict more than those of one set. */
static void the_oldest_is_evicted(void **state)
{
	enum { WAYS = 8 };
	struct graph_once *o = made();
	(void)state;
	for (int64_t at = 0; at < WAYS; at++)
		assert_true(graph_once_first(o, STR("7"), at));
	for (int64_t at = 0; at < WAYS; at++)
		assert_false(graph_once_first(o, STR("7"), at));
	assert_true(graph_once_first(o, STR("7"), WAYS));
	assert_false(graph_once_first(o, STR("7"), 1));
	assert_true(graph_once_first(o, STR("7"), 0));
	graph_once_free(o);
}

static void the_pause_after_a_call_grows(void **state)
{
	static const int64_t pauses_ms[] = {2000, 30000, 300000, 300000};
	struct graph_once *o = made();
	int64_t now_ms = 1000;
	(void)state;
	assert_int_equal(graph_once_wait_ms(o, STR("7"), now_ms), 0);
	for (size_t i = 0; i < sizeof pauses_ms / sizeof pauses_ms[0]; i++) {
		graph_once_called(o, STR("7"), now_ms);
		assert_int_equal(graph_once_wait_ms(o, STR("7"), now_ms), pauses_ms[i]);
		assert_int_equal(graph_once_wait_ms(o, STR("7"), now_ms + pauses_ms[i] - 1), 1);
		assert_int_equal(graph_once_wait_ms(o, STR("8"), now_ms), 0);
		now_ms += pauses_ms[i];
		assert_int_equal(graph_once_wait_ms(o, STR("7"), now_ms), 0);
	}
	now_ms += GRAPH_ONCE_FORGET_MS;
	graph_once_called(o, STR("7"), now_ms);
	assert_int_equal(graph_once_wait_ms(o, STR("7"), now_ms), pauses_ms[0]);
	graph_once_free(o);
}

/* Many people evict the oldest only, and events do not evict calls. */
static void the_calls_of_the_last_people_are_known(void **state)
{
	struct graph_once *o = made();
	char psid[32];
	(void)state;
	graph_once_called(o, STR("7"), 1000);
	for (int64_t at = 0; at < 100; at++)
		assert_true(graph_once_first(o, STR("7"), at));
	assert_int_equal(graph_once_wait_ms(o, STR("7"), 1000), 2000);
	for (int i = 0; i < 10 * GRAPH_ONCE_MAX; i++) {
		(void)snprintf(psid, sizeof psid, "1%d", i);
		graph_once_called(o, str_c(psid), 1000);
		assert_int_equal(graph_once_wait_ms(o, str_c(psid), 1000), 2000);
	}
	assert_int_equal(graph_once_wait_ms(o, STR("7"), 1000), 0);
	graph_once_free(o);
}

static void no_memory(void **state)
{
	struct graph_once *o = NULL;
	(void)state;
	STARVE(graph_once_new(&o, NULL), ERR_OK);
	graph_once_free(o);
	graph_once_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_event_is_new_once),
	        cmocka_unit_test(the_oldest_is_evicted),
	        cmocka_unit_test(the_pause_after_a_call_grows),
	        cmocka_unit_test(the_calls_of_the_last_people_are_known),
	        cmocka_unit_test(no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
