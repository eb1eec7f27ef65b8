#include "store/sqlite/wal.h"

#include <sqlite3.h>

#include "base/clock.h"
#include "obs/log.h"

enum {
	READERS_MS = 20, /* the longest wait for readers of the WAL; other writes wait meanwhile */
	AGAIN_MS = 1000,
};

void sqlite_wal_erased(struct sqlite_wal *w)
{
	w->due = true;
	w->due_at_ms = clock_mono_ms();
}

int64_t sqlite_wal_wait_ms(const struct sqlite_wal *w)
{
	int64_t left_ms = w->due_at_ms - clock_mono_ms();
	if (!w->due)
		return -1;
	return left_ms < 0 ? 0 : left_ms;
}

static enum err_code cut(struct sqlite_db *db, struct err *reterr)
{
	enum err_code code = sqlite_db_ready(db, reterr);
	if (code != ERR_OK)
		return code;
	db->wait_until_ms = clock_mono_ms() + READERS_MS;
	int rc = sqlite3_wal_checkpoint_v2(db->h, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	return rc == SQLITE_OK ? ERR_OK : sqlite_db_fail(db, rc, reterr);
}

void sqlite_wal_run(struct sqlite_wal *w, struct sqlite_db *db)
{
	struct err why;
	if (sqlite_wal_wait_ms(w) != 0)
		return;
	w->due = cut(db, &why) != ERR_OK;
	w->due_at_ms = clock_mono_ms() + AGAIN_MS;
	if (w->due == w->told)
		return;
	w->told = w->due;
	if (w->told)
		log_line(LOG_WARN, "erased_data_still_in_log", log_z("error", why.msg),
		         log_z("remedy",
		               "it is tried again every second: end what reads the database for long"));
	else
		log_line(LOG_INFO, "erased_data_left_log");
}
