/* GET /link, POST /link/confirm, POST /link/cancel and the style: each way through. */
#include "login_visit.h"

#include "base/clock.h"
#include "link/auth_code.h"
#include "web/web.h"

#define QUERY_BACK                                                             \
	"https%3A%2F%2Ffacebook.com%2Fmessenger_platform%2Faccount_linking%2F" \
	"%3Faccount_linking_token%3DARtoken"

static struct consent sample(const char *psid, int64_t age_s)
{
	struct consent c = {
	        .state = visit_state(psid), .key = {"C-1", "ann@example.com"}, .salt = "0123456789abcde"};
	c.state.issued_s -= age_s;
	return c;
}

static void press(void (*handler)(struct request *r), const struct consent *c)
{
	visit_run(handler, NULL, visit_consent_form(c));
}

static void test_page(void **state)
{
	(void)state;
	struct state s;
	visit.cookie = NULL;
	visit_run(login_page, "account_linking_token=ARtoken&redirect_uri=" QUERY_BACK "&rid=7", NULL);
	assert_int_equal(visit.status, 200);
	assert_int_equal(visit.csp, REPLY_CSP_PAGE);
	static const char cookie[] = "Set-Cookie: __Host-linkd=";
	assert_true(str_starts(str_c(visit.headers), STR("Set-Cookie: __Host-linkd=")));
	struct str nonce = {visit.headers + sizeof cookie - 1, STATE_NONCE_LEN};
	static const char mark[] = "name=\"state\" value=\"";
	const char *from = strstr(visit.body, mark);
	assert_non_null(from);
	struct str token = {from + sizeof mark - 1, strcspn(from + sizeof mark - 1, "\"")};
	assert_int_equal(state_open(visit.service.sealer, token, nonce, clock_wall_ms() / 1000, &s, NULL),
	                 ERR_OK);
	assert_string_equal(s.redirect, VISIT_BACK);
	assert_string_equal(s.token, VISIT_TOKEN);
	assert_string_equal(s.psid, "");
	visit.cookie = VISIT_NONCE; /* a second tab keeps the first alive */
	visit_run(login_page, "redirect_uri=" QUERY_BACK "&account_linking_token=ARtoken", NULL);
	assert_int_equal(visit.status, 200);
	assert_string_equal(visit.headers, "");
}

static void test_page_refused(void **state)
{
	(void)state;
	static const char *const query[] = {
	        NULL,
	        "",
	        "account_linking_token=ARtoken",
	        "redirect_uri=" QUERY_BACK,
	        "account_linking_token=&redirect_uri=" QUERY_BACK,
	        "account_linking_token=ARtokem&redirect_uri=" QUERY_BACK,
	        "account_linking_token=AR%20token&redirect_uri=" QUERY_BACK,
	        "account_linking_token=ARtoken&redirect_uri=https%3A%2F%2Fevil.example%2F",
	        "account_linking_token=ARtoken&redirect_uri=" QUERY_BACK "%00",
	        "account_linking_token=ARtoken&redirect_uri=" QUERY_BACK "%zz",
	        "account_linking_token=ARtoken&redirect_uri=" QUERY_BACK "%23x",
	        "account_linking_token=ARtoken&account_linking_token=ARtoken&redirect_uri=" QUERY_BACK,
	        "account_linking_token=ARtoken&redirect_uri=" QUERY_BACK "&redirect_uri=" QUERY_BACK,
	};
	for (size_t i = 0; i < sizeof query / sizeof query[0]; i++) {
		visit_run(login_page, query[i], NULL);
		assert_int_equal(visit.status, 400);
		assert_true(visit_has("tap Log In"));
		assert_true(visit_has("0123456789abcdef"));
		assert_false(visit_has("<form"));
		assert_string_equal(visit.headers, "");
	}
}

static void test_connect(void **state)
{
	(void)state;
	struct consent c = sample("", 0);
	struct store_key key;
	char digest[STORE_DIGEST_LEN + 1], location[8192];
	static const char start[] = "Location: " VISIT_BACK "&authorization_code=";
	press(login_confirm, &c);
	assert_int_equal(visit.status, 303);
	assert_true(str_starts(str_c(visit.headers), STR("Location: " VISIT_BACK "&authorization_code=")));
	struct str code = {visit.headers + sizeof start - 1, strcspn(visit.headers + sizeof start - 1, "\n")};
	assert_int_equal(auth_code_open(visit.service.sealer, code, &key), ERR_OK);
	assert_string_equal(key.id, "C-1");
	assert_string_equal(key.email, "ann@example.com");
	assert_int_equal(crypto_sha256_text(code, digest), ERR_OK);
	const struct store_issue *in = &visit.in[STORE_ISSUE].issue;
	assert_string_equal(in->digest, digest);
	assert_string_equal(in->key.id, "C-1");
	assert_string_equal(in->psid, "");
	assert_string_equal(in->replaces.id, "");
	assert_in_range(in->expires_s, clock_wall_ms() / 1000 + 295, clock_wall_ms() / 1000 + 300);
	(void)str_copy(location, sizeof location, str_c(visit.headers));
	press(login_confirm, &c); /* tapped twice: the same code */
	assert_string_equal(visit.headers, location);
	assert_string_equal(visit.in[STORE_ISSUE].issue.digest, digest);
	c.salt[0]++;
	press(login_confirm, &c);
	assert_string_not_equal(visit.headers, location);
}

static void test_connect_bound(void **state)
{
	(void)state;
	struct consent c = sample("17", 0);
	c.replaces = (struct store_key){"C-2", "bob@example.com"};
	(void)str_copy(c.record, sizeof c.record, STR("a-record"));
	press(login_confirm, &c);
	assert_int_equal(visit.status, 303);
	assert_string_equal(visit.in[STORE_ISSUE].issue.record, "a-record");
	assert_string_equal(visit.in[STORE_ISSUE].issue.psid, "17");
	assert_string_equal(visit.in[STORE_ISSUE].issue.replaces.id, "C-2");
	assert_string_equal(visit.in[STORE_ISSUE].issue.replaces.email, "bob@example.com");
}

static void test_used(void **state)
{
	(void)state;
	struct consent c = sample("", 0);
	visit.script[STORE_ISSUE].outcome = STORE_USED;
	press(login_confirm, &c);
	assert_int_equal(visit.status, 200);
	assert_true(visit_has("You are connected"));
	assert_string_equal(visit.headers, "");
}

static void test_customer_gone(void **state)
{
	(void)state;
	struct consent c = sample("", 0);
	static const enum store_outcome gone[] = {STORE_NO_CUSTOMER, STORE_KEPT};
	for (size_t i = 0; i < 2; i++) {
		visit.script[STORE_ISSUE].outcome = gone[i];
		press(login_confirm, &c);
		assert_int_equal(visit.status, 403);
		assert_true(visit_has("Please start again"));
		assert_string_equal(visit.headers, "");
	}
}

static void test_record_full(void **state)
{
	(void)state;
	struct consent c = sample("", 0);
	visit.script[STORE_ISSUE].code = ERR_TOO_LARGE;
	press(login_confirm, &c);
	assert_int_equal(visit.status, 500);
	assert_true(visit_has("has no room left"));
	assert_false(visit_has("<form"));
	assert_string_equal(visit.headers, "");
}

static void check_not_stored(void)
{
	assert_int_equal(visit.status, 503);
	assert_string_equal(visit.headers, "Retry-After: 1\n");
	assert_string_equal(visit_consent_of_page().key.id, "C-1");
	assert_true(visit_has("role=\"alert\""));
}

static void test_not_stored(void **state)
{
	(void)state;
	struct consent c = sample("", 0);
	visit.script[STORE_ISSUE].code = ERR_STORE;
	press(login_confirm, &c);
	check_not_stored();
	visit.script[STORE_ISSUE].code = ERR_TIMEOUT;
	press(login_confirm, &c);
	check_not_stored();
	visit.script[STORE_ISSUE].refuse = ERR_BUSY;
	press(login_confirm, &c);
	check_not_stored();
	visit.script[STORE_ISSUE] = (struct visit_script){.hold = true};
	visit.deadline_ms = 600;
	press(login_confirm, &c);
	check_not_stored();
	visit.script[STORE_ISSUE] = (struct visit_script){.code = ERR_OK};
	press(login_confirm, &c); /* and then it goes on */
	assert_int_equal(visit.status, 303);
}

static void test_client_leaves(void **state)
{
	(void)state;
	struct consent c = sample("", 0);
	visit.script[STORE_ISSUE].hold = true;
	visit_run_and_leave(login_confirm, visit_consent_form(&c));
}

static void test_cancel(void **state)
{
	(void)state;
	struct consent c = sample("", 0);
	press(login_cancel, &c);
	assert_int_equal(visit.status, 303);
	assert_string_equal(visit.headers, "Location: " VISIT_BACK "\n");
	assert_int_equal(visit.count[STORE_ISSUE], 0);
}

static void test_gate(void **state)
{
	(void)state;
	static void (*const handler[])(struct request *) = {login_confirm, login_cancel};
	for (size_t i = 0; i < 2; i++) {
		struct consent old = sample("", 301), c = sample("", 0);
		press(handler[i], &old);
		assert_int_equal(visit.status, 403);
		visit_run(handler[i], NULL, "");
		assert_int_equal(visit.status, 403);
		visit_run(handler[i], NULL, "consent=AAAA");
		assert_int_equal(visit.status, 403);
		visit_run(handler[i], NULL, "consent=a&consent=b");
		assert_int_equal(visit.status, 400);
		visit.cookie = NULL;
		press(handler[i], &c);
		assert_int_equal(visit.status, 403);
		visit.cookie = VISIT_NONCE;
		visit.origin = "https://evil.example";
		press(handler[i], &c);
		assert_int_equal(visit.status, 403);
		assert_string_equal(visit.headers, "");
		visit.origin = "https://link.example";
	}
	/* a state is no consent */
	(void)visit_login_form("", 0, "");
	char body[8192];
	(void)snprintf(body, sizeof body, "consent=%s", visit_login_form("", 0, "") + strlen("state="));
	visit_run(login_confirm, NULL, body);
	assert_int_equal(visit.status, 403);
	assert_int_equal(visit.count[STORE_ISSUE], 0);
}

static void test_key_too_long(void **state)
{
	(void)state;
	struct consent c = sample("", 0);
	memset(c.key.id, 'x', STORE_ID_MAX);
	press(login_confirm, &c);
	assert_int_equal(visit.status, 500);
	assert_true(visit_has("too long"));
}

static void test_style(void **state)
{
	(void)state;
	visit_run(login_style, NULL, NULL);
	assert_int_equal(visit.status, 200);
	assert_true(visit_header("Cache-Control: public, max-age=31536000, immutable"));
	assert_true(visit_header("Content-Type: text/css; charset=utf-8"));
	assert_string_equal(visit.body, web_style_text);
}

static void show_error(struct request *r)
{
	web_error_page(r, ERR_TOO_LARGE, "It has <9000> bytes.");
}

static void show_busy(struct request *r)
{
	web_error_page(r, ERR_BUSY, NULL);
}

static void test_error_page(void **state)
{
	(void)state;
	visit_run(show_error, NULL, NULL);
	assert_int_equal(visit.status, 413);
	assert_true(visit_has("It has &lt;9000&gt; bytes."));
	assert_true(visit_has("Go back to Messenger"));
	assert_true(visit_has("<code>0123456789abcdef</code>"));
	visit_run(show_busy, NULL, NULL);
	assert_int_equal(visit.status, 503);
	assert_true(visit_has("try again"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, visit_setup, visit_teardown)
	const struct CMUnitTest tests[] = {
	        TEST(test_page),          TEST(test_page_refused), TEST(test_connect),
	        TEST(test_connect_bound), TEST(test_used),         TEST(test_customer_gone),
	        TEST(test_record_full),   TEST(test_not_stored),   TEST(test_client_leaves),
	        TEST(test_cancel),        TEST(test_gate),         TEST(test_key_too_long),
	        TEST(test_style),         TEST(test_error_page),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
