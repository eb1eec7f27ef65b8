/* What was erased is in none of SQLite's files any more: freed cells are overwritten, and the log is cut. */
#include "ops.h"
#include "rig.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "obs/log.h"

enum {
	CUSTOMERS = 200,
	FILE_MAX = 8 << 20,
	SOON_MS = 5000,
	COPIES_MAX = 4, /* SQLite overwrites what it frees, but rarely a copy it left behind when it split a
	                   page */
};

static int lines; /* the log */

static size_t content(const char *path, char *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, ret, FILE_MAX);
	(void)close(fd);
	assert_in_range(n, 0, FILE_MAX - 1);
	return (size_t)n;
}

static size_t times(const struct rig *r, const char *file, const char *text)
{
	char path[RIG_DIR_MAX + 32];
	char *bytes = malloc(FILE_MAX);
	size_t found = 0;
	assert_non_null(bytes);
	rig_path(r, file, path, sizeof path);
	const char *end = bytes + content(path, bytes);
	for (const char *p = bytes; (p = memmem(p, (size_t)(end - p), text, strlen(text))) != NULL; p++)
		found++;
	free(bytes);
	return found;
}

static bool left(const struct rig *r, const char *text)
{
	return times(r, "store.db", text) + times(r, "store.db-wal", text) > 0;
}

/* PSID, page and code of a customer begin with "secret" and its number. */
static void link_one(struct rig *r, int i)
{
	char who[16], psid[32], page[32], code[32];
	(void)snprintf(who, sizeof who, "%d", i);
	(void)snprintf(psid, sizeof psid, "secret%dpsid", i);
	(void)snprintf(page, sizeof page, "secret%dpage", i);
	(void)snprintf(code, sizeof code, "secret%dlive", i);
	rig_add(r, who);
	rig_want(r, issue(who, who, 300), STORE_DONE);
	struct store_op *op = redeem(who, who, psid, 1000);
	rig_page(op, page);
	rig_want(r, op, STORE_DONE);
	op = issue(who, code, 300);
	rig_psid(op, psid);
	rig_want(r, op, STORE_DONE);
}

static void erase(struct rig *r, int i, enum store_kind kind)
{
	char who[16];
	(void)snprintf(who, sizeof who, "%d", i);
	rig_want(r, rig_op(kind, who), STORE_DONE);
}

/* Enough for pages that split and merge. */
static void what_was_erased_is_overwritten(void **state)
{
	(void)state;
	struct rig r;
	rig_open(&r, rig_backends[0]);
	for (int i = 0; i < CUSTOMERS; i++)
		link_one(&r, i);
	assert_true(left(&r, "secret0psid") && left(&r, "secret199page") && left(&r, "secret199live"));
	for (int i = 0; i < CUSTOMERS; i++)
		erase(&r, i, i % 3 == 0 ? STORE_REMOVE : STORE_ERASE);
	assert_int_equal(times(&r, "store.db-wal", "secret"), 0);
	assert_in_range(times(&r, "store.db", "secret"), 0, COPIES_MAX);
	rig_close(&r);
}

static bool logged(const char *word)
{
	static char text[1 << 16];
	ssize_t n = pread(lines, text, sizeof text - 1, 0);
	text[n < 0 ? 0 : n] = '\0';
	return strstr(text, word) != NULL;
}

static void await(const struct rig *r, const char *word)
{
	int64_t until_ms = clock_mono_ms() + SOON_MS;
	while (clock_mono_ms() < until_ms && (left(r, "secret") || !logged(word)))
		(void)usleep(20000);
	assert_false(left(r, "secret"));
	assert_true(logged(word));
}

/* A backup, a shell: the erase is done at once, and what the log keeps goes when they have ended. */
static void a_reader_holds_the_log_only_while_it_reads(void **state)
{
	(void)state;
	struct rig r;
	sqlite3 *other;
	char path[RIG_DIR_MAX + 32];
	rig_open(&r, rig_backends[0]);
	link_one(&r, 1);
	rig_path(&r, "store.db", path, sizeof path);
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN; SELECT * FROM customers", NULL, NULL, NULL), SQLITE_OK);
	int64_t began_ms = clock_mono_ms();
	erase(&r, 1, STORE_ERASE);
	assert_in_range(clock_mono_ms() - began_ms, 0, 900);
	assert_true(left(&r, "secret1psid"));
	rig_add(&r, "x"); /* others are served, though it is tried again and again */
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	await(&r, "erased_data_left_log");
	assert_true(logged("erased_data_still_in_log"));
	rig_close(&r);
}

/* Tried when nothing else comes, and after more was erased. */
static void erases_at_once_are_cut_together(void **state)
{
	(void)state;
	struct rig r;
	struct store_op *ops[20];
	static struct rig_result got[20];
	rig_open(&r, rig_backends[0]);
	for (int i = 0; i < 20; i++) {
		char who[16];
		link_one(&r, i);
		(void)snprintf(who, sizeof who, "%d", i);
		ops[i] = rig_op(STORE_ERASE, who);
	}
	rig_run_all(&r, ops, 20, got);
	for (int i = 0; i < 20; i++)
		assert_int_equal(got[i].code, ERR_OK);
	assert_false(left(&r, "secret"));
	rig_close(&r);
}

static int start_log(void **state)
{
	char name[] = "/tmp/erase-log-XXXXXX";
	(void)state;
	lines = mkstemp(name);
	(void)unlink(name);
	return log_start(LOG_INFO, LOG_TEXT, lines, NULL) == ERR_OK ? 0 : -1;
}

static int stop_log(void **state)
{
	(void)state;
	log_stop();
	return close(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_was_erased_is_overwritten),
	        cmocka_unit_test(a_reader_holds_the_log_only_while_it_reads),
	        cmocka_unit_test(erases_at_once_are_cut_together),
	};
	return cmocka_run_group_tests(tests, start_log, stop_log);
}
