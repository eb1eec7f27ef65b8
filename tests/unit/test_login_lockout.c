/* POST /link/login when strangers use up a customer's tries: the owner gets in, by a device that is known or
 * a profile that Facebook confirmed. */
#include "login_visit.h"

#include "base/clock.h"
#include "login/device.h"

#define ANN "&email=ann%40example.com&password=correct+horse"
#define ANN_WRONG "&email=ann%40example.com&password=wrong"
#define WRONG_TEXT "E-mail or password is not right."

static struct store_customer *ann(void)
{
	struct visit_script *s = &visit.script[STORE_FIND_EMAIL];
	s->n = 1;
	visit_customer(&s->customer[0], "C-1", "ann@example.com", visit_hash());
	return &s->customer[0];
}

static void log_in(const char *rest)
{
	visit_run(login_submit, NULL, visit_login_form("", 0, rest));
}

static void at_ceiling(struct store_customer *c)
{
	c->login_failures = 100;
	c->login_window_ends_s = clock_wall_ms() / 1000 + 3600;
}

/* Log in rightly as somebody below the ceiling; -> the cookie that the browser then has. */
static const char *make_device(const char *id, const char *email)
{
	static char value[4096];
	static const char mark[] = "Set-Cookie: __Host-linkd-device=";
	struct visit_script *s = &visit.script[STORE_FIND_EMAIL], before = *s;
	char rest[400];
	s->n = 1;
	visit_customer(&s->customer[0], id, email, visit_hash());
	visit.device = NULL;
	(void)snprintf(rest, sizeof rest, "&email=%s&password=correct+horse", email);
	log_in(rest);
	assert_int_equal(visit.status, 200);
	const char *from = strstr(visit.headers, mark);
	assert_non_null(from);
	from += sizeof mark - 1;
	assert_true(str_copy(value, sizeof value, (struct str){from, strcspn(from, ";")}));
	*s = before;
	return value;
}

static void test_a_device_is_made_by_a_right_password_only(void **state)
{
	(void)state;
	struct store_customer *c = ann();
	log_in(ANN_WRONG);
	assert_null(strstr(visit.headers, "Set-Cookie"));
	log_in("&email=ann&password=x");
	assert_null(strstr(visit.headers, "Set-Cookie"));
	at_ceiling(c);
	log_in(ANN);
	assert_null(strstr(visit.headers, "Set-Cookie"));
	c->login_failures = 0;
	log_in(ANN);
	assert_non_null(strstr(visit.headers, "Set-Cookie: __Host-linkd-device="));
	visit.script[STORE_FIND_EMAIL].n = 0;
	log_in("&email=nobody%40example.com&password=correct+horse");
	assert_null(strstr(visit.headers, "Set-Cookie"));
}

/* Its right logins cost it nothing, and its 5 tries an hour end it. */
static void test_a_known_device_passes_the_ceiling(void **state)
{
	(void)state;
	struct store_customer *c = ann();
	visit.device = make_device("C-1", "ann@example.com");
	at_ceiling(c);
	for (int i = 0; i < 10; i++) {
		log_in(ANN);
		assert_int_equal(visit.status, 200);
	}
	for (int i = 1; i <= 5; i++) {
		log_in(ANN_WRONG);
		assert_int_equal(visit.status, 401);
		assert_int_equal(visit.count[STORE_FAILURE], i); /* counted with all others too */
	}
	log_in(ANN);
	assert_int_equal(visit.status, 401);
	assert_true(visit_has(WRONG_TEXT));
	assert_int_equal(visit.count[STORE_FAILURE], 5);
}

/* Not one of another customer, not of one who had the e-mail before, not a forged one. */
static void test_other_devices_do_not_pass(void **state)
{
	(void)state;
	struct store_customer *c = ann();
	at_ceiling(c);
	const char *device[] = {"forged", "", make_device("C-2", "bob@example.com"), NULL};
	for (size_t i = 0; i < 4; i++) {
		visit.device = device[i];
		log_in(ANN);
		assert_int_equal(visit.status, 401);
	}
	visit.device = make_device("C-9", "ann@example.com");
	log_in(ANN);
	assert_int_equal(visit.status, 401);
	assert_int_equal(visit.count[STORE_FAILURE], 0);
}

/* Who is near, with all tries of the network, does not shut it out either. */
static void test_a_known_device_has_tries_of_its_own(void **state)
{
	(void)state;
	ann();
	const char *device = make_device("C-1", "ann@example.com");
	visit.device = NULL;
	for (int i = 0; i < 5; i++)
		log_in(ANN_WRONG);
	log_in(ANN);
	assert_int_equal(visit.status, 429);
	visit.device = device;
	log_in(ANN);
	assert_int_equal(visit.status, 200);
}

/* Whose state carries a profile that Facebook confirmed has 3 tries an hour, from any browser. */
static void test_a_confirmed_profile_passes_the_ceiling(void **state)
{
	(void)state;
	struct store_customer *c = ann();
	at_ceiling(c);
	for (int i = 0; i < 3; i++) {
		visit_run(login_submit, NULL, visit_login_form("17", 0, ANN));
		assert_int_equal(visit.status, 200);
	}
	for (int i = 1; i <= 3; i++) {
		visit_run(login_submit, NULL, visit_login_form("17", 0, ANN_WRONG));
		assert_int_equal(visit.status, 401);
		assert_int_equal(visit.count[STORE_FAILURE], i);
	}
	visit_run(login_submit, NULL, visit_login_form("17", 0, ANN));
	assert_int_equal(visit.status, 401);
	assert_true(visit_has(WRONG_TEXT));
	visit_run(login_submit, NULL, visit_login_form("18", 0, ANN));
	assert_int_equal(visit.status, 200);
	visit_customer(c, "C-2", "ann@example.com", visit_hash());
	at_ceiling(c);
	visit_run(login_submit, NULL, visit_login_form("17", 0, ANN)); /* of another customer */
	assert_int_equal(visit.status, 200);
	log_in(ANN); /* of no profile */
	assert_int_equal(visit.status, 401);
}

/* Tries that are on their way count before the store knows of any failure. */
static void test_tries_at_once_do_not_pass_the_ceiling(void **state)
{
	(void)state;
	struct store_customer *c = ann();
	struct throttle_claim claim;
	uint8_t key[DEVICE_DIGEST_LEN];
	const char *device = make_device("C-1", "ann@example.com");
	assert_int_equal(device_key_digest(&c->key, key), ERR_OK);
	for (int i = 0; i < 100; i++)
		assert_int_equal(throttle_reserve_customer(visit.service.throttle,
		                                           (struct str){(const char *)key, sizeof key},
		                                           STR(""), clock_mono_ms(), &claim),
		                 ERR_OK);
	visit.device = NULL;
	log_in(ANN);
	assert_int_equal(visit.status, 401);
	assert_int_equal(visit.count[STORE_FAILURE], 0);
	visit.device = device;
	log_in(ANN);
	assert_int_equal(visit.status, 200);
	throttle_release(visit.service.throttle, &claim);
	visit.device = NULL;
	for (int i = 0; i < 3; i++) { /* right ones cost none of them */
		log_in(ANN);
		assert_int_equal(visit.status, 200);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, visit_setup, visit_teardown)
	const struct CMUnitTest tests[] = {
	        TEST(test_a_device_is_made_by_a_right_password_only),
	        TEST(test_a_known_device_passes_the_ceiling),
	        TEST(test_other_devices_do_not_pass),
	        TEST(test_a_known_device_has_tries_of_its_own),
	        TEST(test_a_confirmed_profile_passes_the_ceiling),
	        TEST(test_tries_at_once_do_not_pass_the_ceiling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
