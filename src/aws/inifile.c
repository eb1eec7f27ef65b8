#include "aws/private.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/ini.h"

enum { TEXT_MAX = 1 << 20, ROWS_MAX = 10000 };

struct row { /* key NULL: the section begins here */
	char *key;
	struct buf value;
	size_t section; /* index of its section's row */
	char *name;     /* of the section */
};

struct inifile {
	struct row *v;
	size_t n, cap;
};

struct reader {
	struct inifile *f;
	const char *name;
	unsigned line;
	size_t section; /* its row */
	bool in_section;
	bool in_value; /* the next line may continue the last row */
	size_t indent; /* of the line that began the value */
	struct err *reterr;
};

void inifile_free(struct inifile *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->n; i++) {
		crypto_wipe(f->v[i].value.p, f->v[i].value.cap);
		buf_done(&f->v[i].value);
		free(f->v[i].key);
		free(f->v[i].name);
	}
	free(f->v);
	free(f);
}

static enum err_code bad(const struct reader *r, const char *what)
{
	return err_set(r->reterr, ERR_INVALID, "%s, line %u: %s", r->name, r->line, what);
}

static enum err_code no_memory(const struct reader *r)
{
	return err_set(r->reterr, ERR_NOMEM, "no memory for %s", r->name);
}

static struct row *add_row(struct reader *r)
{
	struct inifile *f = r->f;
	if (f->n == ROWS_MAX)
		return NULL;
	if (f->n == f->cap) {
		size_t cap = f->cap == 0 ? 32 : f->cap * 2;
		struct row *v = realloc(f->v, cap * sizeof *v);
		if (v == NULL)
			return NULL;
		f->v = v;
		f->cap = cap;
	}
	struct row *row = &f->v[f->n++];
	*row = (struct row){.section = r->section};
	buf_init(&row->value, TEXT_MAX);
	return row;
}

static char *copy(struct str s, bool lower)
{
	char *p = malloc(s.n + 1);
	if (p == NULL)
		return NULL;
	(void)str_copy(p, s.n + 1, s);
	for (char *c = p; lower && *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + ('a' - 'A'));
	return p;
}

static enum err_code begin_section(struct reader *r, struct str name)
{
	for (size_t i = 0; i < r->f->n; i++)
		if (r->f->v[i].key == NULL && str_is(name, r->f->v[i].name))
			return bad(r, "this section was there before; keep one of them");
	struct row *row = add_row(r);
	if (row == NULL || (row->name = copy(name, false)) == NULL)
		return no_memory(r);
	row->section = r->section = r->f->n - 1;
	r->in_section = true;
	r->in_value = false;
	return ERR_OK;
}

static enum err_code begin_pair(struct reader *r, const struct ini_line *line)
{
	struct row *row = add_row(r);
	if (row == NULL || (row->key = copy(line->key, true)) == NULL)
		return no_memory(r);
	for (size_t i = r->section + 1; i + 1 < r->f->n; i++)
		if (strcmp(r->f->v[i].key, row->key) == 0)
			return bad(r, "this key was given before in this section; keep one of them");
	buf_str(&row->value, str_trim(line->value));
	r->in_value = true;
	return row->value.failed ? no_memory(r) : ERR_OK;
}

static enum err_code go_on(struct reader *r, struct str line)
{
	struct buf *value = &r->f->v[r->f->n - 1].value;
	buf_z(value, "\n");
	buf_str(value, line);
	return value->failed ? no_memory(r) : ERR_OK;
}

static enum err_code take_line(struct reader *r, const struct ini_line *line)
{
	r->line = line->number;
	if (r->in_value && line->indent > r->indent)
		return go_on(r, line->text);
	r->indent = line->indent;
	if (line->kind == INI_SECTION && line->key.n > 0)
		return begin_section(r, line->key);
	if (!r->in_section)
		return bad(r, "a [section] must come first");
	if (line->kind == INI_PAIR)
		return begin_pair(r, line);
	return bad(r, "this is not \"key = value\", a [section] or a comment");
}

/* A value that is empty on its own line holds "key = value" lines. */
static bool nested_ok(struct str value)
{
	struct str rest = value, line;
	if (value.n == 0 || value.p[0] != '\n')
		return true;
	while (str_next(&rest, '\n', &line))
		if (line.n > 0 && !str_has(line, '='))
			return false;
	return true;
}

static enum err_code read_all(struct reader *r, struct str text)
{
	struct ini ini = {.rest = text};
	if (text.n > TEXT_MAX)
		return err_set(r->reterr, ERR_INVALID, "%s is larger than %d bytes", r->name, TEXT_MAX);
	if (str_has(text, '\0'))
		return err_set(r->reterr, ERR_INVALID, "%s holds a NUL byte; it must be text", r->name);
	for (struct ini_line line; ini_next(&ini, &line);) {
		enum err_code code = take_line(r, &line);
		if (code != ERR_OK)
			return code;
	}
	for (size_t i = 0; i < r->f->n; i++)
		if (!nested_ok(buf_view(&r->f->v[i].value)))
			return err_set(r->reterr, ERR_INVALID,
			               "%s: a line below %.64s is not \"key = value\"", r->name,
			               r->f->v[i].key);
	return ERR_OK;
}

enum err_code inifile_parse(struct str text, const char *name, struct inifile **ret, struct err *reterr)
{
	struct reader r = {.f = calloc(1, sizeof *r.f), .name = name, .reterr = reterr};
	if (r.f == NULL)
		return no_memory(&r);
	enum err_code code = read_all(&r, text);
	if (code == ERR_OK)
		*ret = r.f;
	else
		inifile_free(r.f);
	return code;
}

const char *inifile_section(const struct inifile *f, size_t i)
{
	for (size_t at = 0; f != NULL && at < f->n; at++)
		if (f->v[at].key == NULL && i-- == 0)
			return f->v[at].name;
	return NULL;
}

const char *inifile_get(const struct inifile *f, const char *section, const char *key)
{
	for (size_t i = 0; f != NULL && i < f->n; i++)
		if (f->v[i].key != NULL && strcmp(f->v[i].key, key) == 0 &&
		    strcmp(f->v[f->v[i].section].name, section) == 0)
			return f->v[i].value.len > 0 ? f->v[i].value.p : "";
	return NULL;
}

bool inifile_nested(const char *value, const char *key, struct str *ret)
{
	struct str rest = str_c(value), line, name, right;
	bool found = false;
	if (value == NULL || value[0] != '\n')
		return false;
	while (str_next(&rest, '\n', &line))
		if (str_cut(line, '=', &name, &right) && str_is(str_trim(name), key)) {
			*ret = str_trim(right);
			found = true;
		}
	return found;
}
