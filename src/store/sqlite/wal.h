/* store/sqlite/wal.h - removes erased data from SQLite's write-ahead log (WAL) too.
 *
 * The old content of a page stays in the WAL until a checkpoint truncates the WAL.  After an erase the writer
 * does that at once, and waits only a few ms for readers of other processes.  While they prevent it, the
 * writer tries again every second; it logs that once.
 *
 * Threads  the writer's. */
#pragma once
#include "store/sqlite/db.h"

struct sqlite_wal {
	bool due;          /* data was erased since the WAL was last truncated */
	bool told;         /* the failure was logged */
	int64_t due_at_ms; /* monotonic: not tried earlier */
};

void sqlite_wal_erased(struct sqlite_wal *w); /* the WAL is truncated at the next run */
/* Truncate the WAL if that is due.  Between transactions only. */
void sqlite_wal_run(struct sqlite_wal *w, struct sqlite_db *db);
int64_t sqlite_wal_wait_ms(const struct sqlite_wal *w); /* ms until the next try; -1: none is due */
