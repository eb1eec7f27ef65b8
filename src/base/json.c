#include "base/json.h"

#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/json_scan.h"

static const cJSON *node(const struct json *j)
{
	return (const cJSON *)(const void *)j;
}

static const struct json *json(const cJSON *c)
{
	return (const struct json *)(const void *)c;
}

enum { VALUE_MORE = 48 };

/* The memory of one tree, in one block: cJSON asks for three pieces a value.  The tree's root is the first.
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
