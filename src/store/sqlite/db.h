/* store/sqlite/db.h - one connection of the SQLite store: opening, its statements, errors in words.
 *
 * Only the files of store/sqlite/ include sqlite3.h.
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
