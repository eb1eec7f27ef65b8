/* SQLite whose calls fail one by one: nothing is said to be done that is not, and nothing is half done. */
#include "rig.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "refuse.h"
#include "store/record.h"

static struct store_op *an_op(enum store_kind kind)
{
	struct store_op *op = rig_op(kind, "a");
	rig_digest(op, kind == STORE_ISSUE ? "c2" : "c1");
	rig_psid(op, kind == STORE_ISSUE ? "" : "p1");
	rig_ends(op, 300);
	rig_times(op, 5000, 100);
	rig_email(op, "a@example.com");
	if (kind == STORE_UPGRADE)
		RIG_SET(op->in.upgrade.old_hash, "hash");
	if (kind == STORE_ISSUE)
		assert_int_equal(crypto_sha256_text(STR("hash"), op->in.issue.record), ERR_OK);
	return op;
}

/* So far that the operation would be done. */
static void prepare(struct rig *r, enum store_kind kind)
{
	rig_open(r, rig_backends[0]);
	rig_add(r, "a");
	struct store_op *op = an_op(STORE_ISSUE);
	rig_digest(op, "c1");
	rig_want(r, op, STORE_DONE);
	if (kind == STORE_UNLINK || kind == STORE_FIND_PSID)
		rig_want(r, an_op(STORE_REDEEM), STORE_DONE);
}

static bool fail_one(enum store_kind kind, const char *function, size_t n)
{
	struct rig r;
	struct rig_result got;
	prepare(&r, kind);
	struct store_op *op = an_op(kind);
	starve_only(function);
	starve_nth(n);
	rig_run(&r, op, &got);
	bool met = starve_calls() >= n;
	if (met)
		assert_int_not_equal(got.code, ERR_OK);
	else {
		assert_int_equal(got.code, ERR_OK);
		assert_int_equal(got.out.outcome, STORE_DONE);
	}
	if (met)
		rig_want(&r, an_op(kind), STORE_DONE);
	rig_close(&r);
	return met;
}

static void every_call_fails_once(void **state)
{
	(void)state;
	static const enum store_kind kinds[] = {
	        STORE_ISSUE, STORE_REDEEM, STORE_UNLINK,  STORE_LINK,       STORE_FAILURE,   STORE_UPGRADE,
	        STORE_ERASE, STORE_REMOVE, STORE_FIND_ID, STORE_FIND_EMAIL, STORE_FIND_PSID, STORE_FIND_CODE};
	static const char *const functions[] = {"sqlite_db_bind", "sqlite_db_run", "sqlite3_step",
	                                        "crypto_sha256_text"};
	for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
		for (size_t f = 0; f < 4; f++) {
			size_t n = 1;
			bool none = (kinds[k] < STORE_ISSUE && f == 1) || (kinds[k] != STORE_ISSUE && f == 3);
			while (fail_one(kinds[k], functions[f], n))
				n++;
			assert_in_range(n, none ? 1 : 2, 20); /* at least one was met */
		}
}

/* A database that is new, and one that was there: opened, or why not and nothing kept open. */
static void opening_while_each_call_fails_once(void **state)
{
	static const char *const functions[] = {"sqlite3_step", "sqlite_db_bind", "malloc",        "calloc",
	                                        "strdup",       "fsync",          "pthread_create"};
	(void)state;
	for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++)
		for (size_t n = 1, met = 1; met; n++) {
			struct rig r;
			struct err err = {.msg = ""};
			rig_open(&r, rig_backends[0]);
			if (f % 2 == 0)
				rig_add(&r, "a");
			store_close(r.store);
			r.store = NULL;
			if (n % 2 == 0) {
				char path[RIG_DIR_MAX + 32];
				rig_path(&r, "store.db", path, sizeof path);
				assert_int_equal(unlink(path), 0);
			}
			starve_only(functions[f]);
			starve_nth((n + 1) / 2); /* of the one kind and the other */
			enum err_code code = r.backend->open(r.dir, &r.store, &err);
			met = starve_calls() >= (n + 1) / 2 || n % 2 == 1;
			starve_only(NULL);
			if (code != ERR_OK) {
				assert_null(r.store);
				assert_true(err.msg[0] != '\0');
				assert_int_equal(r.backend->open(r.dir, &r.store, &err), ERR_OK);
			}
			rig_want(&r, rig_op(STORE_PING, "a"), STORE_DONE);
			rig_close(&r);
		}
}

/* What another program may have written where the earlier holder stands is left aside. */
static void an_earlier_holder_too_long(void **state)
{
	(void)state;
	struct rig r;
	struct rig_result got;
	char path[RIG_DIR_MAX + 32];
	prepare(&r, STORE_REDEEM);
	rig_path(&r, "store.db", path, sizeof path);
	(void)rig_sql(path, "UPDATE customers SET authorization_code_replaces = printf('%.*c', 5000, 'x')");
	rig_run(&r, an_op(STORE_REDEEM), &got);
	assert_int_equal(got.code, ERR_OK);
	assert_int_equal(got.out.outcome, STORE_DONE);
	assert_string_equal(got.out.replaces.id, "");
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_call_fails_once),
	        cmocka_unit_test(opening_while_each_call_fails_once),
	        cmocka_unit_test(an_earlier_holder_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
