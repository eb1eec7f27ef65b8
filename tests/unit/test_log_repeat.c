#include "test.h"

#include <unistd.h>

#include "base/clock.h"
#include "obs/log.h"
#include "obs/log_repeat.h"

static int ends[2]; /* of the pipe the log writes to */

static void start_log(void)
{
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(log_start(LOG_INFO, LOG_TEXT, ends[1], NULL), ERR_OK);
}

/* All that was logged. */
static const char *logged(void)
{
	static char text[65536];
	log_stop();
	(void)close(ends[1]);
	ssize_t n = read(ends[0], text, sizeof text - 1);
	(void)close(ends[0]);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static size_t lines(const char *text)
{
	size_t n = 0;
	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static int64_t after(int64_t intervals)
{
	return clock_mono_ms() + intervals * 10000 + 1; /* of most kinds */
}

/* The first has a line, the others one together, and in the next interval too; after a quiet one all begins
 * anew. */
static void test_one_line_an_interval(void **state)
{
	(void)state;
	start_log();
	for (int i = 0; i < 5504; i++)
		assert_int_equal(
		        log_repeat(LOG_REPEAT_SIGNATURE, i % 3 == 0 ? "192.0.2.9" : "192.0.2.1", NULL),
		        i == 0);
	log_repeat_flush(clock_mono_ms()); /* not over yet */
	log_repeat_flush(after(1));
	assert_false(log_repeat(LOG_REPEAT_SIGNATURE, "192.0.2.7", "more"));
	log_repeat_flush(after(2));
	log_repeat_flush(after(3));
	log_repeat_flush(after(4));
	assert_true(log_repeat(LOG_REPEAT_SIGNATURE, "192.0.2.8", NULL));
	log_repeat_flush(INT64_MAX);
	const char *text = logged();
	assert_int_equal(lines(text), 4);
	assert_non_null(
	        strstr(text, " warn  refused kind=bad_signature count=1 seconds=0 client=192.0.2.9\n"));
	assert_non_null(strstr(text, "count=5503 seconds=10 client=192.0.2.1\n"));
	assert_non_null(strstr(text, "count=1 seconds=10 client=192.0.2.7 detail=more\n"));
	assert_non_null(strstr(text, "count=1 seconds=0 client=192.0.2.8\n"));
}

static void test_kinds_are_apart(void **state)
{
	(void)state;
	start_log();
	for (int i = 0; i < 25; i++)
		assert_int_equal(log_repeat(LOG_REPEAT_FORM, "192.0.2.1", "too old"), i < 20);
	assert_true(log_repeat(LOG_REPEAT_ADMIN_TOKEN, "192.0.2.1", NULL));
	assert_true(log_repeat(LOG_REPEAT_VERIFY_TOKEN, NULL, NULL));
	log_repeat_flush(INT64_MAX);
	const char *text = logged();
	assert_int_equal(lines(text), 20 + 1 + 2);
	assert_non_null(strstr(text, "kind=form count=5 seconds=0 client=192.0.2.1 detail=\"too old\"\n"));
}

/* What does not fit is cut. */
static void test_long_texts(void **state)
{
	char client[100], detail[300];
	(void)state;
	memset(client, 'c', sizeof client);
	memset(detail, 'd', sizeof detail);
	client[sizeof client - 1] = detail[sizeof detail - 1] = '\0';
	start_log();
	for (int i = 0; i < 3; i++)
		(void)log_repeat(LOG_REPEAT_FRAMING, i == 1 ? "x" : client, detail);
	log_repeat_flush(INT64_MAX);
	const char *text = logged();
	assert_int_equal(lines(text), 2);
	assert_non_null(strstr(text, "count=2 seconds=0 client=x last_client=ccc"));
}

/* A kind whose interval is a minute. */
static void test_intervals_of_a_kind(void **state)
{
	(void)state;
	start_log();
	assert_true(log_repeat(LOG_REPEAT_FOREIGN_PAGE, "192.0.2.1", "333"));
	assert_false(log_repeat(LOG_REPEAT_FOREIGN_PAGE, "192.0.2.1", "444"));
	log_repeat_flush(after(1));
	assert_false(log_repeat(LOG_REPEAT_FOREIGN_PAGE, "192.0.2.1", "555"));
	log_repeat_flush(after(6));
	const char *text = logged();
	assert_int_equal(lines(text), 2);
	assert_non_null(strstr(text, "count=1 seconds=0 client=192.0.2.1 detail=333"));
	assert_non_null(strstr(text, "count=2 seconds=60 client=192.0.2.1 detail=555"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_intervals_of_a_kind),
	        cmocka_unit_test(test_one_line_an_interval),
	        cmocka_unit_test(test_kinds_are_apart),
	        cmocka_unit_test(test_long_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
