#include "config/ini.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/ini.h"

enum { FILE_MAX = 1 << 20 };

struct ini_file {
	const char *name;
	unsigned line;
	struct config_raw *raw;
	struct config_report *r;
	const struct config_row *list; /* the list that an indented line continues; NULL: none */
};

static void problem(struct ini_file *f, const char *what)
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
	problem(f, what);
}

/* Without the comment behind it: a ';' after white space, and what follows. */
static struct str value_of(struct str raw)
{
	for (size_t i = 1; i < raw.n; i++)
		if (raw.p[i] == ';' && (raw.p[i - 1] == ' ' || raw.p[i - 1] == '\t'))
			return str_trim((struct str){raw.p, i});
	return str_trim(raw);
}

static void set(struct ini_file *f, const struct config_row *row, struct config_raw *raw, struct str value)
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
		problem(f, "this key was given before; keep one of them");
	else if (raw != NULL)
		set(f, row, raw, value_of(line->value));
}

/* An indented line after a list continues that list. */
static void take_more(struct ini_file *f, const struct ini_line *line)
{
	struct config_raw *raw = raw_of(f, f->list);
	if (raw != NULL && raw->text != NULL)
		join(f, raw, value_of(line->text));
	else if (raw != NULL)
		set(f, f->list, raw, value_of(line->text));
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
	case INI_OTHER: problem(f, "this is not \"key = value\", a [section] or a comment"); break;
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

void config_ini_read(const char *file, struct config_raw *raw, struct config_report *r)
{
	struct ini_file f = {.name = file, .raw = raw, .r = r};
	struct buf text;
	struct err why;
	buf_init(&text, FILE_MAX + 1);
	if (file_read(file, FILE_ANY, FILE_MAX, &text, &why) != ERR_OK) {
		config_report_problem(r, -1,
		                      "the settings file %s %s; name one that can be read with --config",
		                      file, why.msg);
		/* The settings in the file are unknown, so none is reported as missing. */
		r->scope &= ~(unsigned)CONFIG_REQUIRED;
	} else if (str_has(buf_view(&text), '\0')) {
		config_report_problem(r, -1, "the settings file %s holds a NUL byte; it must be text", file);
	} else {
		struct ini ini = {.rest = config_source_past_mark(buf_view(&text))};
		for (struct ini_line line; ini_next(&ini, &line);)
			take_line(&f, &line);
		check_mode(file, raw, r);
	}
	crypto_wipe_buf(&text);
}
