#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST = 256 };

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_over(struct buf *b, char *p, size_t cap)
{
	*b = (struct buf){.p = p, .cap = cap, .max = cap - 1};
	p[0] = '\0';
}

void buf_done(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->p != NULL)
		b->p[0] = '\0';
}

bool buf_reserve(struct buf *b, size_t n)
{
	if (b->failed || n > b->max - b->len) {
		b->failed = true;
		return false;
	}
	size_t need = b->len + n + 1;
	if (need <= b->cap)
		return true;
	size_t cap = b->cap < BUF_FIRST ? BUF_FIRST : b->cap * 2;
	if (cap > b->max + 1)
		cap = b->max + 1;
	if (cap < need)
		cap = need;
	char *p = realloc(b->p, cap);
	if (p == NULL) {
		b->failed = true;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

void buf_str(struct buf *b, struct str s)
{
	buf_put(b, s.p, s.n);
}

void buf_int(struct buf *b, int64_t i)
{
	char digits[20];
	size_t at = sizeof digits;
	uint64_t left = i < 0 ? -(uint64_t)i : (uint64_t)i;
	do
		digits[--at] = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (i < 0)
		digits[--at] = '-';
	buf_put(b, digits + at, sizeof digits - at);
}

/* Print into the free memory; when it is too small, reserve enough and print again. */
void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	bool room = buf_reserve(b, 0);
	size_t left = room ? b->cap - b->len : 0;
	int n = room ? vsnprintf(b->p + b->len, left, fmt, ap) : 0;
	va_end(ap);
	if (n < 0)
		b->failed = true;
	else if (room && (size_t)n >= left && buf_reserve(b, (size_t)n))
		(void)vsnprintf(b->p + b->len, (size_t)n + 1, fmt, again);
	va_end(again);
	if (room && !b->failed)
		b->len += (size_t)n;
	else if (room)
		b->p[b->len] = '\0';
}

struct str buf_view(const struct buf *b)
{
	return (struct str){b->p, b->len};
}

char *buf_take(struct buf *b, size_t *ret_len)
{
	char *p = b->failed ? NULL : b->p;
	if (p == NULL)
		return NULL;
	*ret_len = b->len;
	buf_init(b, b->max);
	return p;
}
