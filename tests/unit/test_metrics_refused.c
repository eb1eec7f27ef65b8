/* The metrics' text when the system does not tell what is asked, and threads that found no memory. */
#include "test.h"

#include "obs/metrics.h"
#include "refuse.h"

static struct buf text;

static bool has(const char *name)
{
	char line[80];
	(void)snprintf(line, sizeof line, "\n%s ", name);
	return strstr(text.p, line) != NULL;
}

/* Written while the n-th call of a function fails; 0: none does. */
static void write_without(const char *function, size_t nth)
{
	buf_done(&text);
	buf_init(&text, 1 << 20);
	starve_only(function);
	starve_nth(nth);
	metrics_write(&text);
	(void)starve_calls();
	starve_only(NULL);
	assert_false(text.failed);
}

#define CPU "linkd_process_cpu_seconds_total"
#define RSS "linkd_process_resident_memory_bytes"
#define FDS "linkd_process_open_fds"
#define START "linkd_process_start_time_seconds"

/* What is not known is not there, rather than wrong; all else is. */
static void each_is_left_out_alone(void **state)
{
	static const char *const names[] = {CPU, RSS, FDS, START};
	static const struct {
		const char *function;
		size_t nth;
		const char *without; /* NULL: all are there */
	} rows[] = {
	        {"read", 0, NULL},  {"open", 1, RSS},          {"read", 1, RSS},    {"open", 2, START},
	        {"read", 2, START}, {"clock_gettime", 1, CPU}, {"opendir", 1, FDS},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		write_without(rows[i].function, rows[i].nth);
		assert_true(has("linkd_codes_issued_total"));
		for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
			assert_int_equal(has(names[n]),
			                 rows[i].without == NULL || strcmp(names[n], rows[i].without) != 0);
	}
	buf_done(&text);
}

/* Without a block of its own a thread counts in the shared one. */
static void a_thread_without_memory(void **state)
{
	struct err e;
	(void)state;
	STARVE(metrics_thread_start(&e), ERR_OK);
	assert_string_equal(e.msg, "no memory for a thread's metrics");
	metric_add(M_CODES_ISSUED, 2);
	metric_observe_us(H_LOOP_LAG, -5);
	metric_http(0, 200, -5);
	assert_int_equal(metric_value(M_CODES_ISSUED), 2);
}

/* A text of routes that found no memory must not be served as a whole one. */
static void no_memory_for_the_labels(void **state)
{
	static const char *const labels[] = {"/link"};
	size_t failed = 0;
	(void)state;
	metrics_routes(labels, 1);
	for (size_t nth = 1, met = 1; met; nth++) {
		buf_init(&text, 1 << 20);
		starve_only("realloc");
		starve_nth(nth);
		metrics_write(&text);
		met = starve_calls() >= nth;
		starve_only(NULL);
		assert_int_equal(text.failed, met);
		failed += text.failed;
		buf_done(&text);
	}
	assert_in_range(failed, 2, 20); /* of the text itself, and of a label */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_is_left_out_alone),
	        cmocka_unit_test(a_thread_without_memory),
	        cmocka_unit_test(no_memory_for_the_labels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
