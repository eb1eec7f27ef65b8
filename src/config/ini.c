#include "config/ini.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "config/file.h"

enum {
	FILE_MAX = 1 << 20,
	LINE_MAX_BYTES = 197, /* what inih, as Debian builds it, takes with its line end */
};

struct ini_file {
	const char *name;
	unsigned line;
	struct config_raw *raw;
	struct config_report *r;
	const struct config_row *list; /* the list an indented line goes on with; NULL: none */
	bool joining;                  /* this line is such a one */
};

static void problem(struct ini_file *f, const char *what)
{
	config_report_problem(f->r, -1, "%s, line %u: %s", f->name, f->line, what);
}

/* "a," or "a", then "b": "a,b" */
static void join(struct ini_file *f, struct config_raw *raw, const char *more)
{
	char *before = raw->text;
	size_t n = strlen(before);
	if (asprintf(&raw->text, "%s%s%s", before, n > 0 && before[n - 1] == ',' ? "" : ",", more) < 0) {
		raw->text = NULL;
		f->r->nomem = true;
	}
	crypto_wipe(before, n);
	free(before);
}

static void set(struct ini_file *f, const struct config_row *row, struct config_raw *raw, const char *value)
{
	raw->text = strdup(value);
	free(raw->from); /* of a line whose text found no memory */
	if (asprintf(&raw->from, "%s in %s, line %u", row->field, f->name, f->line) < 0)
		raw->from = NULL;
	f->r->nomem |= raw->text == NULL || raw->from == NULL;
}

static void unknown_key(struct ini_file *f, const char *name)
{
	char what[400];
	(void)snprintf(what, sizeof what,
	               "%s is not a setting; keys are the setting's name without LINKD_, in lower case "
	               "(print-config shows them all)",
	               config_report_quote(str_c(name)).s);
	problem(f, what);
}

static int on_pair(void *user, const char *section, const char *name, const char *value)
{
	struct ini_file *f = user;
	const struct config_row *row = config_row_by_field(str_c(name));
	(void)section;
	f->list = row != NULL && row->kind == CONFIG_K_LIST ? row : NULL;
	if (row == NULL) {
		unknown_key(f, name);
		return 1;
	}
	if ((config_row_scope((int)(row - config_row_table)) & f->r->scope) == 0)
		return 1;
	struct config_raw *raw = &f->raw[row - config_row_table];
	if (raw->text != NULL && f->joining)
		join(f, raw, value);
	else if (raw->text != NULL)
		problem(f, "this key was given before; keep one of them");
	else
		set(f, row, raw, value);
	return 1;
}

static void take_line(struct ini_file *f, struct str line)
{
	char text[LINE_MAX_BYTES + 64];
	struct str inner = str_trim(line);
	bool comment = inner.n == 0 || inner.p[0] == ';' || inner.p[0] == '#';
	f->joining = !comment && f->list != NULL && (line.p[0] == ' ' || line.p[0] == '\t');
	if (comment)
		return;
	if (inner.p[0] == '[' && !f->joining)
		f->list = NULL;
	if (line.n > LINE_MAX_BYTES) {
		problem(f, "longer than 197 bytes; put the value into a file of its own and name it with "
		           "LINKD_..._FILE, or go on with a list on an indented line");
		return;
	}
	int n = f->joining ? snprintf(text, sizeof text, "%s = %.*s", f->list->field, (int)inner.n, inner.p)
	                   : snprintf(text, sizeof text, "%.*s", (int)inner.n, inner.p);
	if (n > LINE_MAX_BYTES)
		problem(f, "longer than 197 bytes together with its key; make this line shorter");
	else if (ini_parse_string(text, on_pair, f) != 0)
		problem(f, "this is not \"key = value\", a [section] or a comment");
	crypto_wipe(text, sizeof text);
}

/* A settings file without secrets may be open to all. */
static void check_mode(const char *file, const struct config_raw *raw, struct config_report *r)
{
	bool secrets = false;
	for (int i = 0; i < CONFIG_ROWS; i++)
		secrets |= config_row_table[i].secret && raw[i].text != NULL;
	if (secrets && config_file_open_to_all(file))
		config_report_warning(r,
		                      "every user of this machine may read the settings file %s, which holds "
		                      "secrets: chmod 600 it, or 640 with the service's group.",
		                      file);
}

void config_ini_read(const char *file, struct config_raw *raw, struct config_report *r)
{
	struct ini_file f = {.name = file, .raw = raw, .r = r};
	struct buf text;
	char why[256];
	struct str rest, line;
	buf_init(&text, FILE_MAX + 1);
	if (!config_source_file(file, FILE_MAX, &text, why, sizeof why)) {
		config_report_problem(
		        r, -1, "the settings file %s %s; name one that can be read with --config", file, why);
		/* The settings in the file are unknown, so none is reported as missing. */
		r->scope &= ~(unsigned)CONFIG_REQUIRED;
	} else if (str_has(buf_view(&text), '\0')) {
		config_report_problem(r, -1, "the settings file %s holds a NUL byte; it must be text", file);
	} else {
		for (rest = buf_view(&text); str_next(&rest, '\n', &line);) {
			f.line++;
			take_line(&f, line);
		}
		check_mode(file, raw, r);
	}
	crypto_wipe_buf(&text);
}
