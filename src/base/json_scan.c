#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TREE_DEPTH_MAX = 256, /* also when the caller's limit is higher: cJSON recurses */
	NUMBER_MAX = 60,      /* some versions of cJSON read at most 63 characters of a number */
	NUMBER_TEXT = 32,     /* bytes a double needs as text */
	FEW = 8,              /* keys compared each with each; more are sorted */
};

/* VALUE -> scalar -> AFTER -> , -> KEY or VALUE
 *       -> { -> FIRST_KEY -> KEY -> VALUE      AFTER -> } or ] -> AFTER
 *       -> [ -> FIRST_ITEM -> VALUE            AFTER at depth 0 -> END */
enum phase { P_VALUE, P_FIRST_KEY, P_KEY, P_FIRST_ITEM, P_AFTER, P_END, P_BAD };

/* The keys of the objects that the scan is inside of, to refuse doubled ones.  Those of the innermost object
 * are last; at its end they are compared and dropped. */
struct keys {
	size_t n, cap;
	struct str *v;
	struct str first[64]; /* v until more are needed: an ordinary text costs no allocation */
	struct buf unescaped; /* keys that held escapes, decoded; never moves */
};

/* The checks beyond the grammar. */
struct strict {
	struct keys keys;
	size_t first_key[TREE_DEPTH_MAX]; /* of each object the scan is inside of */
};

struct scan {
	char *p; /* NUL-terminated at n, so that looking one ahead is safe */
	size_t n, at;
	struct strict *strict;           /* NULL: the grammar alone */
	struct json_scan_wanted *wanted; /* NULL: nothing */
	size_t depth, depth_max, values, values_max;
	bool *object;       /* of each level the scan is inside of: an object, not an array */
	enum err_code code; /* why P_BAD */
	const char *why;
};

/* The four digits after "\u", -1 when they are not. */
static int hex4(const char *p)
{
	int v = 0;
	for (size_t i = 0; i < 4; i++) {
		char c = p[i], lower = (char)(c | 0x20);
		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if (lower >= 'a' && lower <= 'f')
			v = v * 16 + (lower - 'a' + 10);
		else
			return -1;
	}
	return v;
}

/* --- keys */

static void keys_init(struct keys *k, size_t text_bytes)
{
	k->n = 0;
	k->cap = sizeof k->first / sizeof k->first[0];
	k->v = k->first;
	buf_init(&k->unescaped, text_bytes);
}

static void keys_done(struct keys *k)
{
	if (k->v != k->first)
		free(k->v);
	buf_done(&k->unescaped);
}

static bool grow(struct keys *k)
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
	unsigned c = (unsigned)hex4(p + 1);
	if (c < 0xd800 || c > 0xdfff) {
		put_utf8(out, c);
		return 5;
	}
	put_utf8(out, 0x10000 + ((c - 0xd800) << 10) + ((unsigned)hex4(p + 7) - 0xdc00));
	return 11;
}

static bool unescape(struct keys *k, struct str *key)
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

static bool keys_add(struct keys *k, struct str raw, bool has_escape)
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

static bool keys_close(struct keys *k, size_t first)
{
	size_t n = k->n - first;
	k->n = first;
	return n <= FEW ? few_doubled(k->v + first, n) : many_doubled(k->v + first, n);
}

/* --- the scan */

static enum phase bad(struct scan *s, enum err_code code, const char *why)
{
	s->code = code;
	s->why = why;
	return P_BAD;
}

static enum phase not_json(struct scan *s)
{
	return bad(s, ERR_INVALID, "not JSON");
}

static void skip_space(struct scan *s)
{
	while (s->p[s->at] == ' ' || s->p[s->at] == '\n' || s->p[s->at] == '\r' || s->p[s->at] == '\t')
		s->at++;
}

static bool take(struct scan *s, char c)
{
	if (s->p[s->at] != c) /* nor is the NUL at the end */
		return false;
	s->at++;
	return true;
}

/* s->at is the backslash of an escape. */
static bool take_escape(struct scan *s)
{
	char *p = s->p + s->at;
	if (p[1] != 'u') {
		s->at += 2;
		return p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) != NULL;
	}
	int c = hex4(p + 2);
	s->at += 6;
	if (c < 0xd800 || c > 0xdfff || s->strict == NULL) {
		if (c == 0 && s->strict != NULL)
			memcpy(p + 2, "FFFF", 4);
		return c >= 0;
	}
	if (c > 0xdbff || p[6] != '\\' || p[7] != 'u')
		return false;
	int low = hex4(p + 8);
	s->at += 6;
	return low >= 0xdc00 && low <= 0xdfff;
}

/* Bytes of a string up to its quote, an escape, a control or the NUL that ends the text. */
static size_t plain_run(const char *start)
{
	static const bool ends[256] = {[0 ... 0x1f] = true, ['"'] = true, ['\\'] = true};
	const unsigned char *p = (const unsigned char *)start;
	while (!ends[*p])
		p++;
	return (size_t)(p - (const unsigned char *)start);
}

/* UTF-8, when required, was checked for the whole text before.  A NUL is the end of the text or a raw control
 * character; both are refused. */
static bool take_string(struct scan *s, bool *ret_escape)
{
	*ret_escape = false;
	if (!take(s, '"'))
		return false;
	for (;;) {
		s->at += plain_run(s->p + s->at);
		if (s->p[s->at] == '"')
			break;
		*ret_escape = true;
		if (s->p[s->at] != '\\' || !take_escape(s))
			return false;
	}
	s->at++;
	return true;
}

static bool take_digits(struct scan *s)
{
	size_t start = s->at;
	while (s->p[s->at] >= '0' && s->p[s->at] <= '9')
		s->at++;
	return s->at > start;
}

static void shorten_number(char *p, size_t n)
{
	char text[NUMBER_TEXT];
	double v = strtod(p, NULL);
	int len = isfinite(v) ? snprintf(text, sizeof text, "%.17g", v)
	                      : snprintf(text, sizeof text, "%s", v < 0 ? "-1e999" : "1e999");
	memset(p, ' ', n);
	memcpy(p, text, (size_t)len);
}

static bool take_number(struct scan *s)
{
	size_t start = s->at;
	(void)take(s, '-');
	if (!take(s, '0') && !take_digits(s))
		return false;
	if (take(s, '.') && !take_digits(s))
		return false;
	if (take(s, 'e') || take(s, 'E')) {
		if (!take(s, '+'))
			(void)take(s, '-');
		if (!take_digits(s))
			return false;
	}
	if (s->strict != NULL && s->at - start > NUMBER_MAX)
		shorten_number(s->p + start, s->at - start);
	return true;
}

static bool take_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);
	if (s->n - s->at < n || memcmp(s->p + s->at, word, n) != 0)
		return false;
	s->at += n;
	return true;
}

static enum phase open_level(struct scan *s, bool object)
{
	if (s->depth >= s->depth_max)
		return bad(s, ERR_TOO_LARGE, "JSON is nested too deep");
	if (s->wanted != NULL && object && s->depth == s->wanted->depth)
		s->wanted->objects++;
	s->object[s->depth] = object;
	if (s->strict != NULL)
		s->strict->first_key[s->depth] = s->strict->keys.n;
	s->depth++;
	s->at++;
	return object ? P_FIRST_KEY : P_FIRST_ITEM;
}

static enum phase close_level(struct scan *s)
{
	s->depth--;
	s->at++;
	struct strict *strict = s->strict;
	if (strict != NULL && s->object[s->depth] && keys_close(&strict->keys, strict->first_key[s->depth]))
		return bad(s, ERR_INVALID, "JSON object with a doubled key, ending");
	return P_AFTER;
}

static enum phase value(struct scan *s)
{
	bool escape, ok;
	if (++s->values > s->values_max)
		return bad(s, ERR_TOO_LARGE, "JSON has too many values");
	switch (s->p[s->at]) {
	case '{': return open_level(s, true);
	case '[': return open_level(s, false);
	case '"': ok = take_string(s, &escape); break;
	case 't': ok = take_word(s, "true"); break;
	case 'f': ok = take_word(s, "false"); break;
	case 'n': ok = take_word(s, "null"); break;
	default: ok = take_number(s); break;
	}
	return ok ? P_AFTER : not_json(s);
}

static enum phase key(struct scan *s)
{
	size_t start = s->at + 1;
	bool escape;
	if (!take_string(s, &escape))
		return not_json(s);
	struct str raw = {s->p + start, s->at - 1 - start};
	if (s->strict != NULL && !keys_add(&s->strict->keys, raw, escape))
		return bad(s, ERR_NOMEM, "no memory for the keys of a JSON object");
	if (s->wanted != NULL)
		s->wanted->found |= escape || str_eq(raw, s->wanted->key);
	skip_space(s);
	return take(s, ':') ? P_VALUE : not_json(s);
}

static enum phase after(struct scan *s)
{
	if (s->depth == 0)
		return s->at == s->n ? P_END : not_json(s);
	bool object = s->object[s->depth - 1];
	if (take(s, ','))
		return object ? P_KEY : P_VALUE;
	return s->p[s->at] == (object ? '}' : ']') ? close_level(s) : not_json(s);
}

static enum phase step(struct scan *s, enum phase phase)
{
	skip_space(s);
	switch (phase) {
	case P_VALUE: return value(s);
	case P_FIRST_KEY: return s->p[s->at] == '}' ? close_level(s) : key(s);
	case P_KEY: return key(s);
	case P_FIRST_ITEM: return s->p[s->at] == ']' ? close_level(s) : value(s);
	default: return after(s); /* P_AFTER: the loop ends with the others */
	}
}

static bool all_ascii(const char *p, size_t n)
{
	uint64_t seen = 0, eight;
	for (; n >= sizeof eight; p += sizeof eight, n -= sizeof eight) {
		memcpy(&eight, p, sizeof eight);
		seen |= eight;
	}
	eight = 0;
	memcpy(&eight, p, n);
	return ((seen | eight) & 0x8080808080808080) == 0;
}

static enum err_code scan(struct scan *s, struct err *reterr)
{
	enum phase phase = P_VALUE;
	while (phase != P_END && phase != P_BAD)
		phase = step(s, phase);
	if (phase == P_END)
		return ERR_OK;
	return err_set(reterr, s->code, "%s at byte %zu of %zu", s->why, s->at < s->n ? s->at : s->n, s->n);
}

enum err_code json_scan(char *text, size_t n, const struct json_limits *limits, size_t *ret_values,
                        struct err *reterr)
{
	struct strict strict NOT_ZEROED;
	bool object[TREE_DEPTH_MAX] NOT_ZEROED;
	struct scan s = {
	        .p = text,
	        .n = n,
	        .strict = &strict,
	        .depth_max = limits->max_depth < TREE_DEPTH_MAX ? limits->max_depth : TREE_DEPTH_MAX,
	        .values_max = limits->max_values,
	        .object = object,
	};
	if (!all_ascii(text, n) && !str_utf8((struct str){text, n}))
		return err_set(reterr, ERR_INVALID, "not JSON: invalid UTF-8");
	keys_init(&strict.keys, n);
	enum err_code code = scan(&s, reterr);
	keys_done(&strict.keys);
	*ret_values = s.values;
	return code;
}

enum err_code json_scan_grammar(struct str text, struct json_scan_wanted *wanted, struct err *reterr)
{
	bool object[JSON_SCAN_DEPTH_MAX] NOT_ZEROED;
	char *copy = malloc(text.n + 1); /* with a NUL at the end */
	if (copy == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for %zu bytes of JSON", text.n);
	if (text.n > 0)
		memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	struct scan s = {
	        .p = copy,
	        .n = text.n,
	        .wanted = wanted,
	        .depth_max = JSON_SCAN_DEPTH_MAX,
	        .values_max = SIZE_MAX,
	        .object = object,
	};
	enum err_code code = scan(&s, reterr);
	free(copy);
	return code;
}
