#include "aws/private.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "base/file.h"

enum { FILE_MAX = 1 << 20, NAME_MAX_BYTES = 255 };

struct profiles {
	char name[NAME_MAX_BYTES + 1];
	char path[3][PATH_MAX]; /* by enum profile_from; the first is unused */
	struct inifile *config, *credentials;
	char **named; /* of each section of the config file: the profile's name; NULL: it is of none */
	size_t sections;
};

static bool set_path(struct profiles *p, enum profile_from from, char *const *environ_, const char *variable,
                     const char *below_home)
{
	const char *set = env_get(environ_, variable), *home = env_get(environ_, "HOME");
	char *out = p->path[from];
	int n;
	if (set == NULL)
		n = snprintf(out, PATH_MAX, "%s/.aws/%s", home != NULL ? home : "", below_home);
	else if (set[0] == '~' && (set[1] == '/' || set[1] == '\0'))
		n = snprintf(out, PATH_MAX, "%s%s", home != NULL ? home : "", set + 1);
	else
		n = snprintf(out, PATH_MAX, "%s", set);
	return n >= 0 && n < PATH_MAX;
}

static enum err_code read_file(const char *path, struct inifile **ret, struct err *reterr)
{
	struct buf text;
	struct err why;
	buf_init(&text, FILE_MAX + 8192);
	enum err_code code = file_read(path, FILE_PLAIN, FILE_MAX, &text, &why);
	if (code == ERR_OK)
		code = inifile_parse(buf_view(&text), path, ret, reterr);
	else if (code == ERR_NOT_FOUND)
		code = ERR_OK;
	else
		code = err_set(reterr, code, "%s %s", path, why.msg);
	crypto_wipe_buf(&text);
	return code;
}

/* "default", or "profile NAME" with NAME in quotes or not. */
static enum err_code name_section(const char *section, char **ret, struct err *reterr)
{
	struct shell_words w = {.n = 0};
	enum err_code code = ERR_OK;
	const char *name = strcmp(section, "default") == 0 ? section : NULL;
	if (strncmp(section, "profile", 7) == 0)
		code = shell_split(str_c(section), &w, reterr);
	if (code == ERR_OK && w.n == 2)
		name = w.v[1];
	*ret = name == NULL ? NULL : strdup(name);
	if (name != NULL && *ret == NULL)
		code = err_set(reterr, ERR_NOMEM, "no memory for profiles");
	shell_split_free(&w);
	return code == ERR_INVALID ? ERR_OK : code; /* a malformed name belongs to no profile */
}

/* Done once, in advance.  If memory ran out in a look-up, the profile would seem to be missing, and keys of another
 * identity would be used. */
static enum err_code name_sections(struct profiles *p, struct err *reterr)
{
	enum err_code code = ERR_OK;
	const char *section;
	size_t n = 0;
	while (inifile_section(p->config, n) != NULL)
		n++;
	if (n > 0 && (p->named = calloc(n, sizeof *p->named)) == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for profiles");
	for (; code == ERR_OK && (section = inifile_section(p->config, p->sections)) != NULL; p->sections++)
		code = name_section(section, &p->named[p->sections], reterr);
	return code;
}

/* The section of a profile in the config file; of two the last counts. */
static const char *config_section(const struct profiles *p, const char *name)
{
	for (size_t i = p->sections; i-- > 0;)
		if (p->named[i] != NULL && strcmp(p->named[i], name) == 0)
			return inifile_section(p->config, i);
	return NULL;
}

static bool in_credentials(const struct profiles *p, const char *name)
{
	const char *section;
	for (size_t i = 0; (section = inifile_section(p->credentials, i)) != NULL; i++)
		if (strcmp(section, name) == 0)
			return true;
	return false;
}

bool profile_exists(const struct profiles *p, const char *name)
{
	return config_section(p, name) != NULL || in_credentials(p, name);
}

static enum err_code choose(struct profiles *p, char *const *environ_, struct err *reterr)
{
	const char *variable = "AWS_DEFAULT_PROFILE", *name = env_get(environ_, variable);
	if (name == NULL)
		name = env_get(environ_, variable = "AWS_PROFILE");
	bool named = name != NULL;
	if (!str_copy(p->name, sizeof p->name, str_c(named ? name : "default")))
		return err_set(reterr, ERR_INVALID, "%s is longer than %d bytes", variable, NAME_MAX_BYTES);
	if (named && !profile_exists(p, name))
		return err_set(
		        reterr, ERR_INVALID,
		        "%s names the profile %.64s, which is neither in %s nor in %s; correct the name or "
		        "add the profile",
		        variable, name, p->path[PROFILE_CONFIG], p->path[PROFILE_CREDENTIALS]);
	return ERR_OK;
}

enum err_code profile_load(char *const *environ_, struct profiles **ret, struct err *reterr)
{
	struct profiles *p = calloc(1, sizeof *p);
	enum err_code code;
	if (p == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for profiles");
	if (!set_path(p, PROFILE_CONFIG, environ_, "AWS_CONFIG_FILE", "config") ||
	    !set_path(p, PROFILE_CREDENTIALS, environ_, "AWS_SHARED_CREDENTIALS_FILE", "credentials"))
		code = err_set(reterr, ERR_INVALID,
		               "AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE is too long");
	else
		code = read_file(p->path[PROFILE_CONFIG], &p->config, reterr);
	if (code == ERR_OK)
		code = read_file(p->path[PROFILE_CREDENTIALS], &p->credentials, reterr);
	if (code == ERR_OK)
		code = name_sections(p, reterr);
	if (code == ERR_OK)
		code = choose(p, environ_, reterr);
	if (code == ERR_OK)
		*ret = p;
	else
		profile_free(p);
	return code;
}

void profile_free(struct profiles *p)
{
	if (p == NULL)
		return;
	inifile_free(p->config);
	inifile_free(p->credentials);
	for (size_t i = 0; i < p->sections; i++)
		free(p->named[i]);
	free(p->named);
	free(p);
}

const char *profile_name(const struct profiles *p)
{
	return p->name;
}

const char *profile_get(const struct profiles *p, enum profile_from from, const char *name, const char *key)
{
	const char *value = NULL, *section = config_section(p, name);
	if (from != PROFILE_CONFIG)
		value = inifile_get(p->credentials, name, key);
	if (value == NULL && from != PROFILE_CREDENTIALS && section != NULL)
		value = inifile_get(p->config, section, key);
	return value;
}

const char *profile_file(const struct profiles *p, enum profile_from from)
{
	return p->path[from];
}

bool profile_service_url(const struct profiles *p, const char *name, const char *service, struct str *ret)
{
	char section[NAME_MAX_BYTES + sizeof "services "];
	const char *services = profile_get(p, PROFILE_BOTH, name, "services");
	if (services == NULL)
		return false;
	int n = snprintf(section, sizeof section, "services %s", services);
	if (n < 0 || (size_t)n >= sizeof section)
		return false;
	return inifile_nested(inifile_get(p->config, section, service), "endpoint_url", ret) && ret->n > 0;
}
