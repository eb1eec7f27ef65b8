/* The return address: no wrong one is taken, every form Facebook was seen to send is. */
#include "test.h"

#include "login/redirect.h"

#define T "ARxY0123456789abcdefghij_klm-nop"
#define PATH "/messenger_platform/account_linking"
#define Q "?account_linking_token=" T
#define GOOD PATH "/" Q

static char *hosts[] = {"facebook.com", "www.facebook.com", "messenger.com", "www.messenger.com",
                        "http://127.0.0.1:8081"};
static struct config cfg = {.redirect_hosts = {5, hosts}, .public_loopback = true};

static const struct row {
	enum redirect_verdict want;
	struct str uri;
} rows[] = {
#define OK(uri)                       \
	{                             \
		REDIRECT_OK, STR(uri) \
	}
#define NO(why, uri)                     \
	{                                \
		REDIRECT_##why, STR(uri) \
	}
        /* what Facebook was seen to send */
        OK("https://facebook.com" GOOD),
        OK("https://messenger.com" GOOD),
        OK("https://www.messenger.com" GOOD),
        OK("https://www.facebook.com" GOOD),
        OK("https://www.facebook.com" PATH Q),
        OK("https://facebook.com:443" GOOD),
        OK("https://facebook.com" PATH "/?x=1&account_linking_token=" T),
        OK("https://facebook.com" GOOD "&next=https%3A%2F%2Fa.example%2F%3Fb%3Dc"),
        OK("https://facebook.com" GOOD "&a=b=c&d&e=?/:@!$'()*,;~+."),
        OK("http://127.0.0.1:8081" GOOD),
        OK("http://127.0.0.1:8081" PATH Q),
        /* host */
        NO(ORIGIN, "https://facebook.com.evil.com" GOOD),
        NO(ORIGIN, "https://facebook.comevil.com" GOOD),
        NO(ORIGIN, "https://evilwww.facebook.com" GOOD),
        NO(ORIGIN, "https://evil.com" GOOD),
        NO(ORIGIN, "https://www.facebook.com@evil.com" GOOD),
        NO(ORIGIN, "https://www.facebook.com:443@evil.com" GOOD),
        NO(ORIGIN, "https://www.facebook.com%40evil.com" GOOD),
        NO(ORIGIN, "https://evil.com%40www.facebook.com" GOOD),
        NO(ORIGIN, "https://user@www.facebook.com" GOOD),
        NO(ORIGIN, "https://user:pass@www.facebook.com" GOOD),
        NO(ORIGIN, "https://@www.facebook.com" GOOD),
        NO(CHARACTER, "https://evil.com\\@www.facebook.com" GOOD),
        NO(CHARACTER, "https://evil.com\\.www.facebook.com" GOOD),
        NO(CHARACTER, "https://www.facebook.com\\.evil.com" GOOD),
        NO(CHARACTER, "https://evil.com#@www.facebook.com" GOOD),
        NO(ORIGIN, "https://evil.com?@www.facebook.com" GOOD),
        NO(ORIGIN, "https://evil.com/@www.facebook.com" GOOD),
        NO(ORIGIN, "https://www.facebook.com." GOOD),
        NO(ORIGIN, "https://www.facebook.com:444" GOOD),
        NO(ORIGIN, "https://www.facebook.com:80" GOOD),
        NO(ORIGIN, "https://www.facebook.com:" GOOD),
        NO(ORIGIN, "https://www.facebook.com:0443" GOOD),
        NO(ORIGIN, "https://www.facebook.com:4430" GOOD),
        NO(ORIGIN, "https://www.facebook.com:443:443" GOOD),
        NO(ORIGIN, "https://www.facebook.com:443.evil.com" GOOD),
        NO(ORIGIN, "https://l.facebook.com" GOOD),
        NO(ORIGIN, "https://m.facebook.com" GOOD),
        NO(ORIGIN, "https://facebook" GOOD),
        NO(ORIGIN, "https://www.facebook.co" GOOD),
        NO(CHARACTER, "https://www.f\xd0\xb0"
                      "cebook.com" GOOD),
        NO(ORIGIN, "https://www.xn--fcebook-2fg.com" GOOD),
        NO(CHARACTER, "https://www.facebook\xe3\x80\x82"
                      "com" GOOD),
        NO(CHARACTER, "https://www.facebook.com\xef\xbc\x8f.evil.com" GOOD),
        NO(CHARACTER, "https://www.facebook.com\xe2\x84\x80.evil.com" GOOD),
        NO(CHARACTER, "https://www.face\xc2\xad"
                      "book.com" GOOD),
        NO(ORIGIN, "https://www%2efacebook.com" GOOD),
        NO(ORIGIN, "https://www.facebook.com%2f.evil.com" GOOD),
        NO(CHARACTER, "https://www.face\tbook.com" GOOD),
        NO(CHARACTER, "https://www.face book.com" GOOD),
        NO(ORIGIN, "https://WWW.FACEBOOK.COM" GOOD),
        NO(ORIGIN, "https://[::1]" GOOD),
        NO(ORIGIN, "https://2130706433" GOOD),
        NO(ORIGIN, "https://127.0.0.1" GOOD),
        NO(ORIGIN, "https://" GOOD),
        NO(ORIGIN, "https://.facebook.com" GOOD),
        NO(ORIGIN, "https://facebook.com,www.facebook.com" GOOD),
        NO(ORIGIN, "https://facebook.com"),
        NO(ORIGIN, "https://facebook.com" Q),
        NO(ORIGIN, "https://facebook.com;" GOOD),
        /* scheme */
        NO(ORIGIN, "http://www.facebook.com" GOOD),
        NO(ORIGIN, "HTTPS://www.facebook.com" GOOD),
        NO(ORIGIN, "//evil.com" GOOD),
        NO(ORIGIN, "//www.facebook.com" GOOD),
        NO(ORIGIN, "https:www.facebook.com" GOOD),
        NO(ORIGIN, "https:/www.facebook.com" GOOD),
        NO(ORIGIN, "https:/evil.com" GOOD),
        NO(ORIGIN, "https:///evil.com" GOOD),
        NO(ORIGIN, "https:///www.facebook.com" GOOD),
        NO(CHARACTER, "https:\\\\evil.com" GOOD),
        NO(ORIGIN, "javascript:alert(1)//www.facebook.com" GOOD),
        NO(ORIGIN, "data:text/html,https://www.facebook.com" GOOD),
        NO(ORIGIN, "fb-messenger://www.facebook.com" GOOD),
        NO(ORIGIN, "intent://www.facebook.com" GOOD),
        NO(ORIGIN, "www.facebook.com" GOOD),
        NO(ORIGIN, GOOD),
        NO(CHARACTER, " https://www.facebook.com" GOOD),
        NO(CHARACTER, "https://www.facebook.com" GOOD " "),
        NO(CHARACTER, "https://www.facebook.com\n" GOOD),
        NO(CHARACTER, "\xef\xbb\xbfhttps://www.facebook.com" GOOD),
        NO(MISSING, ""),
        /* path */
        NO(PATH, "https://www.facebook.com" PATH "/../../l.php" Q),
        NO(PATH, "https://www.facebook.com/messenger_platform/%2e%2e/account_linking" Q),
        NO(PATH, "https://www.facebook.com" PATH "/%2e%2e/" Q),
        NO(PATH, "https://www.facebook.com" PATH "/..%2f" Q),
        NO(CHARACTER, "https://www.facebook.com" PATH "/..\\" Q),
        NO(PATH, "https://www.facebook.com" PATH "X" Q),
        NO(PATH, "https://www.facebook.com" PATH "//" Q),
        NO(PATH, "https://www.facebook.com/" PATH Q),
        NO(PATH, "https://www.facebook.com" PATH ";x=/" Q),
        NO(PATH, "https://www.facebook.com/l.php?u=https%3A%2F%2Fevil.com&account_linking_token=" T),
        NO(PATH, "https://www.facebook.com/flx/warn/" Q),
        NO(PATH, "https://www.facebook.com" PATH "%00" Q),
        NO(CHARACTER, "https://www.facebook.com" PATH "\0" Q),
        NO(CHARACTER, "https://www.facebook.com/messenger_platform/\xef\xbd\x81"
                      "ccount_linking" Q),
        NO(PATH, "https://www.facebook.com/Messenger_platform/account_linking" Q),
        NO(PATH, "https://www.facebook.com/messenger%5fplatform/account_linking" Q),
        NO(PATH, "https://www.facebook.com/" Q),
        NO(PATH, "https://www.facebook.com/?" PATH Q),
        NO(PATH, "https://www.facebook.com/messenger_platform/account_linkin" Q),
        /* query */
        NO(CODE, "https://www.facebook.com" GOOD "&authorization_code=ATT"),
        NO(CODE, "https://www.facebook.com" PATH "/?authorization_code=ATT&account_linking_token=" T),
        NO(CODE, "https://www.facebook.com" GOOD "&authorization_code"),
        NO(NAME, "https://www.facebook.com" GOOD "&authorization%5fcode=ATT"),
        NO(NAME, "https://www.facebook.com" GOOD "&authorization_code[]=ATT"),
        NO(NAME, "https://www.facebook.com" GOOD "&authorization.code=ATT"),
        NO(NAME, "https://www.facebook.com" GOOD "&+authorization_code=ATT"),
        NO(TOKEN, "https://www.facebook.com" GOOD ";authorization_code=ATT"),
        NO(NAME, "https://www.facebook.com" PATH "?" Q),
        NO(NAME, "https://www.facebook.com" GOOD "&"),
        NO(NAME, "https://www.facebook.com" GOOD "&&a=b"),
        NO(NAME, "https://www.facebook.com" GOOD "&=b"),
        NO(TOKEN, "https://www.facebook.com" GOOD "&account_linking_token=" T),
        NO(TOKEN, "https://www.facebook.com" GOOD "&account_linking_token=other"),
        NO(TOKEN, "https://www.facebook.com" PATH "/?account_linking_token=other"),
        NO(TOKEN, "https://www.facebook.com" PATH "/?account_linking_token=" T "x"),
        NO(TOKEN, "https://www.facebook.com" PATH "/?account_linking_token=%41"
                  "RxY0123456789abcdefghij_klm-nop"),
        NO(TOKEN, "https://www.facebook.com" PATH "/?account_linking_token="),
        NO(TOKEN, "https://www.facebook.com" PATH "/?account_linking_token"),
        NO(TOKEN, "https://www.facebook.com" PATH "/?Account_linking_token=" T),
        NO(TOKEN, "https://www.facebook.com" PATH "/?x=1"),
        NO(NAME, "https://www.facebook.com" PATH "/?"),
        NO(TOKEN, "https://www.facebook.com" PATH "/"),
        NO(TOKEN, "https://www.facebook.com" PATH),
        NO(TOKEN, "https://www.facebook.com" GOOD "%0d%0aSet-Cookie:x"),
        NO(CHARACTER, "https://www.facebook.com" GOOD "\r\nSet-Cookie:x"),
        NO(CHARACTER, "https://www.facebook.com" GOOD "#frag"),
        NO(CHARACTER, "https://www.facebook.com" GOOD "#"),
        NO(CHARACTER, "https://www.facebook.com" GOOD "&x=\x7f"),
        NO(CHARACTER, "https://www.facebook.com" GOOD "&x=\x80"),
        NO(CHARACTER, "https://www.facebook.com" GOOD "&x=\xff"),
        NO(ORIGIN, "https%3A%2F%2Fwww.facebook.com%2Fmessenger_platform%2Faccount_linking%2F"),
        NO(PATH, "https://www.facebook.com" PATH "%2F" Q),
        NO(PATH, "https://www.facebook.com" PATH "%3Faccount_linking_token=" T),
        /* the entry for trying it out allows exactly one origin */
        NO(ORIGIN, "https://127.0.0.1:8081" GOOD),
        NO(ORIGIN, "http://127.0.0.1:8082" GOOD),
        NO(ORIGIN, "http://127.0.0.1:80811" GOOD),
        NO(ORIGIN, "http://127.0.0.1" GOOD),
        NO(ORIGIN, "http://127.0.0.1:8081@evil.com" GOOD),
        NO(ORIGIN, "http://127.0.0.1:8081:443" GOOD),
        NO(ORIGIN, "http://localhost:8081" GOOD),
        NO(PATH, "http://127.0.0.1:8081/" Q),
        NO(PATH, "http://127.0.0.1:8081/other" Q),
        NO(TOKEN, "http://127.0.0.1:8081" PATH "?account_linking_token=other"),
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		enum redirect_verdict got = redirect_check(&cfg, STR(T), rows[i].uri);
		if (got != rows[i].want)
			print_error("%.*s: %s\n", (int)rows[i].uri.n, rows[i].uri.p, redirect_reason(got));
		assert_int_equal(got, rows[i].want);
	}
}

/* Each byte put in at each place of a good address: only a query value can take it. */
static void test_every_byte(void **state)
{
	(void)state;
	static const char good[] = "https://facebook.com" PATH Q;
	size_t n = sizeof good - 1, query = strlen("https://facebook.com" PATH);
	char uri[sizeof good];
	for (size_t at = 0; at <= n; at++) {
		for (int c = 0; c < 256; c++) {
			memcpy(uri, good, at);
			uri[at] = (char)c;
			memcpy(uri + at + 1, good + at, n - at);
			bool slash = c == '/' && at == query;
			enum redirect_verdict got = redirect_check(&cfg, STR(T), (struct str){uri, n + 1});
			assert_true((got == REDIRECT_OK) == slash);
		}
	}
}

/* Nothing is read past the end: the bytes lie alone, where a sanitizer sees it. */
static void test_end(void **state)
{
	(void)state;
	static const struct row short_rows[] = {
	        NO(ORIGIN, "https://facebook.com"),
	        NO(ORIGIN, "https://facebook.com:443"),
	        NO(ORIGIN, "http://127.0.0.1:8081"),
	        NO(ORIGIN, "https://"),
	        NO(ORIGIN, "h"),
	        NO(PATH, "https://facebook.com/"),
	        NO(TOKEN, "https://facebook.com" PATH),
	        NO(NAME, "https://facebook.com" PATH "?"),
	        NO(TOKEN, "https://facebook.com" PATH "?a"),
	};
	for (size_t i = 0; i < sizeof short_rows / sizeof short_rows[0]; i++) {
		struct str uri = short_rows[i].uri;
		char *alone = malloc(uri.n);
		assert_non_null(alone);
		memcpy(alone, uri.p, uri.n);
		assert_int_equal(redirect_check(&cfg, STR(T), (struct str){alone, uri.n}),
		                 short_rows[i].want);
		free(alone);
	}
}

static void test_length(void **state)
{
	(void)state;
	static char uri[REDIRECT_MAX + 1];
	static const char good[] = "https://facebook.com" PATH Q "&x=";
	memset(uri, 'a', sizeof uri);
	memcpy(uri, good, sizeof good - 1);
	assert_int_equal(redirect_check(&cfg, STR(T), (struct str){uri, REDIRECT_MAX}), REDIRECT_OK);
	assert_int_equal(redirect_check(&cfg, STR(T), (struct str){uri, REDIRECT_MAX + 1}),
	                 REDIRECT_TOO_LONG);
}

static void test_token(void **state)
{
	(void)state;
	static char token[REDIRECT_TOKEN_MAX + 1];
	memset(token, 'a', sizeof token);
	assert_true(redirect_token_ok(STR(T)));
	assert_true(redirect_token_ok(STR("A")));
	assert_true(redirect_token_ok((struct str){token, REDIRECT_TOKEN_MAX}));
	assert_false(redirect_token_ok((struct str){token, REDIRECT_TOKEN_MAX + 1}));
	assert_false(redirect_token_ok(STR("")));
	assert_false(redirect_token_ok(STR("a b")));
	assert_false(redirect_token_ok(STR("a%41")));
	assert_false(redirect_token_ok(STR("a\0b")));
	assert_false(redirect_token_ok(STR("a\xc3\xa4")));
	/* equal to the outer one is not enough */
	assert_int_equal(redirect_check(&cfg, STR("a.b"),
	                                STR("https://facebook.com" PATH "?account_linking_token=a.b")),
	                 REDIRECT_TOKEN);
	assert_int_equal(
	        redirect_check(&cfg, STR(""), STR("https://facebook.com" PATH "?account_linking_token=")),
	        REDIRECT_TOKEN);
}

/* Entries a careless configuration might hold allow nothing. */
static void test_entries(void **state)
{
	(void)state;
	static char *odd[] = {"",
	                      "http://127.0.0.1:0",
	                      "http://127.0.0.1:08081",
	                      "http://127.0.0.1:99999",
	                      "http://127.0.0.1:",
	                      "http://127.0.0.1:8081/",
	                      "http://evil.com:80",
	                      "http://127.0.0.1",
	                      "https://facebook.com"};
	static const char *const origin[] = {"https://",
	                                     "http://127.0.0.1:0",
	                                     "http://127.0.0.1:08081",
	                                     "http://127.0.0.1:99999",
	                                     "http://127.0.0.1:",
	                                     "http://127.0.0.1:8081",
	                                     "http://evil.com:80",
	                                     "http://127.0.0.1",
	                                     "https://facebook.com"};
	struct config c = {.redirect_hosts = {9, odd}, .public_loopback = true};
	for (size_t i = 0; i < 9; i++) {
		struct buf uri;
		buf_init(&uri, REDIRECT_MAX);
		buf_printf(&uri, "%s%s", origin[i], GOOD);
		assert_int_equal(redirect_check(&c, STR(T), buf_view(&uri)), REDIRECT_ORIGIN);
		buf_done(&uri);
	}
	char last[] = "http://127.0.0.1:65535", none[] = "http://127.0.0.1:65536";
	char *edge[] = {last, none};
	c.redirect_hosts = (struct strlist){2, edge};
	assert_int_equal(redirect_check(&c, STR(T), STR("http://127.0.0.1:65535" GOOD)), REDIRECT_OK);
	assert_int_equal(redirect_check(&c, STR(T), STR("http://127.0.0.1:65536" GOOD)), REDIRECT_ORIGIN);
	c = cfg;
	c.public_loopback = false;
	assert_int_equal(redirect_check(&c, STR(T), STR("http://127.0.0.1:8081" GOOD)), REDIRECT_ORIGIN);
	assert_int_equal(redirect_check(&c, STR(T), STR("https://facebook.com" GOOD)), REDIRECT_OK);
	c.redirect_hosts.n = 0;
	assert_int_equal(redirect_check(&c, STR(T), STR("https://facebook.com" GOOD)), REDIRECT_ORIGIN);
}

static void test_append(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 4096);
	redirect_append(&out, STR("https://facebook.com/x?a=%2F+b%20"), STR("C-1_"));
	assert_string_equal(out.p, "https://facebook.com/x?a=%2F+b%20&authorization_code=C-1_");
	buf_reset(&out);
	redirect_append(&out, STR("https://facebook.com/x"), STR("C"));
	assert_string_equal(out.p, "https://facebook.com/x?authorization_code=C");
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rows),    cmocka_unit_test(test_every_byte),
	        cmocka_unit_test(test_length),  cmocka_unit_test(test_token),
	        cmocka_unit_test(test_entries), cmocka_unit_test(test_append),
	        cmocka_unit_test(test_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
