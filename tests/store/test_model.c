/* Random writes, up to four at once, against a tiny model of what they mean.
 *
 * The order in which writes at once take effect is the store's to choose, so the model keeps every state the
 * store may be in: after a batch, those some order of the batch leads to with the outcomes that were seen and
 * the links that are then found.  None left: the store did something no order explains.
 * Seed: STORE_SEED, else the clock; it is printed. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { CUSTOMERS = 3, CODES = 4, PSIDS = 3, AT_ONCE = 4, STATES_MAX = 256, BATCHES = 150, ROUNDS = 4 };

/* Codes and PSIDs are numbers from 1; 0 is a missing attribute.  Times are small; -1 is missing. */
struct item {
	int exists; /* not bool: states are compared byte by byte */
	int code, code_psid, expires, psid, linked_at, link_code;
};
struct state {
	struct item item[CUSTOMERS];
};
struct write {
	enum store_kind kind;
	int who, code, psid, time, expires, me;
};

static unsigned random_state;

static int pick(int n) /* 0..n-1 */
{
	random_state = random_state * 1664525U + 1013904223U;
	return (int)((random_state >> 8) % (unsigned)n);
}

static void unlink_item(struct item *i)
{
	i->psid = 0;
	i->linked_at = -1;
}

static void set_link(struct item *i, const struct write *w)
{
	i->psid = w->psid;
	i->linked_at = w->time;
	i->link_code = w->code;
}

static enum store_outcome not_linked(const struct item *i, const struct write *w)
{
	if (i->link_code == w->code)
		return i->psid == 0 ? STORE_UNLINKED_SINCE : i->psid == w->psid ? STORE_ALREADY : STORE_USED;
	return i->code == w->code ? STORE_REFUSED : STORE_SUPERSEDED;
}

static enum store_outcome issue(struct item *i, const struct write *w)
{
	if (i->link_code == w->code)
		return STORE_USED;
	i->code = w->code;
	i->code_psid = w->psid;
	i->expires = w->expires;
	return STORE_DONE;
}

static enum store_outcome redeem(struct item *i, const struct write *w)
{
	bool bound_to_other = i->code_psid != 0 && i->code_psid != w->psid;
	if (i->code != w->code || i->expires < w->time || bound_to_other)
		return not_linked(i, w);
	set_link(i, w);
	i->code = i->code_psid = 0;
	return STORE_DONE;
}

static enum store_outcome request_link(struct item *i, const struct write *w)
{
	if (i->link_code == w->code)
		return not_linked(i, w);
	set_link(i, w);
	return STORE_DONE;
}

static enum store_outcome remove_link(struct item *i, const struct write *w)
{
	bool older = i->linked_at < w->time || (i->linked_at == w->time && w->who < w->me);
	if (w->kind == STORE_UNLINK)
		older = i->linked_at <= w->time;
	if (i->psid != w->psid || (i->linked_at != -1 && !older))
		return STORE_KEPT;
	unlink_item(i);
	return STORE_DONE;
}

static enum store_outcome add(struct item *i)
{
	if (i->exists)
		return STORE_EXISTS;
	*i = (struct item){.exists = 1, .linked_at = -1};
	return STORE_DONE;
}

static enum store_outcome apply(struct state *s, const struct write *w)
{
	struct item *i = &s->item[w->who];
	bool keeps = w->kind == STORE_UNLINK || w->kind == STORE_REPAIR;
	if (w->kind == STORE_ADD)
		return add(i);
	if (!i->exists)
		return keeps ? STORE_KEPT : STORE_NO_CUSTOMER;
	switch (w->kind) {
	case STORE_ISSUE: return issue(i, w);
	case STORE_REDEEM: return redeem(i, w);
	case STORE_LINK: return request_link(i, w);
	case STORE_UNLINK:
	case STORE_REPAIR: return remove_link(i, w);
	case STORE_ERASE:
		*i = (struct item){.exists = 1, .linked_at = -1, .link_code = i->link_code};
		return STORE_DONE;
	case STORE_REMOVE: *i = (struct item){.linked_at = -1}; return STORE_DONE;
	default: fail_msg("no such write in the model");
	}
	return STORE_DONE;
}

static struct write random_write(void)
{
	static const enum store_kind kinds[] = {
	        STORE_ISSUE,  STORE_ISSUE,  STORE_ISSUE,  STORE_ISSUE, STORE_REDEEM, STORE_REDEEM,
	        STORE_REDEEM, STORE_REDEEM, STORE_REDEEM, STORE_LINK,  STORE_UNLINK, STORE_UNLINK,
	        STORE_REPAIR, STORE_REPAIR, STORE_ADD,    STORE_ADD,   STORE_ERASE,  STORE_REMOVE};
	struct write w = {.kind = kinds[pick(sizeof kinds / sizeof kinds[0])],
	                  .who = pick(CUSTOMERS),
	                  .code = 1 + pick(CODES),
	                  .psid = 1 + pick(PSIDS),
	                  .time = pick(5),
	                  .expires = pick(5),
	                  .me = pick(CUSTOMERS)};
	if (w.kind == STORE_ISSUE && pick(2) == 0)
		w.psid = 0;
	return w;
}

static void name(char *field, size_t cap, const char *prefix, int n)
{
	if (n != 0)
		(void)snprintf(field, cap, "%s%d", prefix, n);
}

struct letter {
	char s[2];
};

static struct letter letter_of(int who)
{
	return (struct letter){{(char)('a' + who), '\0'}};
}

static struct store_op *op_of(const struct write *w)
{
	char code[8] = "", psid[8] = "";
	struct store_op *op = rig_op(w->kind, letter_of(w->who).s);
	name(code, sizeof code, "c", w->code);
	name(psid, sizeof psid, "p", w->psid);
	rig_digest(op, code);
	rig_psid(op, psid);
	if (w->kind == STORE_REPAIR)
		RIG_SET(op->in.repair.me, rig_key(letter_of(w->me).s).id);
	rig_times(op, w->time, w->time);
	rig_ends(op, w->expires);
	return op;
}

/* The part of a state that can be looked up. */
static bool looks_like(const struct state *s, const struct rig_result *found)
{
	for (int i = 0; i < CUSTOMERS; i++) {
		char psid[8] = "";
		const struct item *want = &s->item[i];
		if (found[i].out.n != (want->exists ? 1U : 0U))
			return false;
		if (!want->exists)
			continue;
		name(psid, sizeof psid, "p", want->psid);
		if (strcmp(found[i].customer[0].link.psid, psid) != 0 ||
		    found[i].customer[0].link.linked_at_ms != want->linked_at)
			return false;
	}
	return true;
}

struct states {
	size_t n;
	struct state state[STATES_MAX];
};

static void keep(struct states *to, const struct state *s)
{
	for (size_t i = 0; i < to->n; i++)
		if (memcmp(&to->state[i], s, sizeof *s) == 0)
			return;
	assert_true(to->n < STATES_MAX);
	to->state[to->n++] = *s;
}

/* Writes at once, what came of each, and what was found afterwards. */
struct batch {
	size_t n;
	struct write write[AT_ONCE];
	struct rig_result got[AT_ONCE], found[CUSTOMERS];
};

/* Try every order of the writes not yet `used`, from `s` on; keep where those end that explain all. */
static void explain(const struct batch *b, const struct state *s, unsigned used, struct states *to)
{
	if (used == (1U << b->n) - 1) {
		if (looks_like(s, b->found))
			keep(to, s);
		return;
	}
	for (size_t i = 0; i < b->n; i++) {
		struct state next = *s;
		if ((used & 1U << i) == 0 && apply(&next, &b->write[i]) == b->got[i].out.outcome)
			explain(b, &next, used | 1U << i, to);
	}
}

static void look(struct rig *r, struct rig_result *found)
{
	struct store_op *ops[CUSTOMERS];
	for (int i = 0; i < CUSTOMERS; i++)
		ops[i] = rig_op(STORE_FIND_ID, letter_of(i).s);
	rig_run_all(r, ops, CUSTOMERS, found);
}

static void complain(const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct write *w = &b->write[i];
		print_message("  %s customer %d code %d psid %d time %d expires %d me %d -> %s\n",
		              store_kind_name(w->kind), w->who, w->code, w->psid, w->time, w->expires, w->me,
		              store_outcome_name(b->got[i].out.outcome));
	}
	fail_msg("no order of these writes explains what came of them");
}

static void run_batch(struct rig *r, struct states *now)
{
	static struct batch b;
	struct store_op *ops[AT_ONCE];
	struct states next = {.n = 0};
	b.n = r->backend->reads_why ? 1 : 1 + (size_t)pick(AT_ONCE);
	for (size_t i = 0; i < b.n; i++) {
		/* now and then the same one sent twice */
		b.write[i] = i > 0 && pick(4) == 0 ? b.write[i - 1] : random_write();
		ops[i] = op_of(&b.write[i]);
	}
	rig_run_threads(r, ops, b.n, b.got);
	for (size_t i = 0; i < b.n; i++)
		assert_int_equal(b.got[i].code, ERR_OK);
	look(r, b.found);
	for (size_t i = 0; i < now->n; i++)
		explain(&b, &now->state[i], 0, &next);
	if (next.n == 0)
		complain(&b);
	*now = next;
}

static void random_writes(const struct rig_backend *b)
{
	struct rig r;
	struct states now = {.n = 1};
	for (int i = 0; i < CUSTOMERS; i++)
		now.state[0].item[i].linked_at = -1;
	rig_open(&r, b);
	for (int i = 0; i < BATCHES; i++) {
		run_batch(&r, &now);
		if (i % 50 == 49)
			rig_reopen(&r);
	}
	rig_close(&r);
}

static void what_writes_at_once_do_has_an_order(void **state)
{
	const char *seed = getenv("STORE_SEED");
	(void)state;
	random_state = seed != NULL ? (unsigned)strtoul(seed, NULL, 10) : (unsigned)clock_mono_us();
	print_message("  STORE_SEED=%u\n", random_state);
	for (size_t b = 0; rig_backends[b] != NULL; b++)
		for (int i = 0; i < ROUNDS; i++)
			random_writes(rig_backends[b]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_writes_at_once_do_has_an_order)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
