#include "base/json_scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_keys.h"

enum {
	DEPTH_MAX = 256,  /* whatever the caller's limit: cJSON recurses */
	NUMBER_MAX = 60,  /* some versions of cJSON read at most 63 characters of a number */
	NUMBER_TEXT = 32, /* bytes a double needs as text */
};

/* VALUE -> scalar -> AFTER -> , -> KEY or VALUE
 *       -> { -> FIRST_KEY -> KEY -> VALUE      AFTER -> } or ] -> AFTER
 *       -> [ -> FIRST_ITEM -> VALUE            AFTER at depth 0 -> END */
enum phase { P_VALUE, P_FIRST_KEY, P_KEY, P_FIRST_ITEM, P_AFTER, P_END, P_BAD };

struct level {
	size_t first_key;
	bool object;
};

struct scan {
	char *p; /* NUL-terminated at n, so that looking one ahead is safe */
	size_t n, at;
	const struct json_limits *limits;
	struct json_wanted *wanted; /* NULL: nothing */
	size_t depth, values;
	struct level *level; /* of DEPTH_MAX */
	struct json_keys *keys;
	enum err_code code; /* why P_BAD */
	const char *why;
};

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

/* `at` stands on the backslash of an escape. */
static bool take_escape(struct scan *s)
{
	char *p = s->p + s->at;
	if (p[1] != 'u') {
		s->at += 2;
		return p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) != NULL;
	}
	int c = hex4(p + 2);
	s->at += 6;
	if (c == 0)
		memcpy(p + 2, "FFFF", 4);
	if (c < 0xd800 || c > 0xdfff)
		return c >= 0;
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

/* UTF-8 was checked for the whole text.  A NUL ends the text or is a raw control: refused either way. */
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
	if (s->at - start > NUMBER_MAX)
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
	if (s->depth >= s->limits->max_depth || s->depth >= DEPTH_MAX)
		return bad(s, ERR_TOO_LARGE, "JSON is nested too deep");
	if (s->wanted != NULL && object && s->depth == s->wanted->depth)
		s->wanted->objects++;
	s->level[s->depth].object = object;
	s->level[s->depth].first_key = s->keys->n;
	s->depth++;
	s->at++;
	return object ? P_FIRST_KEY : P_FIRST_ITEM;
}

static enum phase close_level(struct scan *s)
{
	s->depth--;
	s->at++;
	if (s->level[s->depth].object && json_keys_close(s->keys, s->level[s->depth].first_key))
		return bad(s, ERR_INVALID, "JSON object with a doubled key, ending");
	return P_AFTER;
}

static enum phase value(struct scan *s)
{
	bool escape, ok;
	if (++s->values > s->limits->max_values)
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
	if (!json_keys_add(s->keys, raw, escape))
		return bad(s, ERR_NOMEM, "no memory for the keys of a JSON object");
	if (s->wanted != NULL && str_eq(s->keys->v[s->keys->n - 1], s->wanted->key))
		s->wanted->found = true;
	skip_space(s);
	return take(s, ':') ? P_VALUE : not_json(s);
}

static enum phase after(struct scan *s)
{
	if (s->depth == 0)
		return s->at == s->n ? P_END : not_json(s);
	bool object = s->level[s->depth - 1].object;
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

enum err_code json_scan(char *text, size_t n, const struct json_limits *limits, struct json_wanted *wanted,
                        struct err *reterr)
{
	struct level level[DEPTH_MAX] NOT_ZEROED;
	struct json_keys keys NOT_ZEROED;
	struct scan s = {
	        .p = text, .n = n, .limits = limits, .wanted = wanted, .level = level, .keys = &keys};
	if (!all_ascii(text, n) && !str_utf8((struct str){text, n}))
		return err_set(reterr, ERR_INVALID, "not JSON: invalid UTF-8");
	json_keys_init(&keys, n);
	enum phase phase = P_VALUE;
	while (phase != P_END && phase != P_BAD)
		phase = step(&s, phase);
	json_keys_done(&keys);
	if (wanted != NULL)
		wanted->values = s.values;
	return phase == P_END
	               ? ERR_OK
	               : err_set(reterr, s.code, "%s at byte %zu of %zu", s.why, s.at < n ? s.at : n, n);
}
