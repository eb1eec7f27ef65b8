/* Kinds of hashes met lately: the dummy, the slot, the warning. */
#include "test.h"

#include "login/hash.h"
#include "obs/metrics.h"

#define BCRYPT "$2b$12$KBCwKxOzLha2MUDgW0PjXeGy8zDyKFegpVV4y0qPBUgij10WNyKY6"
#define BCRYPT_BLANK "$2b$12$....................................................."
#define SHA512 "$6$saltsalt$x"
#define ARGON2 "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$Zm9v"

enum { NOW = 1000000 };

static struct hash_lately l;

static int setup(void **state)
{
	(void)state;
	hash_lately_init(&l);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hash_lately_done(&l);
	return 0;
}

static const char *dummy(int64_t now_ms)
{
	static char text[STORE_HASH_MAX + 1];
	return hash_lately_dummy(&l, now_ms, text) ? text : NULL;
}

static void test_blank(void **state)
{
	(void)state;
	static const struct {
		const char *hash, *blank; /* NULL: none */
	} row[] = {
	        {BCRYPT, BCRYPT_BLANK},
	        {ARGON2, "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAA$AAAA"},
	        {"$argon2i$m=8,t=1,p=1$c29t$Zm9v", "$argon2i$m=8,t=1,p=1$AAAA$AAAA"},
	        {"$6$rounds=5000$salt$hash", "$6$rounds=5000$....$...."},
	        {"$6$salt$hash", "$6$....$...."},
	        {"$y$j9T$salt$hash", "$y$j9T$....$...."},
	        {"$7$CU..../....salt$hash", "$7$CU..../........$...."},
	        {"$sha1$2495$salt$hash", "$sha1$2495$....$...."},
	        {"$1$salt$hash", "$1$....$...."},
	        {"$2b$31$x", NULL},
	        {"a9993e364706816aba3e25717850c26c9cd0d89d", NULL},
	        {"kl.bVxHBAClgE", NULL},
	        {"plain text", NULL},
	        {"", NULL},
	};
	char text[STORE_HASH_MAX + 1];
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		assert_int_equal(hash_cost_blank(str_c(row[i].hash), text, sizeof text),
		                 row[i].blank != NULL);
		if (row[i].blank == NULL)
			continue;
		assert_string_equal(text, row[i].blank);
		assert_true(hash_cost_blank(str_c(row[i].blank), text, sizeof text)); /* it is its own */
		assert_string_equal(text, row[i].blank);
	}
	assert_false(hash_cost_blank(STR(BCRYPT), text, 20));
}

static void test_the_dummy_is_the_costliest_met(void **state)
{
	(void)state;
	assert_null(dummy(NOW));
	hash_lately_note(&l, STR(""), 25000, NOW); /* a new hash is no kind that was met */
	assert_null(dummy(NOW));
	hash_lately_note(&l, STR(SHA512), 3000, NOW);
	assert_string_equal(dummy(NOW), "$6$........$.");
	hash_lately_note(&l, STR(BCRYPT), 240000, NOW);
	assert_string_equal(dummy(NOW), BCRYPT_BLANK);
	hash_lately_note(&l, STR(SHA512), 3000, NOW);
	assert_string_equal(dummy(NOW), BCRYPT_BLANK);
}

/* A hash that was slow because others were at work is not costly. */
static void test_the_shortest_time_counts(void **state)
{
	(void)state;
	hash_lately_note(&l, STR(ARGON2), 299000, NOW);
	hash_lately_note(&l, STR(BCRYPT), 240000, NOW);
	assert_true(str_starts(str_c(dummy(NOW)), STR("$argon2id$")));
	hash_lately_note(&l, STR(ARGON2), 25000, NOW);
	assert_string_equal(dummy(NOW), BCRYPT_BLANK);
	hash_lately_note(&l, STR(ARGON2), 299000, NOW);
	assert_string_equal(dummy(NOW), BCRYPT_BLANK);
}

static void test_an_absurd_hash_is_no_dummy_but_has_a_slot(void **state)
{
	(void)state;
	const int64_t later = NOW + 60 * (int64_t)HASH_LATELY_BUSY_MS;
	hash_lately_note(&l, STR(BCRYPT), 240000, NOW);
	hash_lately_note(&l, STR("$2b$15$x"), 1900000, NOW);
	assert_string_equal(dummy(NOW), BCRYPT_BLANK);
	assert_int_equal(hash_lately_slot_us(&l, later), 1900000 + 475000);
	hash_lately_note(&l, STR("$2b$16$x"), 3800000, NOW);
	assert_int_equal(hash_lately_slot_us(&l, later), HASH_LATELY_SLOT_US);
}

static void test_the_slot_follows_a_busy_machine(void **state)
{
	(void)state;
	assert_int_equal(hash_lately_slot_us(&l, NOW), 0);
	hash_lately_note(&l, STR(ARGON2), 20000, NOW);
	assert_int_equal(hash_lately_slot_us(&l, NOW), 25000);
	hash_lately_note(&l, STR(ARGON2), 160000, NOW);
	assert_int_equal(hash_lately_slot_us(&l, NOW), 160000);
	hash_lately_note(&l, STR(ARGON2), 90000, NOW + HASH_LATELY_BUSY_MS); /* more than half of it */
	assert_int_equal(hash_lately_slot_us(&l, NOW + HASH_LATELY_BUSY_MS), 90000);
	assert_int_equal(hash_lately_slot_us(&l, NOW + 2 * HASH_LATELY_BUSY_MS), 45000);
	assert_int_equal(hash_lately_slot_us(&l, NOW + 99 * (int64_t)HASH_LATELY_BUSY_MS), 25000);
}

static void test_kinds_are_forgotten(void **state)
{
	(void)state;
	hash_lately_note(&l, STR(BCRYPT), 240000, NOW);
	hash_lately_note(&l, STR(SHA512), 3000, NOW + HASH_LATELY_MS / 2);
	assert_string_equal(dummy(NOW + HASH_LATELY_MS), BCRYPT_BLANK);
	assert_true(str_starts(str_c(dummy(NOW + HASH_LATELY_MS + 1)), STR("$6$")));
	assert_null(dummy(NOW + 2 * (int64_t)HASH_LATELY_MS));
	assert_int_equal(hash_lately_slot_us(&l, NOW + 2 * (int64_t)HASH_LATELY_MS), 0);
}

/* Many kinds: the costliest stay. */
static void test_kinds_are_bounded(void **state)
{
	(void)state;
	char hash[64];
	hash_lately_note(&l, STR(BCRYPT), 240000, NOW);
	for (int i = 0; i < 3 * HASH_LATELY_KINDS; i++) {
		(void)snprintf(hash, sizeof hash, "$6$rounds=%d$salt$x", 1000 + i);
		hash_lately_note(&l, str_c(hash), 1000 + i, NOW);
	}
	assert_string_equal(dummy(NOW), BCRYPT_BLANK);
	hash_lately_note(&l, STR("$2b$11$x"), 250000, NOW);
	assert_true(str_starts(str_c(dummy(NOW)), STR("$2b$11$")));
}

static void test_slow_ones_are_counted(void **state)
{
	(void)state;
	int64_t before = metric_value(M_HASH_SLOW);
	hash_lately_note(&l, STR(BCRYPT), HASH_LATELY_SLOW_US, NOW);
	assert_int_equal(metric_value(M_HASH_SLOW), before);
	hash_lately_note(&l, STR(BCRYPT), HASH_LATELY_SLOW_US + 1, NOW);
	hash_lately_note(&l, STR(""), HASH_LATELY_SLOW_US + 1, NOW);
	assert_int_equal(metric_value(M_HASH_SLOW), before + 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(test_blank),
	        TEST(test_the_dummy_is_the_costliest_met),
	        TEST(test_the_shortest_time_counts),
	        TEST(test_an_absurd_hash_is_no_dummy_but_has_a_slot),
	        TEST(test_the_slot_follows_a_busy_machine),
	        TEST(test_kinds_are_forgotten),
	        TEST(test_kinds_are_bounded),
	        TEST(test_slow_ones_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
