/* The SQLite store on a disk that is full, fails, may not be written, or whose file is exchanged. */
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { PATH_LEN = RIG_DIR_MAX + 32, NOBODY = 65534, SKIPPED = 77 };

/* SQLite's own calls come here first. */
static struct {
	_Atomic int64_t count;
	_Atomic bool fail;
	_Atomic int64_t delay_ms;
} syncs;

static int sync_to_disk(long call, int fd)
{
	int64_t ms = atomic_load(&syncs.delay_ms);
	const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
	atomic_fetch_add(&syncs.count, 1);
	if (ms > 0)
		(void)nanosleep(&pause, NULL);
	if (atomic_load(&syncs.fail)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(call, fd);
}

int fsync(int fd)
{
	return sync_to_disk(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return sync_to_disk(SYS_fdatasync, fd);
}

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

static void an_exchanged_file_is_refused_until_it_is_back(void **state)
{
	struct rig r;
	struct rig_result got;
	char path[PATH_LEN], away[PATH_LEN];
	(void)state;
	start(&r);
	rig_add(&r, "a");
	rig_path(&r, "store.db", path, sizeof path);
	rig_path(&r, "away.db", away, sizeof away);
	assert_int_equal(rename(path, away), 0);
	for (int replaced = 0; replaced < 2; replaced++) {
		if (replaced)
			assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
		rig_run(&r, failure("a", RIG_WAIT_MS), &got);
		assert_int_equal(got.code, ERR_STORE);
		assert_non_null(strstr(got.err.msg, "moved, replaced or removed"));
		rig_run(&r, rig_op(STORE_FIND_ID, "a"), &got);
		assert_int_equal(got.code, ERR_STORE);
	}
	assert_int_equal(rename(away, path), 0);
	rig_want(&r, failure("a", RIG_WAIT_MS), STORE_DONE);
	assert_int_equal(failures(&r, "a"), 1);
	rig_close(&r);
}

/* Writes past a file size limit fail like a broken disk: EFBIG is none of SQLite's friendly errors. */
static void a_failing_disk_fails_writes_until_it_works(void **state)
{
	struct rig r;
	struct rig_result got;
	struct rlimit whole, none;
	(void)state;
	start(&r);
	rig_add(&r, "a");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &whole), 0);
	none = whole;
	none.rlim_cur = 4096;
	void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	for (int i = 0; i < 2; i++) /* the second on a connection opened afresh */
		rig_run(&r, failure("a", RIG_WAIT_MS), &got);
	enum err_code failed = got.code;
	struct err why = got.err;
	rig_find(&r, "a", &got); /* reads go on */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &whole), 0);
	(void)signal(SIGXFSZ, before);
	assert_int_equal(failed, ERR_STORE);
	assert_non_null(strstr(why.msg, "disk of the database fails"));
	rig_want(&r, failure("a", RIG_WAIT_MS), STORE_DONE);
	assert_int_equal(failures(&r, "a"), 1);
	rig_close(&r);
}

/* Run `body` in a child that may change what is global to a process; it writes its verdict. */
static int verdict_fd;

static void verdict(unsigned char v)
{
	if (write(verdict_fd, &v, 1) != 1)
		abort();
	_exit(0);
}

static void in_child(void (*body)(struct rig *r), struct rig *r)
{
	int status, ends[2];
	unsigned char v = 255;
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	verdict_fd = ends[1];
	if (child == 0) {
		body(r);
		verdict(0);
	}
	(void)close(ends[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(read(ends[0], &v, 1), 1);
	(void)close(ends[0]);
	if (v == SKIPPED)
		print_message("  skipped: not permitted here\n");
	else
		assert_int_equal(v, 0);
}

static void child_check(bool ok, const char *what, const struct err *err)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s: %s\n", what, err == NULL ? "" : err->msg);
	verdict(1);
}

static void fill_disk(const char *dir, bool fill)
{
	char path[PATH_LEN], block[4096] = {0};
	(void)snprintf(path, sizeof path, "%s/ballast", dir);
	if (!fill) {
		(void)unlink(path);
		return;
	}
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	while (write(fd, block, sizeof block) > 0)
		;
	(void)close(fd);
}

static void full_disk(struct rig *r)
{
	struct rig_result got;
	struct err err = {.msg = ""};
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", r->dir, "tmpfs", 0, "size=2m") != 0)
		verdict(SKIPPED);
	child_check(r->backend->open(r->dir, &r->store, &err) == ERR_OK, "open", &err);
	rig_add(r, "a");
	fill_disk(r->dir, true);
	bool failed = false;
	for (int i = 0; i < 2000 && !failed; i++) { /* the log may have room left from before */
		rig_run(r, failure("a", RIG_WAIT_MS), &got);
		failed = got.code != ERR_OK;
	}
	child_check(failed && got.code == ERR_STORE, "a full disk", &got.err);
	child_check(strstr(got.err.msg, "no space left") != NULL, "says so", &got.err);
	rig_run(r, rig_op(STORE_FIND_ID, "a"), &got);
	child_check(got.code == ERR_OK && got.out.n == 1, "reads go on", &got.err);
	fill_disk(r->dir, false);
	rig_run(r, failure("a", RIG_WAIT_MS), &got);
	child_check(got.code == ERR_OK, "space again", &got.err);
	store_close(r->store);
}

static void a_full_disk_fails_writes_until_there_is_space(void **state)
{
	struct rig r;
	(void)state;
	start_closed(&r);
	in_child(full_disk, &r);
	rig_close(&r);
}

static void without_permission(struct rig *r)
{
	struct store *s = NULL;
	struct err err;
	char path[PATH_LEN], fresh[PATH_LEN];
	if (geteuid() == 0 &&
	    (chown(r->dir, NOBODY, NOBODY) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
		verdict(SKIPPED);
	(void)snprintf(fresh, sizeof fresh, "%s/fresh.db", r->dir);
	(void)snprintf(path, sizeof path, "%s/mine.db", r->dir);
	child_check(chmod(r->dir, 0500) == 0 && open_at(fresh, &s, &err) == ERR_STORE, "a directory", &err);
	child_check(strstr(err.msg, "let this user write to its directory") != NULL, "says so", &err);
	child_check(chmod(r->dir, 0700) == 0 && open_at(path, &s, &err) == ERR_OK, "its own", &err);
	store_close(s);
	child_check(chmod(path, 0400) == 0 && open_at(path, &s, &err) == ERR_STORE, "a file", &err);
	child_check(strstr(err.msg, "cannot be written: check owner and mode") != NULL, "says so", &err);
	child_check(chmod(path, 0600) == 0 && open_at(path, &s, &err) == ERR_OK, "again", &err);
	store_close(s);
}

static void a_read_only_database_is_told(void **state)
{
	struct rig r;
	(void)state;
	start_closed(&r);
	in_child(without_permission, &r);
	rig_close(&r);
}

/* An answer may only come once the disk has the commit. */
static void every_commit_is_synced(void **state)
{
	struct rig r;
	(void)state;
	start(&r);
	rig_add(&r, "a");
	for (int i = 0; i < 5; i++) {
		int64_t before = atomic_load(&syncs.count);
		rig_want(&r, failure("a", RIG_WAIT_MS), STORE_DONE);
		assert_true(atomic_load(&syncs.count) > before);
	}
	rig_close(&r);
}

static void a_commit_that_is_not_synced_fails_its_group(void **state)
{
	static struct rig_result got[20];
	struct store_op *ops[20];
	struct rig r;
	(void)state;
	start(&r);
	rig_add(&r, "a");
	for (size_t i = 0; i < 20; i++)
		ops[i] = failure("a", RIG_WAIT_MS);
	atomic_store(&syncs.fail, true);
	rig_run_all(&r, ops, 20, got);
	atomic_store(&syncs.fail, false);
	for (size_t i = 0; i < 20; i++) {
		assert_int_equal(got[i].code, ERR_STORE);
		assert_int_equal(got[i].out.outcome, 0);
		assert_non_null(strstr(got[i].err.msg, "disk of the database fails"));
	}
	assert_int_equal(failures(&r, "a"), 0);
	rig_want(&r, failure("a", RIG_WAIT_MS), STORE_DONE);
	assert_int_equal(failures(&r, "a"), 1);
	rig_close(&r);
}

struct slow {
	struct loop *loop;
	int64_t read_ms, written_ms; /* when each was done */
	int waiting;
};

static void slow_done(void *arg, struct store_op *op)
{
	struct slow *s = arg;
	assert_int_equal(op->code, ERR_OK);
	*(op->kind == STORE_FIND_ID ? &s->read_ms : &s->written_ms) = clock_mono_ms();
	if (--s->waiting == 0)
		loop_stop(s->loop);
}

static void reads_do_not_wait_for_a_sync(void **state)
{
	struct rig r;
	struct slow s = {.waiting = 2};
	struct err err;
	(void)state;
	start(&r);
	rig_add(&r, "a");
	struct store_port *port = NULL;
	assert_int_equal(loop_new(&s.loop, &err), ERR_OK);
	assert_int_equal(store_attach(r.store, s.loop, NULL, &port, &err), ERR_OK);
	atomic_store(&syncs.delay_ms, 300);
	assert_int_equal(store_start(port, failure("a", RIG_WAIT_MS), slow_done, &s, &err), ERR_OK);
	assert_int_equal(store_start(port, rig_op(STORE_FIND_ID, "a"), slow_done, &s, &err), ERR_OK);
	loop_run(s.loop);
	atomic_store(&syncs.delay_ms, 0);
	store_detach(port);
	loop_free(s.loop);
	assert_true(s.written_ms - s.read_ms > 150);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_commit_is_synced),
	        cmocka_unit_test(a_commit_that_is_not_synced_fails_its_group),
	        cmocka_unit_test(reads_do_not_wait_for_a_sync),
	        cmocka_unit_test(an_exchanged_file_is_refused_until_it_is_back),
	        cmocka_unit_test(a_failing_disk_fails_writes_until_it_works),
	        cmocka_unit_test(a_full_disk_fails_writes_until_there_is_space),
	        cmocka_unit_test(a_read_only_database_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
