#include "base/json.h"

#include <math.h>
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

enum err_code json_parse(struct str text, const struct json_limits *limits, struct json **ret,
                         struct err *reterr)
{
	return json_parse_wanted(text, limits, NULL, ret, reterr);
}

enum err_code json_parse_wanted(struct str text, const struct json_limits *limits, struct json_wanted *wanted,
                                struct json **ret, struct err *reterr)
{
	*ret = NULL;
	char *copy = malloc(text.n + 1);
	if (copy == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for %zu bytes of JSON", text.n);
	if (text.n > 0)
		memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	enum err_code code = json_scan(copy, text.n, limits, wanted, reterr);
	if (code != ERR_OK || (wanted != NULL && !wanted->found && wanted->objects > 0))
		goto out;
	cJSON *tree = cJSON_ParseWithLength(copy, text.n + 1);
	if (tree == NULL)
		code = err_set(reterr, ERR_NOMEM, "no memory for the values of %zu bytes of JSON", text.n);
	else
		*ret = (struct json *)(void *)tree;
out:
	free(copy);
	return code;
}

void json_free(struct json *j)
{
	cJSON_Delete((cJSON *)(void *)j);
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
