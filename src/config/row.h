/* config/row.h - the rows of config/settings.def as a table, for the code that reads, checks and prints settings. */
#pragma once
#include "config/config.h"

enum config_row_kind {
	CONFIG_K_STR,
	CONFIG_K_INT,
	CONFIG_K_LIST,
	CONFIG_K_BOOL, /* from here on: one of config_row_words, kept as its index */
	CONFIG_K_ENUM_CONFLICT,
	CONFIG_K_ENUM_SHA1,
	CONFIG_K_ENUM_LOOKUP,
	CONFIG_K_ENUM_STYLE,
	CONFIG_K_ENUM_LOGIN,
	CONFIG_K_ENUM_LEVEL,
	CONFIG_K_ENUM_FORMAT,
	CONFIG_K_COUNT
};

enum {
#define SETTING(field, KEY, type, def, min, max, secret, help) CONFIG_ROW_##KEY,
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
};
extern const struct config_row config_row_table[CONFIG_ROWS];

unsigned config_row_scope(int row); /* of enum config_scope: one bit */

const char *const *config_row_words(enum config_row_kind kind); /* NULL-ended; NULL for other kinds */

/* The row, or NULL. */
const struct config_row *config_row_by_key(struct str key);
const struct config_row *config_row_by_field(struct str field);

/* The member of `c`, by kind: STR, LIST, all others. */
char **config_row_text(struct config *c, const struct config_row *row);
struct strlist *config_row_list(struct config *c, const struct config_row *row);
int64_t *config_row_number(struct config *c, const struct config_row *row);
