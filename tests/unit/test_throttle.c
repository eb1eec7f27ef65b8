/* How often a password may be tried. */
#include "test.h"

#include "base/crypto.h"
#include "login/throttle.h"

#include <pthread.h>
#include <stdlib.h>

enum { START_MS = 5000000 };

static struct throttle *t;

static int setup(void **state)
{
	(void)state;
	return throttle_new(&t, NULL) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	throttle_free(t);
	return 0;
}

static enum err_code reserve(const char *client, const char *email, const char *device, int64_t after_s,
                             struct throttle_claim *ret, int64_t *ret_wait_s)
{
	struct throttle_try who = {str_c(client), str_c(email), str_c(device)};
	return throttle_reserve(t, &who, START_MS + after_s * 1000, ret, ret_wait_s);
}

/* 0: a try was given; else the wait in seconds. */
static int64_t try_at(const char *client, const char *email, int64_t after_s)
{
	struct throttle_claim c;
	int64_t wait = -1;
	enum err_code code = reserve(client, email, "", after_s, &c, &wait);
	assert_true(code == ERR_OK || code == ERR_THROTTLED);
	assert_int_equal(code == ERR_OK, c.held);
	assert_int_equal(code == ERR_OK, wait == 0);
	return wait;
}

static void test_pair(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_at("192.0.2.1", "ann@example.com", i * 10), 0);
	assert_int_equal(try_at("192.0.2.1", "ann@example.com", 50), 850);
	assert_int_equal(try_at("192.0.2.1", "ann@example.com", 899), 1);
	/* one at a time comes back, as the tries leave the window: never more than 5 in any 900 s */
	assert_int_equal(try_at("192.0.2.1", "ann@example.com", 900), 0);
	assert_int_equal(try_at("192.0.2.1", "ann@example.com", 900), 10);
	assert_int_equal(try_at("192.0.2.1", "ann@example.com", 910), 0);
	assert_int_equal(try_at("192.0.2.1", "ann@example.com", 911), 9);
}

static void test_refused_tries_do_not_count(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_at("192.0.2.1", "ann@example.com", 0), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(try_at("192.0.2.1", "ann@example.com", 100), 800);
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_at("192.0.2.1", "bob@example.com", 100), 0);
}

static void test_client(void **state)
{
	(void)state;
	char email[32];
	for (int i = 0; i < 30; i++) {
		(void)snprintf(email, sizeof email, "user%d@example.com", i);
		assert_int_equal(try_at("192.0.2.1", email, i), 0);
	}
	assert_int_equal(try_at("192.0.2.1", "new@example.com", 30), 870);
	assert_int_equal(try_at("192.0.2.2", "new@example.com", 30), 0);
	assert_int_equal(try_at("192.0.2.1", "new@example.com", 900), 0);
	assert_int_equal(try_at("192.0.2.1", "new@example.com", 900), 1);
}

/* Which clients and e-mails share a count of 5. */
static void test_same_pair(void **state)
{
	(void)state;
	static const struct {
		const char *client, *email;
		bool same;
	} row[] = {
	        {"192.0.2.1", "ann@example.com", true},    {"192.0.2.255", "ann@example.com", true},
	        {"192.0.2.1", "ANN@Example.com", true},    {"::ffff:192.0.2.7", "ann@example.com", true},
	        {"192.0.3.1", "ann@example.com", false},   {"192.0.2.1", "bnn@example.com", false},
	        {"2001:db8::1", "ann@example.com", false}, {"", "ann@example.com", false},
	};
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_at("192.0.2.9", "ann@example.com", 0), 0);
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		assert_int_equal(try_at(row[i].client, row[i].email, 1), row[i].same ? 899 : 0);
}

static void test_same_pair_v6(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_at("2001:db8:1:100::1", "ann@example.com", 0), 0);
	assert_int_equal(try_at("2001:db8:1:1ff:9:9:9:9", "ann@example.com", 1), 899); /* the /56 */
	assert_int_equal(try_at("2001:db8:1:200::1", "ann@example.com", 1), 0);
}

static void test_same_client(void **state)
{
	(void)state;
	char email[32];
	for (int i = 0; i < 30; i++) {
		(void)snprintf(email, sizeof email, "user%d@example.com", i);
		assert_int_equal(try_at("2001:db8:1:1::1", email, 0), 0);
	}
	assert_int_equal(try_at("2001:db8:1:1:ffff::2", "a@example.com", 0), 900); /* the /64 */
	assert_int_equal(try_at("2001:db8:1:2::1", "a@example.com", 0), 0);
	for (int i = 0; i < 30; i++) {
		(void)snprintf(email, sizeof email, "user%d@example.com", i);
		assert_int_equal(try_at("not an address", email, 0), 0);
	}
	assert_int_equal(try_at("not an address", "a@example.com", 0), 900);
	assert_int_equal(try_at("not another", "a@example.com", 0), 0);
}

static void test_release(void **state)
{
	(void)state;
	struct throttle_claim c = {.held = false}, first;
	int64_t wait;
	for (int i = 0; i < 40; i++) {
		assert_int_equal(reserve("192.0.2.1", "a@b", "", 0, &c, &wait), ERR_OK);
		throttle_release(t, &c);
	}
	assert_int_equal(reserve("192.0.2.1", "a@b", "", 0, &first, &wait), ERR_OK);
	for (int i = 0; i < 4; i++)
		assert_int_equal(try_at("192.0.2.1", "a@b", i / 2 * 10), 0);
	assert_int_equal(try_at("192.0.2.1", "a@b", 10), 890);
	throttle_release(t, &first);
	throttle_release(t, &first); /* only once, also with others of the same second */
	assert_int_equal(try_at("192.0.2.1", "a@b", 20), 0);
	assert_int_equal(try_at("192.0.2.1", "a@b", 20), 880);
}

/* A claim whose try has left the window already. */
static void test_late_release(void **state)
{
	(void)state;
	struct throttle_claim c;
	int64_t wait;
	assert_int_equal(reserve("192.0.2.1", "a@b", "", 0, &c, &wait), ERR_OK);
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_at("192.0.2.1", "a@b", 900), 0);
	throttle_release(t, &c);
	assert_int_equal(try_at("192.0.2.1", "a@b", 900), 900);
}

/* Another worker's clock may be a second behind. */
static void test_clock_behind(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_at("192.0.2.1", "a@b", 1), 0);
	assert_int_equal(try_at("192.0.2.1", "a@b", 0), 900);
	assert_int_equal(try_at("192.0.2.1", "a@b", 1), 900);
}

/* A full counter outlives a flood of others of twice the table's size. */
static void test_flood(void **state)
{
	(void)state;
	char client[48], email[48];
	struct throttle_claim c;
	int64_t wait;
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_at("192.0.2.1", "ann@example.com", 0), 0);
	for (unsigned i = 0; i < 2 * 65536; i++) {
		(void)snprintf(client, sizeof client, "2001:%x:%x::1", i >> 16, i & 0xffff);
		(void)snprintf(email, sizeof email, "user%u@example.com", i);
		assert_int_equal(reserve(client, email, "", 1 + i / 1000, &c, &wait), ERR_OK);
	}
	assert_true(try_at("192.0.2.1", "ann@example.com", 200) > 0);
}

static void *racer(void *arg)
{
	int *got = arg;
	for (int i = 0; i < 1000; i++)
		*got += try_at("192.0.2.1", "ann@example.com", 0) == 0;
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	pthread_t thread[4];
	int got[4] = {0}, all = 0;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, racer, &got[i]), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		all += got[i];
	}
	assert_int_equal(all, 5);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(test_pair),         TEST(test_refused_tries_do_not_count),
	        TEST(test_client),       TEST(test_same_pair),
	        TEST(test_same_pair_v6), TEST(test_same_client),
	        TEST(test_release),      TEST(test_late_release),
	        TEST(test_clock_behind), TEST(test_flood),
	        TEST(test_threads),
	};
	if (crypto_start(NULL) != ERR_OK)
		return 1;
	throttle_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
