#include "base/codec.h"

#include <string.h>

static const char HEX[] = "0123456789abcdef";
static const char B64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Of each character 1 + its value, 0: it has none.  Random digits make a processor guess a comparison wrong.
 */
#define AND_ON(v) (v), (v) + 1, (v) + 2, (v) + 3, (v) + 4
static const unsigned char hex_place[256] = {['0'] = AND_ON(1), AND_ON(6), ['a'] = AND_ON(11), 16};
static const unsigned char b64_place[256] = {
        ['A'] = AND_ON(1),  AND_ON(6),  AND_ON(11), AND_ON(16), AND_ON(21), 26, /* to Z */
        ['a'] = AND_ON(27), AND_ON(32), AND_ON(37), AND_ON(42), AND_ON(47), 52,
        ['0'] = AND_ON(53), AND_ON(58), ['-'] = 63, ['_'] = 64,
};

void codec_hex(struct buf *out, const void *p, size_t n)
{
	const unsigned char *in = p;
	for (size_t i = 0; i < n; i++) {
		char two[2] = {HEX[in[i] >> 4], HEX[in[i] & 15]};
		buf_put(out, two, 2);
	}
}

/* The value of one digit, -1: it is none. */
static int value_in(const unsigned char place[256], char c)
{
	return place[(unsigned char)c] - 1;
}

bool codec_unhex(struct str s, void *ret, size_t want)
{
	unsigned char *out = ret;
	if (s.n != want * 2)
		return false;
	for (size_t i = 0; i < want; i++) {
		int high = value_in(hex_place, s.p[2 * i]), low = value_in(hex_place, s.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (unsigned char)(high * 16 + low);
	}
	return true;
}

void codec_b64url(struct buf *out, const void *p, size_t n)
{
	const unsigned char *in = p;
	for (size_t i = 0; i < n; i += 3) {
		unsigned b1 = i + 1 < n ? in[i + 1] : 0, b2 = i + 2 < n ? in[i + 2] : 0;
		unsigned v = (unsigned)in[i] << 16 | b1 << 8 | b2;
		char four[4] = {B64[v >> 18], B64[(v >> 12) & 63], B64[(v >> 6) & 63], B64[v & 63]};
		buf_put(out, four, n - i >= 3 ? 4 : n - i + 1);
	}
}

bool codec_unb64url(struct str s, void *ret, size_t cap, size_t *ret_n)
{
	unsigned char *out = ret;
	size_t n = 0;
	unsigned acc = 0, bits = 0;
	if (s.n % 4 == 1 || s.n / 4 * 3 + (s.n % 4 ? s.n % 4 - 1 : 0) > cap)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int v = value_in(b64_place, s.p[i]);
		if (v < 0)
			return false;
		acc = acc << 6 | (unsigned)v;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (unsigned char)(acc >> bits);
			acc &= (1U << bits) - 1;
		}
	}
	if (acc != 0)
		return false;
	*ret_n = n;
	return true;
}

void codec_pct(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (str_of((struct str){s.p + i, 1}, "._~-"))
			buf_put(out, s.p + i, 1);
		else
			buf_printf(out, "%%%02X", (unsigned char)s.p[i]);
	}
}

/* Either case. */
static int hex_value(char c)
{
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : value_in(hex_place, c);
}

bool codec_unpct(struct buf *out, struct str s, bool plus)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '+' && plus)
			c = ' ';
		else if (c == '%') {
			int high = i + 2 < s.n ? hex_value(s.p[i + 1]) : -1;
			int low = i + 2 < s.n ? hex_value(s.p[i + 2]) : -1;
			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		buf_put(out, &c, 1);
	}
	return !out->failed;
}

void codec_html(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		switch (s.p[i]) {
		case '&': buf_z(out, "&amp;"); break;
		case '<': buf_z(out, "&lt;"); break;
		case '>': buf_z(out, "&gt;"); break;
		case '"': buf_z(out, "&quot;"); break;
		case '\'': buf_z(out, "&#39;"); break;
		default: buf_put(out, s.p + i, 1);
		}
	}
}

/* Bytes of the well-formed UTF-8 sequence at s[i], 0 when there is none. */
static size_t utf8_at(struct str s, size_t i)
{
	for (size_t len = 1; len <= 4 && i + len <= s.n; len++)
		if (str_utf8((struct str){s.p + i, len}))
			return len;
	return 0;
}

/* Bytes at the start of s that stand in a JSON string as they are: put at once, as most text is. */
static size_t json_plain(struct str s)
{
	const char *p = s.p, *end = s.p + s.n;
	while (p < end && *p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\')
		p++;
	return (size_t)(p - s.p);
}

/* What stands first in s and is not plain; the bytes it took. */
static size_t json_special(struct buf *out, struct str s)
{
	unsigned char c = (unsigned char)s.p[0];
	if (c == '"' || c == '\\') {
		buf_printf(out, "\\%c", c);
		return 1;
	}
	if (c < 0x80) {
		buf_printf(out, "\\u%04x", c);
		return 1;
	}
	size_t len = utf8_at(s, 0);
	if (len == 0)
		buf_z(out, "\xef\xbf\xbd");
	else
		buf_put(out, s.p, len);
	return len == 0 ? 1 : len;
}

void codec_json(struct buf *out, struct str s)
{
	buf_put(out, "\"", 1);
	while (s.n > 0) {
		size_t n = json_plain(s);
		buf_put(out, s.p, n);
		if (n < s.n)
			n += json_special(out, (struct str){s.p + n, s.n - n});
		s = (struct str){s.p + n, s.n - n};
	}
	buf_put(out, "\"", 1);
}
