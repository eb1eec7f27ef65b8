#include "base/json_keys.h"

#include <stdlib.h>
#include <string.h>

enum { FEW = 8 }; /* keys compared each with each rather than sorted */

void json_keys_init(struct json_keys *k, size_t text_bytes)
{
	k->n = 0;
	k->cap = sizeof k->first / sizeof k->first[0];
	k->v = k->first;
	buf_init(&k->unescaped, text_bytes);
}

void json_keys_done(struct json_keys *k)
{
	if (k->v != k->first)
		free(k->v);
	buf_done(&k->unescaped);
}

static bool grow(struct json_keys *k)
{
	size_t cap = k->cap * 2;
	struct str *v = realloc(k->v == k->first ? NULL : k->v, cap * sizeof *v);
	if (v == NULL)
		return false;
	if (k->v == k->first)
		memcpy(v, k->first, sizeof k->first);
	k->v = v;
	k->cap = cap;
	return true;
}

static unsigned hex4(const char *p)
{
	unsigned v = 0;
	for (size_t i = 0; i < 4; i++) {
		unsigned c = (unsigned char)p[i];
		v = v << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return v;
}

static void put_utf8(struct buf *out, unsigned c)
{
	unsigned char u[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		u[i] = (unsigned char)(0x80 | (c & 0x3f));
	u[0] = (unsigned char)(lead[n] | c);
	buf_put(out, u, n);
}

/* Decode the escape at p, just after its backslash; the characters it took. */
static size_t unescape_one(struct buf *out, const char *p)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *at = strchr(from, *p);
	if (*p != 'u') {
		buf_put(out, at != NULL ? &to[at - from] : p, 1);
		return 1;
	}
	unsigned c = hex4(p + 1);
	if (c < 0xd800 || c > 0xdfff) {
		put_utf8(out, c);
		return 5;
	}
	put_utf8(out, 0x10000 + ((c - 0xd800) << 10) + (hex4(p + 7) - 0xdc00));
	return 11;
}

static bool unescape(struct json_keys *k, struct str *key)
{
	struct buf *out = &k->unescaped;
	if (!buf_reserve(out, out->p == NULL ? out->max : 0)) /* all at once: views into it must stay */
		return false;
	size_t start = out->len;
	for (size_t i = 0; i < key->n;) {
		if (key->p[i] == '\\') {
			i += 1 + unescape_one(out, key->p + i + 1);
		} else {
			buf_put(out, key->p + i, 1);
			i++;
		}
	}
	*key = (struct str){out->p + start, out->len - start};
	return true;
}

bool json_keys_add(struct json_keys *k, struct str raw, bool has_escape)
{
	if (k->n == k->cap && !grow(k))
		return false;
	if (has_escape && !unescape(k, &raw))
		return false;
	k->v[k->n++] = raw;
	return true;
}

static int by_length_then_bytes(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	return x->n == 0 ? 0 : memcmp(x->p, y->p, x->n);
}

static bool few_doubled(const struct str *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (str_eq(v[i], v[j]))
				return true;
	return false;
}

static bool many_doubled(struct str *v, size_t n)
{
	qsort(v, n, sizeof *v, by_length_then_bytes);
	for (size_t i = 1; i < n; i++)
		if (str_eq(v[i - 1], v[i]))
			return true;
	return false;
}

bool json_keys_close(struct json_keys *k, size_t first)
{
	size_t n = k->n - first;
	k->n = first;
	return n <= FEW ? few_doubled(k->v + first, n) : many_doubled(k->v + first, n);
}
