#include "rig.h"

#include <dirent.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "net/httpc.h"

static enum err_code open_sqlite(const char *dir, struct store **ret, struct err *reterr)
{
	char setting[RIG_DIR_MAX + 32];
	struct config cfg = {.store = setting};
	(void)snprintf(setting, sizeof setting, "sqlite:%s/store.db", dir);
	return store_open(&cfg, ret, reterr);
}

static void bind(sqlite3_stmt *st, int i, const char *z)
{
	int rc = z[0] == '\0' ? sqlite3_bind_null(st, i) : sqlite3_bind_text(st, i, z, -1, SQLITE_STATIC);
	assert_int_equal(rc, SQLITE_OK);
}

static void plant_sqlite(const char *dir, const struct store_customer *c)
{
	char file[RIG_DIR_MAX + 32];
	sqlite3 *db;
	sqlite3_stmt *st;
	(void)snprintf(file, sizeof file, "%s/store.db", dir);
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	(void)sqlite3_busy_timeout(db, RIG_WAIT_MS);
	const char *text = "INSERT OR REPLACE INTO customers (customer_id, email, password, fb_psid,"
	                   " fb_page_id, fb_linked_at) VALUES (?, ?, ?, ?, ?, ?)";
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
	bind(st, 1, c->key.id);
	bind(st, 2, c->key.email);
	bind(st, 3, c->hash);
	bind(st, 4, c->link.psid);
	bind(st, 5, c->link.page_id);
	if (c->link.psid[0] != '\0' && c->link.linked_at_ms >= 0)
		assert_int_equal(sqlite3_bind_int64(st, 6, c->link.linked_at_ms), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_DONE);
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A text is in quotes: in SQL they are single. */
static bool spoil_sqlite(const char *dir, const struct store_key *key, const char *attribute,
                         const char *type, const char *value)
{
	static const char *const numbers[] = {"fb_linked_at", "authorization_code_expires_at",
	                                      "login_failures", "login_window_ends"};
	char file[RIG_DIR_MAX + 32], text[4096];
	bool number = false;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		number |= strcmp(attribute, numbers[i]) == 0;
	if (strcmp(type, number ? "N" : "S") != 0 || strpbrk(value, ".E") != NULL)
		return false;
	size_t n = strlen(value);
	(void)snprintf(text, sizeof text, "UPDATE customers SET %s = %s%.*s%s WHERE customer_id = '%s'",
	               attribute, number ? "" : "'", (int)(number ? n : n - 2), value + (number ? 0 : 1),
	               number ? "" : "'", key->id);
	(void)snprintf(file, sizeof file, "%s/store.db", dir);
	(void)rig_sql(file, text);
	return true;
}

int64_t rig_sql(const char *file, const char *text)
{
	sqlite3 *db;
	sqlite3_stmt *st;
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	(void)sqlite3_busy_timeout(db, RIG_WAIT_MS);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
	int rc = sqlite3_step(st);
	int64_t v = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	assert_true(rc == SQLITE_ROW || rc == SQLITE_DONE);
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return v;
}

static const struct rig_backend sqlite = {
        .name = "sqlite", .open = open_sqlite, .plant = plant_sqlite, .spoil = spoil_sqlite};
const struct rig_backend *rig_backends[] = {&sqlite, NULL};

__attribute__((constructor)) static void choose(void)
{
	if (getenv("AWS_ENDPOINT_URL_DYNAMODB") != NULL)
		rig_backends[0] = &rig_dynamodb;
}

void rig_open(struct rig *r, const struct rig_backend *b)
{
	const char *tmp = getenv("TMPDIR");
	struct err err = {.msg = ""};
	*r = (struct rig){.backend = b};
	assert_int_equal(crypto_start(&err), ERR_OK);
	(void)snprintf(r->dir, sizeof r->dir, "%s/store-XXXXXX", tmp == NULL ? "/tmp" : tmp);
	assert_non_null(mkdtemp(r->dir));
	if (b->open(r->dir, &r->store, &err) != ERR_OK)
		fail_msg("cannot open: %s", err.msg);
}

void rig_reopen(struct rig *r)
{
	struct err err = {.msg = ""};
	store_close(r->store);
	r->store = NULL;
	if (r->backend->open(r->dir, &r->store, &err) != ERR_OK)
		fail_msg("cannot open again: %s", err.msg);
}

void rig_path(const struct rig *r, const char *name, char *ret, size_t cap)
{
	int n = snprintf(ret, cap, "%s/%s", r->dir, name);
	assert_true(n > 0 && (size_t)n < cap);
}

void rig_close(struct rig *r)
{
	store_close(r->store);
	DIR *d = opendir(r->dir);
	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		(void)unlinkat(dirfd(d), e->d_name, 0);
	(void)closedir(d);
	(void)rmdir(r->dir);
}

void rig_set(char *field, size_t cap, const char *value)
{
	assert_true(str_copy(field, cap, str_c(value)));
}

struct store_key rig_key(const char *who)
{
	struct store_key k;
	(void)snprintf(k.id, sizeof k.id, "cust-%s", who);
	(void)snprintf(k.email, sizeof k.email, "%s@example.com", who);
	return k;
}

struct store_op *rig_op(enum store_kind kind, const char *who)
{
	struct store_op *op = store_op_new(kind, clock_mono_ms() + RIG_WAIT_MS);
	assert_non_null(op);
	struct store_key key = rig_key(who);
	switch (kind) {
	case STORE_FIND_ID: RIG_SET(op->in.find_id.id, key.id); break;
	case STORE_REMOVE: RIG_SET(op->in.remove.id, key.id); break;
	default:
		if (store_writes(kind))
			op->in.key = key;
	}
	return op;
}

void rig_digest(struct store_op *op, const char *digest)
{
	switch (op->kind) {
	case STORE_FIND_CODE: RIG_SET(op->in.find_code.digest, digest); break;
	case STORE_ISSUE: RIG_SET(op->in.issue.digest, digest); break;
	case STORE_REDEEM: RIG_SET(op->in.redeem.digest, digest); break;
	case STORE_LINK: RIG_SET(op->in.link.digest, digest); break;
	default: break;
	}
}

void rig_psid(struct store_op *op, const char *psid)
{
	switch (op->kind) {
	case STORE_FIND_PSID: RIG_SET(op->in.find_psid.psid, psid); break;
	case STORE_FIND_CODE: RIG_SET(op->in.find_code.psid, psid); break;
	case STORE_ISSUE: RIG_SET(op->in.issue.psid, psid); break;
	case STORE_REDEEM: RIG_SET(op->in.redeem.psid, psid); break;
	case STORE_LINK: RIG_SET(op->in.link.psid, psid); break;
	case STORE_UNLINK: RIG_SET(op->in.unlink.psid, psid); break;
	case STORE_REPAIR: RIG_SET(op->in.repair.psid, psid); break;
	default: break;
	}
}

void rig_page(struct store_op *op, const char *page_id)
{
	if (op->kind == STORE_REDEEM)
		RIG_SET(op->in.redeem.page_id, page_id);
	if (op->kind == STORE_LINK)
		RIG_SET(op->in.link.page_id, page_id);
}

void rig_email(struct store_op *op, const char *email)
{
	if (op->kind == STORE_FIND_EMAIL)
		RIG_SET(op->in.find_email.email, email);
}

void rig_hash(struct store_op *op, const char *hash)
{
	if (op->kind == STORE_UPGRADE)
		RIG_SET(op->in.upgrade.new_hash, hash);
	if (op->kind == STORE_ADD)
		RIG_SET(op->in.add.hash, hash);
}

void rig_times(struct store_op *op, int64_t time_ms, int64_t now_s)
{
	switch (op->kind) {
	case STORE_REDEEM:
		op->in.redeem.time_ms = time_ms;
		op->in.redeem.now_s = now_s;
		break;
	case STORE_LINK: op->in.link.time_ms = time_ms; break;
	case STORE_UNLINK: op->in.unlink.time_ms = time_ms; break;
	case STORE_REPAIR: op->in.repair.time_ms = time_ms; break;
	case STORE_FAILURE: op->in.failure.now_s = now_s; break;
	default: break;
	}
}

void rig_ends(struct store_op *op, int64_t expires_s)
{
	if (op->kind == STORE_ISSUE)
		op->in.issue.expires_s = expires_s;
	if (op->kind == STORE_FAILURE)
		op->in.failure.window_s = expires_s;
}

/* Operations under way on one loop. */
struct batch {
	struct loop *loop;
	size_t waiting;
};

struct slot {
	struct batch *batch;
	struct rig_result *result;
};

static void on_done(void *arg, struct store_op *op)
{
	struct slot *s = arg;
	struct rig_result *r = s->result;
	r->code = op->code;
	r->err = op->err;
	r->out = op->out;
	assert_true(op->out.n <= STORE_HOLDERS_MAX);
	for (size_t i = 0; i < op->out.n; i++)
		r->customer[i] = op->out.customers[i];
	r->out.customers = r->customer;
	if (--s->batch->waiting == 0)
		loop_stop(s->batch->loop);
}

static enum err_code run(struct store *s, struct store_op *const *ops, size_t n, struct rig_result *ret)
{
	struct batch b = {.loop = NULL, .waiting = n};
	struct slot slot[RIG_BATCH_MAX];
	struct store_port *port = NULL;
	struct httpc *http = NULL;
	struct err err;
	enum err_code code = loop_new(&b.loop, &err);
	if (code == ERR_OK)
		code = httpc_new(b.loop, &http, &err);
	if (code == ERR_OK)
		code = store_attach(s, b.loop, http, &port, &err);
	for (size_t i = 0; i < n && code == ERR_OK; i++) {
		slot[i] = (struct slot){&b, &ret[i]};
		code = store_start(port, ops[i], on_done, &slot[i], &err);
	}
	if (code == ERR_OK)
		loop_run(b.loop);
	store_detach(port);
	httpc_free(http);
	loop_free(b.loop);
	return code;
}

void rig_run_all(struct rig *r, struct store_op *const *ops, size_t n, struct rig_result *ret)
{
	assert_true(n > 0 && n <= RIG_BATCH_MAX);
	assert_int_equal(run(r->store, ops, n, ret), ERR_OK);
}

void rig_run(struct rig *r, struct store_op *op, struct rig_result *ret)
{
	rig_run_all(r, &op, 1, ret);
}

struct runner {
	struct rig *rig;
	struct store_op *op;
	struct rig_result *result;
	enum err_code code;
};

static void *run_alone(void *arg)
{
	struct runner *w = arg;
	w->code = run(w->rig->store, &w->op, 1, w->result);
	return NULL;
}

void rig_run_threads(struct rig *r, struct store_op *const *ops, size_t n, struct rig_result *ret)
{
	pthread_t thread[64];
	struct runner w[64];
	assert_true(n <= 64);
	for (size_t i = 0; i < n; i++) {
		w[i] = (struct runner){.rig = r, .op = ops[i], .result = &ret[i]};
		assert_int_equal(pthread_create(&thread[i], NULL, run_alone, &w[i]), 0);
	}
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		assert_int_equal(w[i].code, ERR_OK);
	}
}

void rig_want(struct rig *r, struct store_op *op, enum store_outcome want)
{
	struct rig_result got;
	enum store_kind kind = op->kind;
	rig_run(r, op, &got);
	if (got.code != ERR_OK)
		fail_msg("%s: %s", store_kind_name(kind), got.err.msg);
	if (got.out.outcome != want)
		fail_msg("%s gave %s, wanted %s", store_kind_name(kind), store_outcome_name(got.out.outcome),
		         store_outcome_name(want));
}

void rig_add(struct rig *r, const char *who)
{
	rig_add_with(r, who, "hash");
}

void rig_add_with(struct rig *r, const char *who, const char *hash)
{
	struct store_op *op = rig_op(STORE_ADD, who);
	RIG_SET(op->in.add.hash, hash);
	rig_want(r, op, STORE_DONE);
}

void rig_find(struct rig *r, const char *who, struct rig_result *ret)
{
	rig_run(r, rig_op(STORE_FIND_ID, who), ret);
	assert_int_equal(ret->code, ERR_OK);
}
