#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/httpc.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "store/dynamodb/private.h"

enum {
	FIRST_MS = 10000, /* of the first look */
	LOOK_MS = 5000,
	EVERY_MS = 60000,
	ATTEMPT_MS = 2500, /* tables are described by a slower part of the service */
};

struct table_monitor {
	struct table_monitor_options o;
	struct loop *loop;
	struct httpc *http;
	struct creds *creds;
	struct ddb *client;
	struct ddb_call *call; /* NULL: none */
	struct err err;        /* of the call */
	struct loop_timer timer;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t changed;
	bool told; /* the first look ended, with `first` */
	enum err_code first;
	struct err *reterr; /* of table_monitor_new, which waits for the first look */
};

static void tell_first(struct table_monitor *k, const struct err *why)
{
	pthread_mutex_lock(&k->lock);
	if (!k->told) {
		k->told = true;
		if (why != NULL)
			k->first = err_set(k->reterr, why->code, "%s", why->msg);
		pthread_cond_signal(&k->changed);
	}
	pthread_mutex_unlock(&k->lock);
}

static void look(struct table_monitor *k, int64_t within_ms);

static void on_timer(struct loop_timer *t)
{
	look(LIST_ENTRY(t, struct table_monitor, timer), LOOK_MS);
}

static void ended(struct table_monitor *k, const struct dynamodb_table *t, const struct err *why)
{
	k->o.seen(k->o.arg, t, why);
	tell_first(k, why);
	if (loop_timer_set(k->loop, &k->timer, loop_now_ms(k->loop) + EVERY_MS) != ERR_OK)
		log_line(LOG_ERROR, "table_not_watched_any_more", log_z("table", k->o.table));
}

static void on_described(void *arg, const struct ddb_reply *r)
{
	struct table_monitor *k = arg;
	struct dynamodb_table t;
	k->call = NULL;
	if (r->class != DDB_SUCCESS)
		ended(k, NULL, r->err);
	else if (dynamodb_table_read(r->json, &t, &k->err) != ERR_OK)
		ended(k, NULL, &k->err);
	else
		ended(k, &t, NULL);
}

static void look(struct table_monitor *k, int64_t within_ms)
{
	struct httpc_outgoing body;
	httpc_outgoing_init(&body, 1024, 0);
	dynamodb_create_describe(k->o.table, &body.bytes);
	struct ddb_request req = {.operation = "DescribeTable",
	                          .body = &body,
	                          .err = &k->err,
	                          .deadline_ms = clock_mono_ms() + within_ms,
	                          .attempt_ms = ATTEMPT_MS};
	enum err_code code = ddb_start(k->client, &req, on_described, k, &k->call, &k->err);
	buf_done(&body.bytes);
	if (code != ERR_OK)
		ended(k, NULL, &k->err);
}

static void own_metrics(void)
{
	if (metrics_thread_start(NULL) != ERR_OK)
		return; /* the shared block is used: slower, not wrong */
}

static void *run(void *arg)
{
	struct table_monitor *k = arg;
	struct err why;
	own_metrics();
	if (creds_start(k->creds, k->loop, k->http, &why) != ERR_OK) {
		tell_first(k, &why);
		return NULL;
	}
	look(k, FIRST_MS);
	loop_run(k->loop);
	creds_stop(k->creds);
	return NULL;
}

/* Signals are for the thread that asked for them. */
static enum err_code spawn(struct table_monitor *k, struct err *reterr)
{
	sigset_t all, before;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&k->thread, NULL, run, k);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return err_set(reterr, ERR_NOMEM, "no thread for the DynamoDB store");
	k->started = true;
	(void)pthread_setname_np(k->thread, "dynamodb");
	return ERR_OK;
}

static enum err_code wait_first(struct table_monitor *k)
{
	pthread_mutex_lock(&k->lock);
	while (!k->told)
		pthread_cond_wait(&k->changed, &k->lock);
	enum err_code first = k->first;
	pthread_mutex_unlock(&k->lock);
	return first;
}

static enum err_code bring_up(struct table_monitor *k, struct err *reterr)
{
	struct creds_options creds = {.environ_ = environ};
	k->reterr = reterr;
	enum err_code code = loop_new(&k->loop, reterr);
	if (code == ERR_OK)
		code = httpc_new(k->loop, &k->http, reterr);
	if (code == ERR_OK)
		code = creds_new(&creds, &k->creds, reterr);
	struct ddb_options o = {.loop = k->loop,
	                        .http = k->http,
	                        .creds = k->creds,
	                        .endpoint = k->o.endpoint,
	                        .table = k->o.table};
	if (code == ERR_OK)
		code = ddb_new(&o, &k->client, reterr);
	if (code == ERR_OK)
		code = spawn(k, reterr);
	return code == ERR_OK ? wait_first(k) : code;
}

enum err_code table_monitor_new(const struct table_monitor_options *o, struct table_monitor **ret,
                                struct err *reterr)
{
	struct table_monitor *k = calloc(1, sizeof *k);
	if (k == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for the DynamoDB store");
	k->o = *o;
	k->timer.fn = on_timer;
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->changed, NULL);
	enum err_code code = bring_up(k, reterr);
	if (code != ERR_OK) {
		table_monitor_free(k);
		return code;
	}
	*ret = k;
	return ERR_OK;
}

void table_monitor_free(struct table_monitor *k)
{
	if (k == NULL)
		return;
	if (k->started) {
		loop_stop(k->loop);
		(void)pthread_join(k->thread, NULL);
	}
	if (k->loop != NULL)
		loop_timer_clear(k->loop, &k->timer);
	ddb_free(k->client);
	creds_free(k->creds);
	httpc_free(k->http);
	if (k->loop != NULL)
		loop_drain(k->loop); /* what the files' thread posted frees itself */
	loop_free(k->loop);
	pthread_cond_destroy(&k->changed);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

struct creds *table_monitor_creds(struct table_monitor *k)
{
	return k->creds;
}
