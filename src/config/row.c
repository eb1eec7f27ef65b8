#include "config/row.h"

#include <stddef.h>

const struct config_row config_row_table[CONFIG_ROWS] = {
#define SETTING(field, KEY, type, def, min, max, secret, help) \
	{#field, #KEY, def, help, min, max, offsetof(struct config, field), CONFIG_K_##type, secret},
#include "config/settings.def"
};

static const char *const words[CONFIG_K_COUNT][5] = {
        [CONFIG_K_BOOL] = {"off", "on"},
        [CONFIG_K_ENUM_CONFLICT] = {"replace", "refuse"},
        [CONFIG_K_ENUM_SHA1] = {"accept", "upgrade", "refuse"},
        [CONFIG_K_ENUM_LOOKUP] = {"auto", "index", "scan"},
        [CONFIG_K_ENUM_STYLE] = {"sealed", "random"},
        [CONFIG_K_ENUM_LOGIN] = {"password"},
        [CONFIG_K_ENUM_LEVEL] = {"debug", "info", "warn", "error"},
        [CONFIG_K_ENUM_FORMAT] = {"json", "text"},
};

/* Not listed: CONFIG_OTHERS. */
static const unsigned char scopes[CONFIG_ROWS] = {
        [CONFIG_ROW_STORE] = CONFIG_STORE,
        [CONFIG_ROW_STORE_IN_FLIGHT] = CONFIG_STORE,
        [CONFIG_ROW_PSID_LOOKUP] = CONFIG_STORE,
        [CONFIG_ROW_CODE_STYLE] = CONFIG_STORE,
        [CONFIG_ROW_ARGON2_MEMORY_KIB] = CONFIG_STORE,
        [CONFIG_ROW_ARGON2_PASSES] = CONFIG_STORE,
        [CONFIG_ROW_SEAL_KEY] = CONFIG_KEYS,
        [CONFIG_ROW_LISTEN] = CONFIG_LISTEN,
};

unsigned config_row_scope(int row)
{
	return scopes[row] == 0 ? CONFIG_OTHERS : scopes[row];
}

const char *const *config_row_words(enum config_row_kind kind)
{
	return words[kind][0] == NULL ? NULL : words[kind];
}

const struct config_row *config_row_by_key(struct str key)
{
	for (size_t i = 0; i < CONFIG_ROWS; i++)
		if (str_is(key, config_row_table[i].key))
			return &config_row_table[i];
	return NULL;
}

const struct config_row *config_row_by_field(struct str field)
{
	for (size_t i = 0; i < CONFIG_ROWS; i++)
		if (str_is(field, config_row_table[i].field))
			return &config_row_table[i];
	return NULL;
}

static void *member(struct config *c, const struct config_row *row)
{
	return (char *)c + row->offset;
}

char **config_row_text(struct config *c, const struct config_row *row)
{
	return member(c, row);
}

struct strlist *config_row_list(struct config *c, const struct config_row *row)
{
	return member(c, row);
}

int64_t *config_row_number(struct config *c, const struct config_row *row)
{
	return member(c, row);
}
