/* How often a password may be tried. */
#include "starve.h"
#include "throttle_rig.h"

#include <pthread.h>
#include <stdlib.h>

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

/* Who has a /48 has 256 networks of the other count: 20 tries of an e-mail in all of them.  In an hour these
 * are fewer than the store's ceiling of a customer, so no single /48 keeps the owner out. */
static void test_one_email_from_a_48(void **state)
{
	(void)state;
	char client[48];
	int got = 0;
	for (int s = 0; s < 3600; s++) {
		(void)snprintf(client, sizeof client, "2001:db8:1:%x00::1", s % 256);
		got += try_at(client, "ann@example.com", s) == 0;
	}
	assert_int_equal(got, 4 * 20);
	assert_true(try_at("2001:db8:1:9900::1", "ann@example.com", 3599) > 0);
	assert_int_equal(try_at("2001:db8:2:9900::1", "ann@example.com", 3599), 0);
}

static void test_network(void **state)
{
	(void)state;
	assert_int_equal(tries_of_network("192.0.2.", "", 100), 300);
	assert_int_equal(tries_of_network("192.0.3.", "", 1), 10);
	assert_int_equal(tries_of_network("2001:db8:1:", "::1", 100), 300);
	assert_int_equal(tries_of_network("2001:db8:2:", "::1", 1), 10);
	assert_int_equal(try_at("192.0.2.200", "new@example.com", 899), 1);
	assert_int_equal(try_at("192.0.2.200", "new@example.com", 900), 0);
}

static void test_device(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) /* strangers nearby */
		assert_int_equal(try_at("192.0.2.1", "ann@example.com", 0), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(try_with("d1", "192.0.2.1", "ann@example.com", i), -1);
	assert_int_equal(try_with("d1", "192.0.2.1", "ann@example.com", 5), 895); /* like anybody's */
	assert_int_equal(try_with("d1", "203.0.113.1", "Ann@example.com", 5), 0);
	assert_int_equal(try_with("d2", "192.0.2.1", "ann@example.com", 5), -1);
	assert_int_equal(try_with("d1", "192.0.2.1", "bob@example.com", 5), -1);
	assert_int_equal(try_with("d1", "203.0.113.1", "ann@example.com", 3599), 0);
	assert_int_equal(try_with("d1", "192.0.2.1", "ann@example.com", 3600), -1);
	assert_int_equal(try_with("d1", "203.0.113.1", "ann@example.com", 3600), 0);
}

/* Who has a password can make devices without end: they do not give tries without end. */
static void test_devices_of_one_email(void **state)
{
	(void)state;
	char device[16];
	int own = 0;
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(device, sizeof device, "d%d", i);
		own += try_with(device, "192.0.2.1", "ann@example.com", 0) == -1;
	}
	assert_int_equal(own, 30);
}

/* Right ones are free, up to 20 of a client; from then on each is a try. */
static void test_right_logins(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(right_at("", "192.0.2.1", "ann@example.com", i), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(right_at("", "192.0.2.1", "ann@example.com", 20), 0);
	assert_int_equal(right_at("", "192.0.2.1", "ann@example.com", 20), 900);
	assert_int_equal(right_at("", "192.0.3.1", "ann@example.com", 20), 0);
	for (int i = 0; i < 21; i++) /* the first 20 have left the window, and the five are tries until 920 */
		assert_int_equal(right_at("", "192.0.2.1", "ann@example.com", 920), 0);
}

/* Many people behind one address. */
static void test_right_logins_of_many(void **state)
{
	(void)state;
	char email[48];
	int got = 0;
	for (int i = 0; i < 100; i++) {
		(void)snprintf(email, sizeof email, "user%d@example.com", i);
		got += right_at("", "192.0.2.1", email, 0) == 0;
	}
	assert_int_equal(got, 20 + 30);
	for (int i = 0; i < 100; i++) { /* known devices among them count apart */
		(void)snprintf(email, sizeof email, "user%d@example.com", i);
		assert_int_equal(right_at("d", "192.0.2.1", email, 0), 0);
	}
}

/* Right logins of all devices of an e-mail: 20 are free, then each costs its device a try, then its client.
 */
static void test_right_logins_of_devices(void **state)
{
	(void)state;
	struct throttle_claim c;
	int64_t wait;
	for (int i = 0; i < 25; i++)
		assert_int_equal(right_at("d1", "192.0.2.1", "ann@example.com", 0), 0);
	assert_int_equal(reserve("192.0.2.1", "ann@example.com", "d1", 0, &c, &wait), ERR_OK);
	assert_false(c.of_device);
	assert_int_equal(reserve("192.0.2.1", "ann@example.com", "d2", 0, &c, &wait), ERR_OK);
	assert_true(c.of_device);
}

static void test_profile(void **state)
{
	(void)state;
	struct throttle_claim c;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(customer_try("17", "C-1", 0, &c), ERR_OK);
		throttle_release(t, &c); /* a right login */
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(customer_try("17", "C-1", 0, &c), ERR_OK);
	assert_int_equal(customer_try("17", "C-1", 3599, &c), ERR_THROTTLED);
	throttle_release(t, &c); /* of nothing */
	assert_int_equal(customer_try("17", "C-1", 3599, &c), ERR_THROTTLED);
	assert_int_equal(customer_try("17", "C-2", 0, &c), ERR_OK);
	assert_int_equal(customer_try("1", "7C-1", 0, &c), ERR_OK);
	assert_int_equal(customer_try("17", "C-1", 3600, &c), ERR_OK);
}

/* All clients of a customer together: 100 in any hour, taken before the hash. */
static void test_customer(void **state)
{
	(void)state;
	struct throttle_claim c;
	for (int i = 0; i < 200; i++) {
		assert_int_equal(customer_try("", "C-1", i, &c), ERR_OK);
		throttle_release(t, &c); /* right ones */
	}
	for (int i = 0; i < 100; i++)
		assert_int_equal(customer_try("", "C-1", i, &c), ERR_OK);
	assert_int_equal(customer_try("", "C-1", 3599, &c), ERR_THROTTLED);
	assert_int_equal(customer_try("", "C-2", 3599, &c), ERR_OK);
	assert_int_equal(customer_try("17", "C-1", 3599, &c), ERR_OK);
	assert_int_equal(customer_try("", "C-1", 3600, &c), ERR_OK);
	assert_int_equal(customer_try("", "C-1", 3600, &c), ERR_THROTTLED);
}

static enum err_code make_and_free(void)
{
	struct throttle *made = NULL;
	enum err_code code = throttle_new(&made, NULL);
	throttle_free(made);
	return code;
}

static enum err_code try_once(const char *device)
{
	struct throttle_claim c;
	int64_t wait;
	enum err_code code = reserve("192.0.2.1", "ann@example.com", device, 0, &c, &wait);
	throttle_release(t, &c);
	return code;
}

static enum err_code profile_once(void)
{
	struct throttle_claim c;
	enum err_code code = customer_try("17", "C-1", 0, &c);
	throttle_release(t, &c);
	return code;
}

/* Without memory nothing is tried uncounted; a device then counts as any client. */
static void test_starve(void **state)
{
	(void)state;
	STARVE(make_and_free(), ERR_OK);
	STARVE(try_once(""), ERR_OK);
	STARVE(profile_once(), ERR_OK);
	STARVE_AS(try_once("d1"), ERR_OK, ERR_OK);
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
	        TEST(test_pair),
	        TEST(test_refused_tries_do_not_count),
	        TEST(test_client),
	        TEST(test_same_pair),
	        TEST(test_same_pair_v6),
	        TEST(test_same_client),
	        TEST(test_release),
	        TEST(test_late_release),
	        TEST(test_clock_behind),
	        TEST(test_one_email_from_a_48),
	        TEST(test_network),
	        TEST(test_device),
	        TEST(test_devices_of_one_email),
	        TEST(test_right_logins),
	        TEST(test_right_logins_of_many),
	        TEST(test_right_logins_of_devices),
	        TEST(test_profile),
	        TEST(test_customer),
	        TEST(test_starve),
	        TEST(test_threads),
	};
	if (crypto_start(NULL) != ERR_OK)
		return 1;
	throttle_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
