#include "test.h"

#include <unistd.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "obs/metrics.h"

enum { THREADS = 4, EACH = 10000 };

static void assert_has(const struct buf *b, const char *line)
{
	char text[300];
	(void)snprintf(text, sizeof text, "\n%s\n", line);
	if (strstr(b->p, text) == NULL)
		fail_msg("no line: %s", line);
}

static void *count(void *arg)
{
	if (arg != NULL && (metrics_thread_start(NULL) != ERR_OK || metrics_thread_start(NULL) != ERR_OK))
		return NULL;
	for (int i = 0; i < EACH; i++) {
		metric_add(M_CODES_ISSUED, 1);
		metric_add(M_CONNECTIONS, i % 2 ? -2 : 3);
	}
	return NULL;
}

/* Threads with a block of their own and threads on the shared one; values outlive their threads. */
static void test_threads(void **state)
{
	pthread_t t[THREADS];
	static int own;
	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, count, i % 2 ? &own : NULL), 0);
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(t[i], NULL);
	assert_int_equal(metric_value(M_CODES_ISSUED), THREADS * EACH);
	assert_int_equal(metric_value(M_CONNECTIONS), THREADS * EACH / 2);
	assert_int_equal(metric_value(M_LOGIN_OK), 0);
}

static void test_histogram(void **state)
{
	static const int64_t us[] = {-5, 0, 50, 51, 10000000, 10000001, 99000000};
	struct buf b;
	(void)state;
	for (size_t i = 0; i < sizeof us / sizeof us[0]; i++)
		metric_observe_us(H_STORE_OP, us[i]);
	buf_init(&b, 1 << 20);
	metrics_write(&b);
	assert_false(b.failed);
	assert_has(&b, "linkd_store_operation_seconds_bucket{le=\"5e-05\"} 3");
	assert_has(&b, "linkd_store_operation_seconds_bucket{le=\"0.0001\"} 4");
	assert_has(&b, "linkd_store_operation_seconds_bucket{le=\"5\"} 4");
	assert_has(&b, "linkd_store_operation_seconds_bucket{le=\"10\"} 5");
	assert_has(&b, "linkd_store_operation_seconds_bucket{le=\"+Inf\"} 7");
	assert_has(&b, "linkd_store_operation_seconds_count 7");
	assert_has(&b, "linkd_store_operation_seconds_sum 119.000102");
	assert_has(&b, "linkd_loop_lag_seconds_count 0");
	buf_done(&b);
}

static void test_http(void **state)
{
	static const char *const labels[] = {"/link", "a\"b\\c\nd"};
	struct buf b;
	(void)state;
	metrics_routes(labels, 2);
	metric_http(0, 200, 1000);
	metric_http(0, 200, 3000);
	metric_http(0, 418, 10);
	metric_http(1, 503, 10);
	metric_http(METRICS_ROUTES_MAX, 200, 1); /* out of range: ignored */
	metric_http(5, 200, 1);                  /* not registered: not shown */
	buf_init(&b, 1 << 20);
	metrics_write(&b);
	assert_has(&b, "linkd_http_requests_total{route=\"/link\",status=\"200\"} 2");
	assert_has(&b, "linkd_http_requests_total{route=\"/link\",status=\"other\"} 1");
	assert_has(&b, "linkd_http_requests_total{route=\"a\\\"b\\\\c\\nd\",status=\"503\"} 1");
	assert_has(&b, "linkd_http_request_seconds_bucket{route=\"/link\",le=\"0.001\"} 2");
	assert_has(&b, "linkd_http_request_seconds_bucket{route=\"/link\",le=\"+Inf\"} 3");
	assert_has(&b, "linkd_http_request_seconds_sum{route=\"/link\"} 0.004010");
	assert_has(&b, "linkd_http_request_seconds_count{route=\"/link\"} 3");
	assert_null(strstr(b.p, "status=\"404\""));
	buf_done(&b);
}

/* Each name is described once, before its samples, and its samples stand together. */
static void test_text(void **state)
{
	struct buf b;
	struct str rest, line;
	char name[128] = "";
	(void)state;
	buf_init(&b, 1 << 20);
	metrics_write(&b);
	assert_int_equal(b.p[b.len - 1], '\n');
	for (rest = (struct str){b.p, b.len - 1}; str_next(&rest, '\n', &line);) {
		if (str_starts(line, STR("# HELP "))) {
			char again[160];
			struct str tail;
			assert_true(str_cut((struct str){line.p + 7, line.n - 7}, ' ', &line, &tail));
			assert_true(str_copy(name, sizeof name, line));
			(void)snprintf(again, sizeof again, "# HELP %s ", name);
			assert_null(strstr(line.p + 1, again));
		} else if (!str_starts(line, STR("# TYPE "))) {
			assert_true(str_starts(line, str_c(name)));
		}
	}
	assert_has(&b, "linkd_codes_issued_total 40000");
	assert_has(&b, "linkd_logins_total{outcome=\"ok\"} 0");
	assert_has(&b, "# TYPE linkd_http_connections gauge");
	assert_non_null(strstr(b.p, "\nlinkd_build_info{version=\""));
	buf_done(&b);
}

static double sample(const struct buf *b, const char *name)
{
	char key[100];
	(void)snprintf(key, sizeof key, "\n%s ", name);
	const char *at = strstr(b->p, key);
	assert_non_null(at);
	return strtod(at + strlen(key), NULL);
}

static void test_process(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 1 << 20);
	metrics_write(&b);
	assert_in_range((long long)sample(&b, "linkd_process_resident_memory_bytes"), 100000, 1 << 30);
	double open_before = sample(&b, "linkd_process_open_fds");
	int more = dup(STDOUT_FILENO);
	buf_reset(&b);
	metrics_write(&b);
	(void)close(more);
	assert_true(sample(&b, "linkd_process_open_fds") == open_before + 1);
	assert_true(sample(&b, "linkd_process_cpu_seconds_total") > 0);
	int64_t start = (int64_t)sample(&b, "linkd_process_start_time_seconds");
	assert_in_range(time(NULL) - start, 0, 600);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_threads), cmocka_unit_test(test_histogram), cmocka_unit_test(test_http),
	        cmocka_unit_test(test_text),    cmocka_unit_test(test_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
