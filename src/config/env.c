#include "config/env.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "config/row.h"

static const char prefix[] = "LINKD_";

static bool ours(struct str name)
{
	return str_starts(name, str_c(prefix));
}

static bool aws_secret(struct str name)
{
	static const char *const names[] = {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	                                    "AWS_SECURITY_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (str_is(name, names[i]))
			return true;
	return false;
}

/* A setting that is not secret, or the path of a file. */
static bool harmless(struct str name)
{
	static const struct str suffix = {"_FILE", 5};
	struct str key = {name.p + sizeof prefix - 1, name.n - (sizeof prefix - 1)};
	const struct config_row *row = config_row_by_key(key);
	if (row != NULL)
		return !row->secret;
	if (key.n <= suffix.n || !str_eq((struct str){key.p + key.n - suffix.n, suffix.n}, suffix))
		return false;
	return config_row_by_key((struct str){key.p, key.n - suffix.n}) != NULL;
}

static void wipe_value(char *entry)
{
	struct str name, value;
	if (!str_cut(str_c(entry), '=', &name, &value))
		return;
	if (aws_secret(name) || (ours(name) && !harmless(name)))
		crypto_wipe(entry + name.n + 1, value.n);
}

static void free_all(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
		crypto_wipe(list[i], strlen(list[i]));
		free(list[i]);
	}
	free(list);
}

static size_t count(char *const *list)
{
	size_t n = 0;
	while (list[n] != NULL)
		n++;
	return n;
}

static char **copy_all(char *const *from)
{
	size_t n = count(from);
	char **list = calloc(n + 1, sizeof list[0]);
	for (size_t i = 0; list != NULL && i < n; i++) {
		list[i] = strdup(from[i]);
		if (list[i] == NULL) {
			free_all(list);
			return NULL;
		}
	}
	return list;
}

/* The same strings without LINKD_ variables. */
static char **without_ours(char *const *from)
{
	size_t n = 0;
	char **list = calloc(count(from) + 1, sizeof list[0]);
	for (; list != NULL && *from != NULL; from++)
		if (!ours(str_c(*from)))
			list[n++] = *from;
	return list;
}

enum err_code config_env_take(char *const **ret, struct err *reterr)
{
	static char **all, **others; /* kept until the process ends */
	all = copy_all(environ);
	others = all != NULL ? without_ours(all) : NULL;
	if (others == NULL) {
		free_all(all);
		all = NULL;
		return err_set(reterr, ERR_NOMEM, "no memory for the environment");
	}
	for (size_t i = 0; environ[i] != NULL; i++)
		wipe_value(environ[i]);
	environ = others;
	*ret = all;
	return ERR_OK;
}
