/* The browser's cookie and the Origin of its forms. */
#include "test.h"

#include "base/crypto.h"
#include "login/private.h"

#define NONCE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void test_nonce(void **state)
{
	(void)state;
	static const struct str bad[] = {
	        {NULL, 0},
	        STR(""),
	        STR("short"),
	        STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
	        STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
	        STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB"), /* bits past the 32 bytes */
	        STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
	        STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0A"),
	        STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA;A"),
	};
	struct state_nonce kept, a, b;
	assert_int_equal(state_nonce(STR(NONCE), &kept), ERR_OK);
	assert_false(kept.made);
	assert_string_equal(kept.s, NONCE);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(state_nonce(bad[i], &a), ERR_OK);
		assert_true(a.made);
		assert_int_equal(strlen(a.s), STATE_NONCE_LEN);
		assert_int_equal(state_nonce(str_c(a.s), &b), ERR_OK);
		assert_false(b.made);
		assert_int_equal(state_nonce(bad[i], &b), ERR_OK);
		assert_string_not_equal(a.s, b.s);
	}
}

static void test_cookie(void **state)
{
	(void)state;
	struct config https = {.public_https = true}, http = {.public_https = false};
	struct state_nonce n = {.s = NONCE};
	struct buf out;
	buf_init(&out, 256);
	state_cookie(&https, &n, &out);
	assert_string_equal(out.p, "__Host-linkd=" NONCE "; Path=/; HttpOnly; SameSite=Lax; Secure");
	buf_reset(&out);
	state_cookie(&http, &n, &out);
	assert_string_equal(out.p, "linkd=" NONCE "; Path=/; HttpOnly; SameSite=Lax");
	buf_done(&out);
}

static const struct {
	const char *public_url, *origin, *host;
	bool ours;
} origins[] = {
        {"https://l.example", NULL, NULL, true},
        {"https://l.example", "https://l.example", NULL, true},
        {"https://l.example/", "https://l.example", NULL, true},
        {"https://l.example/base/path", "https://l.example", NULL, true},
        {"https://L.Example:443", "https://l.example", NULL, true},
        {"https://l.example:8443", "https://l.example:8443", NULL, true},
        {"http://127.0.0.1:80/", "http://127.0.0.1", NULL, true},
        {"http://localhost:8080", "http://localhost:8080", NULL, true},
        {"https://l.example", "null", "l.example", false},
        {"https://l.example", "", "l.example", false},
        {"https://l.example", "http://l.example", NULL, false},
        {"https://l.example", "https://l.example:443", NULL, false},
        {"https://l.example", "https://l.example:8443", NULL, false},
        {"https://l.example", "https://l.example.evil.com", NULL, false},
        {"https://l.example", "https://l.exampl", NULL, false},
        {"https://l.example", "https://l.example/", NULL, false},
        {"https://l.example", "https://evil.com", "evil.com", false},
        {"https://l.example:80", "https://l.example", NULL, false},
        {"ftp://l.example", "ftp://l.example", NULL, false},
        {"https://", "https://", NULL, false},
        /* without a public URL: the loopback address the browser used */
        {"", NULL, NULL, true},
        {"", "http://127.0.0.1:8080", "127.0.0.1:8080", true},
        {"", "http://127.0.0.1", "127.0.0.1:80", true},
        {"", "http://localhost:8080", "localhost:8080", true},
        {"", "http://[::1]:8080", "[::1]:8080", true},
        {"", "http://[::1]", "[::1]", true},
        {"", "http://127.9.9.9:1", "127.9.9.9:1", true},
        {"", "http://127.0.0.1:8080", "127.0.0.1:8081", false},
        {"", "http://127.0.0.1:8080", "localhost:8080", false},
        {"", "https://127.0.0.1:8080", "127.0.0.1:8080", false},
        {"", "http://evil.com", "evil.com", false},
        {"", "http://127.evil.com", "127.evil.com", false},
        {"", "http://127.0.0.1.evil.com", "127.0.0.1.evil.com", false},
        {"", "http://10.0.0.1:8080", "10.0.0.1:8080", false},
        {"", "http://[::2]:8080", "[::2]:8080", false},
        {"", "http://[::1]x:80", "[::1]x:80", false},
        {"", "http://[::1", "[::1", false},
        {"", "http://localhost:80x", "localhost:80x", false},
        {"", "http://localhost:", "localhost:", false},
        {"", "http://localhost/x", "localhost/x", false},
        {"", "null", "127.0.0.1:8080", false},
        {"", "http://", "", false},
        {"", "http://127.0.0.1:8080", NULL, false},
};

static void test_origin(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++) {
		char url[64];
		struct config cfg = {.public_url = url};
		assert_true(str_copy(url, sizeof url, str_c(origins[i].public_url)));
		bool ours = form_guard_origin_ours(&cfg, str_c(origins[i].origin), str_c(origins[i].host));
		if (ours != origins[i].ours)
			print_error("row %zu\n", i);
		assert_int_equal(ours, origins[i].ours);
	}
}

static void test_digest(void **state)
{
	(void)state;
	uint8_t a[STATE_BROWSER_LEN], b[STATE_BROWSER_LEN];
	assert_int_equal(state_browser_digest(STR("a"), a), ERR_OK);
	assert_int_equal(state_browser_digest(STR("b"), b), ERR_OK);
	assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_nonce),
	        cmocka_unit_test(test_cookie),
	        cmocka_unit_test(test_origin),
	        cmocka_unit_test(test_digest),
	};
	if (crypto_start(NULL) != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
