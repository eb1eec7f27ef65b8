#include "admin/health.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/codec.h"
#include "obs/log.h"

enum {
	BEAT_MS = 1000,
	JSON_MAX = 6 * ERR_MSG_MAX + 512, /* every byte of a message may be escaped */
};

struct pulse { /* of one loop */
	struct health *health;
	struct service *s; /* NULL: stopped */
	struct loop_timer timer;
	_Atomic int64_t seen_ms; /* monotonic; 0: not running */
	/* of the loop that pings the store */
	struct store_op *ping; /* running */
	int64_t ping_due_ms;
};

struct health {
	_Atomic size_t n;     /* pulses in use */
	pthread_mutex_t lock; /* guards what follows */
	int64_t ok_ms;        /* monotonic time of the store's last good answer; 0: none yet */
	struct err last;      /* its last answer */
	struct pulse pulse[HEALTH_LOOPS_MAX];
};

struct view {
	bool ok;
	int64_t age_ms; /* -1: never answered */
	struct err last;
};

static void keep(struct health *h, enum err_code code, const char *why)
{
	pthread_mutex_lock(&h->lock);
	(void)err_set(&h->last, code, "%s", why);
	if (code == ERR_OK)
		h->ok_ms = clock_mono_ms();
	pthread_mutex_unlock(&h->lock);
}

static struct view look(struct health *h)
{
	pthread_mutex_lock(&h->lock);
	struct view v = {.last = h->last, .age_ms = h->ok_ms == 0 ? -1 : clock_mono_ms() - h->ok_ms};
	pthread_mutex_unlock(&h->lock);
	v.ok = v.last.code == ERR_OK && v.age_ms >= 0 && v.age_ms <= HEALTH_FRESH_MS;
	return v;
}

static void on_ping(void *arg, struct store_op *op)
{
	struct pulse *p = arg;
	p->ping = NULL;
	keep(p->health, op->code, op->code == ERR_OK ? "" : op->err.msg);
}

/* Ping the store when it is due.  A ping without an answer is cancelled. */
static void ping(struct pulse *p)
{
	int64_t now_ms = loop_now_ms(p->s->loop);
	if (now_ms < p->ping_due_ms)
		return;
	if (p->ping != NULL) {
		store_cancel(p->ping);
		p->ping = NULL;
		keep(p->health, ERR_TIMEOUT, "the store did not answer in time");
	}
	p->ping_due_ms = now_ms + HEALTH_PING_MS;
	struct store_op *op = store_op_new(STORE_PING, now_ms + HEALTH_PING_MS);
	if (op == NULL) {
		keep(p->health, ERR_NOMEM, "no memory to ask the store");
		return;
	}
	struct err err;
	enum err_code code = store_start(p->s->store, op, on_ping, p, &err);
	if (code != ERR_OK)
		keep(p->health, code, err.msg);
	else
		p->ping = op;
}

static void on_beat(struct loop_timer *t)
{
	struct pulse *p = LIST_ENTRY(t, struct pulse, timer);
	atomic_store_explicit(&p->seen_ms, clock_mono_ms(), memory_order_relaxed);
	if (p == &p->health->pulse[0])
		ping(p);
	if (loop_timer_set(p->s->loop, t, loop_now_ms(p->s->loop) + BEAT_MS) != ERR_OK)
		log_line(LOG_ERROR, "health_stopped", log_z("error", "no memory for a timer"));
}

enum err_code health_new(struct health **ret, struct err *reterr)
{
	struct health *h = calloc(1, sizeof *h);
	if (h == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for the health checks");
	pthread_mutex_init(&h->lock, NULL);
	(void)err_set(&h->last, ERR_BUSY, "the store was not asked yet");
	*ret = h;
	return ERR_OK;
}

void health_free(struct health *h)
{
	if (h == NULL)
		return;
	pthread_mutex_destroy(&h->lock);
	free(h);
}

enum err_code health_start(struct service *s, struct err *reterr)
{
	struct health *h = s->health;
	size_t at = atomic_fetch_add(&h->n, 1);
	if (at >= HEALTH_LOOPS_MAX)
		return err_set(reterr, ERR_BUSY, "more than %d event loops", HEALTH_LOOPS_MAX);
	struct pulse *p = &h->pulse[at];
	p->health = h;
	p->s = s;
	p->timer.fn = on_beat;
	/* Due at once, but it runs only in a turn of the loop: no ping is sent before the start has ended. */
	if (loop_timer_set(s->loop, &p->timer, loop_now_ms(s->loop)) != ERR_OK)
		return err_set(reterr, ERR_NOMEM, "no memory for a timer");
	atomic_store_explicit(&p->seen_ms, clock_mono_ms(), memory_order_relaxed);
	return ERR_OK;
}

void health_stop(struct service *s)
{
	struct health *h = s->health;
	for (size_t i = 0; i < HEALTH_LOOPS_MAX; i++) {
		struct pulse *p = &h->pulse[i];
		if (p->s != s)
			continue;
		loop_timer_clear(s->loop, &p->timer);
		if (p->ping != NULL)
			store_cancel(p->ping);
		p->ping = NULL;
		p->s = NULL;
		atomic_store_explicit(&p->seen_ms, 0, memory_order_relaxed);
	}
}

static bool all_turn(struct health *h)
{
	int64_t now_ms = clock_mono_ms();
	for (size_t i = 0; i < HEALTH_LOOPS_MAX; i++) {
		int64_t seen_ms = atomic_load_explicit(&h->pulse[i].seen_ms, memory_order_relaxed);
		if (seen_ms != 0 && now_ms - seen_ms > HEALTH_STUCK_MS)
			return false;
	}
	return true;
}

void health_healthz(struct request *r)
{
	if (request_draining(r))
		reply_text(r, 503, STR("draining"));
	else
		reply_text(r, 200, STR("ok"));
}

void health_livez(struct request *r)
{
	if (all_turn(r->service->health))
		reply_text(r, 200, STR("ok"));
	else
		reply_text(r, 503, STR("stuck"));
}

/* The message may name tables, files and identities.  So the public answer has only the name of the error, and says
 * where the message is. */
static void put_error(struct buf *json, const struct err *last, bool sentence)
{
	buf_z(json, ",\"error\":");
	if (last->code == ERR_OK)
		buf_z(json, "null");
	else if (sentence)
		codec_json(json, str_c(last->msg));
	else
		buf_printf(json, "\"%s: the log and /readyz on the admin listener say why\"",
		           err_name(last->code));
	buf_z(json, "}}}\n");
}

static void answer_ready(struct request *r, bool sentence)
{
	struct view v = look(r->service->health);
	struct buf json;
	buf_init(&json, JSON_MAX);
	buf_printf(&json,
	           "{\"status\":\"%s\",\"checks\":{\"store\":{\"ok\":%s,\"age_ms\":", v.ok ? "ok" : "failing",
	           v.ok ? "true" : "false");
	if (v.age_ms < 0)
		buf_z(&json, "null");
	else
		buf_printf(&json, "%lld", (long long)v.age_ms);
	put_error(&json, &v.last, sentence);
	reply_json(r, v.ok ? 200 : 503, &json);
}

void health_readyz(struct request *r)
{
	answer_ready(r, false);
}

void health_readyz_admin(struct request *r)
{
	answer_ready(r, true);
}
