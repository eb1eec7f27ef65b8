/* POST /link/login: each way through the flow. */
#include "login_visit.h"

#include "store/record.h"

#include "base/clock.h"
#include "login/private.h"

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

static void test_right(void **state)
{
	(void)state;
	ann();
	for (int i = 0; i < 8; i++) { /* a right login does not count as a try */
		log_in(ANN);
		assert_int_equal(visit.status, 200);
	}
	struct consent c = visit_consent_of_page();
	assert_int_equal(visit.csp, REPLY_CSP_CONSENT);
	assert_string_equal(c.key.id, "C-1");
	assert_string_equal(c.key.email, "ann@example.com");
	assert_string_equal(c.state.redirect, VISIT_BACK);
	assert_string_equal(c.state.token, VISIT_TOKEN);
	assert_string_equal(c.replaces.id, "");
	assert_int_equal(c.loses, STATE_LOSES_PERHAPS);
	assert_true(visit_has("ann@example.com"));
	assert_false(visit_has("C-1"));
	assert_int_equal(visit.count[STORE_FAILURE], 0);
	log_in(ANN);
	assert_memory_not_equal(visit_consent_of_page().salt, c.salt, sizeof c.salt);
}

static void test_wrong(void **state)
{
	(void)state;
	ann();
	log_in(ANN_WRONG);
	assert_int_equal(visit.status, 401);
	assert_true(visit_has(WRONG_TEXT));
	assert_true(visit_has("value=\"ann@example.com\""));
	assert_true(visit_has("name=\"state\" value=\"AQE"));
	assert_false(visit_has("wrong password"));
	assert_int_equal(visit.count[STORE_FAILURE], 1);
	assert_string_equal(visit.in[STORE_FAILURE].key.id, "C-1");
	int64_t now_s = clock_wall_ms() / 1000;
	assert_in_range(visit.in[STORE_FAILURE].failure.now_s, now_s - 5, now_s);
	assert_int_equal(visit.in[STORE_FAILURE].failure.window_s - visit.in[STORE_FAILURE].failure.now_s,
	                 3600);
}

static void test_unknown(void **state)
{
	(void)state;
	log_in("&email=+Ann%40Example.com+&password=x");
	assert_int_equal(visit.status, 401);
	assert_true(visit_has(WRONG_TEXT));
	assert_true(visit_has("value=\" Ann@Example.com \""));
	assert_int_equal(visit.count[STORE_FIND_EMAIL], 2);
	assert_string_equal(visit.in[STORE_FIND_EMAIL].find_email.email, "ann@example.com");
	assert_int_equal(visit.count[STORE_FAILURE], 0);
	log_in("&email=bob%40example.com&password=x");
	assert_int_equal(visit.count[STORE_FIND_EMAIL], 3);
}

static void test_as_typed_first(void **state)
{
	(void)state;
	ann();
	log_in("&email=Ann%40Example.com&password=correct+horse");
	assert_int_equal(visit.status, 200);
	assert_int_equal(visit.count[STORE_FIND_EMAIL], 1);
	assert_string_equal(visit.in[STORE_FIND_EMAIL].find_email.email, "Ann@Example.com");
}

static void test_several(void **state)
{
	(void)state;
	ann();
	visit.script[STORE_FIND_EMAIL].n = 2;
	visit.script[STORE_FIND_EMAIL].customer[1] = visit.script[STORE_FIND_EMAIL].customer[0];
	log_in(ANN);
	assert_int_equal(visit.status, 401);
	assert_true(visit_has(WRONG_TEXT));
	assert_int_equal(visit.count[STORE_FAILURE], 0);
}

static void test_malformed(void **state)
{
	(void)state;
	static const char *const rest[] = {
	        "",
	        "&email=ann%40example.com",
	        "&password=x",
	        "&email=&password=x",
	        "&email=ann%40example.com&password=",
	        "&email=ann&password=x",
	        "&email=a%40b%40c&password=x",
	        "&email=%40example.com&password=x",
	        "&email=ann%40&password=x",
	        "&email=a%0a%40b&password=x",
	};
	static char big[1200] = "&email=ann%40example.com&password=";
	size_t n = strlen(big);
	for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
		log_in(rest[i]);
		assert_int_equal(visit.status, 401);
	}
	memset(big + n, 'p', 1025);
	log_in(big);
	assert_int_equal(visit.status, 401);
	assert_int_equal(visit.count[STORE_FIND_EMAIL], 0);
	big[n + 1024] = '\0';
	log_in(big);
	assert_int_equal(visit.count[STORE_FIND_EMAIL], 1);
	log_in("&email=a%40b&email=a%40b&password=x");
	assert_int_equal(visit.status, 400);
	log_in("&email=a%00%40b&password=x");
	assert_int_equal(visit.status, 400);
}

static void test_ceiling(void **state)
{
	(void)state;
	struct store_customer *c = ann();
	c->login_failures = 100;
	c->login_window_ends_s = clock_wall_ms() / 1000 + 100;
	log_in(ANN);
	assert_int_equal(visit.status, 401);
	assert_true(visit_has(WRONG_TEXT));
	assert_int_equal(visit.count[STORE_FAILURE], 0);
	c->login_failures = 99;
	log_in(ANN);
	assert_int_equal(visit.status, 200);
	c->login_failures = 1000;
	c->login_window_ends_s = clock_wall_ms() / 1000 - 1;
	log_in(ANN);
	assert_int_equal(visit.status, 200);
}

static void test_throttled(void **state)
{
	(void)state;
	ann();
	for (int i = 0; i < 5; i++)
		log_in(ANN_WRONG);
	assert_int_equal(visit.status, 401);
	log_in(ANN); /* also the right one */
	assert_int_equal(visit.status, 429);
	assert_true(visit_has("Please wait 15 minutes"));
	assert_non_null(strstr(visit.headers, "Retry-After: "));
	assert_true(visit_has("value=\"ann@example.com\""));
	assert_int_equal(visit.count[STORE_FIND_EMAIL], 5);
}

static void check_kept(unsigned status)
{
	assert_int_equal(visit.status, status);
	assert_true(visit_header("Retry-After: 1"));
	assert_true(visit_has("name=\"state\" value=\"AQE"));
	assert_true(visit_has("value=\"ann@example.com\""));
	assert_false(visit_has("horse"));
	assert_false(visit_has(WRONG_TEXT));
}

static void test_store_down(void **state)
{
	(void)state;
	visit.script[STORE_FIND_EMAIL].code = ERR_STORE;
	for (int i = 0; i < 7; i++) /* nothing was tried: nothing counts */
		log_in(ANN);
	check_kept(503);
	visit.script[STORE_FIND_EMAIL].refuse = ERR_BUSY;
	log_in(ANN);
	check_kept(503);
}

static void test_failure_not_counted(void **state)
{
	(void)state;
	ann();
	visit.script[STORE_FAILURE].code = ERR_STORE;
	log_in(ANN_WRONG);
	assert_int_equal(visit.status, 401);
	visit.script[STORE_FAILURE].refuse = ERR_BUSY;
	for (int i = 0; i < 4; i++)
		log_in(ANN_WRONG);
	assert_int_equal(visit.status, 401);
	log_in(ANN_WRONG); /* memory has counted */
	assert_int_equal(visit.status, 429);
}

static void test_queue_full(void **state)
{
	(void)state;
	ann();
	visit.queue_max = 0;
	for (int i = 0; i < 7; i++)
		log_in(ANN);
	check_kept(503);
	assert_int_equal(visit.count[STORE_FIND_EMAIL], 0); /* nothing is done for what will be refused */
	visit.queue_max = 8;
	log_in(ANN);
	assert_int_equal(visit.status, 200);
}

static void test_store_full(void **state)
{
	(void)state;
	ann();
	store.in_flight_max = 0;
	for (int i = 0; i < 7; i++)
		log_in(ANN);
	check_kept(503);
	assert_int_equal(visit.count[STORE_FIND_EMAIL], 0);
	store.in_flight_max = 100;
	log_in(ANN);
	assert_int_equal(visit.status, 200);
}

static void test_no_time_for_the_floor(void **state)
{
	(void)state;
	ann();
	visit.age_ms = 0;
	visit.deadline_ms = 1000;
	log_in(ANN_WRONG);
	check_kept(503);
	log_in("&email=bob%40example.com&password=x");
	assert_int_equal(visit.status, 503);
	assert_int_equal(visit.count[STORE_FIND_EMAIL], 0);
}

static void test_limit(void **state)
{
	(void)state;
	visit.script[STORE_FIND_EMAIL].hold = true;
	visit.deadline_ms = 600;
	log_in(ANN);
	check_kept(503);
	assert_in_range(visit.took_ms, 95, 500);
}

static void test_client_leaves(void **state)
{
	(void)state;
	struct store_customer *c = ann();
	visit.script[STORE_FIND_EMAIL].hold = true;
	visit_run_and_leave(login_submit, visit_login_form("", 0, ANN));
	visit.script[STORE_FIND_EMAIL].hold = false;
	visit_customer(c, "C-1", "ann@example.com", "$6$rounds=200000$salt$x"); /* hashes for a while */
	visit_run_and_leave(login_submit, visit_login_form("", 0, ANN));
	visit_customer(c, "C-1", "ann@example.com", visit_hash());
	visit.age_ms = 0; /* in the floor of a failed login */
	visit_run_and_leave(login_submit, visit_login_form("", 0, ANN_WRONG));
}

/* The consent is for the record as it is stored after the login. */
static void check_record(const char *hash)
{
	char record[STORE_DIGEST_LEN + 1];
	assert_int_equal(crypto_sha256_text(str_c(hash), record), ERR_OK);
	assert_string_equal(visit_consent_of_page().record, record);
}

static void test_upgrade(void **state)
{
	(void)state;
	static const char sha1[] = "a9993e364706816aba3e25717850c26c9cd0d89d";
	struct store_customer *c = ann();
	visit_customer(c, "C-1", "ann@example.com", sha1);
	visit.cfg.legacy_sha1 = SHA1_ACCEPT;
	log_in("&email=ann%40example.com&password=abc");
	assert_int_equal(visit.status, 200);
	check_record(sha1);
	assert_int_equal(visit.count[STORE_UPGRADE], 0);
	visit.cfg.legacy_sha1 = SHA1_UPGRADE;
	log_in("&email=ann%40example.com&password=abc");
	assert_int_equal(visit.status, 200);
	assert_int_equal(visit.count[STORE_UPGRADE], 1);
	assert_string_equal(visit.in[STORE_UPGRADE].key.id, "C-1");
	assert_string_equal(visit.in[STORE_UPGRADE].upgrade.old_hash, sha1);
	assert_true(str_starts(str_c(visit.in[STORE_UPGRADE].upgrade.new_hash), STR("$argon2id$")));
	check_record(visit.in[STORE_UPGRADE].upgrade.new_hash);
	visit.script[STORE_UPGRADE].outcome = STORE_KEPT; /* by another login at once: judged again, once */
	visit.count[STORE_FIND_EMAIL] = 0;
	log_in("&email=ann%40example.com&password=abc");
	assert_int_equal(visit.count[STORE_FIND_EMAIL], 2);
	check_record(sha1);
	visit.script[STORE_UPGRADE].code = ERR_STORE; /* the login stands without it */
	log_in("&email=ann%40example.com&password=abc");
	assert_int_equal(visit.status, 200);
	check_record(sha1);
	visit.script[STORE_UPGRADE].refuse = ERR_BUSY;
	log_in("&email=ann%40example.com&password=abc");
	assert_int_equal(visit.status, 200);
	log_in("&email=ann%40example.com&password=abd");
	assert_int_equal(visit.status, 401);
	assert_int_equal(visit.count[STORE_UPGRADE], 5);
	visit.cfg.legacy_sha1 = SHA1_REFUSE;
	log_in("&email=ann%40example.com&password=abc");
	assert_int_equal(visit.status, 401);
	assert_int_equal(visit.count[STORE_FAILURE], 2);
}

static void test_too_long(void **state)
{
	(void)state;
	struct store_customer *c = ann();
	c->too_long = true;
	log_in(ANN);
	assert_int_equal(visit.status, 500);
	assert_true(visit_has("too long"));
	log_in(ANN_WRONG); /* who does not know the password learns nothing */
	assert_int_equal(visit.status, 401);
	assert_false(visit_has("too long"));
	assert_int_equal(visit.count[STORE_FAILURE], 0);
}

static void test_loses(void **state)
{
	(void)state;
	struct store_customer *c = ann(), *holder = &visit.script[STORE_FIND_PSID].customer[0];
	(void)str_copy(c->link.psid, sizeof c->link.psid, STR("17"));
	log_in(ANN); /* the profile is not known */
	assert_int_equal(visit_consent_of_page().loses, STATE_LOSES_PROFILE | STATE_LOSES_PERHAPS);
	assert_int_equal(visit.count[STORE_FIND_PSID], 0);
	visit_run(login_submit, NULL, visit_login_form("17", 0, ANN)); /* it is linked to this customer */
	assert_int_equal(visit_consent_of_page().loses, STATE_LOSES_NOTHING);
	assert_string_equal(visit.in[STORE_FIND_PSID].find_psid.psid, "17");
	visit.script[STORE_FIND_PSID].n = 1;
	visit_customer(holder, "C-1", "ann@example.com", "");
	visit_run(login_submit, NULL, visit_login_form("17", 0, ANN)); /* the store says so too */
	assert_int_equal(visit_consent_of_page().loses, STATE_LOSES_NOTHING);
	visit_customer(holder, "C-2", "bob@example.com", "");
	visit_run(login_submit, NULL, visit_login_form("18", 0, ANN)); /* both had others */
	assert_int_equal(visit_consent_of_page().loses, STATE_LOSES_PROFILE | STATE_LOSES_CUSTOMER);
	assert_string_equal(visit_consent_of_page().replaces.id, "C-2");
	assert_string_equal(visit_consent_of_page().replaces.email, "bob@example.com");
	assert_string_equal(visit_consent_of_page().state.psid, "18");
	assert_false(visit_has("bob@"));
	assert_false(visit_has("C-2"));
}

/* Of several holders the newest, which comes first, is the one named. */
static void test_newest_holder(void **state)
{
	(void)state;
	struct visit_script *s = &visit.script[STORE_FIND_PSID];
	ann();
	s->n = 2;
	visit_customer(&s->customer[0], "C-2", "bob@example.com", "");
	visit_customer(&s->customer[1], "C-3", "cat@example.com", "");
	visit_run(login_submit, NULL, visit_login_form("18", 0, ANN));
	assert_string_equal(visit_consent_of_page().replaces.id, "C-2");
}

static void test_conflict_refuse(void **state)
{
	(void)state;
	ann();
	visit.cfg.link_conflict = CONFLICT_REFUSE;
	log_in(ANN);
	assert_int_equal(visit_consent_of_page().loses, STATE_LOSES_PERHAPS);
	visit.script[STORE_FIND_PSID].n = 1;
	visit_customer(&visit.script[STORE_FIND_PSID].customer[0], "C-2", "bob@example.com", "");
	visit_run(login_submit, NULL, visit_login_form("18", 0, ANN));
	assert_int_equal(visit.status, 409);
	assert_false(visit_has("name=\"consent\""));
	visit_customer(&visit.script[STORE_FIND_PSID].customer[0], "C-1", "ann@example.com", "");
	visit_run(login_submit, NULL, visit_login_form("18", 0, ANN));
	assert_int_equal(visit.status, 200);
	visit.script[STORE_FIND_PSID].code = ERR_STORE;
	visit_run(login_submit, NULL, visit_login_form("18", 0, ANN));
	check_kept(503);
}

static void test_gate(void **state)
{
	(void)state;
	ann();
	visit_run(login_submit, NULL, visit_login_form("", 601, ANN));
	assert_int_equal(visit.status, 403);
	visit_run(login_submit, NULL, "state=AAAA" ANN);
	assert_int_equal(visit.status, 403);
	visit_run(login_submit, NULL, "email=a%40b&password=x");
	assert_int_equal(visit.status, 403);
	assert_true(visit_has("tap Log In"));
	visit.cookie = NULL;
	log_in(ANN);
	assert_int_equal(visit.status, 403);
	visit.cookie = "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	log_in(ANN);
	assert_int_equal(visit.status, 403);
	visit.cookie = VISIT_NONCE;
	visit.origin = "null";
	log_in(ANN);
	assert_int_equal(visit.status, 403);
	visit.origin = NULL;
	log_in(ANN);
	assert_int_equal(visit.status, 200);
	assert_int_equal(visit.count[STORE_FIND_EMAIL], 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, visit_setup, visit_teardown)
	const struct CMUnitTest tests[] = {
	        TEST(test_right),
	        TEST(test_wrong),
	        TEST(test_no_time_for_the_floor),
	        TEST(test_unknown),
	        TEST(test_as_typed_first),
	        TEST(test_several),
	        TEST(test_malformed),
	        TEST(test_ceiling),
	        TEST(test_throttled),
	        TEST(test_store_down),
	        TEST(test_failure_not_counted),
	        TEST(test_queue_full),
	        TEST(test_store_full),
	        TEST(test_limit),
	        TEST(test_client_leaves),
	        TEST(test_upgrade),
	        TEST(test_too_long),
	        TEST(test_loses),
	        TEST(test_newest_holder),
	        TEST(test_conflict_refuse),
	        TEST(test_gate),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
