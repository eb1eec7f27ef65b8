/* file.h - a small file read whole, and who may read it.
 *
 * Blocking  on the file: at the start, in commands and on threads that may wait. */
#pragma once
#include "base/buf.h"

enum file_kind {
	FILE_PLAIN, /* other kinds are refused; a pipe is not waited for */
	FILE_ANY,   /* pipes and devices too */
};

/* Append the whole file to `out`, whose maximum must leave room for max + 1 bytes.  All memory is reserved before
 * the first byte is read, so a secret has no other copy: wipe `out` (crypto_wipe_buf), also after an error.
 * Errors  ERR_NOT_FOUND (no such file; with FILE_PLAIN no plain file), ERR_INVALID (cannot be read, larger than
 *         `max`), ERR_NOMEM.  The message is a clause without the name: "cannot be read: Permission denied". */
MUST_CHECK enum err_code file_read(const char *path, enum file_kind kind, size_t max, struct buf *out,
                                   struct err *reterr);
/* The same, from a file that is open. */
MUST_CHECK enum err_code file_read_fd(int fd, size_t max, struct buf *out, struct err *reterr);

/* True: a plain file that every user of the machine may read, in folders that every user may enter. */
bool file_open_to_all(const char *path);

/* fsync the folder that holds `path`, so that the name of a new file survives a power cut.  False, with errno: it could
 * not be done. */
bool file_sync_folder(const char *path);
