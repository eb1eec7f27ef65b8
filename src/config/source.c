#include "config/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/ini.h"

enum { SETTINGS_FILE_MAX = 1 << 20, SECRET_FILE_MAX = 65536 }; /* bytes */

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

/* Without the byte order mark that some editors put before UTF-8. */
static struct str past_mark(struct str text)
{
	static const struct str mark = {"\xef\xbb\xbf", 3};
	return str_starts(text, mark) ? (struct str){text.p + mark.n, text.n - mark.n} : text;
}

/* --- the settings file: "key = value" lines */

struct ini_file {
	const char *name;
	unsigned line;
	struct config_raw *raw;
	struct config_report *r;
	const struct config_row *list; /* the list that an indented line continues; NULL: none */
};

static void line_problem(struct ini_file *f, const char *what)
{
	config_report_problem(f->r, -1, "%s, line %u: %s", f->name, f->line, what);
}

static void unknown_key(struct ini_file *f, struct str name)
{
	char what[400];
	(void)snprintf(what, sizeof what,
	               "%s is not a setting; keys are the setting's name without LINKD_, in lower case "
	               "(print-config shows them all)",
	               config_report_quote(name).s);
	line_problem(f, what);
}

/* Without the comment behind it: a ';' after white space, and what follows. */
static struct str value_of(struct str raw)
{
	for (size_t i = 1; i < raw.n; i++)
		if (raw.p[i] == ';' && (raw.p[i - 1] == ' ' || raw.p[i - 1] == '\t'))
			return str_trim((struct str){raw.p, i});
	return str_trim(raw);
}

static void keep(struct ini_file *f, const struct config_row *row, struct config_raw *raw, struct str value)
{
	raw->text = strndup(value.n > 0 ? value.p : "", value.n);
	free(raw->from); /* of a line whose text found no memory */
	if (asprintf(&raw->from, "%s in %s, line %u", row->field, f->name, f->line) < 0)
		raw->from = NULL;
	f->r->nomem |= raw->text == NULL || raw->from == NULL;
}

/* "a," or "a", then "b": "a,b" */
static void join(struct ini_file *f, struct config_raw *raw, struct str more)
{
	char *before = raw->text;
	size_t n = strlen(before);
	if (asprintf(&raw->text, "%s%s%.*s", before, n > 0 && before[n - 1] == ',' ? "" : ",", (int)more.n,
	             more.p) < 0) {
		raw->text = NULL;
		f->r->nomem = true;
	}
	crypto_wipe(before, n);
	free(before);
}

/* The raw value of this row; NULL: the command does not need it. */
static struct config_raw *raw_of(struct ini_file *f, const struct config_row *row)
{
	int i = (int)(row - config_row_table);
	return (config_row_scope(i) & f->r->scope) != 0 ? &f->raw[i] : NULL;
}

static void take_pair(struct ini_file *f, const struct ini_line *line)
{
	const struct config_row *row = config_row_by_field(line->key);
	f->list = row != NULL && row->kind == CONFIG_K_LIST ? row : NULL;
	struct config_raw *raw = row != NULL ? raw_of(f, row) : NULL;
	if (row == NULL)
		unknown_key(f, line->key);
	else if (raw != NULL && raw->text != NULL)
		line_problem(f, "this key was given before; keep one of them");
	else if (raw != NULL)
		keep(f, row, raw, value_of(line->value));
}

/* An indented line after a list continues that list. */
static void take_more(struct ini_file *f, const struct ini_line *line)
{
	struct config_raw *raw = raw_of(f, f->list);
	if (raw != NULL && raw->text != NULL)
		join(f, raw, value_of(line->text));
	else if (raw != NULL)
		keep(f, f->list, raw, value_of(line->text));
}

static void take_line(struct ini_file *f, const struct ini_line *line)
{
	f->line = line->number;
	if (line->indent > 0 && f->list != NULL) {
		take_more(f, line);
		return;
	}
	switch (line->kind) {
	case INI_PAIR: take_pair(f, line); break;
	case INI_SECTION: f->list = NULL; break;
	case INI_OTHER: line_problem(f, "this is not \"key = value\", a [section] or a comment"); break;
	}
}

/* A settings file without secrets may be open to all. */
static void check_mode(const char *file, const struct config_raw *raw, struct config_report *r)
{
	bool secrets = false;
	for (int i = 0; i < CONFIG_ROWS; i++)
		secrets |= config_row_table[i].secret && raw[i].text != NULL;
	if (secrets && file_open_to_all(file))
		config_report_warning(r,
		                      "every user of this machine may read the settings file %s, which holds "
		                      "secrets: chmod 600 it, or 640 with the service's group.",
		                      file);
}

static void read_settings_file(const char *file, struct config_raw *raw, struct config_report *r)
{
	struct ini_file f = {.name = file, .raw = raw, .r = r};
	struct buf text;
	struct err why;
	buf_init(&text, SETTINGS_FILE_MAX + 1);
	if (file_read(file, FILE_ANY, SETTINGS_FILE_MAX, &text, &why) != ERR_OK) {
		config_report_problem(r, -1,
		                      "the settings file %s %s; name one that can be read with --config",
		                      file, why.msg);
		/* The settings in the file are unknown, so none is reported as missing. */
		r->scope &= ~(unsigned)CONFIG_REQUIRED;
	} else if (str_has(buf_view(&text), '\0')) {
		config_report_problem(r, -1, "the settings file %s holds a NUL byte; it must be text", file);
	} else {
		struct ini ini = {.rest = past_mark(buf_view(&text))};
		for (struct ini_line line; ini_next(&ini, &line);)
			take_line(&f, &line);
		check_mode(file, raw, r);
	}
	crypto_wipe_buf(&text);
}

/* --- the environment, and the files that it names */

/* What the environment says of one setting; borrowed from it. */
struct env_row {
	const char *value, *path; /* LINKD_X, LINKD_X_FILE; NULL: not set */
};

static bool ours(struct str name)
{
	return str_starts(name, STR("LINKD_"));
}

/* The setting of LINKD_X or LINKD_X_FILE; NULL: there is none. */
static const struct config_row *row_of(struct str name, bool *ret_is_file)
{
	static const struct str suffix = {"_FILE", 5};
	struct str key = {name.p + 6, name.n - 6};
	const struct config_row *row = config_row_by_key(key);
	*ret_is_file = row == NULL && key.n > suffix.n &&
	               str_eq((struct str){key.p + key.n - suffix.n, suffix.n}, suffix);
	return *ret_is_file ? config_row_by_key((struct str){key.p, key.n - suffix.n}) : row;
}

static void read_environment(char *const *environ_, struct env_row *env, struct config_report *r)
{
	for (; *environ_ != NULL; environ_++) {
		struct str name, value;
		bool is_file;
		if (!str_cut(str_c(*environ_), '=', &name, &value) || !ours(name))
			continue;
		const struct config_row *row = row_of(name, &is_file);
		if (row == NULL) {
			config_report_warning(r, "%s in the environment is not a setting and is ignored.",
			                      config_report_quote(name).s);
			continue;
		}
		struct env_row *e = &env[row - config_row_table];
		const char **slot = is_file ? &e->path : &e->value;
		if (*slot == NULL) /* as getenv: the first one counts */
			*slot = value.p;
	}
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
		raw->text = strdup(past_mark(buf_view(&text)).p);
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
		read_settings_file(file, raw, r);
	for (int i = 0; i < CONFIG_ROWS; i++)
		if ((config_row_scope(i) & r->scope) != 0)
			override(i, &env[i], &raw[i], r);
}

/* --- the copy of the environment */

static bool aws_secret(struct str name)
{
	static const char *const names[] = {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	                                    "AWS_SECURITY_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (str_is(name, names[i]))
			return true;
	return false;
}

static void wipe_value(char *entry)
{
	struct str name, value;
	bool is_file;
	if (!str_cut(str_c(entry), '=', &name, &value))
		return;
	const struct config_row *row = ours(name) ? row_of(name, &is_file) : NULL;
	bool harmless = row != NULL && (is_file || !row->secret);
	if (aws_secret(name) || (ours(name) && !harmless))
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
