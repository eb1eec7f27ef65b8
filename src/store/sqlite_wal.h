/* sqlite_wal.h - what was erased leaves SQLite's log (-wal) too.
 *
 * A page that was overwritten in the database stays in the log until the log is merged and cut.  After an
 * erase the writer does that at once, waiting for readers of other processes a few ms only; while they hold
 * it back it tries again every second and says so once. Threads  the writer's. */
#pragma once
#include "store/sqlite_db.h"

struct sqlite_wal {
	bool due;          /* something was erased since the log was last cut */
	bool told;         /* that it does not go */
	int64_t due_at_ms; /* monotonic: not tried before */
};

void sqlite_wal_erased(struct sqlite_wal *w); /* to be cut at the next run */
/* Cut the log if that is due.  Between transactions only. */
void sqlite_wal_run(struct sqlite_wal *w, struct sqlite_db *db);
int64_t sqlite_wal_wait_ms(const struct sqlite_wal *w); /* until the next try; -1: none is due */
