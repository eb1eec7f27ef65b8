#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "store/record.h"
#include "store/sqlite/private.h"

enum {
	LOCK_POLL_MS = 5, /* between two tries to get a lock another process holds */
};

enum connection { R, W };
static const struct {
	enum connection connection;
	const char *text;
} sql[SQL_COUNT] = {
#define SQL(id, connection, text) [SQL_##id] = {connection, text},
#include "store/sqlite/sql.def"
};

/* synchronous=FULL: a commit that was acknowledged survives a power cut, also in WAL mode.  secure_delete:
 * what was erased is not left in free pages. */
static const char pragmas[] = "PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF; PRAGMA secure_delete=ON;"
                              "PRAGMA journal_size_limit=67108864;";

/* SQLite asks while another process holds the lock: wait and try again, until wait_until_ms. */
static int wait_for_lock(void *arg, int tries)
{
	const struct sqlite_db *db = arg;
	(void)tries;
	if (clock_mono_ms() >= db->wait_until_ms)
		return 0;
	(void)sqlite3_sleep(LOCK_POLL_MS);
	return 1;
}

static bool may_heal(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_FULL:
	case SQLITE_NOMEM:
	case SQLITE_CONSTRAINT:
	case SQLITE_TOOBIG: return false;
	default: return true;
	}
}

static enum err_code describe(const struct sqlite_db *db, int rc, struct err *reterr)
{
	int os = db->h == NULL ? 0 : sqlite3_system_errno(db->h);
	const char *path = db->file->path;
	if ((rc & 0xff) == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM)
		return err_set(reterr, ERR_NOMEM, "no memory for the database");
	if ((rc & 0xff) == SQLITE_FULL || ((rc & 0xff) == SQLITE_IOERR && (os == ENOSPC || os == EDQUOT)))
		return err_set(reterr, ERR_STORE, "no space left for the database: free some on its disk: %s",
		               path);
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(reterr, ERR_STORE,
		               "the database is locked by another process: end the program that holds it "
		               "(a shell, a backup): %s",
		               path);
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
		return err_set(reterr, ERR_STORE,
		               "the database cannot be written: check owner and mode of the file, of those "
		               "beside it and of the directory, and that the disk is not read-only: %s",
		               path);
	case SQLITE_NOTADB:
		return err_set(reterr, ERR_INVALID,
		               "the file is no SQLite database: name another in LINKD_STORE: %s", path);
	case SQLITE_CORRUPT:
		return err_set(reterr, ERR_STORE, "the database is damaged: restore it from a backup: %s",
		               path);
	case SQLITE_IOERR:
		errno = os == 0 ? EIO : os;
		return err_set(reterr, ERR_STORE,
		               "the disk of the database fails (SQLite %d, %m): check it: %s", rc, path);
	default:
		return err_set(reterr, ERR_STORE, "the database fails (SQLite %d, %s): %s", rc,
		               sqlite3_errstr(rc), path);
	}
}

/* The file was valid when the store was opened, so this is damage and not a wrong setting: a backup helps. */
static enum err_code while_running(enum err_code code)
{
	return code == ERR_INVALID ? ERR_STORE : code;
}

enum err_code sqlite_db_fail(struct sqlite_db *db, int rc, struct err *reterr)
{
	if (may_heal(rc))
		db->broken = true;
	return while_running(describe(db, rc, reterr));
}

void sqlite_db_close(struct sqlite_db *db)
{
	for (size_t i = 0; i < SQL_COUNT; i++) {
		(void)sqlite3_finalize(db->statement[i]);
		db->statement[i] = NULL;
	}
	(void)sqlite3_close(db->h);
	db->h = NULL;
	db->broken = false;
}

enum err_code sqlite_db_connect(struct sqlite_db *db, struct err *reterr)
{
	int flags = db->writer ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
	int rc = sqlite3_open_v2(db->file->path, &db->h, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	                         NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_handler(db->h, wait_for_lock, db);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(db->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->h, pragmas, NULL, NULL, NULL);
	/* a file that may not be written is opened for reading, silently */
	if (rc == SQLITE_OK && db->writer && sqlite3_db_readonly(db->h, "main") != 0)
		rc = SQLITE_READONLY;
	if (rc == SQLITE_OK)
		return ERR_OK;
	enum err_code code = describe(db, rc, reterr);
	sqlite_db_close(db);
	return code;
}

static enum err_code prepare(struct sqlite_db *db, struct err *reterr)
{
	for (size_t i = 0; i < SQL_COUNT; i++) {
		if ((sql[i].connection == W) != db->writer)
			continue;
		int rc = sqlite3_prepare_v3(db->h, sql[i].text, -1, SQLITE_PREPARE_PERSISTENT,
		                            &db->statement[i], NULL);
		if (rc == SQLITE_ERROR)
			return err_set(reterr, ERR_INVALID,
			               "the database is not one of this service (%s): %s",
			               sqlite3_errmsg(db->h), db->file->path);
		if (rc != SQLITE_OK)
			return describe(db, rc, reterr);
	}
	return ERR_OK;
}

enum err_code sqlite_db_open(struct sqlite_db *db, struct err *reterr)
{
	enum err_code code = sqlite_db_connect(db, reterr);
	if (code != ERR_OK)
		return code;
	code = prepare(db, reterr);
	if (code != ERR_OK)
		sqlite_db_close(db);
	return code;
}

/* Another file under the same name must not be used with the log (-wal) of the old one. */
static enum err_code same_file(const struct sqlite_file *file, struct err *reterr)
{
	struct stat st;
	int seen = stat(file->path, &st);
	if (seen == 0 && st.st_dev == file->device && st.st_ino == file->inode)
		return ERR_OK;
	if (seen != 0 && errno != ENOENT)
		return err_set(
		        reterr, ERR_STORE,
		        "the database file cannot be looked at: %s; let this user into its directory: %s",
		        strerrordesc_np(errno), file->path);
	return err_set(reterr, ERR_STORE,
	               "the database file was moved, replaced or removed while in use: put it back, or stop "
	               "the service before exchanging it: %s",
	               file->path);
}

enum err_code sqlite_db_ready(struct sqlite_db *db, struct err *reterr)
{
	enum err_code code = same_file(db->file, reterr);
	if (code != ERR_OK)
		return code;
	if (db->broken)
		sqlite_db_close(db);
	if (db->h != NULL)
		return ERR_OK;
	return while_running(sqlite_db_open(db, reterr));
}

static int bind_text(sqlite3_stmt *st, int i, const char *z)
{
	return z[0] == '\0' ? sqlite3_bind_null(st, i) : sqlite3_bind_text(st, i, z, -1, SQLITE_STATIC);
}

static int bind_packed(sqlite3_stmt *st, int i, const struct store_key *key)
{
	char packed[RECORD_PACKED_MAX + 1];
	if (key == NULL)
		return sqlite3_bind_null(st, i);
	record_pack_key(key, packed);
	return sqlite3_bind_text(st, i, packed, -1, SQLITE_TRANSIENT);
}

static int bind_one(sqlite3_stmt *st, int i, const struct store_values *v, int limit)
{
	switch (i) {
	case 1: return bind_text(st, i, v->id);
	case 2: return bind_text(st, i, v->email);
	case 3: return bind_text(st, i, v->digest);
	case 4: return bind_text(st, i, v->psid);
	case 5: return bind_text(st, i, v->page_id);
	case 6: return sqlite3_bind_int64(st, i, v->time_ms);
	case 7: return sqlite3_bind_int64(st, i, v->now_s);
	case 8: return sqlite3_bind_int64(st, i, v->expires_s);
	case 9: return sqlite3_bind_int64(st, i, v->window_s);
	case 10: return bind_packed(st, i, v->replaces);
	case 11: return bind_text(st, i, v->me);
	case 12: return bind_text(st, i, v->old_hash);
	case 13: return bind_text(st, i, v->hash);
	case 14: return bind_text(st, i, v->past);
	case 15: return sqlite3_bind_int(st, i, limit);
	case 16: return sqlite3_bind_int64(st, i, record_latest_ms());
	default: return SQLITE_RANGE;
	}
}

int sqlite_db_bind(struct sqlite_db *db, enum sqlite_sql id, const struct store_op *op, int limit)
{
	struct store_values v = store_values(op);
	sqlite3_stmt *st = db->statement[id];
	int count = sqlite3_bind_parameter_count(st); /* the highest number used */
	int rc = SQLITE_OK;
	for (int i = 1; i <= count && rc == SQLITE_OK; i++)
		rc = bind_one(st, i, &v, limit);
	return rc;
}

int sqlite_db_run(struct sqlite_db *db, enum sqlite_sql id)
{
	int rc = sqlite3_step(db->statement[id]);
	int again = sqlite3_reset(db->statement[id]);
	if (rc == SQLITE_DONE || rc == SQLITE_ROW)
		return SQLITE_OK;
	return again != SQLITE_OK ? again : rc;
}

bool sqlite_db_text(sqlite3_stmt *st, int column, char *ret, size_t cap)
{
	struct str s = {(const char *)sqlite3_column_text(st, column), 0};
	s.n = (size_t)sqlite3_column_bytes(st, column);
	return str_copy(ret, cap, s.p == NULL ? (struct str){NULL, 0} : s);
}

int64_t sqlite_db_int(sqlite3_stmt *st, int column, int64_t when_null)
{
	return sqlite3_column_type(st, column) == SQLITE_NULL ? when_null : sqlite3_column_int64(st, column);
}

const char *store_version(void)
{
	return sqlite3_libversion();
}
