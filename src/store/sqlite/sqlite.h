/* sqlite.h - the embedded store: one SQLite database file on this machine.
 *
 * Writes run on one thread in groups that share a commit; reads run on a second thread with a connection of
 * their own and never wait for a write to reach the disk.  The command line may use the file at the same
 * time.  A locked, full or unwritable database fails operations with ERR_STORE and a remedy, and works again
 * by itself once the cause is gone. */
#pragma once
#include "store/store.h"

extern const struct store_backend sqlite_backend; /* scheme "sqlite", `where` is the file's path */
