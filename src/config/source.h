/* config/source.h - the text of each setting and where it stands: environment, NAME_FILE or settings file. */
#pragma once
#include "config/report.h"

struct config_raw {
	char *text; /* NULL: not set.  May be a secret */
	char *from; /* "workers in linkd.ini, line 3"; NULL when it is the variable itself */
};

/* Fill raw[CONFIG_ROWS] (zeroed).  Ownership  config_source_done in any case. */
void config_source_read(const char *file, char *const *environ_, struct config_raw *raw,
                        struct config_report *r);
void config_source_done(struct config_raw *raw); /* wipes */

/* Without the byte order mark that some editors put before UTF-8.  A NUL-terminated text stays one. */
struct str config_source_past_mark(struct str text);
