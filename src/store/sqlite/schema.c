#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "obs/log.h"
#include "store/sqlite/private.h"

enum {
	SCHEMA_VERSION = 1,  /* PRAGMA user_version */
	OPEN_WAIT_MS = 5000, /* for locks of a process that uses the file just now */
	WAL_POLL_MS = 20,
};

/* email and fb_psid are looked up; the rest of what an index needs, the key, WITHOUT ROWID puts there. */
static const char schema[] = "CREATE TABLE customers ("
                             "customer_id TEXT NOT NULL,"
                             "email TEXT NOT NULL,"
                             "password TEXT,"
                             "authorization_code TEXT,"
                             "authorization_code_expires_at INTEGER,"
                             "authorization_code_psid TEXT,"
                             "authorization_code_replaces TEXT,"
                             "fb_psid TEXT,"
                             "fb_page_id TEXT,"
                             "fb_linked_at INTEGER,"
                             "fb_link_code TEXT,"
                             "login_failures INTEGER,"
                             "login_window_ends INTEGER,"
                             "PRIMARY KEY (customer_id, email)"
                             ") STRICT, WITHOUT ROWID;"
                             "CREATE INDEX customers_email ON customers (email);"
                             "CREATE INDEX customers_fb_psid ON customers (fb_psid)"
                             " WHERE fb_psid IS NOT NULL;"
                             "PRAGMA user_version = 1;";

static enum err_code no_file(const char *path, struct err *reterr)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return err_set(reterr, ERR_STORE,
		               "the directory of the database does not exist: make it, or name another file "
		               "in LINKD_STORE: %s",
		               path);
	case EACCES:
	case EPERM:
	case EROFS:
		return err_set(reterr, ERR_STORE,
		               "the database cannot be made: let this user write to its directory: %s", path);
	default: return err_set(reterr, ERR_STORE, "the database cannot be made: %m: %s", path);
	}
}

/* Never opens a file that exists: closing it again would drop the locks a connection of this process holds.
 */
static enum err_code make_file(const char *path, struct err *reterr)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0) {
		(void)close(fd);
		return file_sync_folder(path) ? ERR_OK : no_file(path, reterr);
	}
	return errno == EEXIST ? ERR_OK : no_file(path, reterr);
}

enum err_code sqlite_schema_file(struct sqlite_file *file, struct err *reterr)
{
	struct stat st;
	enum err_code code = make_file(file->path, reterr);
	if (code != ERR_OK)
		return code;
	if (stat(file->path, &st) != 0)
		return no_file(file->path, reterr);
	if (!S_ISREG(st.st_mode))
		return err_set(reterr, ERR_INVALID,
		               "the database is not a plain file: name another in LINKD_STORE: %s",
		               file->path);
	if ((st.st_mode & 077) != 0)
		log_line(LOG_WARN, "database_open_to_other_users", log_z("file", file->path),
		         log_z("remedy", "chmod 600"));
	file->device = st.st_dev;
	file->inode = st.st_ino;
	return ERR_OK;
}

/* One number a query gives; a result of SQLite. */
static int ask(struct sqlite_db *db, const char *query, int64_t *ret)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->h, query, -1, &st, NULL);
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW) {
			*ret = sqlite3_column_int64(st, 0);
			rc = SQLITE_OK;
		}
	}
	(void)sqlite3_finalize(st);
	return rc;
}

/* What the file is.  *ret_empty: a fresh database, to be filled. */
static enum err_code judge(struct sqlite_db *db, bool *ret_empty, struct err *reterr)
{
	int64_t version = 0, objects = 0, ours = 0;
	int rc = ask(db, "PRAGMA user_version", &version);
	if (rc == SQLITE_OK)
		rc = ask(db, "SELECT count(*) FROM sqlite_schema", &objects);
	if (rc == SQLITE_OK)
		rc = ask(db, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'customers'",
		         &ours);
	if (rc != SQLITE_OK)
		return sqlite_db_fail(db, rc, reterr);
	*ret_empty = version == 0 && objects == 0;
	if (*ret_empty || (version == SCHEMA_VERSION && ours == 1))
		return ERR_OK;
	if (version > SCHEMA_VERSION && ours == 1)
		return err_set(reterr, ERR_INVALID,
		               "the database was made by a newer version (%lld, this one knows %d): install "
		               "that version: %s",
		               (long long)version, SCHEMA_VERSION, db->file->path);
	return err_set(reterr, ERR_INVALID,
	               "the database is not one of this service: name another file in LINKD_STORE: %s",
	               db->file->path);
}

/* In one transaction: else another process may fill the file between two of the questions, and it looks like
 * a file of another program. */
static enum err_code judge_at_once(struct sqlite_db *db, bool *ret_empty, struct err *reterr)
{
	int rc = sqlite3_exec(db->h, "BEGIN", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return sqlite_db_fail(db, rc, reterr);
	enum err_code code = judge(db, ret_empty, reterr);
	if (code != ERR_OK)
		return code; /* closing the connection ends it */
	rc = sqlite3_exec(db->h, "COMMIT", NULL, NULL, NULL);
	return rc == SQLITE_OK ? ERR_OK : sqlite_db_fail(db, rc, reterr);
}

static int read_word(void *arg, int n, char **value, char **name)
{
	bool *wal = arg;
	(void)name;
	*wal = n == 1 && value[0] != NULL && strcmp(value[0], "wal") == 0;
	return 0;
}

/* The change to WAL does not ask the busy handler in every case. */
static enum err_code use_wal(struct sqlite_db *db, struct err *reterr)
{
	bool wal = false;
	int rc;
	for (;;) {
		rc = sqlite3_exec(db->h, "PRAGMA journal_mode=WAL", read_word, &wal, NULL);
		if ((rc & 0xff) != SQLITE_BUSY || clock_mono_ms() >= db->wait_until_ms)
			break;
		(void)sqlite3_sleep(WAL_POLL_MS);
	}
	if (rc != SQLITE_OK)
		return sqlite_db_fail(db, rc, reterr);
	if (!wal)
		return err_set(reterr, ERR_STORE,
		               "the file system cannot keep the database's log (WAL): use a local disk: %s",
		               db->file->path);
	return ERR_OK;
}

/* Two processes may come here at once: the second finds the table of the first. */
static enum err_code fill(struct sqlite_db *db, struct err *reterr)
{
	bool empty = false;
	int rc = sqlite3_exec(db->h, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return sqlite_db_fail(db, rc, reterr);
	enum err_code code = judge(db, &empty, reterr);
	if (code != ERR_OK)
		return code; /* closing the connection rolls back */
	if (empty)
		rc = sqlite3_exec(db->h, schema, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->h, "COMMIT", NULL, NULL, NULL);
	return rc == SQLITE_OK ? ERR_OK : sqlite_db_fail(db, rc, reterr);
}

enum err_code sqlite_schema_ensure(struct sqlite_db *db, struct err *reterr)
{
	bool empty = false;
	db->wait_until_ms = clock_mono_ms() + OPEN_WAIT_MS;
	enum err_code code = sqlite_db_connect(db, reterr);
	if (code == ERR_OK)
		code = judge_at_once(db, &empty, reterr);
	if (code == ERR_OK)
		code = use_wal(db, reterr);
	if (code == ERR_OK && empty)
		code = fill(db, reterr);
	sqlite_db_close(db);
	return code;
}
