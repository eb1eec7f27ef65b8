#include "test.h"

#include "config/config.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_host_port(void **state)
{
	static const struct {
		const char *text, *host; /* host NULL: refused */
		uint16_t port;
	} rows[] = {
	        {"0.0.0.0:8080", "0.0.0.0", 8080},
	        {"127.0.0.1:0", "127.0.0.1", 0},
	        {"[::]:65535", "::", 65535},
	        {"[::1]:80", "::1", 80},
	        {"localhost:1", "localhost", 1},
	        {"a-b.example.com:080", "a-b.example.com", 80},
	        {"", NULL, 0},
	        {":80", NULL, 0},
	        {"*:80", NULL, 0},
	        {"80", NULL, 0},
	        {"host", NULL, 0},
	        {"host:", NULL, 0},
	        {"host:65536", NULL, 0},
	        {"host:+1", NULL, 0},
	        {"host: 1", NULL, 0},
	        {"host:1 ", NULL, 0},
	        {"host:1:2", NULL, 0},
	        {"::1:80", NULL, 0},
	        {"[::1]", NULL, 0},
	        {"[::1]80", NULL, 0},
	        {"[::1", NULL, 0},
	        {"[::g]:80", NULL, 0},
	        {"[127.0.0.1]:80", NULL, 0},
	        {"[]:80", NULL, 0},
	        {"256.0.0.1:80", NULL, 0},
	        {"1.2.3:80", NULL, 0},
	        {"2130706433:80", NULL, 0},
	        {"-a.com:80", NULL, 0},
	        {"a..b:80", NULL, 0},
	        {"a/b:80", NULL, 0},
	        {"u@h:80", NULL, 0},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char host[64] = "";
		uint16_t port = 7;
		bool good = config_host_port(rows[i].text, host, sizeof host, &port);
		if (good != (rows[i].host != NULL))
			fail_msg("%s", rows[i].text);
		if (good)
			assert_string_equal(host, rows[i].host);
		assert_int_equal(port, good ? rows[i].port : 7);
	}
	char tiny[4];
	uint16_t port;
	assert_false(config_host_port("long:1", tiny, sizeof tiny, &port));
}

static void test_host_valid(void **state)
{
	char label[70], host[300];
	(void)state;
	memset(label, 'a', sizeof label);
	assert_true(config_host_valid((struct str){label, 63}));
	assert_false(config_host_valid((struct str){label, 64}));
	for (size_t i = 0; i < sizeof host; i++)
		host[i] = i % 2 ? '.' : 'a';
	assert_true(config_host_valid((struct str){host, 253}));
	assert_false(config_host_valid((struct str){host, 255}));
	assert_true(config_host_valid(STR("WWW.x_y.com")));
	assert_true(config_host_valid(STR("1.2.3.4")));
	assert_false(config_host_valid(STR("www.facebook.com.")));
	assert_false(config_host_valid(STR("b\xc3\xbc.de")));
	assert_false(config_host_valid(STR("a b")));
	assert_false(config_host_valid(STR("a\0b")));
	assert_false(config_host_valid(STR("1.2.3.4.5")));
	assert_false(config_host_valid(STR("x.123")));
	assert_false(config_host_valid(STR("x-.com")));
	assert_false(config_host_valid(STR("x.com-")));
	assert_false(config_host_valid(STR("1.2.3.4.5.6.7.8.9")));
}

static void test_loopback(void **state)
{
	static const char *const yes[] = {"127.0.0.1", "127.9.8.7", "::1",
	                                  "localhost", "LocalHost", "::ffff:127.0.0.1"};
	static const char *const no[] = {"0.0.0.0", "::",          "128.0.0.1",   "10.0.0.1",
	                                 "::2",     "localhost.x", "127.0.0.1.x", "::ffff:128.0.0.1",
	                                 "",        "127.1"};
	(void)state;
	for (size_t i = 0; i < COUNT(yes); i++)
		if (!config_host_is_loopback(yes[i]))
			fail_msg("%s", yes[i]);
	for (size_t i = 0; i < COUNT(no); i++)
		if (config_host_is_loopback(no[i]))
			fail_msg("%s", no[i]);
}

static void test_origin(void **state)
{
	static const struct {
		const char *text, *host; /* NULL: refused */
		bool https;
		uint16_t port;
	} rows[] = {
	        {"https://link.example.com", "link.example.com", true, 443},
	        {"https://link.example.com:8443", "link.example.com", true, 8443},
	        {"http://127.0.0.1:8080", "127.0.0.1", false, 8080},
	        {"http://localhost", "localhost", false, 80},
	        {"http://[::1]:8080", "::1", false, 8080},
	        {"https://[2001:db8::1]", "2001:db8::1", true, 443},
	        {"http://a:443", "a", false, 443},
	        {"", NULL, false, 0},
	        {"link.example.com", NULL, false, 0},
	        {"ftp://a", NULL, false, 0},
	        {"https:/a", NULL, false, 0},
	        {"https://", NULL, false, 0},
	        {"https://a/", NULL, false, 0},
	        {"https://a/b", NULL, false, 0},
	        {"https://a?b", NULL, false, 0},
	        {"https://a#b", NULL, false, 0},
	        {"https://A", NULL, false, 0},
	        {"HTTPS://a", NULL, false, 0},
	        {"https://a:443", NULL, false, 0},
	        {"http://a:80", NULL, false, 0},
	        {"https://a:0", NULL, false, 0},
	        {"https://a:08443", NULL, false, 0},
	        {"https://a:", NULL, false, 0},
	        {"https://u@a", NULL, false, 0},
	        {"https://u:p@a", NULL, false, 0},
	        {" https://a", NULL, false, 0},
	        {"https://a ", NULL, false, 0},
	        {"https://::1", NULL, false, 0},
	        {"https://[::1", NULL, false, 0},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config_origin o;
		bool good = config_origin_parse(rows[i].text, &o);
		if (good != (rows[i].host != NULL))
			fail_msg("%s", rows[i].text);
		if (!good)
			continue;
		assert_string_equal(o.host, rows[i].host);
		assert_int_equal(o.https, rows[i].https);
		assert_int_equal(o.port, rows[i].port);
	}
}

static void test_cidr(void **state)
{
	static const char *const good[] = {"10.0.0.1",      "10.0.0.0/8",  "0.0.0.0/0",
	                                   "1.2.3.4/32",    "::1",         "::/0",
	                                   "2001:db8::/32", "fe80::1/128", "::ffff:10.0.0.0/104"};
	static const char *const bad[] = {"",
	                                  "10",
	                                  "10.0.0.0/",
	                                  "10.0.0.0/33",
	                                  "10.0.0.0/-1",
	                                  "10.0.0.0/8/8",
	                                  "10.0.0.0/ 8",
	                                  "0000000000000000000000000000000000000000000001",
	                                  "::/129",
	                                  "::/0128",
	                                  "localhost",
	                                  "10.0.0.0/8 ",
	                                  "/8",
	                                  "[::1]",
	                                  "10.0.0.256"};
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		if (!config_cidr_valid(good[i]))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (config_cidr_valid(bad[i]))
			fail_msg("%s", bad[i]);
}

static void test_in_list(void **state)
{
	static const struct {
		const char *range, *addr;
		bool in;
	} rows[] = {
	        {"10.0.0.7", "10.0.0.7", true},
	        {"10.0.0.7", "10.0.0.8", false},
	        {"10.0.0.0/8", "10.255.255.255", true},
	        {"10.0.0.0/8", "11.0.0.0", false},
	        {"10.1.2.3/8", "10.9.9.9", true}, /* bits after the prefix do not matter */
	        {"192.168.4.0/22", "192.168.7.255", true},
	        {"192.168.4.0/22", "192.168.8.0", false},
	        {"192.168.4.0/22", "192.168.3.255", false},
	        {"192.0.2.1/32", "192.0.2.1", true},
	        {"192.0.2.0/31", "192.0.2.1", true},
	        {"192.0.2.0/31", "192.0.2.2", false},
	        {"0.0.0.0/0", "203.0.113.9", true},
	        {"0.0.0.0/0", "2001:db8::1", false},
	        {"::/0", "2001:db8::1", true},
	        {"2001:db8::/33", "2001:db8:7fff::1", true},
	        {"2001:db8::/33", "2001:db8:8000::1", false},
	        {"10.0.0.0/8", "::ffff:10.1.1.1", true}, /* a mapped address is the address */
	        {"::ffff:10.0.0.0/104", "10.1.1.1", true},
	        {"10.0.0.0/8", "::10.1.1.1", false},
	        {"10.0.0.0/8", "garbage", false},
	        {"10.0.0.0/8", "", false},
	        {"10.0.0.0/8", "10.0.0.1, 1.1.1.1", false},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char other[] = "198.51.100.1", no_range[] = "garbage", range[64],
		     *items[] = {other, no_range, range};
		(void)snprintf(range, sizeof range, "%s", rows[i].range);
		const struct strlist l = {3, items}, none = {0, NULL};
		if (config_addr_in_list(rows[i].addr, &l) != rows[i].in)
			fail_msg("%s in %s", rows[i].addr, rows[i].range);
		assert_false(config_addr_in_list(rows[i].addr, &none));
	}
}

static void test_listens_on_both(void **state)
{
	static const struct {
		const char *first, *second; /* second NULL: alone */
		bool both;                  /* of the first */
	} rows[] = {
	        {"[::]:8080", NULL, true},
	        {"[0:0::0]:8080", NULL, true},
	        {"[::1]:8080", NULL, false},
	        {"0.0.0.0:8080", NULL, false},
	        {"localhost:8080", NULL, false},
	        {"off", NULL, false},
	        {"[::]:8080", "0.0.0.0:8080", false},
	        {"[::]:8080", "127.0.0.1:8080", false},
	        {"[::]:8080", "localhost:8080", false},
	        {"[::]:8080", "0.0.0.0:8081", true},
	        {"[::]:8080", "[::1]:8080", true},
	        {"[::]:0", "0.0.0.0:0", true},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *items[] = {(char *)(uintptr_t)rows[i].first, (char *)(uintptr_t)rows[i].second};
		struct strlist l = {rows[i].second == NULL ? 1 : 2, items};
		if (config_listens_on_both(&l, 0) != rows[i].both)
			fail_msg("%s and %s", rows[i].first, rows[i].second);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_listens_on_both), cmocka_unit_test(test_host_port),
	        cmocka_unit_test(test_host_valid),      cmocka_unit_test(test_loopback),
	        cmocka_unit_test(test_origin),          cmocka_unit_test(test_cidr),
	        cmocka_unit_test(test_in_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
