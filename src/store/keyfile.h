/* keyfile.h - a generated 32-byte key kept in a file of its own (mode 0600), beside the database.
 *
 * Made once: processes that start at the same time all use the same key, and a crash leaves either no file
 * or a complete one. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { KEYFILE_LEN = 32 }; /* bytes, raw */

/* Read the key in "<database>.key"; when there is no such file, make it.
 * Errors  ERR_INVALID (wrong length, not a plain file, open to other users), ERR_STORE (cannot be read or
 * made), ERR_NOMEM; the message names the remedy and the path, and `ret` is then zeroes. */
MUST_CHECK enum err_code keyfile_load_or_make(const char *database, uint8_t ret[KEYFILE_LEN],
                                              struct err *reterr);

/* Does the key file exist?  False also when that cannot be determined. */
bool keyfile_exists(const char *database);
