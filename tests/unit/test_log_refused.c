/* The log without its thread, and on a descriptor that takes nothing. */
#include "test.h"

#include <fcntl.h>
#include <unistd.h>

#include "obs/log.h"
#include "obs/metrics.h"
#include "refuse.h"

static int ends[2];

static int open_pipe(void **state)
{
	(void)state;
	return pipe2(ends, O_NONBLOCK);
}

static int close_pipe(void **state)
{
	(void)state;
	return close(ends[0]) + close(ends[1]);
}

static const char *got(void)
{
	static char text[4096];
	ssize_t n = read(ends[0], text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* Then lines go straight, and a later start is like the first. */
static void no_thread(void **state)
{
	struct err e;
	(void)state;
	starve_only("pthread_create");
	starve_nth(1);
	assert_int_equal(log_start(LOG_INFO, LOG_TEXT, ends[1], &e), ERR_INTERNAL);
	assert_int_equal(starve_calls(), 1);
	assert_string_equal(e.msg, "cannot make the log's thread");
	log_line(LOG_INFO, "straight", log_int("n", 1));
	assert_non_null(strstr(got(), "straight n=1\n"));
	log_stop();
	assert_int_equal(log_start(LOG_INFO, LOG_TEXT, ends[1], &e), ERR_OK);
	assert_int_equal(log_start(LOG_INFO, LOG_TEXT, ends[1], &e), ERR_INTERNAL);
	assert_string_equal(e.msg, "the log was started already");
	log_line(LOG_INFO, "by the thread", log_int("n", 2));
	log_stop();
	assert_non_null(strstr(got(), "\"by the thread\" n=2\n"));
	starve_only(NULL);
}

/* One try: what is not taken is counted, and the caller goes on. */
static void a_write_that_fails(void **state)
{
	int64_t before = metric_value(M_LOG_DROPPED);
	(void)state;
	assert_int_equal(log_start(LOG_INFO, LOG_TEXT, ends[1], NULL), ERR_OK);
	log_stop();
	starve_only("write");
	starve_nth(1);
	log_line(LOG_INFO, "lost", log_int("n", 1));
	assert_int_equal(starve_calls(), 1);
	log_line(LOG_INFO, "there", log_int("n", 2));
	assert_int_equal(metric_value(M_LOG_DROPPED) - before, 1);
	const char *text = got();
	assert_null(strstr(text, "lost"));
	assert_non_null(strstr(text, "there n=2\n"));
	/* and by the writer: the line is counted, and the next ones say so */
	assert_int_equal(log_start(LOG_INFO, LOG_TEXT, ends[1], NULL), ERR_OK);
	starve_nth(1);
	log_line(LOG_ERROR, "lost too", log_int("n", 3));
	for (int i = 0; i < 5000 && metric_value(M_LOG_DROPPED) - before < 2; i++)
		(void)usleep(1000);
	(void)starve_calls();
	starve_only(NULL);
	log_line(LOG_ERROR, "there too", log_int("n", 4));
	log_stop();
	text = got();
	assert_int_equal(metric_value(M_LOG_DROPPED) - before, 2);
	assert_null(strstr(text, "lost too"));
	assert_non_null(strstr(text, "\"there too\" n=4\n"));
	assert_non_null(strstr(text, "log_lines_dropped lines=1 audit_lines=0\n"));
}

static void no_descriptor(void **state)
{
	(void)state;
	starve_only("fstat");
	starve_nth(1);
	assert_int_equal(log_start(LOG_INFO, LOG_TEXT, ends[1], NULL), ERR_INVALID);
	assert_int_equal(starve_calls(), 1);
	starve_only(NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, open_pipe, close_pipe)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(no_descriptor),
	        T(no_thread),
	        T(a_write_that_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
