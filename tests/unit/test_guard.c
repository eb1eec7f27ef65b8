/* The framing guard, the router, parameters and the client's address: tables of good and bad. */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "http/guard.h"
#include "http/params.h"
#include "http/private.h"

/* --- guard: the head as libmicrohttpd shows it, cut from wire text */

static struct guard_head head;

static const char *cut(const char *from, const char *stop, struct str *ret)
{
	const char *end = strstr(from, stop);
	assert_non_null(end);
	*ret = (struct str){from, (size_t)(end - from)};
	return end + strlen(stop);
}

/* Cuts at ": " (or ":") and CR LF, as a parser without tricks would. */
static void read_wire(const char *wire)
{
	const char *at = cut(wire, " ", &head.method);
	at = cut(at, " ", &head.uri);
	at = cut(at, "\r\n", &head.version);
	for (head.n = 0; strncmp(at, "\r\n", 2) != 0; head.n++) {
		struct str line, value;
		at = cut(at, "\r\n", &line);
		assert_true(str_cut(line, ':', &head.header[head.n].name, &value));
		if (str_starts(value, STR(" ")))
			value = (struct str){value.p + 1, value.n - 1};
		head.header[head.n].value = value;
	}
	head.block = (size_t)(at - wire) + 2;
	head.wire = true;
}

static enum err_code check(const char *wire, struct guard_framing *f)
{
	struct err e = {0};
	read_wire(wire);
	enum err_code code = guard_check(&head, f, &e);
	if (code != ERR_OK)
		assert_true(e.msg[0] != '\0');
	return code;
}

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"

static const struct {
	const char *wire;
	enum err_code want;
} guard_rows[] = {
        {GET "\r\n", ERR_OK},
        {GET "X-Empty:\r\n\r\n", ERR_OK},
        {GET "X-Tab: a\tb\r\n\r\n", ERR_OK},
        {GET "X-High: \xc3\xa4\r\n\r\n", ERR_OK},
        {GET "Content-Length: 0\r\n\r\n", ERR_OK},
        {"GET / HTTP/1.0\r\nHost: a\r\n\r\n", ERR_OK},
        {POST "Content-Length: 5\r\n\r\n", ERR_OK},
        {POST "Transfer-Encoding: chunked\r\n\r\n", ERR_OK},
        {POST "Transfer-Encoding: Chunked\r\n\r\n", ERR_OK},
        {"GET / HTTP/1.1\r\n\r\n", ERR_INVALID},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", ERR_INVALID},
        {GET "Host: b\r\n\r\n", ERR_INVALID},
        {GET "Content-Length: 1\r\n\r\n", ERR_INVALID},
        {GET "Transfer-Encoding: chunked\r\n\r\n", ERR_INVALID},
        {"HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", ERR_INVALID},
        {POST "Content-Length: 5\r\nContent-Length: 43\r\n\r\n", ERR_INVALID},
        {POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", ERR_INVALID},
        {POST "Content-Length: +5\r\n\r\n", ERR_INVALID},
        {POST "Content-Length: -1\r\n\r\n", ERR_INVALID},
        {POST "Content-Length: 0x5\r\n\r\n", ERR_INVALID},
        {POST "Content-Length: 5 \r\n\r\n", ERR_INVALID},
        {POST "Content-Length:\r\n\r\n", ERR_INVALID},
        {POST "Content-Length: 18446744073709551615\r\n\r\n", ERR_INVALID},
        {POST "Content-Length: 18446744073709551616\r\n\r\n", ERR_INVALID},
        {POST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n", ERR_INVALID},
        {POST "Transfer-Encoding: xchunked\r\n\r\n", ERR_INVALID},
        {POST "Transfer-Encoding: gzip, chunked\r\n\r\n", ERR_INVALID},
        {POST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n", ERR_INVALID},
        {POST "Transfer-Encoding: chunked \r\n\r\n", ERR_INVALID},
        {POST "Transfer-Encoding: \x0b"
              "chunked\r\n\r\n",
         ERR_INVALID},
        {POST "Transfer-Encoding : chunked\r\n\r\n", ERR_INVALID},
        {POST "Transfer_Encoding: chunked\r\n\r\n", ERR_INVALID},
        {POST "Content_Length: 5\r\n\r\n", ERR_INVALID},
        {POST "ContentLength: 5\r\n\r\n", ERR_INVALID},
        {"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", ERR_INVALID},
        {GET "X-A: a\rb\r\n\r\n", ERR_INVALID},
        {GET "X-A: a\x01"
             "b\r\n\r\n",
         ERR_INVALID},
        {GET "X-A: a\x7f"
             "b\r\n\r\n",
         ERR_INVALID},
        {GET "X\x01: a\r\n\r\n", ERR_INVALID},
        {GET "X\xc3\xa4: a\r\n\r\n", ERR_INVALID},
        {GET "X[]: a\r\n\r\n", ERR_INVALID},
        {GET ": a\r\n\r\n", ERR_INVALID},
        {"GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n", ERR_INVALID},
        {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", ERR_INVALID},
        {"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", ERR_INVALID},
        {"GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", ERR_INVALID},
        {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", ERR_INVALID},
        {"GET / HTTP/1.9\r\nHost: a\r\n\r\n", ERR_INVALID},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", ERR_INVALID},
        {"GET / http/1.1\r\nHost: a\r\n\r\n", ERR_INVALID},
};

static void test_guard_table(void **state)
{
	struct guard_framing f;
	(void)state;
	for (size_t i = 0; i < sizeof guard_rows / sizeof guard_rows[0]; i++)
		if (check(guard_rows[i].wire, &f) != guard_rows[i].want)
			fail_msg("row %zu: %s", i, guard_rows[i].wire);
}

static void test_guard_tells_the_framing(void **state)
{
	struct guard_framing f;
	(void)state;
	assert_int_equal(check(POST "Content-Length: 42\r\n\r\n", &f), ERR_OK);
	assert_true(f.has_length && !f.chunked && f.length == 42);
	assert_int_equal(check(POST "Transfer-Encoding: chunked\r\n\r\n", &f), ERR_OK);
	assert_true(!f.has_length && f.chunked);
}

/* Whatever hides between two headers moves the place of what follows. */
static void test_guard_sees_hidden_bytes(void **state)
{
	static const char wire[] = GET "X-A: one\r\nX-B: two\r\n\r\n";
	struct guard_framing f;
	(void)state;
	for (int what = 0; what < 6; what++) {
		read_wire(wire);
		switch (what) {
		case 0: head.header[1].value.n--; break;    /* something after a value */
		case 1: head.header[2].name.p--; break;     /* a bare LF before a name */
		case 2: head.header[2].value.p += 2; break; /* a fold or padding before a value */
		case 3: head.block++; break;                /* something before the empty line */
		case 4: head.header[0].name.p++; break;     /* something after the request line */
		default: head.uri.n--; break;               /* a NUL in the request target */
		}
		assert_int_equal(guard_check(&head, &f, NULL), ERR_INVALID);
		head.wire = false; /* where the library's own parser is strict the places say nothing */
		if (what == 3)
			assert_int_equal(guard_check(&head, &f, NULL), ERR_OK);
	}
}

static char long_wire[40000];

/* A request whose target has uri_n bytes, with lines of headers more than Host and one value of value_n
 * bytes. */
static const char *make_wire(size_t uri_n, int lines, size_t value_n)
{
	struct buf b;
	buf_init(&b, sizeof long_wire - 1);
	buf_z(&b, "GET /");
	for (size_t i = 1; i < uri_n; i++)
		buf_z(&b, "a");
	buf_z(&b, " HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < lines; i++)
		buf_printf(&b, "X-%d: a\r\n", i);
	buf_z(&b, "X: ");
	for (size_t i = 0; i < value_n; i++)
		buf_z(&b, "b");
	buf_z(&b, "\r\n\r\n");
	assert_true(!b.failed && str_copy(long_wire, sizeof long_wire, buf_view(&b)));
	buf_done(&b);
	return long_wire;
}

static void test_guard_bounds(void **state)
{
	struct guard_framing f;
	(void)state;
	assert_int_equal(check(make_wire(GUARD_URI_MAX, 0, 1), &f), ERR_OK);
	assert_int_equal(check(make_wire(GUARD_URI_MAX + 1, 0, 1), &f), ERR_URI_TOO_LONG);
	assert_int_equal(check(make_wire(1, GUARD_HEADERS_MAX - 2, 1), &f), ERR_OK);
	head.n = GUARD_HEADERS_MAX + 1;
	assert_int_equal(guard_check(&head, &f, NULL), ERR_HEADERS_TOO_LARGE);
	assert_int_equal(check(make_wire(1, 0, GUARD_BLOCK_MAX), &f), ERR_HEADERS_TOO_LARGE);
}

/* --- parameters */

static void test_params_table(void **state)
{
	static const struct {
		const char *raw;
		enum err_code want;
		const char *a; /* value of "a", NULL: absent */
	} rows[] = {
	        {"a=1", ERR_OK, "1"},
	        {"", ERR_OK, NULL},
	        {"b=1&a=x%20y+z", ERR_OK, "x y z"},
	        {"a=%252F", ERR_OK, "%2F"},
	        {"a=b=c", ERR_OK, "b=c"},
	        {"a", ERR_OK, ""},
	        {"a=", ERR_OK, ""},
	        {"&&a=1&", ERR_OK, "1"},
	        {"%61=1", ERR_OK, "1"},
	        {"a=%C3%A4", ERR_OK, "\xc3\xa4"},
	        {"A=1", ERR_OK, NULL},
	        {"a=1&a=1", ERR_INVALID, NULL},
	        {"a=1&%61=2", ERR_INVALID, NULL},
	        {"x=1&x=2", ERR_INVALID, NULL},
	        {"=1", ERR_INVALID, NULL},
	        {"a=%", ERR_INVALID, NULL},
	        {"a=%4", ERR_INVALID, NULL},
	        {"a=%zz", ERR_INVALID, NULL},
	        {"a=%00", ERR_INVALID, NULL},
	        {"a=x%00y", ERR_INVALID, NULL},
	        {"a=%ff", ERR_INVALID, NULL},
	        {"a=%C0%AF", ERR_INVALID, NULL},
	        {"a=%ED%A0%80", ERR_INVALID, NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct params p;
		if (params_parse(&p, str_c(rows[i].raw), NULL) != rows[i].want)
			fail_msg("%s", rows[i].raw);
		struct str a = rows[i].want == ERR_OK ? params_get(&p, "a") : (struct str){NULL, 0};
		assert_true(rows[i].a == NULL ? a.p == NULL : str_is(a, rows[i].a));
		params_done(&p);
	}
}

static void test_params_are_bounded(void **state)
{
	struct buf raw;
	struct params p;
	(void)state;
	buf_init(&raw, 1000);
	for (int i = 0; i < PARAMS_MAX; i++)
		buf_printf(&raw, "p%d=&", i);
	assert_int_equal(params_parse(&p, buf_view(&raw), NULL), ERR_OK);
	params_done(&p);
	buf_z(&raw, "q=");
	assert_int_equal(params_parse(&p, buf_view(&raw), NULL), ERR_INVALID);
	params_done(&p);
	buf_done(&raw);
}

/* --- router */

static void nothing(struct request *r)
{
	(void)r;
}

static const struct route table[] = {
        {.method = "GET", .path = "/a", .handler = nothing},
        {.method = "POST", .path = "/a", .handler = nothing},
        {.method = "DELETE", .path = "/v1/x/{}", .handler = nothing},
        {.method = "GET", .path = "/a", .handler = nothing, .listener = ROUTE_ADMIN},
        {.handler = NULL},
};

static enum err_code find(const char *method, const char *path, struct request *r, char *allow)
{
	static char arg[64];
	*r = (struct request){.method = str_c(method), .path = str_c(path), .arg = arg};
	return server_route(table, ROUTE_PUBLIC, r, allow);
}

static void test_router(void **state)
{
	struct request r;
	char allow[SERVER_ALLOW_MAX];
	(void)state;
	assert_int_equal(find("GET", "/a", &r, allow), ERR_OK);
	assert_ptr_equal(r.route, &table[0]);
	assert_int_equal(find("HEAD", "/a", &r, allow), ERR_OK);
	assert_int_equal(find("POST", "/a", &r, allow), ERR_OK);
	assert_ptr_equal(r.route, &table[1]);
	assert_int_equal(find("PUT", "/a", &r, allow), ERR_METHOD);
	assert_string_equal(allow, "GET, HEAD, POST");
	assert_int_equal(find("get", "/a", &r, allow), ERR_METHOD);
	assert_int_equal(find("GET", "/a/", &r, allow), ERR_NOT_FOUND);
	assert_int_equal(find("GET", "/%61", &r, allow), ERR_NOT_FOUND);
	assert_int_equal(find("DELETE", "/v1/x/a%2Fb", &r, allow), ERR_OK);
	assert_string_equal(r.arg, "a/b");
	assert_int_equal(find("DELETE", "/v1/x/", &r, allow), ERR_NOT_FOUND);
	assert_int_equal(find("DELETE", "/v1/x/%zz", &r, allow), ERR_NOT_FOUND);
}

/* --- client address */

static void test_client_is_counted_from_the_right(void **state)
{
	static char one[] = "10.0.0.0/8", two[] = "127.0.0.1";
	char *list[] = {one, two};
	struct strlist proxies = {2, list}, none = {0, NULL};
	static const struct {
		const char *peer, *forwarded, *want;
	} rows[] = {
	        {"127.0.0.1", "192.0.2.1", "192.0.2.1"},
	        {"127.0.0.1", "6.6.6.6, 192.0.2.1", "192.0.2.1"},
	        {"127.0.0.1", "6.6.6.6, 192.0.2.1, 10.1.2.3", "192.0.2.1"},
	        {"127.0.0.1", "10.1.1.1,10.1.2.3", "10.1.1.1"},
	        {"127.0.0.1", "", "127.0.0.1"},
	        {"127.0.0.1", "garbage, 10.1.2.3", "10.1.2.3"},
	        {"127.0.0.1", "2001:db8::1", "2001:db8::1"},
	        {"127.0.0.1", "192.0.2.1:50123, 10.1.2.3:80", "192.0.2.1"},
	        {"127.0.0.1", "[2001:db8::1]:50123", "2001:db8::1"},
	        {"127.0.0.1", "[2001:db8::1]", "2001:db8::1"},
	        {"127.0.0.1", "::ffff:192.0.2.1", "::ffff:192.0.2.1"},
	        {"127.0.0.1", "192.0.2.1:x", "127.0.0.1"},
	        {"127.0.0.1", "[192.0.2.1]", "127.0.0.1"},
	        {"127.0.0.1", "[2001:db8::1", "127.0.0.1"},
	        {"127.0.0.1", "[2001:db8::1]x", "127.0.0.1"},
	        {"192.0.2.9", "6.6.6.6", "192.0.2.9"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct sockaddr_in in = {.sin_family = AF_INET};
		char got[REQUEST_ADDR_MAX];
		assert_int_equal(inet_pton(AF_INET, rows[i].peer, &in.sin_addr), 1);
		char peer[REQUEST_ADDR_MAX];
		client_address_peer((struct sockaddr *)&in, peer);
		bool trusted = client_address_find(&proxies, peer, str_c(rows[i].forwarded), got);
		assert_string_equal(got, rows[i].want);
		assert_int_equal(trusted, strcmp(rows[i].peer, "127.0.0.1") == 0);
		assert_false(client_address_find(&none, peer, str_c(rows[i].forwarded), got));
		assert_string_equal(got, rows[i].peer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_guard_table),
	        cmocka_unit_test(test_guard_tells_the_framing),
	        cmocka_unit_test(test_guard_sees_hidden_bytes),
	        cmocka_unit_test(test_guard_bounds),
	        cmocka_unit_test(test_params_table),
	        cmocka_unit_test(test_params_are_bounded),
	        cmocka_unit_test(test_router),
	        cmocka_unit_test(test_client_is_counted_from_the_right),
	};
	if (crypto_start(NULL) != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
