/* The admin API, answer by answer. */
#include "test.h"

#include "admin/admin.h"
#include "admin_rig.h"
#include "obs/metrics.h"

/* --- the token */

/* A request of `client` with that Authorization header (NULL: none). */
static enum err_code authorize(const char *client, const char *method, const char *header)
{
	struct err err;
	new_request();
	(void)str_copy(q.r.client, sizeof q.r.client, str_c(client));
	q.r.method = str_c(method);
	if (header != NULL)
		fake_header(&q, "Authorization", str_c(header));
	enum err_code code = admin_authorize(&q.r, &err);
	assert_int_equal(strstr(q.added, "WWW-Authenticate: Bearer") != NULL, code == ERR_UNAUTHORIZED);
	return code;
}

/* A client of its own for each call: none is slowed. */
static enum err_code authorize_once(const char *header)
{
	static int n;
	char client[REQUEST_ADDR_MAX];
	(void)snprintf(client, sizeof client, "192.0.2.%d", n++);
	return authorize(client, "GET", header);
}

static void bearer_token(void **state)
{
	(void)state;
	set_up(&fake_sharp);
	assert_int_equal(authorize_once("Bearer the admin token of the test"), ERR_OK);
	assert_string_equal(q.r.actor, "admin");
	assert_int_equal(authorize_once("bearer the admin token of the test"), ERR_OK);
	static const char *const wrong[] = {NULL,
	                                    "",
	                                    "Bearer",
	                                    "Bearer ",
	                                    "the admin token of the test",
	                                    "Basic the admin token of the test",
	                                    "Bearer the admin token of the tes",
	                                    "Bearer the admin token of the testx",
	                                    "Bearer The admin token of the test",
	                                    "Bearerthe admin token of the test"};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		assert_int_equal(authorize_once(wrong[i]), ERR_UNAUTHORIZED);
		assert_string_equal(q.r.actor, "");
	}
	new_request();
	fake_header(&q, "Authorization", STR("Bearer the admin token of the test"));
	fake_header(&q, "Authorization", STR("Bearer the admin token of the test"));
	assert_int_equal(admin_authorize(&q.r, NULL), ERR_UNAUTHORIZED);
	/* none configured: there is no such API, not even for an empty token */
	rig.cfg.admin_token.n = 0;
	assert_int_equal(authorize_once("Bearer "), ERR_NOT_FOUND);
	assert_int_equal(authorize_once(NULL), ERR_NOT_FOUND);
	tear_down();
}

static void named_tokens(void **state)
{
	static char ops[] = "ops=0123456789abcdef", ci[] = "ci:read=fedcba9876543210";
	static char *list[] = {ops, ci};
	(void)state;
	set_up(&fake_sharp);
	rig.cfg.admin_token = (struct strlist){2, list};
	assert_int_equal(authorize("::1", "DELETE", "Bearer 0123456789abcdef"), ERR_OK);
	assert_string_equal(q.r.actor, "ops");
	assert_int_equal(q.answers, 0);
	assert_int_equal(authorize("::1", "GET", "Bearer fedcba9876543210"), ERR_OK);
	assert_string_equal(q.r.actor, "ci");
	assert_int_equal(q.answers, 0);
	assert_int_equal(authorize("::1", "HEAD", "Bearer fedcba9876543210"), ERR_OK);
	assert_int_equal(q.answers, 0);
	assert_int_equal(authorize("::1", "DELETE", "Bearer fedcba9876543210"), ERR_OK);
	assert_int_equal(q.status, 403);
	assert_non_null(strstr(q.body, "look-ups only"));
	assert_int_equal(authorize("::1", "GET", "Bearer ops=0123456789abcdef"), ERR_UNAUTHORIZED);
	assert_int_equal(authorize("::1", "GET", "Bearer ci:read=fedcba9876543210"), ERR_UNAUTHORIZED);
	tear_down();
}

/* The eleventh wrong one of an address within a minute waits for its 401; a right one never does. */
static void guesses_are_slowed(void **state)
{
	(void)state;
	set_up(&fake_sharp);
	for (int i = 0; i < ADMIN_GUESSES; i++)
		assert_int_equal(authorize("2001:db8::1", "GET", "Bearer wrong"), ERR_UNAUTHORIZED);
	assert_int_equal(authorize("2001:db8::2", "GET", "Bearer wrong"), ERR_UNAUTHORIZED);
	assert_int_equal(authorize("2001:db8::1", "DELETE", "Bearer the admin token of the test"), ERR_OK);
	assert_null(q.r.instead);
	assert_int_equal(authorize("2001:db8::1", "GET", NULL), ERR_OK);
	assert_non_null(q.r.instead);
	int64_t began = fake_now_ms;
	q.r.instead(&q.r);
	assert_int_equal(q.answers, 0);
	assert_true(fake_run(&rig, 5000));
	assert_int_equal(q.status, 401);
	assert_in_range(fake_now_ms - began, 250, 1000);
	assert_non_null(strstr(q.added, "WWW-Authenticate: Bearer"));
	tear_down();
	/* the minute is over */
	set_up(&fake_sharp);
	fake_now_ms += ADMIN_GUESS_WINDOW_MS;
	loop_drain(rig.loop);
	assert_false(admin_guess("2001:db8::1", fake_now_ms));
	tear_down();
}

/* Whoever keeps connections busy with wrong tokens holds 64 of them; the client of one may go away. */
static void few_wait_at_once(void **state)
{
	static struct fake_request many[65];
	(void)state;
	set_up(&fake_sharp);
	for (int i = 0; i <= ADMIN_GUESSES; i++)
		(void)admin_guess("192.0.2.1", loop_now_ms(rig.loop));
	for (size_t i = 0; i < 65; i++) {
		struct fake_request *one = &many[i];
		*one = (struct fake_request){.r = {.service = &rig.service, .loop = rig.loop}};
		(void)str_copy(one->r.client, sizeof one->r.client, STR("192.0.2.1"));
		assert_int_equal(admin_authorize(&one->r, NULL), ERR_OK);
		one->r.instead(&one->r);
		assert_int_equal(one->answers, i < 64 ? 0 : 1);
	}
	for (size_t i = 0; i < 65; i++)
		fake_end(&many[i]);
	tear_down();
}

static void the_table_of_guessers_is_bounded(void **state)
{
	char client[REQUEST_ADDR_MAX];
	(void)state;
	for (int k = 0; k < 100; k++)
		(void)admin_guess("198.51.100.1", 1000000);
	assert_true(admin_guess("198.51.100.1", 1000000 + ADMIN_GUESS_WINDOW_MS - 1));
	for (int i = 0; i < 2 * ADMIN_GUESS_ADDRESSES; i++) {
		(void)snprintf(client, sizeof client, "10.0.%d.%d", i / 250, i % 250);
		assert_false(admin_guess(client, 1000001 + i));
	}
	assert_false(admin_guess("198.51.100.1", 1000600)); /* it made room: no longer slowed */
}

/* --- links */

static void ask(void (*handler)(struct request *r), const char *arg)
{
	new_request();
	fake_arg(&q, arg);
	handler(&q.r);
	if (q.answers == 0)
		assert_true(fake_run(&rig, 10000));
	assert_int_equal(q.answers, 1);
	assert_null(strstr(q.body, "secret")); /* the password hash of the fake store's customers */
}

static void one(void (*handler)(struct request *r), const char *arg, unsigned status, const char *body)
{
	ask(handler, arg);
	assert_int_equal(q.status, status);
	assert_string_equal(q.body, body);
	tear_down();
}

static void rows(void)
{
	set_up(&fake_sharp);
	rig.store.row[0] = (struct fake_row){.id = "a", .psid = "7", .at = INT64_C(1790000000123)};
	rig.store.row[1] = (struct fake_row){.id = "b"};
	rig.store.row[2] = (struct fake_row){.id = "c\"", .psid = "8", .at = -1};
	rig.store.n = 3;
}

#define NOT_LINKED "This Messenger profile is not linked."
#define UNKNOWN "There is no such customer."

static void link_get(void **state)
{
	(void)state;
	rows();
	one(admin_link_get, "7", 200,
	    "{\"psid\":\"7\",\"page_id\":\"100\",\"customer_id\":\"a\",\"email\":\"a@example.com\","
	    "\"linked_at\":1790000000123}\n");
	assert_string_equal(q.type, "application/json");
	rows();
	one(admin_link_get, "8", 200,
	    "{\"psid\":\"8\",\"page_id\":\"100\",\"customer_id\":\"c\\\"\",\"email\":\"a@example.com\","
	    "\"linked_at\":null}\n");
	rows();
	one(admin_link_get, "9", 404, NOT_LINKED);
	rows();
	one(admin_link_get, "12345678901234567890123456789012345678901234567890123456789012345", 404,
	    NOT_LINKED);
	assert_int_equal(rig.store.ops, 0);
	rows();
	rig.store.fail_at = 1;
	one(admin_link_get, "7", 503, "");
}

static void link_get_looks_again_where_the_index_lags(void **state)
{
	(void)state;
	set_up(&fake_lagging);
	rig.store.row[0] = (struct fake_row){.id = "a", .psid = "7", .at = 1};
	rig.store.n = 1;
	rig.store.blind = 2;
	ask(admin_link_get, "7");
	assert_int_equal(q.status, 200);
	assert_int_equal(rig.store.ops, 3);
	tear_down();
}

static void link_delete(void **state)
{
	(void)state;
	rows();
	rig.store.row[0].at = INT64_MAX / 2; /* whatever its age */
	one(admin_link_delete, "7", 204, "");
	assert_string_equal(fake_heard, "removed:a:7:admin");
	rows();
	one(admin_link_delete, "9", 404, NOT_LINKED);
	assert_string_equal(fake_heard, "");
	rows();
	rig.store.fail_at = 2;
	one(admin_link_delete, "7", 503, "");
}

static void customer_links(void **state)
{
	(void)state;
	rows();
	one(admin_customer_links, "a", 200,
	    "{\"customer_id\":\"a\",\"links\":[{\"psid\":\"7\",\"page_id\":\"100\",\"email\":\"a@example."
	    "com\","
	    "\"linked_at\":1790000000123}]}\n");
	rows();
	one(admin_customer_links, "b", 200, "{\"customer_id\":\"b\",\"links\":[]}\n");
	rows();
	one(admin_customer_links, "z", 404, UNKNOWN);
	rows();
	rig.store.fail_at = 1;
	one(admin_customer_links, "a", 503, "");
	rows();
	rig.store.busy_at = 1;
	one(admin_customer_links, "a", 503, "");
	char longest[STORE_ID_MAX + 2];
	memset(longest, 'x', sizeof longest);
	longest[STORE_ID_MAX + 1] = '\0';
	rows();
	one(admin_customer_links, longest, 404, UNKNOWN);
	assert_int_equal(rig.store.ops, 0);
	/* a customer of several items */
	rows();
	rig.store.row[1] = (struct fake_row){.id = "a", .psid = "6", .at = 1};
	ask(admin_customer_links, "a");
	assert_non_null(strstr(q.body, "},{\"psid\":\"6\""));
	tear_down();
}

static void customer_erase(void **state)
{
	(void)state;
	rows();
	one(admin_customer_erase, "a", 204, "");
	assert_string_equal(rig.store.trace, "find_id erase:a");
	assert_string_equal(fake_heard, "removed:a:7:erased");
	rows();
	one(admin_customer_erase, "b", 204, "");
	assert_string_equal(rig.store.trace, "find_id erase:b");
	assert_string_equal(fake_heard, "");
	rows();
	one(admin_customer_erase, "z", 404, UNKNOWN);
	rows();
	rig.store.fail_at = 2;
	one(admin_customer_erase, "a", 503, "");
	rows();
	for (size_t i = 0; i < 3; i++)
		rig.store.row[i].id = "a";
	one(admin_customer_erase, "a", 204, "");
	assert_string_equal(rig.store.trace, "find_id erase:a erase:a erase:a");
}

/* The client goes away in the middle: no answer, nothing left behind. */
static struct loop_timer gone;

static void on_gone(struct loop_timer *t)
{
	(void)t;
	fake_end(&q);
	rig.over = true;
}

static void ended_anywhere(void **state)
{
	(void)state;
	static void (*const handlers[])(struct request *) = {admin_link_get, admin_link_delete,
	                                                     admin_customer_links, admin_customer_erase};
	static const char *const args[] = {"7", "7", "a", "a"};
	for (size_t i = 0; i < 4; i++)
		for (int64_t after_ms = 0; after_ms < 100; after_ms += 10) {
			rows();
			rig.store.delay_ms = 30;
			fake_arg(&q, args[i]);
			q.answered = NULL;
			handlers[i](&q.r);
			gone = (struct loop_timer){.fn = on_gone};
			assert_int_equal(loop_timer_set(rig.loop, &gone, loop_now_ms(rig.loop) + after_ms),
			                 ERR_OK);
			assert_true(fake_run(&rig, 5000));
			assert_in_range(q.answers, 0, after_ms < 30 ? 0 : 1);
			tear_down();
		}
}

static void metrics_text(void **state)
{
	(void)state;
	set_up(&fake_sharp);
	metric_add(M_LINK_REPAIRS, 1);
	admin_metrics(&q.r);
	assert_int_equal(q.status, 200);
	assert_string_equal(q.type, "text/plain; version=0.0.4; charset=utf-8");
	assert_non_null(strstr(q.body, "linkd_"));
	tear_down();
}

int main(void)
{
	if (crypto_start(NULL) != ERR_OK)
		return EXIT_FAILURE;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(bearer_token),
	        cmocka_unit_test(named_tokens),
	        cmocka_unit_test(guesses_are_slowed),
	        cmocka_unit_test(few_wait_at_once),
	        cmocka_unit_test(the_table_of_guessers_is_bounded),
	        cmocka_unit_test(link_get),
	        cmocka_unit_test(link_get_looks_again_where_the_index_lags),
	        cmocka_unit_test(link_delete),
	        cmocka_unit_test(customer_links),
	        cmocka_unit_test(customer_erase),
	        cmocka_unit_test(ended_anywhere),
	        cmocka_unit_test(metrics_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
