#include "config/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/file.h"
#include "config/ini.h"

enum { SECRET_FILE_MAX = 65536 };

static void wiped_free(char *text)
{
	if (text != NULL)
		crypto_wipe(text, strlen(text));
	free(text);
}

void config_source_done(struct config_raw *raw)
{
	for (size_t i = 0; i < CONFIG_ROWS; i++) {
		wiped_free(raw[i].text);
		free(raw[i].from);
		raw[i] = (struct config_raw){NULL, NULL};
	}
}

/* What the environment says of one setting; borrowed from it. */
struct env_row {
	const char *value, *path; /* LINKD_X, LINKD_X_FILE; NULL: not set */
};

static void take_variable(struct env_row *env, struct str name, const char *value, struct config_report *r)
{
	static const struct str suffix = {"_FILE", 5};
	const struct config_row *row = config_row_by_key(name);
	const char **slot = row == NULL ? NULL : &env[row - config_row_table].value;
	if (row == NULL && name.n > suffix.n &&
	    str_eq((struct str){name.p + name.n - suffix.n, suffix.n}, suffix)) {
		row = config_row_by_key((struct str){name.p, name.n - suffix.n});
		slot = row == NULL ? NULL : &env[row - config_row_table].path;
	}
	if (slot == NULL)
		config_report_warning(r, "%s in the environment is not a setting and is ignored.",
		                      config_report_quote((struct str){name.p - 6, name.n + 6}).s);
	else if (*slot == NULL) /* as getenv: the first one counts */
		*slot = value;
}

static void read_environment(char *const *environ_, struct env_row *env, struct config_report *r)
{
	for (; *environ_ != NULL; environ_++) {
		struct str entry = str_c(*environ_), name, value;
		if (str_starts(entry, STR("LINKD_")) && str_cut(entry, '=', &name, &value))
			take_variable(env, (struct str){name.p + 6, name.n - 6}, value.p, r);
	}
}

struct str config_source_past_mark(struct str text)
{
	static const struct str mark = {"\xef\xbb\xbf", 3};
	return str_starts(text, mark) ? (struct str){text.p + mark.n, text.n - mark.n} : text;
}

/* Set the setting to the content of its NAME_FILE. */
static void read_secret_file(int row, const char *path, struct config_raw *raw, struct config_report *r)
{
	struct buf text;
	struct err why;
	buf_init(&text, SECRET_FILE_MAX + 1);
	if (asprintf(&raw->from, "in the file LINKD_%s_FILE names, %s", config_row_table[row].key, path) <
	    0) {
		raw->from = NULL;
		r->nomem = true;
	} else if (file_read(path, FILE_ANY, SECRET_FILE_MAX, &text, &why) != ERR_OK) {
		config_report_problem(r, row, "the file %s; name a file this user may read", why.msg);
	} else if (str_has(buf_view(&text), '\0')) {
		config_report_problem(r, row, "the file holds a NUL byte; it must be text");
	} else {
		raw->text = strdup(config_source_past_mark(buf_view(&text)).p);
		r->nomem |= raw->text == NULL;
		if (config_row_table[row].secret && file_open_to_all(path))
			config_report_warning(r,
			                      "LINKD_%s_FILE: every user of this machine may read %s: chmod "
			                      "600 it, or 640 with the service's group.",
			                      config_row_table[row].key, path);
	}
	crypto_wipe_buf(&text);
}

static void override(int row, const struct env_row *env, struct config_raw *raw, struct config_report *r)
{
	const char *key = config_row_table[row].key;
	if (env->value == NULL && env->path == NULL)
		return;
	wiped_free(raw->text);
	free(raw->from);
	*raw = (struct config_raw){NULL, NULL};
	r->failed[row] = false; /* the value from the settings file is overridden */
	if (env->value != NULL && env->path != NULL)
		config_report_problem(r, row, "LINKD_%s and LINKD_%s_FILE are both set; keep one of them",
		                      key, key);
	else if (env->path != NULL)
		read_secret_file(row, env->path, raw, r);
	else if ((raw->text = strdup(env->value)) == NULL)
		r->nomem = true;
}

void config_source_read(const char *file, char *const *environ_, struct config_raw *raw,
                        struct config_report *r)
{
	struct env_row env[CONFIG_ROWS] = {{NULL, NULL}};
	r->raw = raw;
	read_environment(environ_, env, r);
	if (file != NULL)
		config_ini_read(file, raw, r);
	for (int i = 0; i < CONFIG_ROWS; i++)
		if ((config_row_scope(i) & r->scope) != 0)
			override(i, &env[i], &raw[i], r);
}
