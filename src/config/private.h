/* config/private.h - shared by the files of config/ alone. */
#pragma once
#include "config/config.h"

/* --- config.c: the rows of config/settings.def as a table */

enum config_row_kind {
	CONFIG_K_STR,
	CONFIG_K_INT,
	CONFIG_K_LIST,
	CONFIG_K_CHOICE,
};

enum {
#define SETTING(field, KEY, type, def, min, max, secret, help) CONFIG_ROW_##KEY,
#define CHOICE(field, KEY, def, words, help) CONFIG_ROW_##KEY,
#include "config/settings.def"
	CONFIG_ROWS
};

struct config_row {
	const char *field; /* "app_secret" */
	const char *key;   /* "APP_SECRET" */
	const char *def;   /* as text */
	const char *help;
	int64_t min, max;
	size_t offset; /* in struct config */
	enum config_row_kind kind;
	bool secret;
	const char *const *words; /* of a choice, in the order of its enum, NULL-ended; else NULL */
};
extern const struct config_row config_row_table[CONFIG_ROWS];

unsigned config_row_scope(int row); /* of enum config_scope: one bit */

/* The row, or NULL. */
const struct config_row *config_row_by_key(struct str key);
const struct config_row *config_row_by_field(struct str field);

/* The member of `c`, by kind: STR, LIST, INT, CHOICE. */
char **config_row_text(struct config *c, const struct config_row *row);
struct strlist *config_row_list(struct config *c, const struct config_row *row);
int64_t *config_row_number(struct config *c, const struct config_row *row);
unsigned *config_row_choice(struct config *c, const struct config_row *row); /* index in row->words */

MUST_CHECK bool config_list_add(struct strlist *l, struct str item); /* a copy; false: no memory */
void config_list_free(struct strlist *l); /* wipes the items; leaves an empty list */

/* --- config.c: everything that is wrong with the settings.  No text holds a secret. */

struct config_raw {
	char *text; /* NULL: not set.  May be a secret */
	char *from; /* "workers in linkd.ini, line 3"; NULL when it is the variable itself */
};

struct config_report {
	unsigned scope;               /* of enum config_scope: other settings are not read */
	struct buf *problems;         /* a line each */
	size_t n;                     /* problems */
	struct strlist *warnings;     /* sentences */
	const struct config_raw *raw; /* where each setting came from; NULL: not known yet */
	bool failed[CONFIG_ROWS];     /* could not be read: has its problem, needs no second one */
	bool checking;                /* every setting was read */
	bool nomem;
};

/* `row` names the setting and where it was set; -1 for none. */
void config_report_problem(struct config_report *r, int row, const char *fmt, ...) PRINTF_LIKE(3, 4);
void config_report_warning(struct config_report *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The text in quotes, controls escaped, cut to what fits: for use in one message. */
struct config_quoted {
	char s[200];
};
struct config_quoted config_report_quote(struct str text);

/* --- source.c */

/* Fill raw[CONFIG_ROWS] (zeroed) from the environment, the NAME_FILE files and the settings file.
 * Ownership  config_source_done in any case. */
void config_source_read(const char *file, char *const *environ_, struct config_raw *raw,
                        struct config_report *r);
void config_source_done(struct config_raw *raw); /* wipes */

/* --- value.c, check.c, danger.c */

/* Read the text of one setting into its member. */
void config_value_set(struct config *c, const struct config_row *row, const char *text,
                      struct config_report *r);

/* Check what each value means and which settings must go together; fill what is derived. */
void config_check(struct config *c, struct config_report *r);

/* Warn of settings that are dangerous, and of secrets that are short, simple, used twice or made from one
 * another. */
void config_danger(struct config *c, struct config_report *r);
