#include "config/private.h"

#include <stdlib.h>
#include <string.h>

static bool has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

/* Invisible characters that are not blanks and come with text copied from a web page: C1 controls, zero-width
 * space, line and paragraph separators, direction marks, byte order mark. */
static bool has_invisible(struct str s)
{
	for (size_t n = 0; s.n > 0; s = (struct str){s.p + n, s.n - n}) {
		uint32_t c = str_code_point(s, &n);
		if ((c >= 0x80 && c < 0xa0) || c == 0x200b || (c >= 0x2028 && c <= 0x202e) ||
		    (c >= 0x2060 && c <= 0x2069) || c == 0xfeff)
			return true;
	}
	return false;
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

/* A pair of quotes around a value; for a secret also a single quote at either end. */
static bool is_quoted(const struct config_row *row, struct str s)
{
	if (s.n == 0)
		return false;
	char first = s.p[0], last = s.p[s.n - 1];
	return (s.n >= 2 && is_quote(first) && first == last) ||
	       (row->secret && (is_quote(first) || is_quote(last)));
}

/* "secret  # which app": environment files have no comments after a value. */
static bool has_comment(struct str s)
{
	for (size_t i = 1; i < s.n; i++)
		if ((s.p[i] == '#' || s.p[i] == ';') && (s.p[i - 1] == ' ' || s.p[i - 1] == '\t'))
			return true;
	return false;
}

/* NULL: nothing is wrong with the characters. */
static const char *fault_of_characters(const struct config_row *row, struct str s)
{
	if (is_quoted(row, s))
		return "write the value without quotes";
	if (row->secret && has_comment(s))
		return "a comment stands behind the value and would be part of it; put it on a line of its "
		       "own";
	if (has_control(s))
		return "holds a line break or another control character; take it out";
	if (!str_utf8(s))
		return "is not valid UTF-8; save it as UTF-8";
	if (row->secret && !str_printable(s))
		return "holds a character outside printable ASCII, such as a typographic quote or a blank "
		       "copied from a page; type it again";
	if (has_invisible(s))
		return "holds a character that cannot be seen, such as a zero-width space; type it again";
	return NULL;
}

static bool value_valid(const struct config_row *row, struct str s, struct config_report *r)
{
	int i = (int)(row - config_row_table);
	bool text = row->kind == CONFIG_K_STR || row->kind == CONFIG_K_LIST;
	const char *fault = text || is_quoted(row, s) ? fault_of_characters(row, s) : NULL;
	if (text && s.n < (size_t)row->min)
		config_report_problem(r, i, "must not be empty");
	else if (text && s.n > (size_t)row->max)
		config_report_problem(r, i, "is longer than %lld bytes", (long long)row->max);
	else if (fault != NULL)
		config_report_problem(r, i, "%s", fault);
	else
		return true;
	return false;
}

static bool item_valid(const struct config_row *row, struct str item, struct config_report *r)
{
	int i = (int)(row - config_row_table);
	if (item.n == 0)
		config_report_problem(r, i, "holds an empty item; take the surplus comma out");
	else if (is_quoted(row, item))
		config_report_problem(r, i, "write the items without quotes");
	else
		return true;
	return false;
}

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
		if (!item_valid(row, item, r))
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

static void set_choice(struct config *c, const struct config_row *row, struct str s, struct config_report *r)
{
	struct buf all;
	for (unsigned i = 0; row->words[i] != NULL; i++) {
		if (str_is(s, row->words[i])) {
			*config_row_choice(c, row) = i;
			return;
		}
	}
	buf_init(&all, 256);
	for (size_t i = 0; row->words[i] != NULL; i++)
		buf_printf(&all, "%s%s",
		           i == 0                      ? ""
		           : row->words[i + 1] == NULL ? " or "
		                                       : ", ",
		           row->words[i]);
	config_report_problem(r, (int)(row - config_row_table), "%s must be %s", config_report_quote(s).s,
	                      all.p == NULL ? "" : all.p);
	buf_done(&all);
}

void config_value_set(struct config *c, const struct config_row *row, const char *text,
                      struct config_report *r)
{
	struct str s = str_trim(str_c(text)); /* whichever source it comes from */
	if (!value_valid(row, s, r))
		return;
	switch (row->kind) {
	case CONFIG_K_STR: set_text(c, row, s, r); break;
	case CONFIG_K_LIST: set_list(c, row, s, r); break;
	case CONFIG_K_INT: set_int(c, row, s, r); break;
	case CONFIG_K_CHOICE: set_choice(c, row, s, r); break;
	}
}
