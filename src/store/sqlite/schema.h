/* store/sqlite/schema.h - the table of the SQLite store: made in an empty file, checked in any other. */
#pragma once
#include "store/sqlite/db.h"

/* Make the file (mode 0600) when there is none, and fill in its identity.
 * Errors  ERR_STORE (no directory, no permission), with the remedy. */
MUST_CHECK enum err_code sqlite_schema_file(struct sqlite_file *file, struct err *reterr);

/* WAL mode and the table, made when the database is empty.  Leaves `db` closed.
 * Errors  ERR_INVALID (made by a newer version, or not ours), ERR_STORE, ERR_NOMEM. */
MUST_CHECK enum err_code sqlite_schema_ensure(struct sqlite_db *db, struct err *reterr);
