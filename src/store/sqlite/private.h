/* store/sqlite/private.h - what the files of store/sqlite/ share: connections, operations, group commit, the schema.
 *
 * Only these files include sqlite3.h.
 * Threads  one thread at a time per connection. */
#pragma once
#include <sys/types.h>

#include "store/store.h"

struct sqlite3;
struct sqlite3_stmt;

enum sqlite_sql {
#define SQL(id, connection, text) SQL_##id,
#include "store/sqlite/sql.def"
	SQL_COUNT
};

/* The file, shared by both connections.  Read-only once the store is open. */
struct sqlite_file {
	char *path;
	dev_t device; /* with inode: the file that was opened first */
	ino_t inode;
};

/* One connection. */
struct sqlite_db {
	const struct sqlite_file *file;
	bool writer;
	bool broken;           /* to be opened afresh before the next use */
	struct sqlite3 *h;     /* NULL: closed */
	int64_t wait_until_ms; /* monotonic: how long a step may wait for another process's lock */
	struct sqlite3_stmt *statement[SQL_COUNT]; /* those of its kind of connection */
};

/* Open the connection and prepare its statements; the schema must be there.
 * Errors  ERR_INVALID (statements do not fit the schema), ERR_STORE, ERR_NOMEM; it is then closed. */
MUST_CHECK enum err_code sqlite_db_open(struct sqlite_db *db, struct err *reterr);
void sqlite_db_close(struct sqlite_db *db); /* of a closed one: no-op */

/* Before each use: opens a closed or broken connection, and refuses a file that was replaced or removed. */
MUST_CHECK enum err_code sqlite_db_ready(struct sqlite_db *db, struct err *reterr);

/* Just the handle with its pragmas, no statements: for the schema. */
MUST_CHECK enum err_code sqlite_db_connect(struct sqlite_db *db, struct err *reterr);

/* The next two give a result of SQLite: 0 is success.
 * Bind the operation's input, borrowed until the statement is bound again or closed; `limit` is the rows a
 * find may give. */
MUST_CHECK int sqlite_db_bind(struct sqlite_db *db, enum sqlite_sql id, const struct store_op *op, int limit);
/* Step to the end and reset. */
int sqlite_db_run(struct sqlite_db *db, enum sqlite_sql id);

/* Fill reterr with what went wrong and the remedy; marks the connection broken when opening it afresh may
 * help. */
enum err_code sqlite_db_fail(struct sqlite_db *db, int rc, struct err *reterr);

/* Text column that fits; "" for NULL.  False: too long, or with a NUL; ret is then empty. */
bool sqlite_db_text(struct sqlite3_stmt *st, int column, char *ret, size_t cap);
int64_t sqlite_db_int(struct sqlite3_stmt *st, int column, int64_t when_null);

/* --- schema.c: the table, made in an empty file, checked in any other */

/* Make the file (mode 0600) when there is none, and fill in its identity.
 * Errors  ERR_STORE (no directory, no permission), with the remedy. */
MUST_CHECK enum err_code sqlite_schema_file(struct sqlite_file *file, struct err *reterr);

/* WAL mode and the table, made when the database is empty.  Leaves `db` closed.
 * Errors  ERR_INVALID (made by a newer version, or not ours), ERR_STORE, ERR_NOMEM. */
MUST_CHECK enum err_code sqlite_schema_ensure(struct sqlite_db *db, struct err *reterr);

/* --- op.c: what each operation does on a connection */

/* Both fill op->out.  Errors  as sqlite_db_fail; op->out is then empty.
 * A find, on the reader. */
MUST_CHECK enum err_code sqlite_op_find(struct sqlite_db *db, struct store_op *op, struct err *reterr);
/* A write or a ping, on the writer, inside the group's transaction. */
MUST_CHECK enum err_code sqlite_op_write(struct sqlite_db *db, struct store_op *op, struct err *reterr);

/* --- group.c: erased data is removed from SQLite's write-ahead log (WAL) too.
 *
 * The old content of a page stays in the WAL until a checkpoint truncates the WAL.  After an erase the writer
 * does that at once, and waits only a few ms for readers of other processes.  While they prevent it, the
 * writer tries again every second; it logs that once.
 * Threads  the writer's. */
struct sqlite_wal {
	bool due;          /* data was erased since the WAL was last truncated */
	bool told;         /* the failure was logged */
	int64_t due_at_ms; /* monotonic: not tried earlier */
};

int64_t sqlite_wal_wait_ms(const struct sqlite_wal *w); /* ms until the next try; -1: none is due */

/* --- group.c: group commit, several operations in one transaction.
 *
 * An operation is one statement that writes, which SQLite does wholly or not at all: one that fails fails
 * alone.  When the commit fails, or an error ended the transaction, every operation of the group failed. */
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
