#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "obs/log.h"
#include "obs/metrics.h"

enum { IN_FLIGHT_MAX = 8192 }; /* operations; about 4 KiB each */

static const struct store_backend *const backends[] = {&sqlite_backend, &dynamodb_backend, NULL};

static const struct {
	const char *name;
	size_t takes; /* bytes of the operation's `in` */
	bool writes;
} kinds[STORE_KINDS] = {
        [STORE_FIND_EMAIL] = {"find_email", sizeof(struct store_find_email), false},
        [STORE_FIND_ID] = {"find_id", sizeof(struct store_find_id), false},
        [STORE_FIND_PSID] = {"find_psid", sizeof(struct store_find_psid), false},
        [STORE_FIND_CODE] = {"find_code", sizeof(struct store_find_code), false},
        [STORE_ISSUE] = {"issue", sizeof(struct store_issue), true},
        [STORE_REDEEM] = {"redeem", sizeof(struct store_redeem), true},
        [STORE_LINK] = {"link", sizeof(struct store_link_request), true},
        [STORE_UNLINK] = {"unlink", sizeof(struct store_unlink), true},
        [STORE_REPAIR] = {"repair", sizeof(struct store_repair), true},
        [STORE_FAILURE] = {"failure", sizeof(struct store_failure), true},
        [STORE_UPGRADE] = {"upgrade", sizeof(struct store_upgrade), true},
        [STORE_ERASE] = {"erase", sizeof(struct store_erase), true},
        [STORE_ADD] = {"add", sizeof(struct store_add), true},
        [STORE_REMOVE] = {"remove", sizeof(struct store_remove), true},
        [STORE_PING] = {"ping", 0, false},
};

static const char *const outcomes[] = {
        [STORE_DONE] = "done",
        [STORE_ALREADY] = "already_done",
        [STORE_UNLINKED_SINCE] = "unlinked_since",
        [STORE_USED] = "used",
        [STORE_REFUSED] = "refused",
        [STORE_SUPERSEDED] = "superseded",
        [STORE_NO_CUSTOMER] = "no_customer",
        [STORE_KEPT] = "kept",
        [STORE_EXISTS] = "exists",
};

bool store_writes(enum store_kind k)
{
	return (unsigned)k < STORE_KINDS && kinds[k].writes;
}

const char *store_kind_name(enum store_kind k)
{
	return (unsigned)k < STORE_KINDS ? kinds[k].name : "unknown";
}

const char *store_outcome_name(enum store_outcome o)
{
	return (unsigned)o < sizeof outcomes / sizeof outcomes[0] ? outcomes[o] : "unknown";
}

/* The part of `setting` after "scheme:"; NULL when it has another scheme. */
static const char *after_scheme(const char *setting, const char *scheme)
{
	size_t n = strlen(scheme);
	return strncmp(setting, scheme, n) == 0 && setting[n] == ':' ? setting + n + 1 : NULL;
}

const char *store_file(const struct config *cfg)
{
	const char *path = after_scheme(cfg->store, sqlite_backend.scheme);
	return path == NULL || path[0] == '\0' ? NULL : path;
}

static enum err_code open_backend(const struct store_backend *b, const struct config *cfg, const char *where,
                                  struct store **ret, struct err *reterr)
{
	struct store *s = NULL;
	enum err_code code = b->open(cfg, where, &s, reterr);
	if (code != ERR_OK)
		return code;
	s->in_flight_max = IN_FLIGHT_MAX;
	*ret = s;
	return ERR_OK;
}

enum err_code store_open(const struct config *cfg, struct store **ret, struct err *reterr)
{
	for (size_t i = 0; backends[i] != NULL; i++) {
		const char *where = after_scheme(cfg->store, backends[i]->scheme);
		if (where != NULL)
			return open_backend(backends[i], cfg, where, ret, reterr);
	}
	return err_set(reterr, ERR_INVALID,
	               "LINKD_STORE names no kind of store known here: use dynamodb:TABLE or sqlite:PATH");
}

void store_close(struct store *s)
{
	if (s != NULL)
		s->vt->free(s);
}

bool store_idle(struct store *s)
{
	return atomic_load(&s->ports) == 0;
}

const char *store_name(const struct store *s)
{
	return s->vt->traits.name;
}

const struct store_traits *store_traits(const struct store_port *p)
{
	const struct store *s = p->store;
	const struct store_traits *now = atomic_load_explicit(&s->traits, memory_order_relaxed);
	return now == NULL ? &s->vt->traits : now;
}

enum err_code store_attach(struct store *s, struct loop *loop, struct httpc *http, struct store_port **ret,
                           struct err *reterr)
{
	struct store_port *p = NULL;
	if (s->vt->attach != NULL) {
		enum err_code code = s->vt->attach(s, loop, http, &p, reterr);
		if (code != ERR_OK)
			return code;
	} else {
		p = calloc(1, sizeof *p); /* the backend has no state per loop */
		if (p == NULL)
			return err_set(reterr, ERR_NOMEM, "no memory for the store");
	}
	p->store = s;
	p->loop = loop;
	atomic_fetch_add(&s->ports, 1);
	*ret = p;
	return ERR_OK;
}

static void port_free(struct store_port *p)
{
	struct store *s = p->store;
	if (s->vt->port_free != NULL)
		s->vt->port_free(p);
	else
		free(p);
	atomic_fetch_sub(&s->ports, 1);
}

void store_detach(struct store_port *p)
{
	if (p == NULL)
		return;
	p->detached = true;
	if (p->store->vt->detach != NULL)
		p->store->vt->detach(p);
	if (p->in_flight == 0)
		port_free(p);
}

struct store_op *store_op_new(enum store_kind kind, int64_t deadline_ms)
{
	struct store_op *op = malloc(sizeof *op);
	if (op == NULL)
		return NULL;
	memset(op, 0, offsetof(struct store_op, in) + kinds[kind].takes);
	op->err.code = ERR_OK;
	op->err.msg[0] = '\0';
	op->kind = kind;
	op->deadline_ms = deadline_ms;
	return op;
}

void store_op_free(struct store_op *op)
{
	if (op == NULL)
		return;
	if (op->out.customers != NULL)
		crypto_wipe(op->out.customers, op->out.n * sizeof op->out.customers[0]);
	free(op->out.customers);
	if (op->kind == STORE_UPGRADE || op->kind == STORE_ADD) /* hashes */
		crypto_wipe(&op->in, kinds[op->kind].takes);
	free(op);
}

/* Logs when reads or writes begin to fail, and when they work again; not each failure. */
static void note_health(struct store *s, const struct store_op *op)
{
	bool failed = op->code == ERR_STORE;
	if ((!failed && op->code != ERR_OK) || op->kind == STORE_PING)
		return;
	_Atomic bool *failing = &s->failing[store_writes(op->kind) ? 1 : 0];
	if (atomic_load_explicit(failing, memory_order_relaxed) == failed)
		return;
	if (atomic_exchange(failing, failed) == failed)
		return;
	const char *class = store_writes(op->kind) ? "writes" : "reads";
	if (failed)
		log_line(LOG_ERROR, "store_failing", log_z("operations", class), log_z("error", op->err.msg));
	else
		log_line(LOG_INFO, "store_works_again", log_z("operations", class));
}

static void deliver(struct loop_post *p)
{
	struct store_op *op = LIST_ENTRY(p, struct store_op, post);
	struct store_port *port = op->port;
	metric_add(M_STORE_QUEUED, -1);
	if (--port->in_flight == 0 && port->detached)
		port_free(port);
	/* The callback may detach the port and close the store: nothing of them is touched after it. */
	if (!op->cancelled)
		op->done(op->arg, op);
	store_op_free(op);
}

/* Operations that one port may have in flight. */
static size_t share(const struct store *s)
{
	size_t ports = atomic_load_explicit(&s->ports, memory_order_relaxed);
	return ports > 1 ? s->in_flight_max / ports : s->in_flight_max;
}

static enum err_code refuse(struct store_op *op, enum err_code code, struct err *reterr)
{
	metric_add(M_STORE_BUSY, 1);
	store_op_free(op);
	return err_set(reterr, code,
	               code == ERR_NOMEM      ? "no memory for a store operation"
	               : code == ERR_STOPPING ? "the service is stopping"
	                                      : "too many store operations in flight");
}

enum err_code store_start(struct store_port *p, struct store_op *op, store_done_fn *done, void *arg,
                          struct err *reterr)
{
	if (op == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for a store operation");
	if (p == NULL || p->detached)
		return refuse(op, ERR_STOPPING, reterr);
	if (p->in_flight >= share(p->store))
		return refuse(op, ERR_BUSY, reterr);
	op->port = p;
	op->done = done;
	op->arg = arg;
	op->started_us = clock_mono_us();
	op->post.fn = deliver;
	metric_add(M_STORE_QUEUED, 1);
	p->in_flight++; /* before the start: it may be finished by another thread at once */
	enum err_code code = p->store->vt->start(p, op);
	if (code == ERR_OK)
		return ERR_OK;
	p->in_flight--;
	metric_add(M_STORE_QUEUED, -1);
	return refuse(op, code, reterr);
}

enum store_admission store_admit(struct store_port *p, int64_t deadline_ms, struct limiter_waiter *w)
{
	if (p->in_flight >= share(p->store))
		return STORE_OVERLOADED;
	if (p->limiter == NULL)
		return STORE_NOW;
	if (limiter_full(p->limiter, deadline_ms - loop_now_ms(p->loop)))
		return STORE_OVERLOADED;
	return w != NULL && limiter_wait(p->limiter, w) ? STORE_WAIT : STORE_NOW;
}

void store_cancel(struct store_op *op)
{
	op->cancelled = true;
}

void store_finish(struct store_op *op)
{
	metric_add(op->code == ERR_OK ? M_STORE_OK : M_STORE_FAILED, 1);
	metric_observe_us(H_STORE_OP, clock_mono_us() - op->started_us);
	note_health(op->port->store, op);
	loop_post(op->port->loop, &op->post);
}

static void values_of_write(const struct store_op *op, struct store_values *v)
{
	const union store_in *in = &op->in;
	v->id = in->key.id;
	v->email = in->key.email;
	switch (op->kind) {
	case STORE_ISSUE:
		v->digest = in->issue.digest;
		v->expires_s = in->issue.expires_s;
		v->psid = in->issue.psid;
		v->record = in->issue.record;
		v->replaces = in->issue.replaces.id[0] == '\0' ? NULL : &in->issue.replaces;
		break;
	case STORE_REDEEM:
		v->digest = in->redeem.digest;
		v->psid = in->redeem.psid;
		v->page_id = in->redeem.page_id;
		v->time_ms = in->redeem.time_ms;
		v->now_s = in->redeem.now_s;
		break;
	case STORE_LINK:
		v->digest = in->link.digest;
		v->psid = in->link.psid;
		v->page_id = in->link.page_id;
		v->time_ms = in->link.time_ms;
		break;
	case STORE_UNLINK:
		v->psid = in->unlink.psid;
		v->time_ms = in->unlink.time_ms;
		break;
	case STORE_REPAIR:
		v->psid = in->repair.psid;
		v->time_ms = in->repair.time_ms;
		v->me = in->repair.me;
		break;
	case STORE_FAILURE:
		v->now_s = in->failure.now_s;
		v->window_s = in->failure.window_s;
		break;
	case STORE_UPGRADE:
		v->hash = in->upgrade.new_hash;
		v->old_hash = in->upgrade.old_hash;
		break;
	case STORE_ADD: v->hash = in->add.hash; break;
	default: break; /* the key alone */
	}
}

struct store_values store_values(const struct store_op *op)
{
	const union store_in *in = &op->in;
	struct store_values v = {.id = "",
	                         .email = "",
	                         .past = "",
	                         .digest = "",
	                         .psid = "",
	                         .page_id = "",
	                         .me = "",
	                         .record = "",
	                         .hash = "",
	                         .old_hash = ""};
	switch (op->kind) {
	case STORE_FIND_EMAIL: v.email = in->find_email.email; break;
	case STORE_FIND_ID:
		v.id = in->find_id.id;
		v.past = in->find_id.past;
		break;
	case STORE_FIND_PSID: v.psid = in->find_psid.psid; break;
	case STORE_FIND_CODE:
		v.digest = in->find_code.digest;
		v.psid = in->find_code.psid;
		break;
	case STORE_REMOVE: v.id = in->remove.id; break;
	case STORE_PING: break;
	default: values_of_write(op, &v);
	}
	return v;
}
