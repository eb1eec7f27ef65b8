#include <sqlite3.h>

#include "base/clock.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "store/sqlite/private.h"

enum {
	LOCK_SLICE_MS = 100, /* waited for a lock before the queue is looked at again */
	READERS_MS = 20,     /* the longest wait for readers of the WAL; other writes wait meanwhile */
	AGAIN_MS = 1000,
};

/* --- the WAL */

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

/* Truncate the WAL if that is due.  Between transactions only. */
static void truncate_due(struct sqlite_wal *w, struct sqlite_db *db)
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

/* --- the group */

/* A failure of the whole group is written into its first operation. */
static struct err *shared_err(struct sqlite_group *g)
{
	return &g->op[0]->err;
}

static void fail_one(struct store_op *op, enum err_code code)
{
	op->code = code;
	op->out = (struct store_out){.n = 0};
	store_finish(op);
}

/* `shared_err` says why.  Every operation needs its own copy: each one ends on its own loop. */
static void fail_all(struct sqlite_group *g, enum err_code code)
{
	for (size_t i = 1; i < g->n; i++)
		g->op[i]->err = *shared_err(g);
	for (size_t i = 0; i < g->n; i++)
		fail_one(g->op[i], code);
	g->n = 0;
}

/* Whether the operation may still begin; otherwise reterr says why not. */
static enum err_code may_begin(const struct sqlite_group *g, const struct store_op *op, struct err *reterr)
{
	if (clock_mono_ms() < op->deadline_ms)
		return ERR_OK;
	if (g->locked)
		return err_set(reterr, ERR_STORE,
		               "the database stayed locked by another process: end the program that holds it "
		               "(a shell, a backup): %s",
		               g->db->file->path);
	return err_set(reterr, ERR_TIMEOUT, "the store had no time for it: too many operations wait");
}

static void drop_expired(struct sqlite_group *g)
{
	size_t left = 0;
	for (size_t i = 0; i < g->n; i++) {
		struct store_op *op = g->op[i];
		enum err_code code = may_begin(g, op, &op->err);
		if (code != ERR_OK)
			fail_one(op, code);
		else
			g->op[left++] = op;
	}
	g->n = left;
}

static int64_t first_deadline_ms(const struct sqlite_group *g)
{
	int64_t first = clock_mono_ms() + LOCK_SLICE_MS;
	for (size_t i = 0; i < g->n; i++)
		if (g->op[i]->deadline_ms < first)
			first = g->op[i]->deadline_ms;
	return first;
}

/* False: nothing was begun; operations that may wait for the lock are still in the group. */
static bool begin(struct sqlite_group *g)
{
	g->db->wait_until_ms = first_deadline_ms(g);
	enum err_code code = sqlite_db_ready(g->db, shared_err(g));
	int rc = code == ERR_OK ? sqlite_db_run(g->db, SQL_BEGIN) : SQLITE_OK;
	if (rc != SQLITE_OK)
		code = sqlite_db_fail(g->db, rc, shared_err(g));
	g->locked = (rc & 0xff) == SQLITE_BUSY;
	if (code != ERR_OK && !g->locked)
		fail_all(g, code);
	return code == ERR_OK;
}

/* A result of SQLite for the whole transaction. */
static int run_all(struct sqlite_group *g, bool *ret_wrote)
{
	for (size_t i = 0; i < g->n; i++) {
		struct store_op *op = g->op[i];
		op->code = sqlite_op_write(g->db, op, &op->err);
		/* One operation may fail alone; a full or failing disk may have ended the transaction too. */
		if (op->code != ERR_OK && sqlite3_get_autocommit(g->db->h) != 0) {
			int rc = sqlite3_extended_errcode(g->db->h);
			return rc == SQLITE_OK ? SQLITE_ERROR : rc;
		}
		*ret_wrote |= store_writes(op->kind) && op->code == ERR_OK;
	}
	return sqlite_db_run(g->db, SQL_COMMIT);
}

static void note_erased(struct sqlite_group *g)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct store_op *op = g->op[i];
		if ((op->kind == STORE_ERASE || op->kind == STORE_REMOVE) && op->out.outcome == STORE_DONE) {
			g->wal.due = true;
			g->wal.due_at_ms = clock_mono_ms();
		}
	}
}

void sqlite_group_run(struct sqlite_group *g)
{
	bool wrote = false;
	drop_expired(g);
	if (g->n == 0)
		truncate_due(&g->wal, g->db);
	if (g->n == 0 || !begin(g))
		return;
	int rc = run_all(g, &wrote);
	if (rc != SQLITE_OK) {
		enum err_code code = sqlite_db_fail(g->db, rc, shared_err(g));
		sqlite_db_close(g->db); /* rolls back the rest and releases the lock */
		fail_all(g, code == ERR_NOMEM ? ERR_NOMEM : ERR_STORE);
		return;
	}
	if (wrote)
		metric_add(M_SQLITE_COMMITS, 1);
	note_erased(g);
	truncate_due(&g->wal, g->db);
	for (size_t i = 0; i < g->n; i++)
		store_finish(g->op[i]);
	g->n = 0;
}
