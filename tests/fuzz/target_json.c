/* The JSON layer.  Input: a byte that chooses the limits, and the text.  A second reader, by recursion, must
 * agree: once strictly, once about the grammar alone.  What the strict one takes is read in place as well,
 * and is the same there as in the tree. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/json.h"
#include "fuzz.h"

struct reader {
	const char *p, *end;
	size_t values, max_values, max_depth;
	bool grammar; /* that alone: halves of surrogate pairs are fine */
	bool limit;   /* one was passed */
};

static void blanks(struct reader *r)
{
	while (r->p < r->end && *r->p != '\0' && strchr(" \t\r\n", *r->p) != NULL)
		r->p++;
}

static bool is(struct reader *r, char c)
{
	if (r->p == r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

static long hex(struct reader *r)
{
	char four[5] = "", *end;
	if (r->end - r->p < 4)
		return -1;
	memcpy(four, r->p, 4);
	r->p += 4;
	if (strspn(four, "0123456789abcdefABCDEF") != 4)
		return -1;
	return strtol(four, &end, 16);
}

static bool escape(struct reader *r)
{
	if (r->p == r->end || *r->p == '\0')
		return false;
	char c = *r->p++;
	if (c != 'u')
		return strchr("\"\\/bfnrt", c) != NULL;
	long high = hex(r);
	if (high < 0xd800 || high > 0xdfff || r->grammar)
		return high >= 0;
	if (high >= 0xdc00 || !is(r, '\\') || !is(r, 'u'))
		return false;
	long low = hex(r);
	return low >= 0xdc00 && low <= 0xdfff;
}

static bool string(struct reader *r)
{
	if (!is(r, '"'))
		return false;
	while (r->p < r->end && *r->p != '"') {
		unsigned char c = (unsigned char)*r->p++;
		if (c < 0x20 || (c == '\\' && !escape(r)))
			return false;
	}
	return is(r, '"');
}

static bool digits(struct reader *r)
{
	const char *from = r->p;
	while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
		r->p++;
	return r->p > from;
}

static bool number(struct reader *r)
{
	(void)is(r, '-');
	const char *first = r->p;
	if (!digits(r) || (*first == '0' && r->p - first > 1))
		return false;
	if (is(r, '.') && !digits(r))
		return false;
	if (!is(r, 'e') && !is(r, 'E'))
		return true;
	(void)(is(r, '+') || is(r, '-'));
	return digits(r);
}

static bool word(struct reader *r, const char *w)
{
	size_t n = strlen(w);
	if ((size_t)(r->end - r->p) < n || memcmp(r->p, w, n) != 0)
		return false;
	r->p += n;
	return true;
}

static bool value(struct reader *r, size_t depth);

static bool members(struct reader *r, size_t depth, bool object)
{
	char close = object ? '}' : ']';
	if (depth > r->max_depth) {
		r->limit = true;
		return false;
	}
	blanks(r);
	if (is(r, close))
		return true;
	do {
		blanks(r);
		if (object) {
			if (!string(r))
				return false;
			blanks(r);
			if (!is(r, ':'))
				return false;
		}
		if (!value(r, depth))
			return false;
	} while (is(r, ','));
	return is(r, close);
}

static bool value(struct reader *r, size_t depth)
{
	bool ok;
	blanks(r);
	if (++r->values > r->max_values) {
		r->limit = true;
		return false;
	}
	switch (r->p < r->end ? *r->p : '\0') {
	case '{':
		r->p++;
		ok = members(r, depth + 1, true);
		break;
	case '[':
		r->p++;
		ok = members(r, depth + 1, false);
		break;
	case '"': ok = string(r); break;
	case 't': ok = word(r, "true"); break;
	case 'f': ok = word(r, "false"); break;
	case 'n': ok = word(r, "null"); break;
	default: ok = number(r); break;
	}
	blanks(r);
	return ok;
}

/* No object of an accepted text has two members of one name; lists are whole. */
static void check_tree(const struct json *j)
{
	size_t count = 0;
	for (const struct json *m = json_first(j); m != NULL; m = json_next(m), count++) {
		if (json_is_object(j)) {
			FUZZ_MUST(json_key(m) != NULL && json_get(j, json_key(m)) == m);
			FUZZ_MUST(str_utf8(str_c(json_key(m))));
		}
		check_tree(m);
	}
	FUZZ_MUST(count == 0 || json_is_object(j) || json_is_array(j));
	FUZZ_MUST(!json_is_string(j) || str_utf8(json_str(j)));
}

static bool same(const cJSON *a, const cJSON *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if ((a->type & 0xff) != (b->type & 0xff))
		return false;
	if ((a->string != NULL || b->string != NULL) &&
	    (a->string == NULL || b->string == NULL || strcmp(a->string, b->string) != 0))
		return false;
	if (cJSON_IsString(a))
		return strcmp(a->valuestring, b->valuestring) == 0;
	if (cJSON_IsNumber(a)) /* written with 15 or 17 digits */
		return fabs(a->valuedouble - b->valuedouble) <= fabs(a->valuedouble) * 4e-16;
	const cJSON *x = a->child, *y = b->child;
	for (; x != NULL && y != NULL; x = x->next, y = y->next)
		if (!same(x, y))
			return false;
	return x == y;
}

static bool in_range(const cJSON *j)
{
	if (cJSON_IsNumber(j))
		return isfinite(j->valuedouble) && fabs(j->valuedouble) < 1e308;
	for (const cJSON *m = j->child; m != NULL; m = m->next)
		if (!in_range(m))
			return false;
	return true;
}

/* cJSON writes the tree, and what it wrote is read as the same tree. */
static void check_again(const struct json *j)
{
	const struct json_limits wide = {256, SIZE_MAX};
	const cJSON *tree = (const cJSON *)(const void *)j;
	struct json *again;
	struct err err;
	if (!in_range(tree)) /* written as null */
		return;
	char *text = cJSON_PrintUnformatted(tree);
	FUZZ_MUST(text != NULL && json_parse(str_c(text), &wide, &again, &err) == ERR_OK);
	FUZZ_MUST(same(tree, (const cJSON *)(const void *)again));
	json_free(again);
	cJSON_free(text);
}

/* An escaped U+0000 in a text that is JSON. */
static bool has_nul_escape(const char *text)
{
	for (const char *p = text; (p = strchr(p, '\\')) != NULL; p += 2)
		if (strncmp(p, "\\u0000", 6) == 0)
			return true;
	return false;
}

/* What the scan rewrote is JSON of the same length, and a second scan has nothing to rewrite. */
static void check_scan(struct str text, const struct json_limits *limits)
{
	char *copy = malloc(text.n + 1), *twice = malloc(text.n + 1);
	size_t values;
	struct err err;
	FUZZ_MUST(copy != NULL && twice != NULL);
	if (text.n > 0)
		memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	FUZZ_MUST(json_scan(copy, text.n, limits, &values, &err) == ERR_OK && copy[text.n] == '\0');
	FUZZ_MUST(!has_nul_escape(copy));
	memcpy(twice, copy, text.n + 1);
	FUZZ_MUST(json_scan(twice, text.n, limits, &values, &err) == ERR_OK &&
	          memcmp(copy, twice, text.n + 1) == 0);
	free(copy);
	free(twice);
}

/* --- read in place */

static bool same_scalar(const struct json *j, struct str value)
{
	struct json *one;
	double a = 0, b = 0;
	struct err err;
	FUZZ_MUST(json_view_scalar(value, &one, &err) == ERR_OK);
	bool right = json_is_string(j) == json_is_string(one) && str_eq(json_str(j), json_str(one)) &&
	             json_is_true(j) == json_is_true(one) && json_num(j, &a) == json_num(one, &b) &&
	             memcmp(&a, &b, sizeof a) == 0;
	json_free(one);
	return right;
}

/* The names that are asked for are found once in a tree that has no doubled ones. */
static void check_fields(const struct json *j, struct str value)
{
	struct json_view_field f[] = {{.name = "a"}, {.name = "b_c"}};
	json_view_fields(value, f, 2);
	for (size_t i = 0; i < 2; i++)
		FUZZ_MUST(!f[i].doubled && (f[i].value.n > 0) == (json_get(j, f[i].name) != NULL));
}

static void check_view(const struct json *j, struct str value)
{
	struct str rest = json_view_items(value), item;
	FUZZ_MUST(json_view_is_object(value) == json_is_object(j) &&
	          json_view_is_array(value) == json_is_array(j));
	check_fields(j, value);
	if (!json_is_object(j) && !json_is_array(j))
		FUZZ_MUST(same_scalar(j, value));
	if (!json_is_array(j))
		return;
	for (const struct json *m = json_first(j); m != NULL; m = json_next(m)) {
		FUZZ_MUST(json_view_next(&rest, &item) && item.n > 0);
		FUZZ_MUST(item.p >= value.p && item.p + item.n < value.p + value.n);
		check_view(m, item);
	}
	FUZZ_MUST(!json_view_next(&rest, &item));
}

/* Of any text that is JSON by its grammar, however odd, the values lie in one another. */
static void check_inside(struct str value)
{
	struct json_view_field f[] = {{.name = "a"}, {.name = "b_c"}};
	struct str rest = json_view_items(value), item;
	struct json *j;
	json_view_fields(value, f, 2);
	for (size_t i = 0; i < 2; i++) {
		FUZZ_MUST(f[i].value.n > 0 || !f[i].doubled);
		if (f[i].value.n > 0)
			check_inside(f[i].value);
	}
	while (json_view_next(&rest, &item)) {
		FUZZ_MUST(item.n > 0 && item.p > value.p && item.p + item.n < value.p + value.n);
		check_inside(item);
	}
	if (json_view_scalar(value, &j, NULL) == ERR_OK)
		json_free(j);
}

static void check_grammar(struct str text)
{
	struct reader r = {.p = text.p,
	                   .end = text.p + text.n,
	                   .max_values = SIZE_MAX,
	                   .max_depth = JSON_SCAN_DEPTH_MAX,
	                   .grammar = true};
	struct err err = {.code = ERR_OK};
	enum err_code code = json_scan_grammar(text, NULL, &err);
	bool right = value(&r, 0) && r.p == r.end;
	FUZZ_MUST(code == err.code && code != ERR_NOMEM && (code == ERR_OK) == right);
	FUZZ_MUST((code == ERR_TOO_LARGE) == r.limit);
	if (right)
		check_inside(str_trim(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str text = {(const char *)data, n};
	uint8_t choice = fuzz_byte(&text);
	struct json_limits limits = {choice & 1 ? 4 : 300, choice & 2 ? 20 : 100000};
	struct reader r = {.p = text.p,
	                   .end = text.p + text.n,
	                   .max_values = limits.max_values,
	                   .max_depth = limits.max_depth < 256 ? limits.max_depth : 256};
	struct json *j = NULL;
	struct err err = {.code = ERR_OK};
	enum err_code code = json_parse(text, &limits, &j, &err);
	bool right = str_utf8(text) && value(&r, 0) && r.p == r.end;
	FUZZ_MUST(code == ERR_OK || (err.code == code && j == NULL && str_printable(str_c(err.msg))));
	FUZZ_MUST(code != ERR_NOMEM);
	if (code == ERR_OK) {
		FUZZ_MUST(right);
		check_tree(j);
		check_again(j);
		check_scan(text, &limits);
		check_view(j, str_trim(text));
	} else if (right) {
		FUZZ_MUST(strstr(err.msg, "doubled key") != NULL);
	} else {
		FUZZ_MUST((code == ERR_TOO_LARGE) == r.limit || strstr(err.msg, "doubled key") != NULL);
	}
	json_free(j);
	check_grammar(text);
	return 0;
}
