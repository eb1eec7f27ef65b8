#include "base/json.h"

#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

static const cJSON *node(const struct json *j)
{
	return (const cJSON *)(const void *)j;
}

static const struct json *json(const cJSON *c)
{
	return (const struct json *)(const void *)c;
}

enum { VALUE_MORE = 48 };

/* The memory of one tree, in one block, since cJSON allocates three pieces for each value.  The root is the first.
 */
struct block {
	size_t at, n; /* bytes of p */
	_Alignas(16) char p[];
};

static _Thread_local struct block *filling; /* while cJSON parses */

static void *piece(size_t n)
{
	struct block *b = filling;
	if (b == NULL)
		return malloc(n);
	size_t room = (n + 15) & ~(size_t)15;
	if (room < n || room > b->n - b->at)
		return NULL;
	b->at += room;
	return b->p + b->at - room;
}

static void drop_piece(void *p)
{
	if (filling == NULL)
		free(p);
}

static void set_hooks(void)
{
	cJSON_Hooks hooks = {.malloc_fn = piece, .free_fn = drop_piece};
	cJSON_InitHooks(&hooks);
}

/* A node, and for its key, its text or its number the NUL and up to the next 16 bytes. */
static struct block *block_new(size_t text_n, size_t values)
{
	size_t n = text_n + values * (sizeof(cJSON) + VALUE_MORE);
	struct block *b = malloc(sizeof *b + n);
	if (b != NULL)
		*b = (struct block){.n = n};
	return b;
}

/* Pre: `text` passed the scan and ends with NUL. */
static enum err_code make_tree(const char *text, size_t n, size_t values, struct json **ret,
                               struct err *reterr)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, set_hooks);
	filling = block_new(n, values);
	cJSON *tree = filling == NULL ? NULL : cJSON_ParseWithLength(text, n + 1);
	struct block *b = filling;
	filling = NULL;
	if (tree == NULL || (char *)tree != b->p) {
		free(b);
		return err_set(reterr, ERR_NOMEM, "no memory for the values of %zu bytes of JSON", n);
	}
	*ret = (struct json *)(void *)tree;
	return ERR_OK;
}

enum err_code json_parse(struct str text, const struct json_limits *limits, struct json **ret,
                         struct err *reterr)
{
	*ret = NULL;
	char *copy = malloc(text.n + 1);
	if (copy == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for %zu bytes of JSON", text.n);
	if (text.n > 0)
		memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	size_t values;
	enum err_code code = json_scan(copy, text.n, limits, &values, reterr);
	if (code == ERR_OK)
		code = make_tree(copy, text.n, values, ret, reterr);
	free(copy);
	return code;
}

void json_free(struct json *j)
{
	if (j != NULL)
		free((char *)j - offsetof(struct block, p));
}

const struct json *json_get(const struct json *object, const char *key)
{
	return json_is_object(object) ? json(cJSON_GetObjectItemCaseSensitive(node(object), key)) : NULL;
}

const struct json *json_first(const struct json *array_or_object)
{
	return array_or_object == NULL ? NULL : json(node(array_or_object)->child);
}

const struct json *json_next(const struct json *member)
{
	return member == NULL ? NULL : json(node(member)->next);
}

const char *json_key(const struct json *member)
{
	return member == NULL ? NULL : node(member)->string;
}

bool json_is_object(const struct json *j)
{
	return cJSON_IsObject(node(j));
}

bool json_is_array(const struct json *j)
{
	return cJSON_IsArray(node(j));
}

bool json_is_string(const struct json *j)
{
	return cJSON_IsString(node(j));
}

bool json_is_true(const struct json *j)
{
	return cJSON_IsTrue(node(j));
}

struct str json_str(const struct json *j)
{
	return json_is_string(j) ? str_c(node(j)->valuestring) : (struct str){NULL, 0};
}

bool json_num(const struct json *j, double *ret)
{
	if (!cJSON_IsNumber(node(j)) || !isfinite(node(j)->valuedouble))
		return false;
	*ret = node(j)->valuedouble;
	return true;
}

bool json_has_nul(struct str s)
{
	return s.n > 0 && memmem(s.p, s.n, "\xef\xbf\xbf", 3) != NULL;
}

const char *json_version(void)
{
	return cJSON_Version();
}

/* --- values in place */

/* White space, ',' and ':'. */
static bool is_between(char c)
{
	return c == ' ' || c == ',' || c == ':' || c == '\n' || c == '\r' || c == '\t';
}

static void skip(struct str *s, size_t n)
{
	*s = (struct str){s->p + n, s->n - n};
}

static void skip_between(struct str *s)
{
	while (s->n > 0 && is_between(s->p[0]))
		skip(s, 1);
}

/* Is the character at s.p[at] escaped: are there an odd number of backslashes before it? */
static bool escaped(struct str s, size_t at)
{
	size_t from = at;
	while (from > 0 && s.p[from - 1] == '\\')
		from--;
	return (at - from) % 2 == 1;
}

/* Bytes of the string at the start of s, quotes included. */
static size_t string_size(struct str s)
{
	size_t at = 0;
	do {
		const char *quote = memchr(s.p + at + 1, '"', s.n - at - 1);
		if (quote == NULL)
			return s.n;
		at = (size_t)(quote - s.p);
	} while (escaped(s, at));
	return at + 1;
}

static size_t container_size(struct str s)
{
	size_t at = 0, depth = 0;
	while (at < s.n) {
		char c = s.p[at];
		at += c == '"' ? string_size((struct str){s.p + at, s.n - at}) : 1;
		depth += c == '{' || c == '[';
		if ((c == '}' || c == ']') && --depth == 0)
			break;
	}
	return at;
}

static size_t word_size(struct str s)
{
	size_t at = 0;
	while (at < s.n && !is_between(s.p[at]) && s.p[at] != ']' && s.p[at] != '}')
		at++;
	return at;
}

static struct str take_value(struct str *s)
{
	char first = '\0';
	if (s->n > 0)
		first = s->p[0];
	bool container = first == '{' || first == '[';
	size_t n = container ? container_size(*s) : first == '"' ? string_size(*s) : word_size(*s);
	struct str value = {s->p, n};
	skip(s, n);
	return value;
}

static struct str inside(struct str value, char open)
{
	if (value.n < 2 || value.p[0] != open)
		return (struct str){NULL, 0};
	return (struct str){value.p + 1, value.n - 2};
}

bool json_view_is_object(struct str value)
{
	return value.n > 0 && value.p[0] == '{';
}

bool json_view_is_array(struct str value)
{
	return value.n > 0 && value.p[0] == '[';
}

struct str json_view_items(struct str array)
{
	return inside(array, '[');
}

bool json_view_next(struct str *items, struct str *ret)
{
	skip_between(items);
	if (items->n == 0)
		return false;
	*ret = take_value(items);
	return true;
}

static int hex_value(char c)
{
	int lower = c | 0x20;
	return c <= '9' ? c - '0' : lower - 'a' + 10;
}

/* Take one character of a string; only characters that may occur in a name of ours are decoded. */
static int take_char(struct str *raw)
{
	if (raw->n < 6 || raw->p[0] != '\\' || raw->p[1] != 'u') {
		char c = raw->p[0];
		skip(raw, 1);
		return (unsigned char)c;
	}
	int c = 0;
	for (size_t i = 2; i < 6; i++)
		c = c * 16 + hex_value(raw->p[i]);
	skip(raw, 6);
	return c;
}

bool json_view_is(struct str value, const char *word)
{
	struct str raw = inside(value, '"');
	if (raw.p == NULL)
		return false;
	for (; *word != '\0'; word++)
		if (raw.n == 0 || take_char(&raw) != *word)
			return false;
	return raw.n == 0;
}

static void note(struct json_view_field *f, struct str value)
{
	f->doubled = f->value.n > 0;
	if (!f->doubled)
		f->value = value;
}

void json_view_fields(struct str object, struct json_view_field *fields, size_t n)
{
	struct str members = inside(object, '{'), key, value;
	for (size_t i = 0; i < n; i++)
		fields[i] = (struct json_view_field){.name = fields[i].name};
	while (json_view_next(&members, &key)) {
		skip_between(&members);
		value = take_value(&members);
		for (size_t i = 0; i < n; i++)
			if (json_view_is(key, fields[i].name))
				note(&fields[i], value);
	}
}

enum err_code json_view_scalar(struct str value, struct json **ret, struct err *reterr)
{
	static const struct json_limits one = {.max_depth = 0, .max_values = 1};
	return json_parse(value, &one, ret, reterr);
}
