/* aws/shell_split.h - splits a command line into words as a POSIX shell does, without any expansion.
 *
 * Blanks separate words; '...' is literal; in "..." a backslash escapes " and \; elsewhere it escapes any
 * character.  botocore treats credential_process and section names so. */
#pragma once
#include "base/err.h"
#include "base/str.h"

enum { SHELL_WORDS_MAX = 128 };

struct shell_words {
	size_t n;
	char *v[SHELL_WORDS_MAX + 1]; /* NUL-terminated, NULL-ended */
	char *space;
};

/* Errors  ERR_INVALID (a quote or backslash without its end, a NUL, too many words), ERR_NOMEM. */
MUST_CHECK enum err_code shell_split(struct str text, struct shell_words *ret, struct err *reterr);
void shell_split_free(struct shell_words *w);
