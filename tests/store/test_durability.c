/* What was acknowledged survives kill -9: a child links customers and prints each id only once its write
 * has settled; it is killed at a moment of its own; every printed link must be in the file. */
#include "rig.h"
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { KILLS = 20, AT_ONCE = 8, LIFE_MS = 120, ROUNDS_MAX = 100000 };

static unsigned random_state;

static unsigned pick(unsigned n)
{
	random_state = random_state * 1664525U + 1013904223U;
	return (random_state >> 8) % n;
}

static struct store_op *op_of(enum store_kind kind, int number)
{
	char who[16], psid[16];
	(void)snprintf(who, sizeof who, "%d", number);
	(void)snprintf(psid, sizeof psid, "p%d", number);
	struct store_op *op = rig_op(kind, who);
	rig_digest(op, who);
	rig_ends(op, 300);
	rig_times(op, number, 100);
	if (kind == STORE_REDEEM)
		rig_psid(op, psid);
	return op;
}

static bool run_all(struct rig *r, enum store_kind kind, int first)
{
	static struct rig_result got[AT_ONCE];
	struct store_op *ops[AT_ONCE];
	for (int i = 0; i < AT_ONCE; i++)
		ops[i] = op_of(kind, first + i);
	rig_run_all(r, ops, AT_ONCE, got);
	for (int i = 0; i < AT_ONCE; i++)
		if (got[i].code != ERR_OK || got[i].out.outcome != STORE_DONE)
			return false;
	return true;
}

/* Numbers from `first` on, until killed. */
static void link_forever(struct rig *r, int fd, int first)
{
	struct err err;
	if (r->backend->open(r->dir, &r->store, &err) != ERR_OK)
		_exit(1);
	for (int n = first; n < first + ROUNDS_MAX; n += AT_ONCE) {
		if (!run_all(r, STORE_ADD, n) || !run_all(r, STORE_ISSUE, n) || !run_all(r, STORE_REDEEM, n))
			_exit(1);
		for (int i = n; i < n + AT_ONCE; i++)
			if (write(fd, &i, sizeof i) != sizeof i)
				_exit(1);
	}
	_exit(1);
}

/* Start a child, kill it after `ms`; what it printed goes to `done`.  The next number nobody used. */
static void kill_after(struct rig *r, unsigned ms, int first, int *done, size_t *count, size_t cap)
{
	int ends[2], n, status;
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		link_forever(r, ends[1], first);
	(void)close(ends[1]);
	const struct timespec life = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000L};
	(void)nanosleep(&life, NULL);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status)); /* it did not end by itself: no write failed */
	while (read(ends[0], &n, sizeof n) == sizeof n) {
		assert_true(*count < cap);
		done[(*count)++] = n;
	}
	(void)close(ends[0]);
}

static void expect_links(struct rig *r, const int *done, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct rig_result got;
		struct store_op *op = op_of(STORE_REDEEM, done[i]);
		char psid[sizeof op->in.redeem.psid];
		char who[16];
		memcpy(psid, op->in.redeem.psid, sizeof psid);
		store_op_free(op);
		(void)snprintf(who, sizeof who, "%d", done[i]);
		rig_find(r, who, &got);
		assert_int_equal(got.out.n, 1);
		assert_string_equal(got.customer[0].link.psid, psid);
	}
}

static void acknowledged_links_survive_kill(void **state)
{
	static int done[1 << 17];
	size_t count = 0;
	struct rig r;
	char path[RIG_DIR_MAX + 32];
	(void)state;
	random_state = (unsigned)clock_mono_us();
	rig_open(&r, rig_backends[0]);
	store_close(r.store);
	rig_path(&r, "store.db", path, sizeof path);
	for (int i = 0; i < KILLS; i++) {
		size_t before = count;
		r.store = NULL;
		kill_after(&r, (unsigned)patience(10 + (int)pick(LIFE_MS)), (i + 1) * ROUNDS_MAX, done,
		           &count, sizeof done / sizeof done[0]);
		assert_int_equal(rig_sql(path, "SELECT count(*) FROM pragma_integrity_check"
		                               " WHERE integrity_check = 'ok'"),
		                 1);
		struct err err;
		assert_int_equal(r.backend->open(r.dir, &r.store, &err), ERR_OK);
		expect_links(&r, done + before, count - before);
		store_close(r.store);
	}
	print_message("  %d kills, %zu acknowledged links\n", KILLS, count);
	assert_true(count > 0);
	assert_int_equal(r.backend->open(r.dir, &r.store, &(struct err){.code = ERR_OK}), ERR_OK);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(acknowledged_links_survive_kill)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
