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
	        cmocka_unit_test(no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
