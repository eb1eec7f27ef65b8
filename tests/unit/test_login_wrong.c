/* POST /link/login with a wrong password: when it is answered, and that nobody can tell customers by it. */
#include "login_visit.h"

#include "base/clock.h"

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

static void test_floor(void **state)
{
	(void)state;
	visit.age_ms = 0;
	log_in(ANN_WRONG); /* nobody */
	assert_int_equal(visit.status, 401);
	assert_in_range(visit.took_ms, 595, 2000);
	ann();
	log_in(ANN_WRONG);
	assert_in_range(visit.took_ms, 595, 2000);
	log_in("&email=nonsense&password=x");
	assert_in_range(visit.took_ms, 595, 2000);
	log_in(ANN);
	assert_int_equal(visit.status, 200);
	assert_in_range(visit.took_ms, 0, 500);
}

/* When hashing alone took longer than the floor. */
static void test_floor_in_steps(void **state)
{
	(void)state;
	visit.age_ms = 800;
	log_in(ANN_WRONG); /* nobody */
	assert_int_equal(visit.status, 401);
	assert_in_range(visit.took_ms, 390, 590);
	ann();
	log_in(ANN_WRONG);
	assert_int_equal(visit.status, 401);
	assert_in_range(visit.took_ms, 390, 590);
}

/* After the last step that the deadline leaves there is no 401, whose moment would tell how long the hash
 * took. */
static void test_no_answer_between_the_steps(void **state)
{
	(void)state;
	visit.age_ms = 1150;
	visit.deadline_ms =
	        1100; /* one step in 50 ms, the limit in 600 ms, where the next step would be in 650 ms */
	struct store_customer *c = ann();
	visit_customer(c, "C-1", "ann@example.com", "$6$rounds=200000$salt$x"); /* takes longer than 50 ms */
	log_in(ANN_WRONG);
	assert_int_equal(visit.status, 503);
	assert_int_equal(visit.count[STORE_FAILURE], 1);
	assert_in_range(visit.took_ms, 595, 1500);
	visit.age_ms = 1250; /* the last step is over: nothing is begun */
	visit.deadline_ms = 600;
	log_in(ANN_WRONG);
	assert_int_equal(visit.status, 503);
	assert_int_equal(visit.count[STORE_FIND_EMAIL], 1);
}

/* The write that counts a known customer's failure must not show. */
static void test_count_is_not_waited_for(void **state)
{
	(void)state;
	ann();
	visit.script[STORE_FAILURE].hold = true;
	log_in(ANN_WRONG);
	assert_int_equal(visit.status, 401);
	assert_int_equal(visit.count[STORE_FAILURE], 1);
	assert_in_range(visit.took_ms, 0, 500);
}

/* --- who is a customer cannot be told */

static int64_t hashes(void)
{
	static const char name[] = "\nlinkd_password_hash_seconds_count ";
	struct buf text;
	buf_init(&text, 1 << 20);
	metrics_write(&text);
	const char *at = strstr(text.p, name);
	assert_non_null(at);
	int64_t n = strtoll(at + sizeof name - 1, NULL, 10);
	buf_done(&text);
	return n;
}

static const struct {
	const char *hash; /* "" none */
	bool ceiling, too_long;
	size_t n;     /* customers with this e-mail */
	int failures; /* written to the store */
} strangers_and_customers[] = {
        {"", .n = 0},
        {"", .n = 1, .failures = 1},
        {"!locked", .n = 1, .failures = 1},
        {"$2b$31$KBCwKxOzLha2MUDgW0PjXeGy8zDyKFegpVV4y0qPBUgij10WNyKY6", .n = 1, .failures = 1},
        {"$2b$04$KBCwKxOzLha2MUDgW0PjXeGy8zDyKFegpVV4y0qPBUgij10WNyKY6", .n = 1, .failures = 1},
        {"$6$saltsalt$x", .n = 1, .failures = 1},
        {"$y$j75$saltsalt$x", .n = 1, .failures = 1},
        {"$argon2id$v=19$m=16,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", .n = 1, .failures = 1},
        {"$argon2i$v=19$m=8,t=1,p=2$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", .n = 1, .failures = 1},
        {"a9993e364706816aba3e25717850c26c9cd0d89d", .n = 1, .failures = 1},
        {"$6$saltsalt$x", .n = 1, .too_long = true},
        {"$6$saltsalt$x", .n = 1, .ceiling = true},
        {"$6$saltsalt$x", .n = 2},
};

/* Every wrong one: a look-up, one hash, the floor, the same page. */
static void test_each_wrong_one_goes_the_same_way(void **state)
{
	(void)state;
	struct visit_script *s = &visit.script[STORE_FIND_EMAIL];
	for (size_t i = 0; i < sizeof strangers_and_customers / sizeof strangers_and_customers[0]; i++) {
		struct store_customer *c = &s->customer[0];
		s->n = strangers_and_customers[i].n;
		visit_customer(c, "C-1", "ann@example.com", strangers_and_customers[i].hash);
		s->customer[1] = *c;
		c->too_long = strangers_and_customers[i].too_long;
		c->login_failures = strangers_and_customers[i].ceiling ? 100 : 0;
		c->login_window_ends_s = clock_wall_ms() / 1000 + 100;
		memset(visit.count, 0, sizeof visit.count);
		int64_t before = hashes();
		char rest[80];
		(void)snprintf(rest, sizeof rest, "&email=ann%zu%%40example.com&password=wrong", i);
		log_in(rest);
		assert_int_equal(visit.status, 401);
		assert_true(visit_has(WRONG_TEXT));
		assert_int_equal(visit.count[STORE_FIND_EMAIL], 1);
		assert_int_equal(visit.count[STORE_FAILURE], strangers_and_customers[i].failures);
		assert_int_equal(hashes() - before, 1);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, visit_setup, visit_teardown)
	const struct CMUnitTest tests[] = {
	        TEST(test_floor),
	        TEST(test_floor_in_steps),
	        TEST(test_no_answer_between_the_steps),
	        TEST(test_count_is_not_waited_for),
	        TEST(test_each_wrong_one_goes_the_same_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
