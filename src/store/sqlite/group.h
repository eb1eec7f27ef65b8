/* store/sqlite/group.h - group commit: several operations in one transaction.
 *
 * An operation is one statement that writes, which SQLite does wholly or not at all: one that fails fails
 * alone.  When the commit fails, or an error ended the transaction, every operation of the group failed. */
#pragma once
#include "store/sqlite/wal.h"

enum { SQLITE_GROUP_MAX = 256 }; /* operations */

struct sqlite_group {
	struct sqlite_db *db;
	size_t n;
	bool locked; /* what waits here waits for another process */
	struct sqlite_wal wal;
	struct store_op *op[SQLITE_GROUP_MAX];
};

/* Run and finish the operations of the group, then truncate the WAL if that is due.  An erase finishes after
 * the attempt to truncate the WAL.  Operations that are left (n > 0) could not begin because another process
 * holds the lock: call again; more operations may be added before. */
void sqlite_group_run(struct sqlite_group *g);
