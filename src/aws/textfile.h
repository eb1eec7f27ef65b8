/* textfile.h - a small file read whole.
 *
 * Blocking  on the file: never on a loop's thread once it runs. */
#pragma once
#include "base/buf.h"

/* Appends; wipe the buffer when it was secret.
 * Errors  ERR_NOT_FOUND (no such file, or no regular file), ERR_INVALID (cannot be read, larger than `max`;
 *         says why, without the name), ERR_NOMEM. */
MUST_CHECK enum err_code textfile_read(const char *path, size_t max, struct buf *out, struct err *reterr);
