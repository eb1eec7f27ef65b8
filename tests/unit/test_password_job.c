/* Password checks on the pool: answers, cancels, a full queue. */
#include "test.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "login/password.h"
#include "loop/loop.h"
#include "store/store.h"

#include <time.h>

#define SLOW "$6$rounds=100000$salt$x"
#define SHA1_ABC "a9993e364706816aba3e25717850c26c9cd0d89d"

struct seen {
	int calls;
	enum password_verdict verdict;
	bool dropped;
	int64_t slot_ends_ms;
	char new_hash[STORE_HASH_MAX + 1];
};

static struct loop *loop;
static struct password_pool *pool;
static const char *email, *client; /* NULL: of nobody else */

static enum err_code start_pool(unsigned threads)
{
	struct password_pool_options o = {.threads = threads, .places = 4};
	return password_pool_new(&o, &pool, NULL);
}

static int setup(void **state)
{
	(void)state;
	email = client = NULL;
	return loop_new(&loop, NULL) == ERR_OK && start_pool(2) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	password_pool_free(pool);
	loop_drain(loop);
	loop_free(loop);
	return 0;
}

static void on_answer(void *arg, const struct password_answer *a)
{
	struct seen *s = arg;
	s->calls++;
	s->verdict = a->verdict;
	s->dropped = a->dropped;
	s->slot_ends_ms = a->slot_ends_ms;
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

static enum err_code ask(struct str password, const char *hash, enum config_legacy_sha1 sha1, struct seen *s,
                         struct password_job **ret)
{
	static int others;
	char other_email[32], other_client[32];
	(void)snprintf(other_email, sizeof other_email, "n%d@example.com", ++others);
	(void)snprintf(other_client, sizeof other_client, "10.0.%d.1", others % 256);
	struct password_question q = {.pool = pool,
	                              .home = loop,
	                              .policy = {.memory_kib = 64, .passes = 1, .sha1 = sha1},
	                              .password = password,
	                              .email = str_c(email != NULL ? email : other_email),
	                              .client = str_c(client != NULL ? client : other_client),
	                              .answer_by_ms = clock_mono_ms() + 60000};
	enum err_code code = password_job_new(&q, ret, NULL);
	return code == ERR_OK ? password_job_start(*ret, str_c(hash), on_answer, s) : code;
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
	password_pool_free(pool);
	assert_int_equal(start_pool(1), ERR_OK);
	int64_t from_ms = clock_mono_ms();
	assert_int_equal(ask(STR("abc"), "$6$rounds=100000$salt$x", SHA1_ACCEPT, &s, &first), ERR_OK);
	wait_for(&s, 1);
	int64_t one_ms = clock_mono_ms() - from_ms;
	from_ms = clock_mono_ms();
	assert_int_equal(ask(STR("abc"), "$6$rounds=100000$salt$x", SHA1_ACCEPT, &s, &first), ERR_OK);
	assert_int_equal(ask(STR("abc"), "$6$rounds=3000000$salt$x", SHA1_ACCEPT, &s, &second), ERR_OK);
	password_job_cancel(second);
	wait_for(&s, 2);
	password_pool_free(pool);
	pool = NULL;
	assert_true(clock_mono_ms() - from_ms < 10 * one_ms + 20);
}

static void test_refused(void **state)
{
	(void)state;
	static char big[PASSWORD_MAX + 1];
	struct seen s = {0};
	struct password_job *j = NULL;
	memset(big, 'p', sizeof big);
	assert_int_equal(ask((struct str){big, sizeof big}, "", SHA1_ACCEPT, &s, &j), ERR_INVALID);
	assert_int_equal(ask(STR(""), "", SHA1_ACCEPT, &s, &j), ERR_INVALID);
	client = "192.0.2.1"; /* of four places one is for its network */
	enum err_code code = ERR_OK;
	int started = 0;
	for (int i = 0; i < 200 && code == ERR_OK; i++) {
		code = ask((struct str){big, PASSWORD_MAX}, SLOW, SHA1_ACCEPT, &s, &j);
		started += code == ERR_OK;
	}
	assert_int_equal(code, ERR_BUSY);
	wait_for(&s, started);
}

/* Of equal ones the newest have a place; the others are told at once. */
static void test_pushed_out(void **state)
{
	(void)state;
	struct seen s[10] = {0};
	struct password_job *j;
	int dropped = 0;
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(ask(STR("abc"), SLOW, SHA1_ACCEPT, &s[i], &j), ERR_OK);
	for (size_t i = 0; i < 10; i++)
		wait_for(&s[i], 1), dropped += s[i].dropped;
	assert_in_range(dropped, 10 - 4 - 2, 10 - 4); /* four places, two threads */
	assert_false(s[9].dropped);
}

/* --- a failed check does not tell what it was */

/* Whatever the hash, and whether there is one: the e-mail is kept for the slot of the costliest kind. */
static void test_slots_of_an_email_follow_each_other(void **state)
{
	(void)state;
	static const char *const hashes[] = {SLOW, "", SHA1_ABC, "!locked", "$6$saltsalt$x", ""};
	struct seen slow = {0}, s[6] = {0};
	struct password_job *j;
	int64_t from_ms = clock_mono_ms();
	assert_int_equal(ask(STR("abd"), SLOW, SHA1_ACCEPT, &slow, &j), ERR_OK);
	wait_for(&slow, 1);
	int64_t slot_ms = slow.slot_ends_ms - from_ms; /* at least */
	assert_true(slot_ms > 0);
	email = "ann@example.com";
	for (size_t i = 0; i < 6; i++) {
		from_ms = clock_mono_ms();
		assert_int_equal(ask(STR("abd"), hashes[i], SHA1_ACCEPT, &s[i], &j), ERR_OK);
		wait_for(&s[i], 1);
		assert_true(s[i].slot_ends_ms - from_ms >= slot_ms / 2);
		if (i > 0) /* it did not start before the slot of the one before it was over */
			assert_true(s[i].slot_ends_ms - s[i - 1].slot_ends_ms >= slot_ms / 2);
		email = i % 2 == 0 ? "Ann@Example.com" : "ann@example.com"; /* finds the same customer */
	}
}

/* A right one frees the e-mail at once: there is nothing to hide. */
static void test_a_right_one_keeps_nobody_waiting(void **state)
{
	(void)state;
	struct seen slow = {0}, s[2] = {0};
	struct password_job *j;
	for (int i = 0; i < 2; i++)
		assert_int_equal(ask(STR("abd"), SLOW, SHA1_ACCEPT, &slow, &j), ERR_OK);
	wait_for(&slow, 2);
	email = "ann@example.com";
	bool early = false; /* the second began while the first one's slot was not over */
	for (int i = 0; i < 20 && !early; i++) {
		s[0] = s[1] = (struct seen){0};
		assert_int_equal(ask(STR("abc"), SHA1_ABC, SHA1_ACCEPT, &s[0], &j), ERR_OK);
		assert_int_equal(ask(STR("abc"), SHA1_ABC, SHA1_ACCEPT, &s[1], &j), ERR_OK);
		wait_for(&s[0], 1);
		wait_for(&s[1], 1);
		assert_int_equal(s[0].verdict, PASSWORD_RIGHT);
		assert_int_equal(s[1].verdict, PASSWORD_RIGHT);
		early = clock_mono_ms() < s[0].slot_ends_ms;
	}
	assert_true(early);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(test_answers),
	        TEST(test_upgrade),
	        TEST(test_cancel),
	        TEST(test_a_cancelled_one_is_not_computed),
	        TEST(test_refused),
	        TEST(test_pushed_out),
	        TEST(test_slots_of_an_email_follow_each_other),
	        TEST(test_a_right_one_keeps_nobody_waiting),
	};
	if (crypto_start(NULL) != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
