/*  store_start -> writes and pings -> queue -> writer: take, BEGIN, a statement each, COMMIT -> store_finish
 *             `-> finds            -> queue -> reader: SELECT                             -> store_finish  */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "obs/metrics.h"
#include "store/sqlite/private.h"

/* --- operations that wait for a thread, in order; store.c bounds their number */

enum { FOREVER = -1 };

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct store_op *head, *tail;
	bool stop;
};

static void queue_init(struct queue *q)
{
	pthread_condattr_t monotonic;
	*q = (struct queue){.head = NULL};
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&q->filled, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

static void queue_done(struct queue *q)
{
	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->lock);
}

static void queue_push(struct queue *q, struct store_op *op)
{
	op->next = NULL;
	pthread_mutex_lock(&q->lock);
	if (q->head == NULL)
		q->head = op;
	else
		q->tail->next = op;
	q->tail = op;
	pthread_cond_signal(&q->filled);
	pthread_mutex_unlock(&q->lock);
}

/* The lock is held. */
static void wait_for_one(struct queue *q, int64_t wait_ms)
{
	int64_t until_ms = clock_mono_ms() + wait_ms;
	struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
	int rc = 0;
	while (rc == 0 && q->head == NULL && !q->stop)
		rc = wait_ms == FOREVER ? pthread_cond_wait(&q->filled, &q->lock)
		                        : pthread_cond_timedwait(&q->filled, &q->lock, &until);
}

/* Take up to `max` operations; wait up to wait_ms for the first one.  With FOREVER, 0 operations mean that the
 * queue is stopped and empty. */
static size_t queue_take(struct queue *q, struct store_op **ret, size_t max, int64_t wait_ms)
{
	size_t n = 0;
	pthread_mutex_lock(&q->lock);
	if (wait_ms != 0)
		wait_for_one(q, wait_ms);
	for (; n < max && q->head != NULL; n++) {
		ret[n] = q->head;
		q->head = q->head->next;
	}
	pthread_mutex_unlock(&q->lock);
	return n;
}

static void queue_stop(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->stop = true;
	pthread_cond_broadcast(&q->filled);
	pthread_mutex_unlock(&q->lock);
}

/* Stopped and empty. */
static bool queue_ended(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	bool ended = q->stop && q->head == NULL;
	pthread_mutex_unlock(&q->lock);
	return ended;
}

/* --- the store */

struct sqlite_thread { /* a thread, its queue and its connection */
	struct queue queue;
	struct sqlite_db db;
	pthread_t thread;
	bool started;
};

struct sqlite {
	struct store store; /* first member: store.c holds a pointer to it */
	struct sqlite_file file;
	struct sqlite_thread writer, reader;
};

static struct sqlite *of(struct store *s)
{
	return (struct sqlite *)(void *)s;
}

static void own_metrics(void)
{
	if (metrics_thread_start(NULL) != ERR_OK)
		return; /* the shared block is used: slower, not wrong */
}

/* The first operation wakes the writer while the loop is still working.  Yielding once lets the loop, if it
 * shares the core, push the rest of its batch, which then joins the same commit. */
static size_t take_more(struct sqlite_thread *l, struct sqlite_group *g)
{
	if (g->n == SQLITE_GROUP_MAX)
		return 0;
	(void)sched_yield();
	return queue_take(&l->queue, g->op + g->n, SQLITE_GROUP_MAX - g->n, 0);
}

static void *write_ops(void *arg)
{
	struct sqlite_thread *l = arg;
	struct sqlite_group g = {.db = &l->db};
	own_metrics();
	while (g.n > 0 || !queue_ended(&l->queue)) {
		if (g.n == 0)
			g.n = queue_take(&l->queue, g.op, 1, sqlite_wal_wait_ms(&g.wal));
		g.n += take_more(l, &g);
		sqlite_group_run(&g);
	}
	return NULL;
}

static enum err_code find(struct sqlite_db *db, struct store_op *op, struct err *reterr)
{
	if (clock_mono_ms() >= op->deadline_ms)
		return err_set(reterr, ERR_TIMEOUT, "the store had no time for it: too many operations wait");
	db->wait_until_ms = op->deadline_ms;
	enum err_code code = sqlite_db_ready(db, reterr);
	if (code != ERR_OK)
		return code;
	return sqlite_op_find(db, op, reterr);
}

static void *read_ops(void *arg)
{
	struct sqlite_thread *l = arg;
	struct store_op *op;
	own_metrics();
	while (queue_take(&l->queue, &op, 1, FOREVER) == 1) {
		op->code = find(&l->db, op, &op->err);
		store_finish(op);
	}
	return NULL;
}

static enum err_code start(struct store_port *p, struct store_op *op)
{
	struct sqlite *q = of(p->store);
	bool writer = store_writes(op->kind) || op->kind == STORE_PING;
	queue_push(writer ? &q->writer.queue : &q->reader.queue, op);
	return ERR_OK;
}

static void thread_stop(struct sqlite_thread *l)
{
	if (l->started) {
		queue_stop(&l->queue);
		(void)pthread_join(l->thread, NULL);
	}
	sqlite_db_close(&l->db);
	queue_done(&l->queue);
}

static void sqlite_free(struct store *s)
{
	struct sqlite *q = of(s);
	thread_stop(&q->reader);
	thread_stop(&q->writer); /* last: closing the last connection merges the log into the file */
	free(q->file.path);
	free(q);
}

static const struct store_vtable vtable = {
        .traits = {.name = "sqlite", .index_lags = false, .find_psid = true},
        .start = start,
        .free = sqlite_free,
};

/* Signals are handled by other threads. */
static int spawn(struct sqlite_thread *l, void *(*run)(void *), const char *name)
{
	sigset_t all, before;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&l->thread, NULL, run, l);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return rc;
	l->started = true;
	(void)pthread_setname_np(l->thread, name);
	return 0;
}

static enum err_code bring_up(struct sqlite *q, struct err *reterr)
{
	enum err_code code = sqlite_schema_file(&q->file, reterr);
	if (code == ERR_OK)
		code = sqlite_schema_ensure(&q->writer.db, reterr);
	if (code == ERR_OK)
		code = sqlite_db_open(&q->writer.db, reterr);
	q->reader.db.wait_until_ms = q->writer.db.wait_until_ms;
	if (code == ERR_OK)
		code = sqlite_db_open(&q->reader.db, reterr);
	if (code != ERR_OK)
		return code;
	if (spawn(&q->writer, write_ops, "sqlite-write") != 0 ||
	    spawn(&q->reader, read_ops, "sqlite-read") != 0)
		return err_set(reterr, ERR_NOMEM, "no thread for the database");
	return ERR_OK;
}

static enum err_code sqlite_open(const struct config *cfg, const char *where, struct store **ret,
                                 struct err *reterr)
{
	(void)cfg;
	if (where[0] == '\0' || where[0] == ':')
		return err_set(reterr, ERR_INVALID,
		               "LINKD_STORE needs the path of a database file: sqlite:PATH");
	struct sqlite *q = calloc(1, sizeof *q);
	if (q == NULL || (q->file.path = strdup(where)) == NULL) {
		free(q);
		return err_set(reterr, ERR_NOMEM, "no memory for the store");
	}
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* it would lock a mutex for each allocation */
	q->store.vt = &vtable;
	q->writer.db = (struct sqlite_db){.file = &q->file, .writer = true};
	q->reader.db = (struct sqlite_db){.file = &q->file};
	queue_init(&q->writer.queue);
	queue_init(&q->reader.queue);
	enum err_code code = bring_up(q, reterr);
	if (code != ERR_OK) {
		sqlite_free(&q->store);
		return code;
	}
	*ret = &q->store;
	return ERR_OK;
}

const struct store_backend sqlite_backend = {.scheme = "sqlite", .open = sqlite_open};
