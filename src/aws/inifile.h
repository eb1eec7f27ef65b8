/* inifile.h - the SDKs' config and credentials files, read as botocore reads them (Python's configparser).
 *
 * "[section]" lines, "key = value" or "key: value", keys in any case, whole-line comments with # or ;, a line
 * indented deeper continues the value before it.  A line may be as long as a session token. */
#pragma once
#include "base/err.h"
#include "base/str.h"

struct inifile; /* opaque; holds secrets, wiped when freed */

/* Input   any bytes.  `name` is for messages.
 * Errors  ERR_INVALID with the line: no section yet, no key, a section or key twice, a nested line without
 *         '=', NUL; ERR_NOMEM.  The message never holds a value. */
MUST_CHECK enum err_code inifile_parse(struct str text, const char *name, struct inifile **ret,
                                       struct err *reterr);
void inifile_free(struct inifile *f); /* NULL is a no-op */

/* The sections in order; NULL past the last. */
const char *inifile_section(const struct inifile *f, size_t i);
const char *inifile_get(const struct inifile *f, const char *section, const char *key); /* NULL: not there */

/* A value with indented "key = value" lines below it, as services sections have.  False: not there. */
bool inifile_nested(const char *value, const char *key, struct str *ret);
