/* store/sqlite/op.h - what each operation does on a connection of the SQLite store. */
#pragma once
#include "store/sqlite/db.h"

/* Both fill op->out.  Errors  as sqlite_db_fail; op->out is then empty.
 * A find, on the reader. */
MUST_CHECK enum err_code sqlite_op_find(struct sqlite_db *db, struct store_op *op, struct err *reterr);
/* A write or a ping, on the writer, inside the group's transaction. */
MUST_CHECK enum err_code sqlite_op_write(struct sqlite_db *db, struct store_op *op, struct err *reterr);
