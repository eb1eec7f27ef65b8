/* Corners of the server's parts: peers, path arguments, and parameters and bodies without memory. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "http/body.h"
#include "http/params.h"
#include "http/private.h"
#include "obs/metrics.h"
#include "starve.h"

static void peers(void **state)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	char got[REQUEST_ADDR_MAX];
	(void)state;
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &six.sin6_addr), 1);
	client_address_peer((struct sockaddr *)&six, got);
	assert_string_equal(got, "2001:db8::1");
	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.7", &six.sin6_addr), 1);
	client_address_peer((struct sockaddr *)&six, got); /* an IPv4 client of a socket for both families */
	assert_string_equal(got, "192.0.2.7");
	client_address_peer((struct sockaddr *)&local, got);
	assert_string_equal(got, "");
	client_address_peer(NULL, got);
	assert_string_equal(got, "");
}

/* An item that is no address ends the list: nothing to its left is believed. */
static void forwarded_by_proxies(void **state)
{
	static char range[] = "2001:db8::/32";
	char *list[] = {range}, got[REQUEST_ADDR_MAX];
	const struct strlist proxies = {1, list};
	static const char peer[REQUEST_ADDR_MAX] = "2001:db8::1";
	static const struct {
		const char *forwarded, *want;
	} rows[] = {
	        {"192.0.2.1, 2001:db8::2", "192.0.2.1"},
	        {"192.0.2.1, ", "2001:db8::1"},
	        {"192.0.2.1, 192.0.2.1.and.a.name.longer.than.any.address.there.is", "2001:db8::1"},
	        {"192.0.2.1, 2001:db8::2, :80", "2001:db8::1"},
	        {"192.0.2.1, [2001:db8::2]:80x", "2001:db8::1"},
	        {"2001:db8::3, 2001:db8::2", "2001:db8::3"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_true(client_address_find(&proxies, peer, str_c(rows[i].forwarded), got));
		assert_string_equal(got, rows[i].want);
	}
	static const char nobody[REQUEST_ADDR_MAX] = "";
	assert_false(client_address_find(&proxies, nobody, STR("192.0.2.1"), got));
	assert_string_equal(got, "");
}

static void nothing(struct request *r)
{
	(void)r;
}

static enum err_code route(const char *path, char *ret_arg)
{
	static const struct route table[] = {{.method = "GET", .path = "/x/{}/y", .handler = nothing},
	                                     {.handler = NULL}};
	struct request r = {.method = STR("GET"), .path = str_c(path), .arg = ret_arg};
	char allow[SERVER_ALLOW_MAX];
	ret_arg[0] = '\0';
	return server_route(table, ROUTE_PUBLIC, &r, allow);
}

static void path_arguments(void **state)
{
	char path[REQUEST_ARG_MAX + 16], arg[REQUEST_ARG_MAX + 1];
	static const char *const none[] = {"/x//y",   "/x/y",     "/x/a/z",    "/x/a/b/y",
	                                   "/y/a/y",  "/x/%00/y", "/x/a%00/y", "/x/%ff/y",
	                                   "/x/%2/y", "/x/%2f%",  "/x/"};
	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		assert_int_equal(route(none[i], arg), ERR_NOT_FOUND);
	STARVE_AS(route("/x/a/y", arg), ERR_OK, ERR_OK); /* else want of memory looks like another address */
	assert_int_equal(route("/x/a%2fy/y", arg), ERR_OK);
	assert_string_equal(arg, "a/y");
	(void)snprintf(path, sizeof path, "/x/%0*d/y", REQUEST_ARG_MAX, 0);
	assert_int_equal(route(path, arg), ERR_OK);
	assert_int_equal(strlen(arg), REQUEST_ARG_MAX);
	(void)snprintf(path, sizeof path, "/x/%0*d/y", REQUEST_ARG_MAX + 1, 0);
	assert_int_equal(route(path, arg), ERR_NOT_FOUND);
}

static enum err_code parse(const char *text)
{
	struct params p;
	enum err_code code = params_parse(&p, str_c(text), NULL);
	if (code == ERR_OK)
		assert_true(str_is(params_get(&p, "a"), "1"));
	params_done(&p);
	return code;
}

static void parameters(void **state)
{
	(void)state;
	STARVE(parse("a=1&b=2&"), ERR_OK);
	assert_int_equal(parse("a=1&b=%zz"), ERR_INVALID);
	assert_int_equal(parse("a=1&b=%00"), ERR_INVALID);
	assert_int_equal(parse("a=1&=2"), ERR_INVALID);
}

/* What could not be kept is not charged for longer than the body lives. */
static void bodies(void **state)
{
	struct body b;
	(void)state;
	struct body_options o = {.max = 100, .budget = 1000, .length = 3, .client = "192.0.2.1"};
	body_init(&b, &o);
	starve_nth(1);
	assert_int_equal(body_add(&b, "abc", 3), ERR_NOMEM);
	assert_int_equal(starve_calls(), 1);
	body_done(&b);
	assert_int_equal(metric_value(M_BODY_BYTES), 0);
	o.budget = 8; /* of which a quarter is for small bodies */
	body_init(&b, &o);
	assert_int_equal(body_add(&b, "abc", 3), ERR_BUSY);
	assert_int_equal(body_add(&b, "ab", 2), ERR_OK);
	body_done(&b);
	assert_int_equal(metric_value(M_BODY_BYTES), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(peers),      cmocka_unit_test(forwarded_by_proxies),
	        cmocka_unit_test(parameters), cmocka_unit_test(path_arguments),
	        cmocka_unit_test(bodies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
