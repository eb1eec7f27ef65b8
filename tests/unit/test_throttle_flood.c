/* What somebody with many addresses does to the throttle's tables: frees no full count of his own, and
 * reaches none of devices, profiles and right logins. */
#include "throttle_rig.h"

/* Tries of as many clients, networks and e-mails. */
static void flood(unsigned n, int64_t after_s)
{
	char client[48], email[48];
	struct throttle_claim c;
	int64_t wait;
	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(client, sizeof client, "2001:%x:%x:%x::1", i >> 16, i & 0xffff, i & 0xff);
		(void)snprintf(email, sizeof email, "user%u@example.com", i);
		assert_int_equal(reserve(client, email, "", after_s + i / 1000, &c, &wait), ERR_OK);
	}
}

/* Full counts outlive a flood of others of twice the largest table: who floods frees none of his own, neither
 * of a client, of an e-mail nor of a network. */
static void test_flood(void **state)
{
	(void)state;
	char email[48];
	for (int i = 0; i < 30; i++) {
		(void)snprintf(email, sizeof email, "other%d@example.com", i);
		assert_int_equal(try_at("198.51.100.1", email, 0), 0);
	}
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_at("192.0.2.1", "ann@example.com", 0), 0);
	assert_int_equal(tries_of_network("203.0.113.", "", 100), 300);
	flood(2 * 65536, 1);
	assert_int_equal(try_at("192.0.2.1", "ann@example.com", 200), 700);
	assert_int_equal(try_at("198.51.100.1", "new@example.com", 200), 700);
	assert_int_equal(try_at("203.0.113.200", "new@example.com", 200), 700);
}

/* A stranger's flood does not reach the counts of devices, profiles and right logins, not even the smallest.
 */
static void test_flood_beside_devices(void **state)
{
	(void)state;
	struct throttle_claim c;
	int64_t wait;
	assert_int_equal(reserve("192.0.2.1", "ann@example.com", "d1", 0, &c, &wait), ERR_OK);
	assert_int_equal(customer_try("17", "C-1", 0, &c), ERR_OK);
	for (int i = 0; i < 20; i++)
		assert_int_equal(right_at("", "192.0.2.1", "bob@example.com", 0), 0);
	flood(2 * 65536, 1);
	for (int i = 0; i < 4; i++)
		assert_int_equal(try_with("d1", "192.0.2.1", "ann@example.com", 200), -1);
	assert_int_equal(try_with("d1", "192.0.2.1", "ann@example.com", 200), 0);
	assert_int_equal(customer_try("17", "C-1", 200, &c), ERR_OK);
	assert_int_equal(customer_try("17", "C-1", 200, &c), ERR_OK);
	assert_int_equal(customer_try("17", "C-1", 200, &c), ERR_THROTTLED);
	for (int i = 0; i < 5; i++)
		assert_int_equal(right_at("", "192.0.2.1", "bob@example.com", 200), 0);
	assert_int_equal(right_at("", "192.0.2.1", "bob@example.com", 200), 900);
}

/* Tries that were given back, because nothing could be judged, push out nothing that is not replaced. */
static void test_flood_of_released_tries(void **state)
{
	(void)state;
	char client[48], email[48];
	struct throttle_claim c;
	int64_t wait;
	for (int i = 0; i < 4; i++)
		assert_int_equal(try_at("192.0.2.1", "ann@example.com", 0), 0);
	for (unsigned i = 0; i < 4 * 65536; i++) {
		(void)snprintf(client, sizeof client, "2001:%x:%x::1", i >> 16, i & 0xffff);
		(void)snprintf(email, sizeof email, "user%u@example.com", i);
		assert_int_equal(reserve(client, email, "", 1, &c, &wait), ERR_OK);
		throttle_release(t, &c);
	}
	assert_int_equal(try_at("192.0.2.1", "ann@example.com", 1), 0);
	assert_int_equal(try_at("192.0.2.1", "ann@example.com", 1), 899);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(test_flood),
	        TEST(test_flood_beside_devices),
	        TEST(test_flood_of_released_tries),
	};
	if (crypto_start(NULL) != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
