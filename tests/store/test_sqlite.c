/* The SQLite store as such: its file, its schema, group commit, locks of other processes. */
#include "rig.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "obs/metrics.h"

enum { PATH_LEN = RIG_DIR_MAX + 32 };

static void start(struct rig *r)
{
	rig_open(r, rig_backends[0]);
	assert_string_equal(store_name(r->store), "sqlite");
}

/* A process with threads may not be forked. */
static void start_closed(struct rig *r)
{
	start(r);
	store_close(r->store);
	r->store = NULL;
}

/* err->msg is empty on success */
static enum err_code open_at(const char *path, struct store **ret, struct err *err)
{
	char setting[PATH_LEN + 16];
	struct config cfg = {.store = setting};
	(void)snprintf(setting, sizeof setting, "sqlite:%s", path);
	*err = (struct err){.code = ERR_OK};
	return store_open(&cfg, ret, err);
}

static void wants_error(const char *path, enum err_code code, const char *says)
{
	struct store *s = NULL;
	struct err err;
	enum err_code got = open_at(path, &s, &err);
	if (got != code || strstr(err.msg, says) == NULL)
		fail_msg("%s: %s: %s", path, err_name(got), err.msg);
	assert_null(s);
}

static struct store_op *failure(const char *who, int64_t wait_ms)
{
	struct store_op *op = rig_op(STORE_FAILURE, who);
	rig_times(op, 0, 100);
	rig_ends(op, 200);
	op->deadline_ms = clock_mono_ms() + wait_ms;
	return op;
}

static int64_t failures(struct rig *r, const char *who)
{
	struct rig_result got;
	rig_find(r, who, &got);
	assert_int_equal(got.out.n, 1);
	return got.customer[0].login_failures;
}

static void what_is_made(void **state)
{
	struct rig r;
	struct stat st;
	char path[PATH_LEN];
	(void)state;
	mode_t before = umask(0);
	start(&r);
	rig_add(&r, "a");
	const char *const files[] = {"store.db", "store.db-wal", "store.db-shm"};
	for (size_t i = 0; i < 3; i++) {
		rig_path(&r, files[i], path, sizeof path);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	(void)umask(before);
	rig_path(&r, "store.db", path, sizeof path);
	assert_int_equal(rig_sql(path, "PRAGMA user_version"), 1);
	assert_int_equal(rig_sql(path, "SELECT count(*) FROM pragma_table_list WHERE name = 'customers'"
	                               " AND strict AND wr"),
	                 1);
	assert_int_equal(rig_sql(path,
	                         "SELECT count(*) FROM pragma_table_info('customers')"
	                         " WHERE (name = 'customer_id' AND pk = 1) OR (name = 'email' AND pk = 2)"),
	                 2);
	assert_int_equal(
	        rig_sql(path, "SELECT count(*) FROM pragma_index_list('customers') WHERE origin = 'c'"), 2);
	assert_int_equal(rig_sql(path, "SELECT count(*) FROM customers"), 1);
	rig_close(&r);
}

static void a_used_code_leaves_nothing(void **state)
{
	struct rig r;
	char path[PATH_LEN];
	(void)state;
	start(&r);
	rig_add(&r, "a");
	rig_path(&r, "store.db", path, sizeof path);
	const char *count =
	        "SELECT (authorization_code NOT NULL) + (authorization_code_expires_at NOT NULL) +"
	        " (authorization_code_psid NOT NULL) + (authorization_code_replaces NOT NULL)"
	        " FROM customers";
	struct store_op *op = rig_op(STORE_ISSUE, "a");
	rig_digest(op, "c1");
	rig_psid(op, "p1");
	RIG_SET(op->in.issue.replaces.id, "cust-b");
	rig_ends(op, 300);
	rig_want(&r, op, STORE_DONE);
	assert_int_equal(rig_sql(path, count), 4);
	op = rig_op(STORE_REDEEM, "a");
	rig_digest(op, "c1");
	rig_psid(op, "p1");
	rig_want(&r, op, STORE_DONE);
	assert_int_equal(rig_sql(path, count), 0);
	rig_close(&r);
}

static void lookups_use_an_index(void **state)
{
	struct rig r;
	char path[PATH_LEN];
	sqlite3 *db;
	(void)state;
	start(&r);
	rig_path(&r, "store.db", path, sizeof path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	const char *const queries[] = {
	        "EXPLAIN QUERY PLAN SELECT * FROM customers WHERE email = ?14 ORDER BY customer_id",
	        "EXPLAIN QUERY PLAN SELECT * FROM customers WHERE customer_id = ?1 ORDER BY email",
	        "EXPLAIN QUERY PLAN SELECT * FROM customers WHERE fb_psid = ?4",
	        "EXPLAIN QUERY PLAN SELECT 1 FROM customers WHERE fb_psid = ?4"
	        " AND (customer_id <> ?1 OR email <> ?2)"};
	for (size_t i = 0; i < 4; i++) {
		sqlite3_stmt *st;
		assert_int_equal(sqlite3_prepare_v2(db, queries[i], -1, &st, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(st), SQLITE_ROW);
		const char *plan = (const char *)sqlite3_column_text(st, 3);
		assert_non_null(strstr(plan, "SEARCH customers USING"));
		assert_int_equal(sqlite3_step(st), SQLITE_DONE); /* and no sort */
		(void)sqlite3_finalize(st);
	}
	(void)sqlite3_close(db);
	rig_close(&r);
}

static void foreign_files_are_refused(void **state)
{
	struct rig r;
	char path[PATH_LEN];
	(void)state;
	start(&r);
	rig_path(&r, "text", path, sizeof path);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	for (int i = 0; i < 100; i++)
		assert_int_equal(write(fd, "this is no database at all\n", 27), 27);
	(void)close(fd);
	wants_error(path, ERR_INVALID, "no SQLite database");
	rig_path(&r, "other", path, sizeof path);
	(void)rig_sql(path, "CREATE TABLE things (a)");
	wants_error(path, ERR_INVALID, "not one of this service");
	assert_int_equal(rig_sql(path, "SELECT count(*) FROM sqlite_schema"), 1); /* left as it was */
	rig_path(&r, "numbered", path, sizeof path);
	(void)rig_sql(path, "PRAGMA user_version = 7");
	wants_error(path, ERR_INVALID, "not one of this service");
	rig_path(&r, "columns", path, sizeof path);
	(void)rig_sql(path, "CREATE TABLE customers (customer_id)");
	(void)rig_sql(path, "PRAGMA user_version = 1");
	wants_error(path, ERR_INVALID, "not one of this service");
	wants_error(r.dir, ERR_INVALID, "not a plain file");
	wants_error("", ERR_INVALID, "needs the path");
	wants_error(":memory:", ERR_INVALID, "needs the path");
	rig_path(&r, "none/store.db", path, sizeof path);
	wants_error(path, ERR_STORE, "directory of the database does not exist");
	rig_close(&r);
}

static void a_newer_schema_is_refused(void **state)
{
	struct rig r;
	char path[PATH_LEN];
	(void)state;
	start_closed(&r);
	rig_path(&r, "store.db", path, sizeof path);
	(void)rig_sql(path, "PRAGMA user_version = 2");
	wants_error(path, ERR_INVALID, "newer version");
	(void)rig_sql(path, "PRAGMA user_version = 1");
	rig_reopen(&r);
	rig_close(&r);
}

static void two_may_make_it_at_once(void **state)
{
	(void)state;
	for (int round = 0; round < 10; round++) {
		struct rig r;
		char path[PATH_LEN];
		int status;
		start_closed(&r);
		rig_path(&r, "new.db", path, sizeof path);
		pid_t child = fork();
		struct store *s = NULL;
		struct err err;
		enum err_code code = open_at(path, &s, &err);
		if (child == 0)
			_exit(code == ERR_OK ? 0 : 1);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		if (code != ERR_OK)
			fail_msg("%s", err.msg);
		store_close(s);
		rig_close(&r);
	}
}

/* Many writes waiting together share a commit; here they wait for a lock. */
static void writes_share_a_commit(void **state)
{
	static struct rig_result got[200];
	struct store_op *ops[200];
	struct rig r;
	(void)state;
	start(&r);
	rig_add(&r, "a");
	int64_t commits = metric_value(M_SQLITE_COMMITS);
	for (size_t i = 0; i < 200; i++)
		ops[i] = failure("a", RIG_WAIT_MS);
	rig_run_all(&r, ops, 200, got);
	for (size_t i = 0; i < 200; i++)
		assert_int_equal(got[i].code, ERR_OK);
	commits = metric_value(M_SQLITE_COMMITS) - commits;
	print_message("  200 writes, %lld commits\n", (long long)commits);
	assert_in_range(commits, 1, 100);
	assert_int_equal(failures(&r, "a"), 200);
	rig_close(&r);
}

/* Another connection that holds the write lock. */
static sqlite3 *lock(const struct rig *r)
{
	char path[PATH_LEN];
	sqlite3 *db;
	rig_path(r, "store.db", path, sizeof path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	return db;
}

static void unlock(sqlite3 *db)
{
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_lock_is_waited_for_until_the_deadline(void **state)
{
	struct rig r;
	struct rig_result got[3];
	(void)state;
	start(&r);
	rig_add(&r, "a");
	sqlite3 *other = lock(&r);
	int64_t before = clock_mono_ms();
	struct store_op *ops[3] = {failure("a", 150), failure("a", 300), rig_op(STORE_FIND_ID, "a")};
	rig_run_all(&r, ops, 3, got);
	assert_in_range(clock_mono_ms() - before, 290, 1500);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(got[i].code, ERR_STORE);
		assert_non_null(strstr(got[i].err.msg, "locked by another process"));
	}
	assert_int_equal(got[2].code, ERR_OK); /* reads go on */
	struct rig_result ping;
	struct store_op *op = rig_op(STORE_PING, "");
	op->deadline_ms = clock_mono_ms() + 50;
	rig_run(&r, op, &ping);
	assert_int_equal(ping.code, ERR_STORE);
	unlock(other);
	rig_want(&r, failure("a", RIG_WAIT_MS), STORE_DONE);
	assert_int_equal(failures(&r, "a"), 1);
	rig_close(&r);
}

struct timed_lock {
	struct loop_timer timer;
	struct loop *loop;
	sqlite3 *db;
	int64_t freed_ms;
	enum err_code code;
	bool done;
};

static void free_lock(struct loop_timer *t)
{
	struct timed_lock *l = LIST_ENTRY(t, struct timed_lock, timer);
	l->freed_ms = clock_mono_ms();
	unlock(l->db);
}

static void lock_done(void *arg, struct store_op *op)
{
	struct timed_lock *l = arg;
	l->code = op->code;
	l->done = true;
	loop_stop(l->loop);
}

static void a_write_goes_on_when_the_lock_is_released(void **state)
{
	struct rig r;
	struct err err;
	struct timed_lock l = {.timer.fn = free_lock};
	(void)state;
	start(&r);
	rig_add(&r, "a");
	l.db = lock(&r);
	struct store_port *port = NULL;
	assert_int_equal(loop_new(&l.loop, &err), ERR_OK);
	assert_int_equal(store_attach(r.store, l.loop, NULL, &port, &err), ERR_OK);
	assert_int_equal(loop_timer_set(l.loop, &l.timer, clock_mono_ms() + 300), ERR_OK);
	assert_int_equal(store_start(port, failure("a", RIG_WAIT_MS), lock_done, &l, &err), ERR_OK);
	loop_run(l.loop);
	assert_int_equal(l.code, ERR_OK);
	assert_in_range(clock_mono_ms() - l.freed_ms, 0, 500);
	store_detach(port);
	loop_free(l.loop);
	assert_int_equal(failures(&r, "a"), 1);
	rig_close(&r);
}

/* A write that was waiting when nobody wanted it any more still runs, once, and harms nothing. */
static void a_cancelled_write_runs_unheard(void **state)
{
	struct rig r;
	struct err err;
	struct timed_lock l = {.timer.fn = free_lock};
	(void)state;
	start(&r);
	rig_add(&r, "a");
	l.db = lock(&r);
	struct store_port *port = NULL;
	assert_int_equal(loop_new(&l.loop, &err), ERR_OK);
	assert_int_equal(store_attach(r.store, l.loop, NULL, &port, &err), ERR_OK);
	struct store_op *write = failure("a", RIG_WAIT_MS), *read = rig_op(STORE_FIND_ID, "a");
	struct timed_lock unheard = {.loop = l.loop};
	assert_int_equal(store_start(port, write, lock_done, &unheard, &err), ERR_OK);
	assert_int_equal(store_start(port, read, lock_done, &unheard, &err), ERR_OK);
	store_cancel(write);
	store_cancel(read);
	assert_int_equal(loop_timer_set(l.loop, &l.timer, clock_mono_ms() + 50), ERR_OK);
	assert_int_equal(store_start(port, failure("a", RIG_WAIT_MS), lock_done, &l, &err), ERR_OK);
	loop_run(l.loop);
	assert_int_equal(l.code, ERR_OK);
	assert_false(unheard.done);
	assert_int_equal(port->in_flight, 0);
	store_detach(port);
	loop_free(l.loop);
	assert_int_equal(failures(&r, "a"), 2);
	rig_close(&r);
}

static void *unlock_later(void *db)
{
	(void)usleep(200000);
	unlock(db);
	return NULL;
}

/* Two writes to a and between them the removal of b, which has two items, all in one group.  The removal
 * meets a trigger after its first item.  Gives the commits. */
static int64_t remove_between(struct rig *r, const char *raise, struct rig_result got[3])
{
	char path[PATH_LEN], trigger[256];
	pthread_t thread;
	struct store_customer second = {.key = rig_key("b"), .link.linked_at_ms = -1};
	rig_add(r, "a");
	rig_add(r, "b");
	RIG_SET(second.key.email, "z@example.com");
	r->backend->plant(r->dir, &second);
	(void)snprintf(trigger, sizeof trigger,
	               "CREATE TRIGGER no AFTER DELETE ON customers WHEN old.email = 'z@example.com'"
	               " BEGIN SELECT RAISE(%s, 'no'); END",
	               raise);
	rig_path(r, "store.db", path, sizeof path);
	(void)rig_sql(path, trigger);
	int64_t commits = metric_value(M_SQLITE_COMMITS);
	struct store_op *ops[3] = {failure("a", RIG_WAIT_MS), rig_op(STORE_REMOVE, "b"),
	                           failure("a", RIG_WAIT_MS)};
	sqlite3 *other = lock(r);
	assert_int_equal(pthread_create(&thread, NULL, unlock_later, other), 0);
	rig_run_all(r, ops, 3, got);
	assert_int_equal(pthread_join(thread, NULL), 0);
	(void)rig_sql(path, "DROP TRIGGER no");
	return metric_value(M_SQLITE_COMMITS) - commits;
}

static void expect_items_of_b(struct rig *r, size_t n)
{
	struct rig_result got;
	rig_find(r, "b", &got);
	assert_int_equal(got.out.n, n);
}

static void what_fails_in_a_group_fails_alone_and_wholly(void **state)
{
	struct rig r;
	struct rig_result got[3];
	(void)state;
	start(&r);
	assert_int_equal(remove_between(&r, "ABORT", got), 1);
	assert_int_equal(got[0].code, ERR_OK);
	assert_int_equal(got[1].code, ERR_STORE);
	assert_true(got[1].err.msg[0] != '\0');
	assert_int_equal(got[2].code, ERR_OK);
	assert_int_equal(failures(&r, "a"), 2);
	expect_items_of_b(&r, 2);
	rig_want(&r, rig_op(STORE_REMOVE, "b"), STORE_DONE);
	expect_items_of_b(&r, 0);
	rig_close(&r);
}

static void what_ends_the_transaction_fails_the_group(void **state)
{
	struct rig r;
	struct rig_result got[3];
	(void)state;
	start(&r);
	assert_int_equal(remove_between(&r, "ROLLBACK", got), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(got[i].code, ERR_STORE);
	assert_int_equal(failures(&r, "a"), 0);
	expect_items_of_b(&r, 2);
	rig_want(&r, failure("a", RIG_WAIT_MS), STORE_DONE);
	assert_int_equal(failures(&r, "a"), 1);
	rig_close(&r);
}

/* The command line works on the file of a running service. */
static void a_second_process_may_write(void **state)
{
	struct rig r;
	struct rig_result got;
	int status;
	(void)state;
	start_closed(&r);
	pid_t child = fork();
	struct err err;
	enum err_code code = r.backend->open(r.dir, &r.store, &err);
	for (int i = 0; i < 50 && code == ERR_OK; i++) {
		char who[32];
		(void)snprintf(who, sizeof who, "%s%d", child == 0 ? "child" : "parent", i);
		rig_run(&r, rig_op(STORE_ADD, who), &got);
		code = got.code;
	}
	if (child == 0) {
		store_close(r.store);
		_exit(code == ERR_OK ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(code, ERR_OK);
	rig_find(&r, "child49", &got);
	assert_int_equal(got.out.n, 1);
	rig_find(&r, "parent0", &got);
	assert_int_equal(got.out.n, 1);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_made),
	        cmocka_unit_test(a_used_code_leaves_nothing),
	        cmocka_unit_test(lookups_use_an_index),
	        cmocka_unit_test(foreign_files_are_refused),
	        cmocka_unit_test(a_newer_schema_is_refused),
	        cmocka_unit_test(two_may_make_it_at_once),
	        cmocka_unit_test(writes_share_a_commit),
	        cmocka_unit_test(a_lock_is_waited_for_until_the_deadline),
	        cmocka_unit_test(a_write_goes_on_when_the_lock_is_released),
	        cmocka_unit_test(a_cancelled_write_runs_unheard),
	        cmocka_unit_test(what_fails_in_a_group_fails_alone_and_wholly),
	        cmocka_unit_test(what_ends_the_transaction_fails_the_group),
	        cmocka_unit_test(a_second_process_may_write),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
