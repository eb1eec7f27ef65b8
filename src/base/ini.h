/* ini.h - the lines of an INI file, one at a time with their numbers.  Pure.
 *
 * Empty lines and lines whose first character is # or ; are skipped.  The caller
 * interprets sections, repeated keys and indented lines, because the settings file and the AWS files differ there. */
#pragma once
#include "base/str.h"

enum ini_kind {
	INI_SECTION, /* "[name]", also "[]"; text after the last bracket is ignored */
	INI_PAIR,    /* "key = value" or "key: value"; the key is not empty */
	INI_OTHER,   /* neither: an error, or the next line of a value */
};

struct ini_line { /* borrows the text of the file */
	enum ini_kind kind;
	unsigned number; /* from 1 */
	size_t indent;   /* bytes of white space before the text */
	struct str text; /* the whole line, trimmed */
	struct str key,
	        value; /* PAIR: the key is trimmed, the value is not.  SECTION: the name is in `key` */
};

/* A file that is being read: set `rest` to its text, and `number` to 0. */
struct ini {
	struct str rest;
	unsigned number;
};

bool ini_next(struct ini *f, struct ini_line *ret); /* false: no line is left */
