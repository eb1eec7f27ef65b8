#include "test.h"

#include "base/codec.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct row {
	struct str in;
	const char *out; /* NULL: refused */
};

static void check_encoder(void (*encode)(struct buf *, struct str), const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf b;
		buf_init(&b, 1000);
		encode(&b, rows[i].in);
		assert_string_equal(b.p == NULL ? "" : b.p, rows[i].out);
		buf_done(&b);
	}
}

static void test_hex(void **state)
{
	struct buf b;
	uint8_t got[3];
	(void)state;
	buf_init(&b, 100);
	codec_hex(&b, "\x00\x9f\xff", 3);
	assert_string_equal(b.p, "009fff");
	assert_true(codec_unhex(buf_view(&b), got, 3));
	assert_memory_equal(got, "\x00\x9f\xff", 3);
	assert_false(codec_unhex(STR("009fff"), got, 2));
	assert_false(codec_unhex(STR("009ff"), got, 3));
	assert_false(codec_unhex(STR("009fFf"), got, 3));
	assert_false(codec_unhex(STR("009f g"), got, 3));
	assert_true(codec_unhex(STR(""), got, 0));
	buf_done(&b);
}

/* RFC 4648 section 10, without padding, and the two characters that differ from plain base64 */
static const struct row b64_rows[] = {
        {STR(""), ""},
        {STR("f"), "Zg"},
        {STR("fo"), "Zm8"},
        {STR("foo"), "Zm9v"},
        {STR("foob"), "Zm9vYg"},
        {STR("fooba"), "Zm9vYmE"},
        {STR("foo"
             "bar"),
         "Zm9vYmFy"},
        {STR("\xfb\xff\xbf"), "-_-_"},
        {STR("\0\0\0"), "AAAA"},
};

static void encode_b64(struct buf *out, struct str s)
{
	codec_b64url(out, s.p, s.n);
}

static void test_b64url(void **state)
{
	(void)state;
	check_encoder(encode_b64, b64_rows, COUNT(b64_rows));
	for (size_t i = 0; i < COUNT(b64_rows); i++) {
		char got[16];
		size_t n = 99;
		assert_true(codec_unb64url(str_c(b64_rows[i].out), got, b64_rows[i].in.n, &n));
		assert_int_equal(n, b64_rows[i].in.n);
		assert_memory_equal(got, b64_rows[i].in.p, n);
	}
}

static void test_unb64url_refused(void **state)
{
	static const char *const bad[] = {
	        "A", "AAAAA", "Zh", "Zm9", "Zg==", "Z g", "Zm+v", "Zm/v", "Zm9v\n", "Zm.v"};
	char got[8];
	size_t n;
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (codec_unb64url(str_c(bad[i]), got, sizeof got, &n))
			fail_msg("taken: %s", bad[i]);
	assert_false(codec_unb64url(STR("Zg\0\0"), got, sizeof got, &n));
	assert_false(codec_unb64url(STR("Zm9v"), got, 2, &n)); /* one byte too many for cap */
}

/* Every byte there is, as the last of a text: a digit with its value, or refused. */
static void test_every_digit(void **state)
{
	static const char hex[] = "0123456789abcdef";
	static const char b64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		char text[] = {'0', (char)c}, word[] = {'A', 'A', 'A', (char)c};
		const char *in_hex = c == 0 ? NULL : strchr(hex, (char)c);
		const char *in_b64 = c == 0 ? NULL : strchr(b64, (char)c);
		uint8_t got[3];
		size_t n;
		assert_int_equal(codec_unhex((struct str){text, 2}, got, 1), in_hex != NULL);
		if (in_hex != NULL)
			assert_int_equal(got[0], in_hex - hex);
		assert_int_equal(codec_unb64url((struct str){word, 4}, got, 3, &n), in_b64 != NULL);
		if (in_b64 != NULL)
			assert_int_equal(got[2], in_b64 - b64);
	}
}

static void test_pct(void **state)
{
	static const struct row rows[] = {
	        {STR("aZ09._~-"), "aZ09._~-"},
	        {STR(" &=+%/\"\n"), "%20%26%3D%2B%25%2F%22%0A"},
	        {STR("\0\xff"), "%00%FF"},
	};
	(void)state;
	check_encoder(codec_pct, rows, COUNT(rows));
}

static void test_unpct(void **state)
{
	static const struct {
		struct str in;
		bool plus;
		struct str out;
		bool good;
	} rows[] = {
	        {STR("a%20b%2Bc%2b"), false, STR("a b+c+"), true},
	        {STR("a+b"), true, STR("a b"), true},
	        {STR("a+b"), false, STR("a+b"), true},
	        {STR("%2520"), true, STR("%20"), true}, /* one level only */
	        {STR("%00"), false, STR("\0"), true},
	        {STR(""), false, STR(""), true},
	        {STR("%"), false, STR(""), false},
	        {STR("%4"), false, STR(""), false},
	        {STR("a%4g"), false, STR(""), false},
	        {STR("%u0041"), false, STR(""), false},
	        {STR("%%41"), false, STR(""), false},
	        {STR("% 1"), false, STR(""), false},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf b;
		buf_init(&b, 100);
		if (codec_unpct(&b, rows[i].in, rows[i].plus) != rows[i].good)
			fail_msg("row %zu", i);
		if (rows[i].good)
			assert_true(str_eq(buf_view(&b), rows[i].out));
		buf_done(&b);
	}
	struct buf small;
	buf_init(&small, 1);
	assert_false(codec_unpct(&small, STR("ab"), false));
	buf_done(&small);
}

static void test_html(void **state)
{
	static const struct row rows[] = {
	        {STR("<a href=\"x\" b='y'>&amp;</a>"),
	         "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;"},
	        {STR("\xc3\xa4 plain"), "\xc3\xa4 plain"},
	};
	(void)state;
	check_encoder(codec_html, rows, COUNT(rows));
}

static void test_json(void **state)
{
	static const struct row rows[] = {
	        {STR(""), "\"\""},
	        {STR("a/b"), "\"a/b\""},
	        {STR("\"\\\n\t\x1f\x7f"), "\"\\\"\\\\\\u000a\\u0009\\u001f\\u007f\""},
	        {STR("a\0b"), "\"a\\u0000b\""},
	        {STR("\xc3\xa4\xf0\x9f\x98\x80z"), "\"\xc3\xa4\xf0\x9f\x98\x80z\""},
	        {STR("\xc3"), "\"\xef\xbf\xbd\""},
	        {STR("x\xff\xc0\xafy"), "\"x\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdy\""},
	        {STR("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
	        {STR("\xe2\x82q"), "\"\xef\xbf\xbd\xef\xbf\xbdq\""},
	};
	(void)state;
	check_encoder(codec_json, rows, COUNT(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_hex),
	        cmocka_unit_test(test_b64url),
	        cmocka_unit_test(test_unb64url_refused),
	        cmocka_unit_test(test_every_digit),
	        cmocka_unit_test(test_pct),
	        cmocka_unit_test(test_unpct),
	        cmocka_unit_test(test_html),
	        cmocka_unit_test(test_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
