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

/* --- CRC-32 */

/* Of each half byte of four bytes, in order: what it adds to the sum at the end of the four.  Reflected
 * polynomial 0xedb88320.  Whole bytes would be faster still, and their tables would fill a quarter of the
 * nearest cache. */
static const uint32_t added[8][16] = {
        {0x00000000, 0xb8bc6765, 0xaa09c88b, 0x12b5afee, 0x8f629757, 0x37def032, 0x256b5fdc, 0x9dd738b9,
         0xc5b428ef, 0x7d084f8a, 0x6fbde064, 0xd7018701, 0x4ad6bfb8, 0xf26ad8dd, 0xe0df7733, 0x58631056},
        {0x00000000, 0x5019579f, 0xa032af3e, 0xf02bf8a1, 0x9b14583d, 0xcb0d0fa2, 0x3b26f703, 0x6b3fa09c,
         0xed59b63b, 0xbd40e1a4, 0x4d6b1905, 0x1d724e9a, 0x764dee06, 0x2654b999, 0xd67f4138, 0x866616a7},
        {0x00000000, 0x01c26a37, 0x0384d46e, 0x0246be59, 0x0709a8dc, 0x06cbc2eb, 0x048d7cb2, 0x054f1685,
         0x0e1351b8, 0x0fd13b8f, 0x0d9785d6, 0x0c55efe1, 0x091af964, 0x08d89353, 0x0a9e2d0a, 0x0b5c473d},
        {0x00000000, 0x1c26a370, 0x384d46e0, 0x246be590, 0x709a8dc0, 0x6cbc2eb0, 0x48d7cb20, 0x54f16850,
         0xe1351b80, 0xfd13b8f0, 0xd9785d60, 0xc55efe10, 0x91af9640, 0x8d893530, 0xa9e2d0a0, 0xb5c473d0},
        {0x00000000, 0x191b3141, 0x32366282, 0x2b2d53c3, 0x646cc504, 0x7d77f445, 0x565aa786, 0x4f4196c7,
         0xc8d98a08, 0xd1c2bb49, 0xfaefe88a, 0xe3f4d9cb, 0xacb54f0c, 0xb5ae7e4d, 0x9e832d8e, 0x87981ccf},
        {0x00000000, 0x4ac21251, 0x958424a2, 0xdf4636f3, 0xf0794f05, 0xbabb5d54, 0x65fd6ba7, 0x2f3f79f6,
         0x3b83984b, 0x71418a1a, 0xae07bce9, 0xe4c5aeb8, 0xcbfad74e, 0x8138c51f, 0x5e7ef3ec, 0x14bce1bd},
        {0x00000000, 0x77073096, 0xee0e612c, 0x990951ba, 0x076dc419, 0x706af48f, 0xe963a535, 0x9e6495a3,
         0x0edb8832, 0x79dcb8a4, 0xe0d5e91e, 0x97d2d988, 0x09b64c2b, 0x7eb17cbd, 0xe7b82d07, 0x90bf1d91},
        {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
         0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c},
};

static uint32_t four(uint32_t sum, const unsigned char *p)
{
	sum ^= p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	uint32_t next = 0;
	for (unsigned i = 0; i < 8; i++)
		next ^= added[i][sum >> 4 * i & 15];
	return next;
}

uint32_t codec_crc32(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	uint32_t sum = ~0U;
	size_t at = 0;
	for (; s.n - at >= 4; at += 4)
		sum = four(sum, p + at);
	for (; at < s.n; at++) { /* the last two tables are those of one byte */
		sum ^= p[at];
		sum = sum >> 8 ^ added[6][sum & 15] ^ added[7][sum >> 4 & 15];
	}
	return ~sum;
}
