#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "store/record.h"
#include "store/sqlite/private.h"

enum { EMAIL_MATCHES_MAX = 2 }; /* two are an error already */

/* Statement of each kind, and whether the row is read before it: what was there and why it did not apply. */
static const struct {
	enum sqlite_sql sql;
	bool reads_old;
} plan[STORE_KINDS] = {
        [STORE_FIND_EMAIL] = {SQL_FIND_EMAIL, false},
        [STORE_FIND_ID] = {SQL_FIND_ID, false},
        [STORE_FIND_PSID] = {SQL_FIND_PSID, false},
        [STORE_FIND_CODE] = {SQL_FIND_CODE, false},
        [STORE_ISSUE] = {SQL_ISSUE, true},
        [STORE_REDEEM] = {SQL_REDEEM, true},
        [STORE_LINK] = {SQL_LINK, true},
        [STORE_UNLINK] = {SQL_UNLINK, false},
        [STORE_REPAIR] = {SQL_REPAIR, false},
        [STORE_FAILURE] = {SQL_FAILURE, false},
        [STORE_UPGRADE] = {SQL_UPGRADE, false},
        [STORE_ERASE] = {SQL_ERASE, true},
        [STORE_ADD] = {SQL_ADD, false},
        [STORE_REMOVE] = {SQL_REMOVE, false},
        [STORE_PING] = {SQL_PING, false},
};

/* Log a text that our writes never store. */
static void tell_odd(sqlite3_stmt *st, int column, int max, const char *id)
{
	int n = sqlite3_column_bytes(st, column);
	if (sqlite3_column_type(st, column) != SQLITE_NULL && (n == 0 || n > max))
		record_tell_odd(str_c(id), sqlite3_column_name(st, column));
}

static void read_link(sqlite3_stmt *st, int column, struct store_link *ret)
{
	(void)sqlite_db_text(st, column, ret->psid, sizeof ret->psid);
	(void)sqlite_db_text(st, column + 1, ret->page_id, sizeof ret->page_id);
	ret->linked_at_ms = sqlite_db_int(st, column + 2, -1);
}

static void read_customer(sqlite3_stmt *st, struct store_customer *ret)
{
	bool fits = sqlite_db_text(st, 0, ret->key.id, sizeof ret->key.id);
	fits = sqlite_db_text(st, 1, ret->key.email, sizeof ret->key.email) && fits;
	fits = sqlite_db_text(st, 2, ret->hash, sizeof ret->hash) && fits;
	ret->too_long = !fits || strlen(ret->key.id) + strlen(ret->key.email) > STORE_KEY_MAX;
	read_link(st, 3, &ret->link);
	ret->login_failures = sqlite_db_int(st, 6, 0);
	ret->login_window_ends_s = sqlite_db_int(st, 7, 0);
	record_customer(ret);
	tell_odd(st, 2, STORE_HASH_MAX, ret->key.id);
	tell_odd(st, 3, STORE_PSID_MAX, ret->key.id);
	tell_odd(st, 4, STORE_PSID_MAX, ret->key.id);
}

static void drop_customers(struct store_out *out, size_t cap)
{
	if (out->customers != NULL)
		crypto_wipe(out->customers, cap * sizeof out->customers[0]);
	free(out->customers);
	*out = (struct store_out){.n = 0};
}

enum err_code sqlite_op_find(struct sqlite_db *db, struct store_op *op, struct err *reterr)
{
	enum sqlite_sql id = plan[op->kind].sql;
	size_t cap = op->kind == STORE_FIND_CODE    ? 1
	             : op->kind == STORE_FIND_EMAIL ? EMAIL_MATCHES_MAX
	                                            : STORE_HOLDERS_MAX;
	op->out.customers = calloc(cap, sizeof op->out.customers[0]);
	if (op->out.customers == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for what the store found");
	int rc = sqlite_db_bind(db, id, op, (int)cap);
	while (rc == SQLITE_OK && (rc = sqlite3_step(db->statement[id])) == SQLITE_ROW) {
		if (op->out.n < cap)
			read_customer(db->statement[id], &op->out.customers[op->out.n++]);
		rc = SQLITE_OK;
	}
	(void)sqlite3_reset(db->statement[id]);
	if (rc == SQLITE_DONE)
		return ERR_OK;
	drop_customers(&op->out, cap);
	return sqlite_db_fail(db, rc, reterr);
}

/* The customer's row as it was before the operation. */
struct old {
	bool found;
	struct store_link link;
	char link_code[STORE_DIGEST_LEN + 1];
	char code[STORE_DIGEST_LEN + 1];
	struct store_key replaces;
	bool sole;    /* no other customer holds the PSID */
	bool another; /* ISSUE: not the record for which the consent was made */
};

static int read_record(sqlite3_stmt *st, const struct store_issue *in, struct old *ret)
{
	char hash[STORE_HASH_MAX + 1];
	bool same;
	(void)sqlite_db_text(st, 7, hash, sizeof hash);
	tell_odd(st, 3, STORE_DIGEST_LEN, in->key.id);
	tell_odd(st, 4, STORE_DIGEST_LEN, in->key.id);
	enum err_code code = record_is(str_c(hash), in->record, &same);
	crypto_wipe(hash, sizeof hash);
	ret->another = !same;
	return code == ERR_OK ? SQLITE_DONE : SQLITE_NOMEM;
}

static int read_old(struct sqlite_db *db, const struct store_op *op, struct old *ret)
{
	sqlite3_stmt *st = db->statement[SQL_OLD];
	int rc = sqlite_db_bind(db, SQL_OLD, op, 0);
	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		char packed[RECORD_PACKED_MAX + 1];
		ret->found = true;
		read_link(st, 0, &ret->link);
		record_link(&ret->link);
		(void)sqlite_db_text(st, 3, ret->link_code, sizeof ret->link_code);
		(void)sqlite_db_text(st, 4, ret->code, sizeof ret->code);
		if (sqlite_db_text(st, 5, packed, sizeof packed))
			(void)record_unpack_key(str_c(packed), &ret->replaces);
		ret->sole = sqlite3_column_int(st, 6) != 0;
		rc = op->kind == STORE_ISSUE ? read_record(st, &op->in.issue, ret) : SQLITE_DONE;
	}
	(void)sqlite3_reset(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Why a redeem or a link request was not applied. */
static enum store_outcome why_not_linked(const struct store_values *v, const struct old *old)
{
	if (!old->found)
		return STORE_NO_CUSTOMER;
	if (strcmp(old->link_code, v->digest) == 0) {
		if (old->link.psid[0] == '\0')
			return STORE_UNLINKED_SINCE;
		return strcmp(old->link.psid, v->psid) == 0 ? STORE_ALREADY : STORE_USED;
	}
	return strcmp(old->code, v->digest) == 0 ? STORE_REFUSED : STORE_SUPERSEDED;
}

static enum store_outcome why_not(const struct store_op *op, const struct old *old)
{
	struct store_values v = store_values(op);
	switch (op->kind) {
	case STORE_REDEEM:
	case STORE_LINK: return why_not_linked(&v, old);
	case STORE_ISSUE:
		if (!old->found)
			return STORE_NO_CUSTOMER;
		return strcmp(old->link_code, v.digest) == 0 ? STORE_USED : STORE_KEPT;
	case STORE_ADD: return STORE_EXISTS;
	case STORE_FAILURE:
	case STORE_ERASE:
	case STORE_REMOVE: return STORE_NO_CUSTOMER;
	case STORE_PING: return STORE_DONE;
	default: return STORE_KEPT;
	}
}

static void keep_old(struct store_op *op, const struct old *old)
{
	if (op->kind == STORE_ISSUE)
		return;
	op->out.former = old->link;
	if (op->kind != STORE_REDEEM)
		return;
	op->out.replaces = old->replaces;
	op->out.sole = old->sole;
}

enum err_code sqlite_op_write(struct sqlite_db *db, struct store_op *op, struct err *reterr)
{
	struct old old = {.found = false, .link = {.linked_at_ms = -1}};
	enum sqlite_sql id = plan[op->kind].sql;
	int rc = plan[op->kind].reads_old ? read_old(db, op, &old) : SQLITE_OK;
	if (rc == SQLITE_OK && old.another) {
		op->out.outcome = why_not(op, &old);
		return ERR_OK;
	}
	if (rc == SQLITE_OK)
		rc = sqlite_db_bind(db, id, op, 0);
	if (rc == SQLITE_OK)
		rc = sqlite_db_run(db, id);
	if (rc != SQLITE_OK)
		return sqlite_db_fail(db, rc, reterr);
	op->out.outcome = STORE_DONE;
	if (op->kind == STORE_PING || sqlite3_changes(db->h) == 0)
		op->out.outcome = why_not(op, &old);
	else
		keep_old(op, &old);
	return ERR_OK;
}
