#include "config/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "config/file.h"
#include "config/ini.h"

enum { SECRET_FILE_MAX = 65536 };

static bool file_failed(int error, char *why, size_t cap)
{
	char text[128];
	(void)snprintf(why, cap, "cannot be read: %s", strerror_r(error, text, sizeof text));
	return false;
}

bool config_source_file(const char *path, size_t max, struct buf *ret, char *why, size_t why_cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return file_failed(errno, why, why_cap);
	ssize_t got = buf_reserve(ret, max) ? 0 : -1;
	int error = ENOMEM;
	while (got >= 0 && ret->len <= max) {
		got = read(fd, ret->p + ret->len, max + 1 - ret->len);
		error = errno;
		if (got == 0)
			break;
		ret->len += got > 0 ? (size_t)got : 0;
	}
	(void)close(fd);
	if (got < 0)
		return file_failed(error, why, why_cap);
	ret->p[ret->len <= max ? ret->len : max] = '\0';
	if (ret->len <= max)
		return true;
	(void)snprintf(why, why_cap, "is larger than %zu bytes", max);
	return false;
}

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
	char why[256];
	buf_init(&text, SECRET_FILE_MAX + 1);
	if (asprintf(&raw->from, "in the file LINKD_%s_FILE names, %s", config_row_table[row].key, path) <
	    0) {
		raw->from = NULL;
		r->nomem = true;
	} else if (!config_source_file(path, SECRET_FILE_MAX, &text, why, sizeof why)) {
		config_report_problem(r, row, "the file %s; name a file this user may read", why);
	} else if (str_has(buf_view(&text), '\0')) {
		config_report_problem(r, row, "the file holds a NUL byte; it must be text");
	} else {
		raw->text = strdup(config_source_past_mark(buf_view(&text)).p);
		r->nomem |= raw->text == NULL;
		if (config_row_table[row].secret && config_file_open_to_all(path))
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
