#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "obs/log.h"
#include "obs/metrics.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct json_limits limits = {.max_depth = 4, .max_values = 100};

static const char *line_of(enum log_format format, const char *msg, const char *id, const struct log_field *f,
                           size_t n)
{
	static char line[LOG_LINE_MAX + 1];
	const struct log_line_head head = {
	        .format = format, .level = LOG_WARN, .time_ms = 1700000000007, .msg = msg, .request_id = id};
	size_t len = log_line_write(line, &head, f, n);
	assert_in_range(len, 1, LOG_LINE_MAX);
	assert_int_equal(line[len - 1], '\n');
	assert_null(memchr(line, '\n', len - 1));
	line[len] = '\0';
	return line;
}

static void test_line(void **state)
{
	const struct log_field f[] = {log_str("s", STR("a \"b\"\n")), log_int("i", -5), log_z("z", "plain"),
	                              log_z("none", NULL)};
	(void)state;
	assert_string_equal(line_of(LOG_JSON, "hello", "0123", f, COUNT(f)),
	                    "{\"time\":\"2023-11-14T22:13:20.007Z\",\"level\":\"warn\",\"msg\":\"hello\","
	                    "\"request_id\":\"0123\",\"s\":\"a "
	                    "\\\"b\\\"\\u000a\",\"i\":-5,\"z\":\"plain\",\"none\":\"\"}\n");
	assert_string_equal(
	        line_of(LOG_TEXT, "hello", "0123", f, COUNT(f)),
	        "2023-11-14T22:13:20.007Z warn  hello request_id=0123 s=\"a \\\"b\\\"\\u000a\" i=-5 z=plain "
	        "none=\"\"\n");
	assert_string_equal(line_of(LOG_JSON, "m", NULL, NULL, 0),
	                    "{\"time\":\"2023-11-14T22:13:20.007Z\",\"level\":\"warn\",\"msg\":\"m\"}\n");
	assert_string_equal(line_of(LOG_TEXT, "two words", NULL, NULL, 0),
	                    "2023-11-14T22:13:20.007Z warn  \"two words\"\n");
}

/* Whatever stands in a value, a JSON line is one object and a text line is one line without controls. */
static void test_hostile_values(void **state)
{
	char all[256];
	(void)state;
	for (size_t i = 0; i < sizeof all; i++)
		all[i] = (char)i;
	const struct log_field f[] = {log_str("v", (struct str){all, sizeof all})};
	struct json *j;
	const char *line = line_of(LOG_JSON, "\x1b[2J\r\nfake", "x\"y", f, 1);
	assert_int_equal(json_parse((struct str){line, strlen(line) - 1}, &limits, &j, NULL), ERR_OK);
	assert_true(str_is(json_str(json_get(j, "msg")), "\x1b[2J\r\nfake"));
	json_free(j);
	for (line = line_of(LOG_TEXT, "\x1b[2J\r\nfake", "x y", f, 1); *line != '\n'; line++)
		assert_true((unsigned char)*line >= 0x20 && *line != 0x7f);
}

static void assert_cut_json(const char *line)
{
	struct json *j;
	assert_int_equal(json_parse((struct str){line, strlen(line) - 1}, &limits, &j, NULL), ERR_OK);
	const struct json *cut = json_get(j, "cut");
	assert_non_null(cut);
	json_free(j);
}

static void test_long_value(void **state)
{
	char *big = malloc(100000);
	(void)state;
	for (size_t unit = 1; unit <= 4; unit++) { /* also characters of several bytes, cut at none of them */
		static const char *const chars[] = {"", "\x01", "\xc3\xa4", "\xe2\x82\xac",
		                                    "\xf0\x9f\x98\x80"};
		for (size_t i = 0; i + unit <= 100000; i += unit)
			memcpy(big + i, chars[unit], unit);
		const struct log_field f[] = {log_str("v", (struct str){big, 100000 / unit * unit}),
		                              log_int("n", 1)};
		const char *line = line_of(LOG_JSON, "m", NULL, f, 2);
		assert_cut_json(line);
		assert_non_null(strstr(line, "...\",\"n\":1,\"cut\":true}"));
		assert_null(strstr(line, "\xef\xbf\xbd"));
		assert_non_null(strstr(line_of(LOG_TEXT, "m", NULL, f, 2), "n=1 cut=true\n"));
	}
	free(big);
}

static void test_many_fields(void **state)
{
	struct log_field f[60];
	char big[5000], keys[COUNT(f)][8];
	(void)state;
	memset(big, 'x', sizeof big);
	for (size_t i = 0; i < COUNT(f); i++) {
		(void)snprintf(keys[i], sizeof keys[i], "k%zu", i);
		f[i] = i % 2 ? log_int(keys[i], INT64_MIN) : log_str(keys[i], (struct str){big, 300});
	}
	assert_cut_json(line_of(LOG_JSON, "m", NULL, f, COUNT(f)));
	big[sizeof big - 1] = '\0'; /* a message and an id that do not fit */
	assert_cut_json(line_of(LOG_JSON, big, big, f, COUNT(f)));
	(void)line_of(LOG_TEXT, big, big, f, COUNT(f));
}

/* Exactly full, and one more: every length around the limit is a good line. */
static void test_edge(void **state)
{
	char big[LOG_LINE_MAX];
	struct json *j;
	(void)state;
	memset(big, 'x', sizeof big);
	for (size_t n = LOG_LINE_MAX - 150; n < LOG_LINE_MAX; n++) {
		const struct log_field f[] = {log_str("v", (struct str){big, n})};
		const char *line = line_of(LOG_JSON, "m", NULL, f, 1);
		assert_int_equal(json_parse((struct str){line, strlen(line) - 1}, &limits, &j, NULL), ERR_OK);
		json_free(j);
	}
}

/* --- the ring and its writer */

static size_t drain(int fd, char *to, size_t cap)
{
	size_t n = 0;
	ssize_t got;
	while (n < cap && (got = read(fd, to + n, cap - n)) > 0)
		n += (size_t)got;
	return n;
}

static size_t count_lines(const char *p, size_t n)
{
	size_t lines = 0;
	for (size_t i = 0; i < n; i++)
		lines += p[i] == '\n';
	return lines;
}

static void test_levels_and_scope(void **state)
{
	int p[2];
	char got[4096];
	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(log_start(LOG_INFO, LOG_JSON, p[1], NULL), ERR_OK);
	assert_int_equal(log_start(LOG_INFO, LOG_JSON, p[1], NULL), ERR_INTERNAL); /* once only */
	assert_false(log_on(LOG_DEBUG));
	log_line(LOG_DEBUG, "unseen", log_int("i", 1));
	log_scope("feed");
	log_line(LOG_INFO, "seen", log_int("i", 2));
	log_scope(NULL);
	log_event(LOG_ERROR, "bare", NULL, 0);
	log_event(LOG_DEBUG, "unseen", NULL, 0);
	log_stop();
	log_line(LOG_WARN, "straight", log_z("k", "v"));
	log_stop(); /* twice is fine */
	(void)close(p[1]);
	size_t n = drain(p[0], got, sizeof got - 1);
	got[n] = '\0';
	(void)close(p[0]);
	assert_int_equal(count_lines(got, n), 3);
	assert_null(strstr(got, "unseen"));
	assert_non_null(strstr(got, "\"msg\":\"seen\",\"request_id\":\"feed\",\"i\":2}"));
	assert_non_null(strstr(got, "\"level\":\"error\",\"msg\":\"bare\"}"));
	assert_non_null(strstr(got, "\"msg\":\"straight\",\"k\":\"v\"}\n"));
}

static void test_start_refused(void **state)
{
	struct err e;
	(void)state;
	assert_int_equal(log_start(LOG_INFO, LOG_JSON, 9999, &e), ERR_INVALID);
}

enum { THREADS = 4, EACH = 5000 };

static void *log_many(void *arg)
{
	for (int i = 0; i < EACH; i++) {
		log_line(LOG_INFO, "many", log_int("thread", (int64_t)(intptr_t)arg), log_int("i", i));
		if (i % 100 == 99)
			(void)usleep(1000); /* slower than the writer, so that nothing is dropped */
	}
	return NULL;
}

/* More than one turn of the ring, from several threads, into a file: every line whole, in order per thread.
 */
static void test_many_threads(void **state)
{
	char name[] = "/tmp/test_log.XXXXXX", line[512];
	int fd = mkstemp(name), next[THREADS] = {0}, lines = 0;
	pthread_t t[THREADS];
	int64_t before = metric_value(M_LOG_DROPPED);
	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(log_start(LOG_INFO, LOG_TEXT, fd, NULL), ERR_OK);
	for (intptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, log_many, (void *)i), 0);
	for (size_t i = 0; i < THREADS; i++)
		(void)pthread_join(t[i], NULL);
	log_stop();
	(void)lseek(fd, 0, SEEK_SET);
	FILE *f = fdopen(fd, "r");
	while (fgets(line, sizeof line, f) != NULL) {
		static const char fixed[] = " info  many thread=";
		char want[80];
		assert_memory_equal(line + 24, fixed, sizeof fixed - 1);
		int thread = line[24 + sizeof fixed - 1] - '0';
		assert_in_range(thread, 0, THREADS - 1);
		(void)snprintf(want, sizeof want, "%s%d i=%d\n", fixed, thread, next[thread]++);
		assert_string_equal(line + 24, want);
		lines++;
	}
	(void)fclose(f);
	(void)unlink(name);
	assert_int_equal(metric_value(M_LOG_DROPPED) - before, 0);
	assert_int_equal(lines, THREADS * EACH);
}

struct reader {
	int fd;
	char *got;
	size_t n;
};

static void *read_all(void *arg)
{
	struct reader *r = arg;
	r->n = drain(r->fd, r->got, 4 << 20);
	return NULL;
}

/* Lines with a number, which must rise, between the lines about lost ones, of which there must be some. */
static size_t check_order(const struct reader *r)
{
	struct str rest = {r->got, r->n - 1}, line;
	double last = -1, i, lost = 0;
	size_t numbered = 0;
	while (str_next(&rest, '\n', &line)) {
		struct json *j;
		assert_int_equal(json_parse(line, &limits, &j, NULL), ERR_OK);
		if (json_num(json_get(j, "i"), &i)) {
			assert_true(i > last);
			last = i;
			numbered++;
		} else {
			assert_true(json_num(json_get(j, "lines"), &lost) && lost > 0);
		}
		json_free(j);
	}
	assert_true(lost > 0);
	return numbered;
}

/* Nobody reads: callers go on, what does not fit is counted, and once somebody reads the log says so. */
static void check_blocked(int flags)
{
	enum { LINES = 6000 };
	int p[2];
	char pad[300];
	struct reader r = {.got = malloc(4 << 20)};
	pthread_t t;
	int64_t before = metric_value(M_LOG_DROPPED), start = clock_mono_ms();
	memset(pad, 'p', sizeof pad);
	assert_int_equal(pipe2(p, flags), 0);
	(void)fcntl(p[0], F_SETFL, 0);
	assert_int_equal(log_start(LOG_INFO, LOG_JSON, p[1], NULL), ERR_OK);
	for (int i = 0; i < LINES; i++)
		log_line(LOG_INFO, "x", log_int("i", i), log_str("pad", (struct str){pad, sizeof pad}));
	assert_in_range(clock_mono_ms() - start, 0, 1500);
	int64_t dropped = metric_value(M_LOG_DROPPED) - before;
	assert_in_range(dropped, 100, LINES);
	r.fd = p[0];
	assert_int_equal(pthread_create(&t, NULL, read_all, &r), 0);
	log_stop();
	(void)close(p[1]);
	(void)pthread_join(t, NULL);
	(void)close(p[0]);
	assert_in_range(check_order(&r), (size_t)(LINES - dropped), (size_t)(LINES - dropped));
	free(r.got);
}

static void test_blocked(void **state)
{
	(void)state;
	check_blocked(0);
	check_blocked(O_NONBLOCK);
}

static size_t count_text(const char *p, size_t n, const char *what)
{
	size_t found = 0, len = strlen(what);
	for (const char *at = p; (at = memmem(at, n - (size_t)(at - p), what, len)) != NULL; at += len)
		found++;
	return found;
}

/* Nobody reads while other lines flood the ring: those are dropped, no audit line is. */
static void check_audit_room(enum log_format format, const char *mark)
{
	enum { FLOOD = 20000, AUDIT = 2000 };
	int p[2];
	struct reader r = {.got = malloc(4 << 20)};
	pthread_t t;
	int64_t audit = metric_value(M_LOG_AUDIT_DROPPED), others = metric_value(M_LOG_DROPPED);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(log_start(LOG_INFO, format, p[1], NULL), ERR_OK);
	for (int i = 0; i < FLOOD; i++) {
		log_line(LOG_WARN, "x", log_int("n", i), log_z("pad", ",\"audit\":true} audit=true"));
		if (i % (FLOOD / AUDIT) == 0)
			log_audit((const struct log_field[]){log_int("i", i)}, 1);
	}
	r.fd = p[0];
	assert_int_equal(pthread_create(&t, NULL, read_all, &r), 0);
	log_stop();
	(void)close(p[1]);
	(void)pthread_join(t, NULL);
	(void)close(p[0]);
	assert_int_equal(metric_value(M_LOG_AUDIT_DROPPED) - audit, 0);
	assert_in_range(metric_value(M_LOG_DROPPED) - others, 1000, FLOOD);
	assert_int_equal(count_text(r.got, r.n, mark), AUDIT);
	printf("%lld other lines dropped, 0 of %d audit lines\n",
	       (long long)(metric_value(M_LOG_DROPPED) - others), AUDIT);
	free(r.got);
}

static void test_audit_lines_have_room_of_their_own(void **state)
{
	(void)state;
	check_audit_room(LOG_JSON, LOG_LINE_AUDIT_JSON);
	check_audit_room(LOG_TEXT, LOG_LINE_AUDIT_TEXT);
}

/* A reader that never reads costs audit lines too: each is counted once, apart from the others, whether the
 * ring had no room for it or the writer gave it up. */
static void test_lost_audit_lines_are_counted_apart(void **state)
{
	enum { OTHERS = 500, AUDIT = 20000 };
	int p[2];
	char *got = malloc(4 << 20);
	int64_t audit = metric_value(M_LOG_AUDIT_DROPPED), others = metric_value(M_LOG_DROPPED);
	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(log_start(LOG_INFO, LOG_JSON, p[1], NULL), ERR_OK);
	for (int i = 0; i < AUDIT; i++) {
		if (i < OTHERS)
			log_line(LOG_INFO, "x", log_int("n", i), log_z("pad", ",\"audit\":true}"));
		log_audit((const struct log_field[]){log_int("i", i)}, 1);
	}
	log_stop();
	(void)close(p[1]);
	size_t n = drain(p[0], got, 4 << 20), kept = count_text(got, n, LOG_LINE_AUDIT_JSON);
	(void)close(p[0]);
	assert_int_equal(metric_value(M_LOG_AUDIT_DROPPED) - audit, AUDIT - kept);
	assert_int_equal(metric_value(M_LOG_DROPPED) - others, OTHERS - (count_lines(got, n) - kept));
	free(got);
}

/* A reader that never reads again does not hold the stop for long. */
static void test_stop_gives_up(void **state)
{
	int p[2];
	char pad[300], some[8192];
	(void)state;
	memset(pad, 'p', sizeof pad);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(log_start(LOG_INFO, LOG_JSON, p[1], NULL), ERR_OK);
	for (int i = 0; i < 1000; i++)
		log_line(LOG_INFO, "x", log_str("pad", (struct str){pad, sizeof pad}));
	(void)usleep(
	        20000); /* the pipe is full now; a little room must not lure the writer into a long write */
	assert_int_equal(read(p[0], some, sizeof some), sizeof some);
	int64_t start = clock_mono_ms(), before = metric_value(M_LOG_DROPPED);
	log_stop();
	assert_in_range(clock_mono_ms() - start, 1000, 5000);
	assert_true(metric_value(M_LOG_DROPPED) > before);
	(void)close(p[0]);
	(void)close(p[1]);
}

/* The reader is gone: no signal ends us, the lines are counted as lost, nothing spins. */
static void test_reader_gone(void **state)
{
	int p[2];
	int64_t before = metric_value(M_LOG_DROPPED);
	(void)state;
	assert_int_equal(pipe(p), 0);
	(void)close(p[0]);
	assert_int_equal(log_start(LOG_INFO, LOG_JSON, p[1], NULL), ERR_OK);
	for (int i = 0; i < 10; i++)
		log_line(LOG_INFO, "x", log_int("i", i));
	log_stop();
	(void)close(p[1]);
	assert_in_range(metric_value(M_LOG_DROPPED) - before, 10, 12); /* with lines about it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_line),
	        cmocka_unit_test(test_hostile_values),
	        cmocka_unit_test(test_long_value),
	        cmocka_unit_test(test_many_fields),
	        cmocka_unit_test(test_edge),
	        cmocka_unit_test(test_levels_and_scope),
	        cmocka_unit_test(test_start_refused),
	        cmocka_unit_test(test_many_threads),
	        cmocka_unit_test(test_blocked),
	        cmocka_unit_test(test_stop_gives_up),
	        cmocka_unit_test(test_reader_gone),
	        cmocka_unit_test(test_audit_lines_have_room_of_their_own),
	        cmocka_unit_test(test_lost_audit_lines_are_counted_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
