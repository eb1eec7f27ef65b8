#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "config/check.h"
#include "config/danger.h"
#include "config/list.h"
#include "config/source.h"
#include "config/value.h"

enum { FINDINGS_MAX = 1 << 20 };

static void set_text(struct config *c, const struct config_row *row, struct str s, struct config_report *r)
{
	char *copy = strndup(s.n > 0 ? s.p : "", s.n);
	if (copy == NULL) {
		r->nomem = true;
		return;
	}
	free(*config_row_text(c, row));
	*config_row_text(c, row) = copy;
}

static void set_list(struct config *c, const struct config_row *row, struct str s, struct config_report *r)
{
	struct str rest = s, item;
	while (s.n > 0 && str_next(&rest, ',', &item)) {
		item = str_trim(item);
		if (!config_value_item_valid(row, item, r))
			return;
		if (!config_list_add(config_row_list(c, row), item))
			r->nomem = true;
	}
}

static void set_int(struct config *c, const struct config_row *row, struct str s, struct config_report *r)
{
	uint64_t v;
	if (!str_u64(s, (uint64_t)row->max, &v) || (int64_t)v < row->min)
		config_report_problem(r, (int)(row - config_row_table),
		                      "%s must be a whole number from %lld to %lld", config_report_quote(s).s,
		                      (long long)row->min, (long long)row->max);
	else
		*config_row_number(c, row) = (int64_t)v;
}

static void words_problem(const struct config_row *row, struct str s, struct config_report *r)
{
	struct buf all;
	buf_init(&all, 256);
	const char *const *words = config_row_words(row->kind);
	for (size_t i = 0; words[i] != NULL; i++)
		buf_printf(&all, "%s%s", i == 0 ? "" : words[i + 1] == NULL ? " or " : ", ", words[i]);
	config_report_problem(r, (int)(row - config_row_table), "%s must be %s", config_report_quote(s).s,
	                      all.p == NULL ? "" : all.p);
	buf_done(&all);
}

static void set_word(struct config *c, const struct config_row *row, struct str s, struct config_report *r)
{
	const char *const *words = config_row_words(row->kind);
	for (int64_t i = 0; words[i] != NULL; i++) {
		if (str_is(s, words[i])) {
			*config_row_number(c, row) = i;
			return;
		}
	}
	words_problem(row, s, r);
}

static void set(struct config *c, const struct config_row *row, const char *text, struct config_report *r)
{
	struct str s = str_trim(str_c(text)); /* whichever source it comes from */
	if (!config_value_valid(row, s, r))
		return;
	switch (row->kind) {
	case CONFIG_K_STR: set_text(c, row, s, r); break;
	case CONFIG_K_LIST: set_list(c, row, s, r); break;
	case CONFIG_K_INT: set_int(c, row, s, r); break;
	default: set_word(c, row, s, r); break;
	}
}

/* Every text is there, so that nothing has to look for NULL. */
static struct config *new_config(void)
{
	struct config *c = calloc(1, sizeof *c);
	for (size_t i = 0; c != NULL && i < CONFIG_ROWS; i++) {
		const struct config_row *row = &config_row_table[i];
		if (row->kind != CONFIG_K_STR || (*config_row_text(c, row) = strdup("")) != NULL)
			continue;
		config_free(c);
		return NULL;
	}
	return c;
}

static enum err_code outcome(const struct config_report *r, struct err *reterr)
{
	if (r->nomem)
		return err_set(reterr, ERR_NOMEM, "no memory for the settings");
	if (r->n > 0)
		return err_set(reterr, ERR_INVALID, "%zu problem%s in the settings", r->n,
		               r->n == 1 ? "" : "s");
	return ERR_OK;
}

void config_findings_init(struct config_findings *f)
{
	buf_init(&f->problems, FINDINGS_MAX);
	buf_init(&f->warnings, FINDINGS_MAX);
}

void config_findings_done(struct config_findings *f)
{
	buf_done(&f->problems);
	buf_done(&f->warnings);
}

static void put_warnings(const struct config *c, struct buf *out)
{
	for (size_t i = 0; i < c->warnings.n; i++)
		buf_printf(out, "%s\n", c->warnings.v[i]);
}

enum err_code config_load(const struct config_from *from, struct config **ret, struct config_findings *found,
                          struct err *reterr)
{
	struct config_raw raw[CONFIG_ROWS] = {{NULL, NULL}};
	struct config *c = new_config();
	if (c == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for the settings");
	struct config_report r = {
	        .scope = from->scope, .problems = &found->problems, .warnings = &c->warnings};
	config_source_read(from->file, from->environ_, raw, &r);
	for (size_t i = 0; i < CONFIG_ROWS && !r.nomem; i++) {
		const char *text = raw[i].text;
		set(c, &config_row_table[i], text == NULL ? config_row_table[i].def : text, &r);
	}
	r.checking = true;
	if (!r.nomem)
		config_check(c, &r);
	if (!r.nomem && (r.scope & CONFIG_OTHERS) != 0)
		config_danger(c, &r);
	config_source_done(raw);
	put_warnings(c, &found->warnings);
	r.nomem |= found->warnings.failed;
	enum err_code code = outcome(&r, reterr);
	if (code == ERR_OK)
		*ret = c;
	else
		config_free(c);
	return code;
}

void config_free(struct config *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < CONFIG_ROWS; i++) {
		const struct config_row *row = &config_row_table[i];
		if (row->kind == CONFIG_K_LIST)
			config_list_free(config_row_list(c, row));
		if (row->kind != CONFIG_K_STR || *config_row_text(c, row) == NULL)
			continue;
		char *text = *config_row_text(c, row);
		crypto_wipe(text, strlen(text));
		free(text);
	}
	config_list_free(&c->warnings);
	free(c);
}
