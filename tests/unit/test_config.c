#include "test.h"

#include "config_fixture.h"
#include "obs/log.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* what every good configuration needs */
#define GOOD "LINKD_APP_SECRET=0123456789abcdef", "LINKD_PUBLIC_URL=https://link.example.com"

static void test_defaults(void **state)
{
	char *vars[] = {GOOD, "PATH=/bin", "NOEQUALS", "LINKD_WORKERS", NULL};
	struct loaded l = load(NULL, vars);
	(void)state;
	assert_non_null(l.c);
	assert_int_equal(l.c->listen.n, 1);
	assert_string_equal(l.c->listen.v[0], "0.0.0.0:8080");
	assert_string_equal(l.c->admin_listen.v[0], "127.0.0.1:9464");
	assert_int_equal(l.c->admin_token.n, 0);
	assert_int_equal(l.c->redirect_hosts.n, 4);
	assert_string_equal(l.c->redirect_hosts.v[3], "www.messenger.com");
	assert_int_equal(l.c->code_ttl, 300);
	assert_int_equal(l.c->link_conflict, CONFLICT_REPLACE);
	assert_int_equal(l.c->legacy_sha1, SHA1_ACCEPT);
	assert_int_equal(l.c->login, LOGIN_PASSWORD);
	assert_int_equal(l.c->log_level, LOG_INFO);
	assert_int_equal(l.c->log_format, LOG_JSON);
	assert_int_equal(l.c->webhook_body_budget, 67108864);
	assert_int_equal(l.c->page_ids.n, 0);
	assert_true(l.c->public_https);
	assert_false(l.c->public_loopback);
	loaded_done(&l);
	config_free(NULL);
}

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

/* One variable beside GOOD (or instead of one of it): taken, or refused with these words. */
static const struct row {
	const char *variable, *problem; /* NULL: taken */
} rows[] = {
        {"LINKD_WORKERS=0", NULL},
        {"LINKD_WORKERS= 256 ", NULL},
        {"LINKD_WORKERS=257", "LINKD_WORKERS: \"257\" must be a whole number from 0 to 256"},
        {"LINKD_WORKERS=-1", "whole number"},
        {"LINKD_WORKERS=", "whole number"},
        {"LINKD_WORKERS=2.5", "whole number"},
        {"LINKD_WORKERS=99999999999999999999999", "whole number"},
        {"LINKD_CODE_TTL=29", "from 30 to 600"},
        {"LINKD_CODE_TTL=600", NULL},
        {"LINKD_WEBHOOK_BODY_BUDGET=4294967296", NULL},
        {"LINKD_WEBHOOK_BODY_BUDGET=1048576", "raise it to at least 4194304"},
        {"LINKD_LOG_LEVEL=warn", NULL},
        {"LINKD_LOG_LEVEL=WARN", "\"WARN\" must be debug, info, warn or error"},
        {"LINKD_LOG_FORMAT=", "must be json or text"},
        {"LINKD_LOGIN=oidc", "must be password"},
        {"LINKD_LEGACY_SHA1=upgrade", NULL},
        {"LINKD_LISTEN=127.0.0.1:0, [::1]:0", NULL},
        {"LINKD_LISTEN=", "must not be empty"},
        {"LINKD_LISTEN=  ", "must not be empty"},
        {"LINKD_LISTEN=a:1,,b:2", "surplus comma"},
        {"LINKD_LISTEN=a:1,", "surplus comma"},
        {"LINKD_LISTEN=:8080", "write host:port"},
        {"LINKD_LISTEN=off", "write host:port"},
        {"LINKD_ADMIN_LISTEN=off", NULL},
        {"LINKD_ADMIN_LISTEN=off,127.0.0.1:1", "write host:port"},
        {"LINKD_ADMIN_TOKEN=0123456789abcdef", NULL},
        {"LINKD_ADMIN_TOKEN=0123456789abcde", "at least 16 characters"},
        {"LINKD_PUBLIC_URL=", "must be set unless every address"},
        {"LINKD_PUBLIC_URL=http://link.example.com", "must begin with https://"},
        {"LINKD_PUBLIC_URL=http://127.0.0.1:8080", NULL},
        {"LINKD_PUBLIC_URL=http://[::1]:8080", NULL},
        {"LINKD_PUBLIC_URL=https://link.example.com/", "no final slash"},
        {"LINKD_PUBLIC_URL=https://link.example.com:443", "no port 443"},
        {"LINKD_PUBLIC_URL=https://Link.example.com", "lower case"},
        {"LINKD_STORE=sqlite:/var/x.db", NULL},
        {"LINKD_STORE=sqlite:", "or sqlite:PATH"},
        {"LINKD_STORE=dynamodb:customers",
         "LINKD_SEAL_KEY: must be set with LINKD_STORE=dynamodb:TABLE, to the same value on every "
         "instance; make one with: openssl rand -hex 32"},
        {"LINKD_STORE=dynamodb:ab", "is no name of a table"},
        {"LINKD_STORE=dynamodb:a/b/c", "is no name of a table"},
        {"LINKD_STORE=dynamodb:" X50 X50 X50 X50 X50 "12345", "LINKD_SEAL_KEY: must be set"},
        {"LINKD_STORE=dynamodb:" X50 X50 X50 X50 X50 "123456", "is no name of a table"},
        {"LINKD_STORE=dynamodb:a b", "is no name of a table"},
        {"LINKD_LOG_LEVEL=" X50 X50, "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"... must be debug"},
        {"LINKD_LOG_LEVEL=a\x01", "\"a\\u0001\" must be debug"},
        {"LINKD_BRAND_NAME=a\x7f", "control character"},
        {"LINKD_PRIVACY_URL=https://example.com/\xc3\xbc", "is not an https link"},
        {"LINKD_PSID_LOOKUP=scan", NULL},
        {"LINKD_PSID_LOOKUP=both", "auto, index or scan"},
        {"LINKD_CODE_STYLE=random", NULL},
        {"LINKD_STORE=/var/x.db", "or sqlite:PATH"},
        {"LINKD_SEAL_KEY=0123456789abcdef0123456789abcdef", NULL},
        {"LINKD_SEAL_KEY=0123456789abcdef0123456789abcde", "key 1 is shorter than 32 bytes"},
        {"LINKD_SEAL_KEY=0123456789abcdef0123456789abcdef,b,0123456789abcdef0123456789abcdef",
         "key 2 is shorter"},
        {"LINKD_SEAL_KEY=0123456789abcdef0123456789abcdef,0123456789abcdef0123456789abcde1,"
         "0123456789abcdef0123456789abcde2,0123456789abcdef0123456789abcde3",
         "holds 4 keys; at most 3"},
        {"LINKD_APP_SECRET=", "must be set; copy it from the Facebook app dashboard"},
        {"LINKD_APP_SECRET=a,b,c", NULL},
        {"LINKD_APP_SECRET=a,b,c,d", "holds 4 secrets; at most 3"},
        {"LINKD_APP_SECRET=ab\nc", "line break"},
        {"LINKD_APP_SECRET=0123456789abcdef\n", NULL},
        {"LINKD_VERIFY_TOKEN=abc\n", NULL},
        {"LINKD_VERIFY_TOKEN=a\nbc", "line break"},
        {"LINKD_APP_SECRET=ab\xff", "not valid UTF-8"},
        {"LINKD_PAGE_IDS=123,456", NULL},
        {"LINKD_PAGE_IDS=12a", "digits only"},
        {"LINKD_PAGE_IDS=11111111111111111111111111111111111111111111111111111111111111111", "digits only"},
        {"LINKD_PAGE_ACCESS_TOKEN=EAAGx1", NULL},
        {"LINKD_PAGE_ACCESS_TOKEN=12=EAAGx1,13=EAAGx2", NULL},
        {"LINKD_PAGE_ACCESS_TOKEN=12=EAAGx1,EAAGx2", "token 2 has no page id"},
        {"LINKD_PAGE_ACCESS_TOKEN=12=EAAGx1,12=EAAGx2", "token 2 is of the same page as token 1"},
        {"LINKD_PAGE_ACCESS_TOKEN=EAAG x1", "token 1 has a character that no token has"},
        {"LINKD_PAGE_ACCESS_TOKEN=12=", "token 1 has a character that no token has"},
        {"LINKD_PAGE_ACCESS_TOKEN=shop=EAAGx1", "token 1 begins with something other than a page id"},
        {"LINKD_PAGE_ACCESS_TOKEN=1=a,2=a,3=a,4=a,5=a,6=a,7=a,8=a,9=a", "holds 9 tokens; at most 8"},
        {"LINKD_GRAPH_URL=http://127.0.0.1:8090", NULL},
        {"LINKD_GRAPH_URL=http://graph.example.com", "must begin with https://"},
        {"LINKD_GRAPH_URL=https://graph.facebook.com/v26.0", "without a path"},
        {"LINKD_GRAPH_VERSION=v9.1", NULL},
        {"LINKD_GRAPH_VERSION=26.0", "is not a version"},
        {"LINKD_GRAPH_VERSION=v26", "is not a version"},
        {"LINKD_REQUIRE_PSID_BINDING=on", "needs LINKD_PAGE_ACCESS_TOKEN"},
        {"LINKD_REDIRECT_HOSTS=www.facebook.com", NULL},
        {"LINKD_REDIRECT_HOSTS=https://www.facebook.com", "must be a host name"},
        {"LINKD_REDIRECT_HOSTS=www.facebook.com:443", "not a host name"},
        {"LINKD_REDIRECT_HOSTS=*.facebook.com", "not a host name"},
        {"LINKD_REDIRECT_HOSTS=", "must not be empty"},
        {"LINKD_REDIRECT_HOSTS=http://127.0.0.1:8081", "needs a loopback LINKD_PUBLIC_URL"},
        {"LINKD_TRUSTED_PROXIES=10.0.0.0/8, ::1", NULL},
        {"LINKD_TRUSTED_PROXIES=10.0.0.0/33", "not an address or a range"},
        {"LINKD_PRIVACY_URL=https://example.com/p?a=b#c", NULL},
        {"LINKD_PRIVACY_URL=https://example.com:8443", NULL},
        {"LINKD_PRIVACY_URL=http://example.com/",
         "LINKD_PRIVACY_URL: \"http://example.com/\" is not an https link"},
        {"LINKD_SIGNUP_URL=javascript:alert(1)", "not an https link"},
        {"LINKD_FORGOT_URL=https:///x", "not an https link"},
        {"LINKD_FORGOT_URL=https://a b", "not an https link"},
        {"LINKD_FORGOT_URL=https://a/\"x", "not an https link"},
        {"LINKD_FORGOT_URL=https://u@a/", "not an https link"},
        {"LINKD_BRAND_NAME=B\xc3\xbc"
         "cher & Co",
         NULL},
        {"LINKD_BRAND_NAME=a\x1b[2Jb", "control character"},
};

static void test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char variable[512];
		(void)snprintf(variable, sizeof variable, "%s", rows[i].variable);
		char *vars[] = {variable, GOOD, NULL}; /* of two of a name the first one counts */
		struct loaded l = load(NULL, vars);
		if ((l.c != NULL) != (rows[i].problem == NULL))
			fail_msg("%s: %s", variable, l.problems.p);
		if (rows[i].problem != NULL && strstr(l.problems.p, rows[i].problem) == NULL)
			fail_msg("%s: %s", variable, l.problems.p);
		bool no_key = strstr(variable, "dynamodb:") != NULL; /* a second one */
		if (rows[i].problem != NULL && !no_key)              /* one thing wrong, one problem */
			assert_ptr_equal(strchr(l.problems.p, '\n'), l.problems.p + l.problems.len - 1);
		loaded_done(&l);
	}
}

static void test_lengths(void **state)
{
	char *big = malloc(5000);
	char *vars[] = {big, GOOD, NULL};
	(void)state;
	for (size_t n = 128; n <= 129; n++) {
		int at = snprintf(big, 5000, "LINKD_BRAND_NAME=");
		memset(big + at, 'x', n);
		big[(size_t)at + n] = '\0';
		struct loaded l = load(NULL, vars);
		assert_true((l.c != NULL) == (n == 128));
		if (n > 128)
			assert_non_null(strstr(l.problems.p, "longer than 128 bytes"));
		loaded_done(&l);
	}
	free(big);
}

static void test_derived(void **state)
{
	static const struct {
		const char *listen, *url;
		bool good, https, loopback;
	} derived[] = {
	        {"127.0.0.1:0", "", true, false, true},
	        {"127.0.0.1:0,[::1]:0,localhost:1", "", true, false, true},
	        {"127.0.0.1:0,0.0.0.0:1", "", false, false, false},
	        {"0.0.0.0:1,127.0.0.1:0", "", false, false, false},
	        {"127.0.0.1:0", "https://a.b", true, true, false},
	        {"0.0.0.0:1", "http://localhost:8080", true, false, true},
	        {"127.0.0.1:0", "https://localhost", true, true, false},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(derived); i++) {
		char listen[100], url[100];
		(void)snprintf(listen, sizeof listen, "LINKD_LISTEN=%s", derived[i].listen);
		(void)snprintf(url, sizeof url, "LINKD_PUBLIC_URL=%s", derived[i].url);
		char *vars[] = {listen, url, "LINKD_APP_SECRET=x", NULL};
		struct loaded l = load(NULL, vars);
		assert_true((l.c != NULL) == derived[i].good);
		if (l.c != NULL) {
			assert_int_equal(l.c->public_https, derived[i].https);
			assert_int_equal(l.c->public_loopback, derived[i].loopback);
		}
		loaded_done(&l);
	}
}

static void test_local_redirect_hosts(void **state)
{
	static const struct {
		const char *host;
		bool good;
	} hosts[] = {
	        {"http://127.0.0.1:8081", true},    {"http://localhost:8081", false},
	        {"www.facebook.com", true},         {"WWW.facebook.com", false},
	        {"http://127.0.0.1", false},        {"http://10.0.0.1:8081", false},
	        {"https://127.0.0.1:1", false},     {"http://127.0.0.1:8081/", false},
	        {"http://127.0.0.1:8081/x", false}, {"http://evil.com:1", false},
	        {"http://127.0.0.2:8081", false},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(hosts); i++) {
		char var[100];
		(void)snprintf(var, sizeof var, "LINKD_REDIRECT_HOSTS=facebook.com,%s", hosts[i].host);
		char *vars[] = {var, "LINKD_APP_SECRET=x", "LINKD_PUBLIC_URL=http://127.0.0.1:8080", NULL};
		struct loaded l = load(NULL, vars);
		if ((l.c != NULL) != hosts[i].good)
			fail_msg("%s: %s", hosts[i].host, l.problems.p);
		loaded_done(&l);
	}
}

static bool warned(const struct config *c, const char *words)
{
	for (size_t i = 0; i < c->warnings.n; i++)
		if (strstr(c->warnings.v[i], words) != NULL)
			return true;
	return false;
}

static void test_warnings(void **state)
{
	char *quiet[] = {GOOD, "LINKD_VERIFY_TOKEN=fedcba9876543210", "LINKD_LEGACY_SHA1=refuse",
	                 "LINKD_TRUSTED_PROXIES=10.0.0.1", NULL};
	char *local[] = {"LINKD_APP_SECRET=0123456789abcdef", "LINKD_PUBLIC_URL=http://127.0.0.1:1", NULL};
	char *loud[] = {"LINKD_APP_SECRET=long-enough-secret,short",
	                "LINKD_PUBLIC_URL=https://a.b",
	                "LINKD_ADMIN_LISTEN=0.0.0.0:1",
	                "LINKD_SERVICE_HOST=10.0.0.1",
	                "LINKD_=",
	                NULL};
	char *token[] = {GOOD, "LINKD_ADMIN_LISTEN=10.0.0.1:1", "LINKD_ADMIN_TOKEN=fedcba9876543210", NULL};
	(void)state;
	struct loaded l = load(NULL, quiet);
	assert_int_equal(l.c->warnings.n, 0);
	loaded_done(&l);
	l = load(NULL, loud);
	assert_int_equal(l.c->warnings.n, 7);
	assert_true(warned(l.c, "LINKD_TRUSTED_PROXIES is not set"));
	assert_true(warned(l.c, "\"LINKD_SERVICE_HOST\" in the environment is not a setting"));
	assert_true(warned(l.c, "\"LINKD_\" in"));
	assert_true(warned(
	        l.c,
	        "LINKD_APP_SECRET, secret 2 has fewer than 16 characters and can be guessed; copy it whole"));
	assert_true(warned(l.c, "LINKD_ADMIN_LISTEN: 0.0.0.0:1 is not a loopback or private address"));
	assert_true(warned(l.c, "LINKD_VERIFY_TOKEN is not set"));
	assert_true(warned(l.c, "LINKD_LEGACY_SHA1 is accept"));
	loaded_done(&l);
	l = load(NULL, local);
	assert_false(warned(l.c, "LINKD_TRUSTED_PROXIES"));
	loaded_done(&l);
	l = load(NULL, token);
	assert_false(warned(l.c, "LINKD_ADMIN_LISTEN"));
	loaded_done(&l);
}

#define HEX "8f14e45fceea167a5a36dedd4bea2543"
#define OTHER_HEX "c9f0f895fb98ab9159f51fd0297e236d"
/* what sha256sum and sha1sum say of HEX, with and without a line end, and what base64 and xxd do */
#define SHA256_OF_TEXT "403dd45c5e49532f648e756d9178b73467a741444a321d2e0755ebde19ac8523"
#define SHA256_OF_LINE "15c35886dd9208e45def862ca0a82e8a8bfffd570f3713d3fc31c2b3ddd6b1fd"
#define SHA1_OF_LINE "79423222cda85f7cda593161d57c52f6e6584bc7"
#define BASE64_OF_TEXT "OGYxNGU0NWZjZWVhMTY3YTVhMzZkZWRkNGJlYTI1NDM="
#define HEX_OF_TEXT "3866313465343566636565613136376135613336646564643462656132353433"

/* One setting beside what is quiet: a warning with these words, or none. */
static const struct {
	const char *variable, *warning; /* NULL: none */
} dangers[] = {
        {"LINKD_ARGON2_MEMORY_KIB=19455",
         "LINKD_ARGON2_MEMORY_KIB 19455 with LINKD_ARGON2_PASSES 2 is weaker"},
        {"LINKD_ARGON2_MEMORY_KIB=47104", NULL},
        {"LINKD_ARGON2_PASSES=1", "weaker than OWASP"},
        {"LINKD_ARGON2_PASSES=3", NULL},
        {"LINKD_TRUSTED_PROXIES=0.0.0.0/0", "LINKD_TRUSTED_PROXIES: 0.0.0.0/0 trusts"},
        {"LINKD_TRUSTED_PROXIES=::/0", "LINKD_TRUSTED_PROXIES: ::/0 trusts"},
        {"LINKD_TRUSTED_PROXIES=10.0.0.0/8,128.0.0.0/1", ": 128.0.0.0/1 trusts"},
        {"LINKD_TRUSTED_PROXIES=::ffff:0:0/96", "trusts"},
        {"LINKD_TRUSTED_PROXIES=2000::/3", "trusts"},
        {"LINKD_TRUSTED_PROXIES=10.0.0.0/8,104.16.0.0/13,2a06:98c0::/29,fc00::/7,::1", NULL},
        {"LINKD_REDIRECT_HOSTS=www.facebook.com,login.example.com",
         "LINKD_REDIRECT_HOSTS: login.example.com is not Facebook's"},
        {"LINKD_REDIRECT_HOSTS=notfacebook.com", "notfacebook.com is not Facebook's"},
        {"LINKD_REDIRECT_HOSTS=web.facebook.com,messenger.com", NULL},
        {"LINKD_ADMIN_LISTEN=0.0.0.0:9464", "LINKD_ADMIN_LISTEN: 0.0.0.0:9464 is not a loopback or private"},
        {"LINKD_ADMIN_LISTEN=127.0.0.1:1,[::]:9464", ": [::]:9464 is not a loopback or private"},
        {"LINKD_ADMIN_LISTEN=203.0.113.7:9464", "is not a loopback or private"},
        {"LINKD_ADMIN_LISTEN=admin.example.com:9464", "is not a loopback or private"},
        {"LINKD_ADMIN_LISTEN=[fd00::1]:9464", "LINKD_ADMIN_TOKEN is not set"},
        {"LINKD_ADMIN_LISTEN=[::1]:9464,localhost:1,127.0.0.2:1", NULL},
        {"LINKD_ADMIN_LISTEN=off", NULL},
        {"LINKD_VERIFY_TOKEN=hello", "LINKD_VERIFY_TOKEN has fewer than 16 characters"},
        {"LINKD_SEAL_KEY=" X50, "LINKD_SEAL_KEY is made of few characters"},
        {"LINKD_SEAL_KEY=0123456789-0123456789-0123456789-0123456789-", "or of a short text repeated"},
        {"LINKD_SEAL_KEY=" OTHER_HEX, NULL},
        {"LINKD_VERIFY_TOKEN=" HEX, "LINKD_APP_SECRET and LINKD_VERIFY_TOKEN are the same"},
        {"LINKD_ADMIN_TOKEN=" HEX, "LINKD_ADMIN_TOKEN and LINKD_APP_SECRET are the same"},
        {"LINKD_SEAL_KEY=" HEX, "LINKD_SEAL_KEY and LINKD_APP_SECRET are the same"},
        {"LINKD_SEAL_KEY=" OTHER_HEX "," OTHER_HEX,
         "LINKD_SEAL_KEY, secret 1 and LINKD_SEAL_KEY, secret 2 are"},
        {"LINKD_SEAL_KEY=" HEX "x" HEX, "made from one another"},
        {"LINKD_SEAL_KEY=seal-" HEX, "made from one another"},
        {"LINKD_SEAL_KEY=8F14E45FCEEA167A5A36DEDD4BEA2543", "made from one another"},
        {"LINKD_SEAL_KEY=" SHA256_OF_TEXT, "made from one another"},
        {"LINKD_SEAL_KEY=" SHA256_OF_LINE, "made from one another"},
        {"LINKD_SEAL_KEY=key-" SHA1_OF_LINE, "made from one another"},
        {"LINKD_SEAL_KEY=" BASE64_OF_TEXT, "made from one another"},
        {"LINKD_ADMIN_TOKEN=" HEX_OF_TEXT, "made from one another"},
};

static void test_dangers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(dangers); i++) {
		char variable[256];
		(void)snprintf(variable, sizeof variable, "%s", dangers[i].variable);
		char *vars[] = {variable,
		                "LINKD_APP_SECRET=" HEX,
		                "LINKD_PUBLIC_URL=https://a.b",
		                "LINKD_VERIFY_TOKEN=fedcba9876543210",
		                "LINKD_LEGACY_SHA1=refuse",
		                "LINKD_TRUSTED_PROXIES=10.0.0.1",
		                NULL};
		struct loaded l = load(NULL, vars);
		size_t wanted = dangers[i].warning == NULL ? 0 : 1;
		if (l.c == NULL || l.c->warnings.n != wanted ||
		    (wanted > 0 && !warned(l.c, dangers[i].warning)))
			fail_msg("%s: %s%s", variable, l.problems.p, l.warnings.p);
		assert_null(strstr(l.warnings.p, HEX));
		loaded_done(&l);
	}
}

/* Everything at once, and never a secret's value. */
static void test_all_problems(void **state)
{
	char *vars[] = {"LINKD_LISTEN=nonsense",         "LINKD_SEAL_KEY=sesame-open,sesame-too",
	                "LINKD_ADMIN_TOKEN=sesame",      "LINKD_APP_SECRET=sesame\x01",
	                "LINKD_VERIFY_TOKEN=sesame\x01", "LINKD_WORKERS=many",
	                "LINKD_PUBLIC_URL=http://a.b",   NULL};
	struct loaded l = load("/nonexistent/linkd.ini", vars);
	size_t lines = 0;
	(void)state;
	assert_null(l.c);
	for (const char *p = l.problems.p; *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 9);
	assert_string_equal(l.e.msg, "9 problems in the settings");
	assert_null(strstr(l.problems.p, "sesame"));
	assert_non_null(strstr(l.problems.p, "/nonexistent/linkd.ini cannot be read: No such file"));
	loaded_done(&l);
}

/* Everything outside the scope is wrong; nothing of it is read. */
#define WRONG_OTHERS                                                                                 \
	"LINKD_APP_SECRET=\x01", "LINKD_PUBLIC_URL=x", "LINKD_WORKERS=many", "LINKD_LOG_LEVEL=loud", \
	        "LINKD_VERIFY_TOKEN_FILE=/nonexistent/x", "LINKD_ADMIN_LISTEN=x"
#define WRONG_LISTEN "LINKD_LISTEN=x"
#define WRONG_KEYS "LINKD_SEAL_KEY=short"
#define WRONG_STORE \
	"LINKD_STORE=mysql:x", "LINKD_ARGON2_PASSES=0", "LINKD_CODE_STYLE=x", "LINKD_PSID_LOOKUP=x"

static void test_scopes(void **state)
{
	char *none[] = {NULL};
	char *of_store[] = {WRONG_OTHERS, WRONG_LISTEN, WRONG_KEYS, "LINKD_STORE=dynamodb:shop", NULL};
	char *of_keys[] = {WRONG_OTHERS, WRONG_LISTEN, WRONG_STORE, "LINKD_SEAL_KEY=" X50, NULL};
	char *of_listen[] = {WRONG_OTHERS, WRONG_KEYS, WRONG_STORE, "LINKD_LISTEN=a:1", NULL};
	char *of_facebook[] = {WRONG_LISTEN,
	                       WRONG_KEYS,
	                       WRONG_STORE,
	                       "LINKD_WORKERS=many",
	                       "LINKD_LOG_LEVEL=loud",
	                       "LINKD_PUBLIC_URL=https://link.example.com",
	                       "LINKD_PAGE_ACCESS_TOKEN=EAAG",
	                       NULL};
	char *wrong_store[] = {WRONG_STORE, NULL};
	const struct {
		unsigned scope;
		char **vars;
		bool good;
	} rows_[] = {
	        {CONFIG_STORE, none, true},
	        {CONFIG_STORE, of_store, true},
	        {CONFIG_STORE | CONFIG_KEYS, of_store, false},
	        {CONFIG_KEYS, of_keys, true},
	        {CONFIG_LISTEN, of_listen, true},
	        {CONFIG_LISTEN, of_store, false},
	        {CONFIG_FACEBOOK, none, true},
	        {CONFIG_FACEBOOK, of_facebook, true},
	        {CONFIG_FACEBOOK, of_store, false},
	        {CONFIG_STORE | CONFIG_FACEBOOK, of_facebook, false},
	        {CONFIG_STORE, wrong_store, false},
	        {CONFIG_EVERY, none, true},
	        {CONFIG_EVERY, of_store, false},
	        {CONFIG_SERVICE, none, false},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows_); i++) {
		struct loaded l = load_scope(rows_[i].scope, NULL, rows_[i].vars);
		if ((l.c != NULL) != rows_[i].good)
			fail_msg("row %zu: %s", i, l.problems.p);
		loaded_done(&l);
	}
}

/* The file holds every setting: what is outside the scope is skipped, also a list over several lines. */
static void test_scope_of_the_file(void **state)
{
	char name[32], *none[] = {NULL};
	fixture_file(name, STR("app_secret = \"x\"\nworkers = many\npage_ids = x,\n  y\nworkers = 1\n"
	                       "store = dynamodb:shop\nargon2_passes = 3\n"));
	(void)state;
	struct loaded l = load_scope(CONFIG_STORE, name, none);
	assert_non_null(l.c);
	assert_string_equal(l.c->store, "dynamodb:shop");
	assert_int_equal(l.c->argon2_passes, 3);
	assert_int_equal(l.c->page_ids.n, 0);
	assert_string_equal(l.warnings.p, "");
	loaded_done(&l);
	(void)unlink(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_defaults),
	        cmocka_unit_test(test_values),
	        cmocka_unit_test(test_lengths),
	        cmocka_unit_test(test_derived),
	        cmocka_unit_test(test_local_redirect_hosts),
	        cmocka_unit_test(test_warnings),
	        cmocka_unit_test(test_dangers),
	        cmocka_unit_test(test_all_problems),
	        cmocka_unit_test(test_scopes),
	        cmocka_unit_test(test_scope_of_the_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
