/* fake_store.h - a loop on a clock of its own, and a store in memory that does as the test says: answers
 * late, never or not at all, fails the n-th operation, shows nothing in its index for a while.
 *
 * The clock moves only between turns of the loop, `fake_step_ms` a turn, so minutes pass in no time. */
#pragma once
#include <stdlib.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "link/auth_code.h"
#include "link/change.h"
#include "obs/audit.h"
#include "service.h"

static int64_t fake_now_ms = 1000000;
static int64_t fake_step_ms = 5;
static const int64_t FAKE_WALL_MS = INT64_C(1790000000000);

int64_t clock_mono_ms(void)
{
	return fake_now_ms;
}

int64_t clock_mono_us(void)
{
	return fake_now_ms * 1000;
}

int64_t clock_wall_ms(void)
{
	return FAKE_WALL_MS + fake_now_ms;
}

/* The same numbers in every run: 0..n-1. */
static uint32_t fake_seed = 1;

static inline int64_t fake_random(int64_t n)
{
	fake_seed = fake_seed * 1664525 + 1013904223;
	return (int64_t)(fake_seed >> 8) % n;
}

enum { FAKE_ROWS = 12, FAKE_OPS = 64, FAKE_TRACE = 4096 };

struct fake_row {
	const char *id, *psid; /* psid NULL: not linked */
	int64_t at;
	char *owned; /* psid, when a redeem wrote it */
};

struct fake_wait {
	struct loop_timer timer;
	struct store_op *op;
};

struct fake {
	struct store store; /* first */
	struct loop *loop;
	struct fake_row row[FAKE_ROWS];
	size_t n;
	/* the script; operations are counted from 1, 0 is never */
	enum store_outcome redeem;
	const char *former, *replaces; /* with a redeem that is done */
	bool sole;                     /* with one that is done: it says so */
	const char *code_of;           /* the customer_id found by a code, or NULL */
	size_t fail_at, busy_at, hold_at, fail_from, hold_from;
	size_t blind;     /* this many looks by PSID show nothing */
	size_t stale;     /* this many do not show what a redeem wrote */
	int64_t delay_ms; /* of every answer; at random below it when `jitter` */
	bool jitter;
	/* what happened */
	size_t ops, in_flight, in_flight_most;
	int64_t at[FAKE_OPS];  /* start of each operation, fake clock */
	struct store_op *held; /* list */
	size_t held_n;
	union store_in last; /* of the last write */
	char trace[FAKE_TRACE];
	void (*saw)(struct fake *f, const struct store_op *op, bool end);
};

/* Not calloc: what starves the module that is tested does not starve its store. */
static inline void *fake_zeroed(size_t n, size_t size)
{
	void *p = reallocarray(NULL, n, size);
	assert_non_null(p);
	return memset(p, 0, n * size);
}

static inline struct fake_row *fake_find(struct fake *f, const char *id)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->row[i].id, id) == 0)
			return &f->row[i];
	return NULL;
}

static inline void fake_copy(char *dst, size_t cap, const char *text)
{
	assert_true(str_copy(dst, cap, str_c(text)));
}

static inline void fake_show(struct fake *f, struct store_op *op, bool by_id)
{
	op->out.customers = fake_zeroed(FAKE_ROWS, sizeof *op->out.customers);
	if (!by_id && f->blind > 0) {
		f->blind--;
		return;
	}
	bool stale = !by_id && f->stale > 0;
	struct store_values in = store_values(op);
	if (op->kind == STORE_FIND_CODE)
		in.id = f->code_of == NULL ? "" : f->code_of;
	f->stale -= stale;
	for (size_t i = 0; i < f->n && op->out.n < STORE_HOLDERS_MAX; i++) {
		const struct fake_row *r = &f->row[i];
		if (by_id ? strcmp(r->id, in.id) != 0 : r->psid == NULL || strcmp(r->psid, in.psid) != 0)
			continue;
		if (stale && r->owned != NULL)
			continue;
		struct store_customer *c = &op->out.customers[op->out.n++];
		fake_copy(c->key.id, sizeof c->key.id, r->id);
		fake_copy(c->key.email, sizeof c->key.email, "a@example.com");
		fake_copy(c->hash, sizeof c->hash, "secret");
		c->link.linked_at_ms = r->at;
		fake_copy(c->link.psid, sizeof c->link.psid, r->psid == NULL ? "" : r->psid);
		if (r->psid != NULL)
			fake_copy(c->link.page_id, sizeof c->link.page_id, "100");
	}
}

static inline void fake_redeem(struct fake *f, struct store_op *op)
{
	op->out.outcome = f->redeem;
	struct fake_row *r = fake_find(f, op->in.key.id);
	if (f->redeem != STORE_DONE || r == NULL)
		return;
	if (f->former != NULL)
		fake_copy(op->out.former.psid, sizeof op->out.former.psid, f->former);
	if (f->replaces != NULL)
		fake_copy(op->out.replaces.id, sizeof op->out.replaces.id, f->replaces);
	op->out.bound = f->replaces != NULL;
	op->out.sole = f->sole;
	free(r->owned);
	r->psid = r->owned = strdup(op->in.redeem.psid);
	r->at = op->in.redeem.time_ms;
}

/* UNLINK and REPAIR. */
static inline void fake_remove(struct fake *f, struct store_op *op)
{
	struct fake_row *r = fake_find(f, op->in.key.id);
	struct store_values in = store_values(op);
	bool repair = op->kind == STORE_REPAIR;
	bool older = r != NULL && (r->at < 0 || (repair ? r->at < in.time_ms : r->at <= in.time_ms) ||
	                           (repair && r->at == in.time_ms && strcmp(r->id, in.me) < 0));
	op->out.outcome = STORE_KEPT;
	if (!older || r->psid == NULL || strcmp(r->psid, in.psid) != 0)
		return;
	op->out.outcome = STORE_DONE;
	r->psid = NULL;
}

static inline void fake_erase(struct fake *f, struct store_op *op)
{
	struct fake_row *r = fake_find(f, op->in.key.id);
	op->out.outcome = r == NULL ? STORE_NO_CUSTOMER : STORE_DONE;
	if (r == NULL || r->psid == NULL)
		return;
	fake_copy(op->out.former.psid, sizeof op->out.former.psid, r->psid);
	r->psid = NULL;
}

static inline void fake_apply(struct fake *f, struct store_op *op)
{
	switch (op->kind) {
	case STORE_FIND_PSID: fake_show(f, op, false); break;
	case STORE_FIND_ID:
	case STORE_FIND_CODE: fake_show(f, op, true); break;
	case STORE_REDEEM: fake_redeem(f, op); break;
	case STORE_UNLINK:
	case STORE_REPAIR: fake_remove(f, op); break;
	case STORE_ERASE: fake_erase(f, op); break;
	default: break;
	}
}

static inline void fake_finish(struct fake *f, struct store_op *op)
{
	f->in_flight--;
	if (f->saw != NULL)
		f->saw(f, op, true);
	store_finish(op);
}

static inline void fake_due(struct loop_timer *t)
{
	struct fake_wait *w = LIST_ENTRY(t, struct fake_wait, timer);
	fake_finish((struct fake *)w->op->port->store, w->op);
	free(w);
}

static inline void fake_answer(struct fake *f, struct store_op *op)
{
	if (f->delay_ms == 0) {
		fake_finish(f, op);
		return;
	}
	struct fake_wait *w = fake_zeroed(1, sizeof *w);
	w->op = op;
	w->timer.fn = fake_due;
	int64_t wait_ms = f->jitter ? fake_random(f->delay_ms) : f->delay_ms;
	assert_int_equal(loop_timer_set(f->loop, &w->timer, loop_now_ms(f->loop) + wait_ms), ERR_OK);
}

static inline void fake_note(struct fake *f, const struct store_op *op)
{
	size_t n = strlen(f->trace);
	bool write = store_writes(op->kind);
	if (n < FAKE_TRACE - 64)
		(void)snprintf(f->trace + n, FAKE_TRACE - n, "%s%s%s%s", n == 0 ? "" : " ",
		               store_kind_name(op->kind), write ? ":" : "", write ? store_values(op).id : "");
	if (write)
		f->last = op->in;
}

static inline enum err_code fake_start(struct store_port *p, struct store_op *op)
{
	struct fake *f = (struct fake *)p->store;
	fake_note(f, op);
	if (f->ops < FAKE_OPS)
		f->at[f->ops] = fake_now_ms;
	f->ops++;
	if (f->ops == f->busy_at)
		return ERR_BUSY;
	if (++f->in_flight > f->in_flight_most)
		f->in_flight_most = f->in_flight;
	if (f->saw != NULL)
		f->saw(f, op, false);
	if (f->ops == f->hold_at || (f->hold_from != 0 && f->ops >= f->hold_from)) {
		op->next = f->held;
		f->held = op;
		f->held_n++;
		return ERR_OK;
	}
	if (f->ops == f->fail_at || (f->fail_from != 0 && f->ops >= f->fail_from))
		op->code = err_set(&op->err, ERR_STORE, "as the test wants");
	else
		fake_apply(f, op);
	fake_answer(f, op);
	return ERR_OK;
}

static inline void fake_close(struct store *s)
{
	(void)s;
}

static const struct store_vtable fake_sharp = {
        .traits = {.name = "fake", .index_lags = false, .find_psid = true},
        .start = fake_start,
        .free = fake_close};
static const struct store_vtable fake_lagging = {
        .traits = {.name = "fake", .index_lags = true, .find_psid = true},
        .start = fake_start,
        .free = fake_close};
static const struct store_vtable fake_scanning = {
        .traits = {.name = "fake", .index_lags = false, .find_psid = false},
        .start = fake_start,
        .free = fake_close};

/* --- who hears of links */
static char fake_heard[FAKE_TRACE];
static char fake_heard_code[AUDIT_DIGEST_LEN + 1]; /* the code_digest of the last change */

static inline void fake_hear(const struct link_listener *self, struct service *s, const struct link_change *e)
{
	static const char *const names[] = {"created", "removed", "refused", "missed"};
	(void)self;
	(void)s;
	size_t n = strlen(fake_heard);
	if (n < FAKE_TRACE - 256)
		(void)snprintf(fake_heard + n, FAKE_TRACE - n, "%s%s:%s:%s:%s", n == 0 ? "" : " ",
		               names[e->kind], e->customer_id, e->psid, e->reason);
	(void)snprintf(fake_heard_code, sizeof fake_heard_code, "%s", e->code_digest);
}

static const struct link_listener fake_listener = {.heard = fake_hear};
static const struct link_listener *const fake_listeners[] = {&fake_listener, NULL};

/* --- the loop */
struct fake_rig {
	struct fake store;
	struct store_port port;
	struct config cfg;
	struct loop *loop;
	struct loop_source source;
	struct sealer *sealer;
	struct service service;
	int64_t limit_ms;
	bool over; /* what the test waits for has come */
	bool late; /* the limit came first */
};

static bool fake_settle(struct loop_source *s)
{
	(void)s;
	return false;
}

/* Asked once before each sleep: time passes here, and the loop never sleeps. */
static int64_t fake_source_due(struct loop_source *s)
{
	struct fake_rig *rig = LIST_ENTRY(s, struct fake_rig, source);
	fake_now_ms += fake_step_ms;
	rig->late = fake_now_ms >= rig->limit_ms;
	if (rig->late || (rig->over && rig->store.in_flight == rig->store.held_n))
		loop_stop(rig->loop);
	return 0;
}

static inline void fake_rig_init(struct fake_rig *rig, const struct store_vtable *vt)
{
	*rig = (struct fake_rig){0};
	fake_heard[0] = '\0';
	fake_step_ms = 5;
	struct str key = STR("0123456789abcdef0123456789abcdef");
	assert_int_equal(loop_new(&rig->loop, NULL), ERR_OK);
	assert_int_equal(sealer_new(&key, 1, &rig->sealer, NULL), ERR_OK);
	rig->source = (struct loop_source){.settle = fake_settle, .due_ms = fake_source_due};
	loop_source_add(rig->loop, &rig->source);
	rig->store.store = (struct store){.vt = vt, .in_flight_max = 100000};
	rig->store.loop = rig->loop;
	rig->port = (struct store_port){.store = &rig->store.store, .loop = rig->loop};
	rig->store.redeem = STORE_DONE;
	rig->service = (struct service){.cfg = &rig->cfg,
	                                .loop = rig->loop,
	                                .store = &rig->port,
	                                .sealer = rig->sealer,
	                                .listeners = fake_listeners};
}

/* Once for each rig: until `over`, and every answer is out, but for one that is held.  False: not within
 * limit_ms. */
static inline bool fake_run(struct fake_rig *rig, int64_t limit_ms)
{
	rig->limit_ms = fake_now_ms + limit_ms;
	loop_run(rig->loop);
	return !rig->late;
}

static inline void fake_rig_done(struct fake_rig *rig)
{
	while (rig->store.held != NULL) {
		struct store_op *op = rig->store.held;
		rig->store.held = op->next;
		fake_finish(&rig->store, op);
	}
	loop_drain(rig->loop);
	assert_int_equal(rig->store.in_flight, 0);
	for (size_t i = 0; i < FAKE_ROWS; i++)
		free(rig->store.row[i].owned);
	loop_source_del(&rig->source);
	sealer_free(rig->sealer);
	loop_free(rig->loop);
}

/* A code of customer `id`, valid at this rig. */
static inline struct auth_code_text fake_code(struct fake_rig *rig, const char *id)
{
	static const uint8_t salt[SEAL_SALT_LEN] = {1};
	struct store_key key = {.email = "a@example.com"};
	struct auth_code_text text;
	fake_copy(key.id, sizeof key.id, id);
	assert_int_equal(auth_code_make(rig->sealer, &key, salt, &text), ERR_OK);
	return text;
}
