/* sqlite_group.h - group commit: several operations in one transaction, each in a savepoint of its own.
 *
 * An operation that fails is rolled back alone; when the commit fails, every operation of the group failed.
 */
#pragma once
#include "store/sqlite_db.h"

enum { SQLITE_GROUP_MAX = 256 }; /* operations */

struct sqlite_group {
	struct sqlite_db *db;
	size_t n;
	bool locked; /* what waits here waits for another process */
	struct store_op *op[SQLITE_GROUP_MAX];
};

/* Run and finish what is in the group.  What is left (n > 0) could not begin because another process holds
 * the lock: call again, with more added if there is more. */
void sqlite_group_run(struct sqlite_group *g);
