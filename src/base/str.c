#include "base/str.h"

#include <string.h>
#include <strings.h>

bool str_ieq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || strncasecmp(a.p, b.p, a.n) == 0);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
	while (s.n > 0 && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool str_has(struct str s, char c)
{
	return s.n > 0 && memchr(s.p, c, s.n) != NULL;
}

/* Length of the well-formed sequence at p, or 0. */
static size_t utf8_step(const unsigned char *p, size_t n)
{
	if (p[0] < 0x80)
		return 1;
	size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n < len)
		return 0;
	unsigned char low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
	unsigned char high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

bool str_utf8(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	for (size_t i = 0, step; i < s.n; i += step) {
		step = utf8_step(p + i, s.n - i);
		if (step == 0)
			return false;
	}
	return true;
}

bool str_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool str_lower(char *z)
{
	bool changed = false;
	for (; *z != '\0'; z++) {
		if (*z < 'A' || *z > 'Z')
			continue;
		*z = (char)(*z - 'A' + 'a');
		changed = true;
	}
	return changed;
}

bool str_of(struct str s, const char *extra)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && (s.p[i] == '\0' || strchr(extra, s.p[i]) == NULL))
			return false;
	return true;
}

bool str_copy(char *dst, size_t cap, struct str s)
{
	dst[0] = '\0';
	if (s.n >= cap || str_has(s, '\0'))
		return false;
	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
	return true;
}

bool str_u64(struct str s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;
	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(s.p[i] - '0');
		if (v > (max - digit) / 10 || digit > max)
			return false;
		v = v * 10 + digit;
	}
	*ret = v;
	return true;
}

bool str_cut(struct str s, char sep, struct str *ret_head, struct str *ret_tail)
{
	const char *at = s.n > 0 ? memchr(s.p, sep, s.n) : NULL;
	*ret_head = s;
	*ret_tail = (struct str){NULL, 0};
	if (at == NULL)
		return false;
	size_t head = (size_t)(at - s.p);
	*ret_head = (struct str){s.p, head};
	*ret_tail = (struct str){at + 1, s.n - head - 1};
	return true;
}

bool str_next(struct str *rest, char sep, struct str *ret_item)
{
	struct str tail;
	if (rest->p == NULL)
		return false;
	bool more = str_cut(*rest, sep, ret_item, &tail);
	*rest = more ? tail : (struct str){NULL, 0};
	return true;
}

uint32_t str_code_point(struct str s, size_t *ret_n)
{
	const unsigned char *p = (const unsigned char *)s.p;
	*ret_n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t c = *ret_n == 1 ? p[0] : p[0] & (0xffu >> (*ret_n + 1));
	for (size_t i = 1; i < *ret_n; i++)
		c = c << 6 | (p[i] & 0x3fu);
	return c;
}
