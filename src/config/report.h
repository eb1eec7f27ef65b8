/* config/report.h - what is wrong with the settings, in plain words, all of it at once.
 *
 * A text never holds a secret's value.  Running out of memory is remembered in `nomem`. */
#pragma once
#include "config/row.h"

struct config_raw; /* config/source.h */

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
