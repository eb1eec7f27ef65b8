/* Password checks on the pool: answers, cancels, a full queue. */
#include "test.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "login/password_job.h"
#include "loop/loop.h"
#include "store/store.h"

#include <time.h>

#define SHA1_ABC "a9993e364706816aba3e25717850c26c9cd0d89d"

struct seen {
	int calls;
	enum password_verdict verdict;
	char new_hash[STORE_HASH_MAX + 1];
};

static struct loop *loop;
static struct offload *pool;

static int setup(void **state)
{
	struct offload_options o = {.name = "hash", .threads = 1, .queue_max = 2};
	(void)state;
	return loop_new(&loop, NULL) == ERR_OK && offload_new(&o, &pool, NULL) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	offload_free(pool);
	loop_drain(loop);
	loop_free(loop);
	return 0;
}

static void on_answer(void *arg, const struct password_answer *a)
{
	struct seen *s = arg;
	s->calls++;
	s->verdict = a->verdict;
	(void)str_copy(s->new_hash, sizeof s->new_hash, str_c(a->new_hash));
}

/* Run what comes back until there were `calls`, for at most 10 s. */
static void wait_for(const struct seen *s, int calls)
{
	for (int ms = 0; ms < 10000 && s->calls < calls; ms++) {
		loop_drain(loop);
		(void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	assert_int_equal(s->calls, calls);
}

static enum err_code ask(struct str password, const char *hash, enum config_sha1 sha1, struct seen *s,
                         struct password_job **ret)
{
	struct password_question q = {.pool = pool,
	                              .home = loop,
	                              .policy = {.memory_kib = 64, .passes = 1, .sha1 = sha1},
	                              .password = password,
	                              .hash = str_c(hash)};
	return password_job_start(&q, on_answer, s, ret, NULL);
}

static void test_answers(void **state)
{
	(void)state;
	struct seen s = {0};
	struct password_job *j;
	assert_int_equal(ask(STR("abc"), SHA1_ABC, SHA1_ACCEPT, &s, &j), ERR_OK);
	assert_int_equal(s.calls, 0);
	wait_for(&s, 1);
	assert_int_equal(s.verdict, PASSWORD_RIGHT);
	assert_string_equal(s.new_hash, "");
	assert_int_equal(ask(STR("abd"), SHA1_ABC, SHA1_ACCEPT, &s, &j), ERR_OK);
	wait_for(&s, 2);
	assert_int_equal(s.verdict, PASSWORD_WRONG);
	s.verdict = PASSWORD_RIGHT;
	assert_int_equal(ask(STR("abd"), "", SHA1_ACCEPT, &s, &j), ERR_OK);
	wait_for(&s, 3);
	assert_int_equal(s.verdict, PASSWORD_WRONG);
}

static void test_upgrade(void **state)
{
	(void)state;
	struct seen s = {0};
	struct password_job *j;
	assert_int_equal(ask(STR("abc"), SHA1_ABC, SHA1_UPGRADE, &s, &j), ERR_OK);
	wait_for(&s, 1);
	assert_int_equal(s.verdict, PASSWORD_OUTDATED);
	assert_true(str_starts(str_c(s.new_hash), STR("$argon2id$v=19$m=64,t=1,p=1$")));
	assert_int_equal(ask(STR("abc"), s.new_hash, SHA1_UPGRADE, &s, &j), ERR_OK);
	wait_for(&s, 2);
	assert_int_equal(s.verdict, PASSWORD_RIGHT);
	assert_string_equal(s.new_hash, "");
}

static void test_cancel(void **state)
{
	(void)state;
	struct seen gone = {0}, s = {0};
	struct password_job *j;
	assert_int_equal(ask(STR("abc"), SHA1_ABC, SHA1_ACCEPT, &gone, &j), ERR_OK);
	password_job_cancel(j);
	assert_int_equal(ask(STR("abc"), SHA1_ABC, SHA1_ACCEPT, &s, &j), ERR_OK);
	wait_for(&s, 1);
	assert_int_equal(gone.calls, 0);
	password_job_cancel(NULL);
}

/* What nobody waits for costs no hash: at the stop the queue would hold the process. */
static void test_a_cancelled_one_is_not_computed(void **state)
{
	(void)state;
	struct seen s = {0};
	struct password_job *first, *second;
	int64_t from_ms = clock_mono_ms();
	assert_int_equal(ask(STR("abc"), "$6$rounds=100000$salt$x", SHA1_ACCEPT, &s, &first), ERR_OK);
	wait_for(&s, 1);
	int64_t one_ms = clock_mono_ms() - from_ms;
	from_ms = clock_mono_ms();
	assert_int_equal(ask(STR("abc"), "$6$rounds=100000$salt$x", SHA1_ACCEPT, &s, &first), ERR_OK);
	assert_int_equal(ask(STR("abc"), "$6$rounds=3000000$salt$x", SHA1_ACCEPT, &s, &second), ERR_OK);
	password_job_cancel(second);
	wait_for(&s, 2);
	offload_free(pool);
	pool = NULL;
	assert_true(clock_mono_ms() - from_ms < 10 * one_ms + 20);
}

static void test_refused(void **state)
{
	(void)state;
	static char big[PASSWORD_MAX + 1];
	struct seen s = {0};
	struct password_job *j = NULL;
	int started = 0;
	memset(big, 'p', sizeof big);
	assert_int_equal(ask((struct str){big, sizeof big}, "", SHA1_ACCEPT, &s, &j), ERR_INVALID);
	assert_int_equal(ask(STR(""), "", SHA1_ACCEPT, &s, &j), ERR_INVALID);
	enum err_code code = ERR_OK;
	for (int i = 0; i < 200 && code == ERR_OK; i++) {
		code = ask((struct str){big, PASSWORD_MAX}, "$6$rounds=100000$salt$x", SHA1_ACCEPT, &s, &j);
		started += code == ERR_OK;
	}
	assert_int_equal(code, ERR_BUSY);
	wait_for(&s, started);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(test_answers), TEST(test_upgrade),
	        TEST(test_cancel),  TEST(test_a_cancelled_one_is_not_computed),
	        TEST(test_refused),
	};
	if (crypto_start(NULL) != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
