/* What every store must do: histories as data, each run once and again with every write sent twice. */
#include "rig.h"

#include "store/record.h"

#include <stdio.h>
#include <string.h>

/* Outcomes a second run of the same write may have differ from the first: `again`. */
struct step {
	enum { END, ADD, ORIGIN, WRITE, HAS, HOLDERS, GONE } act;
	enum store_kind kind;
	const char *who;
	const char *code;  /* stands for the digest */
	const char *psid;  /* HAS: wanted, "" for none */
	int64_t t;         /* time_ms; HAS: wanted linked_at_ms */
	int64_t s;         /* now_s; ISSUE: expires_s */
	const char *other; /* ISSUE: replaces; REPAIR: me; HOLDERS: wanted, newest first, one letter each;
	                      UPGRADE: the new hash */
	const char *hash;  /* ADD: "hash" where NULL; UPGRADE: the old one; ISSUE: of the record, NULL: any */
	enum store_outcome want, again;
	const char *former; /* wanted former PSID; NULL: not looked at */
	const char *gives;  /* REDEEM: wanted earlier holder; NULL: not looked at */
};

#define NEW(who_)                       \
	{                               \
		.act = ADD, .who = who_ \
	}
#define NEW_WITH(who_, hash_)                          \
	{                                              \
		.act = ADD, .who = who_, .hash = hash_ \
	}
#define I_FOR(who_, code_, hash_, want_, again_)                                                        \
	{                                                                                               \
		.act = WRITE, .kind = STORE_ISSUE, .who = who_, .code = code_, .hash = hash_, .s = 300, \
		.want = STORE_##want_, .again = STORE_##again_                                          \
	}
#define UPGRADE(who_, old_, new_)                                                              \
	{                                                                                      \
		.act = WRITE, .kind = STORE_UPGRADE, .who = who_, .hash = old_, .other = new_, \
		.again = STORE_KEPT                                                            \
	}
#define OLD(who_, psid_)                                  \
	{                                                 \
		.act = ORIGIN, .who = who_, .psid = psid_ \
	}
#define I(who_, code_, psid_, e_, want_, again_)                                                       \
	{                                                                                              \
		.act = WRITE, .kind = STORE_ISSUE, .who = who_, .code = code_, .psid = psid_, .s = e_, \
		.want = STORE_##want_, .again = STORE_##again_                                         \
	}
#define I_REPLACES(who_, code_, psid_, e_, holder_)                                                    \
	{                                                                                              \
		.act = WRITE, .kind = STORE_ISSUE, .who = who_, .code = code_, .psid = psid_, .s = e_, \
		.other = holder_                                                                       \
	}
#define X(who_, code_, psid_, t_, s_, want_, again_)                                                    \
	{                                                                                               \
		.act = WRITE, .kind = STORE_REDEEM, .who = who_, .code = code_, .psid = psid_, .t = t_, \
		.s = s_, .want = STORE_##want_, .again = STORE_##again_                                 \
	}
#define X_GIVES(who_, code_, psid_, t_, s_, former_, gives_)                                            \
	{                                                                                               \
		.act = WRITE, .kind = STORE_REDEEM, .who = who_, .code = code_, .psid = psid_, .t = t_, \
		.s = s_, .again = STORE_ALREADY, .former = former_, .gives = gives_                     \
	}
#define L(who_, code_, psid_, t_, want_, again_)                                                      \
	{                                                                                             \
		.act = WRITE, .kind = STORE_LINK, .who = who_, .code = code_, .psid = psid_, .t = t_, \
		.want = STORE_##want_, .again = STORE_##again_                                        \
	}
#define L_GIVES(who_, code_, psid_, t_, former_)                                                      \
	{                                                                                             \
		.act = WRITE, .kind = STORE_LINK, .who = who_, .code = code_, .psid = psid_, .t = t_, \
		.again = STORE_ALREADY, .former = former_                                             \
	}
#define U(who_, psid_, t_, want_)                                                        \
	{                                                                                \
		.act = WRITE, .kind = STORE_UNLINK, .who = who_, .psid = psid_, .t = t_, \
		.want = STORE_##want_, .again = STORE_KEPT                               \
	}
#define R(who_, psid_, t_, me_, want_)                                                                 \
	{                                                                                              \
		.act = WRITE, .kind = STORE_REPAIR, .who = who_, .psid = psid_, .t = t_, .other = me_, \
		.want = STORE_##want_, .again = STORE_KEPT                                             \
	}
#define ERASE(who_, former_)                                                      \
	{                                                                         \
		.act = WRITE, .kind = STORE_ERASE, .who = who_, .former = former_ \
	}
#define REMOVE(who_)                                                                        \
	{                                                                                   \
		.act = WRITE, .kind = STORE_REMOVE, .who = who_, .again = STORE_NO_CUSTOMER \
	}
#define NOBODY(kind_, who_, psid_)                                                                     \
	{                                                                                              \
		.act = WRITE, .kind = kind_, .who = who_, .code = "c1", .psid = psid_, .t = 1, .s = 1, \
		.want = STORE_NO_CUSTOMER, .again = STORE_NO_CUSTOMER                                  \
	}
#define HAS_LINK(who_, psid_, t_)                               \
	{                                                       \
		.act = HAS, .who = who_, .psid = psid_, .t = t_ \
	}
#define UNLINKED(who_)                                       \
	{                                                    \
		.act = HAS, .who = who_, .psid = "", .t = -1 \
	}
#define HELD_BY(psid_, who_)                                 \
	{                                                    \
		.act = HOLDERS, .psid = psid_, .other = who_ \
	}
#define ABSENT(who_)                     \
	{                                \
		.act = GONE, .who = who_ \
	}

static const struct history {
	const char *name;
	struct step step[16];
} histories[] = {
        {"a link",
         {NEW("a"), UNLINKED("a"), I("a", "c1", "", 300, DONE, DONE), UNLINKED("a"),
          X_GIVES("a", "c1", "p1", 1000, 100, "", ""), HAS_LINK("a", "p1", 1000), HELD_BY("p1", "a")}},
        {"redelivery, same PSID",
         {NEW("a"), I("a", "c1", "", 300, DONE, DONE), X("a", "c1", "p1", 1000, 100, DONE, ALREADY),
          X("a", "c1", "p1", 1000, 100, ALREADY, ALREADY), X("a", "c1", "p1", 9000, 999, ALREADY, ALREADY),
          HAS_LINK("a", "p1", 1000)}},
        {"a PSID of one character",
         {NEW("a"), I("a", "c1", "", 300, DONE, DONE), X("a", "c1", "7", 1000, 100, DONE, ALREADY),
          X("a", "c1", "7", 1000, 100, ALREADY, ALREADY), U("a", "7", 5000, DONE),
          X("a", "c1", "7", 1000, 100, UNLINKED_SINCE, UNLINKED_SINCE), UNLINKED("a")}},
        {"redelivery, other PSID",
         {NEW("a"), I("a", "c1", "", 300, DONE, DONE), X("a", "c1", "p1", 1000, 100, DONE, ALREADY),
          X("a", "c1", "p2", 2000, 100, USED, USED), HAS_LINK("a", "p1", 1000), HELD_BY("p2", "")}},
        {"C1 again after C2 was issued",
         {NEW("a"), I("a", "c1", "", 300, DONE, DONE), X("a", "c1", "p1", 1000, 100, DONE, ALREADY),
          I("a", "c2", "", 400, DONE, DONE), X("a", "c1", "p1", 1000, 100, ALREADY, ALREADY),
          X_GIVES("a", "c2", "p2", 2000, 100, "p1", ""), HAS_LINK("a", "p2", 2000), HELD_BY("p1", "")}},
        {"C1 again after C2 linked",
         {NEW("a"), I("a", "c1", "", 300, DONE, DONE), X("a", "c1", "p1", 1000, 100, DONE, ALREADY),
          I("a", "c2", "", 400, DONE, DONE), X("a", "c2", "p2", 2000, 100, DONE, ALREADY),
          X("a", "c1", "p1", 1000, 100, SUPERSEDED, SUPERSEDED), HAS_LINK("a", "p2", 2000)}},
        {"C1 again after unlink",
         {NEW("a"), I("a", "c1", "", 300, DONE, DONE), X("a", "c1", "p1", 1000, 100, DONE, ALREADY),
          U("a", "p1", 5000, DONE), X("a", "c1", "p1", 1000, 100, UNLINKED_SINCE, UNLINKED_SINCE),
          X("a", "c1", "p2", 1000, 100, UNLINKED_SINCE, UNLINKED_SINCE), UNLINKED("a"), HELD_BY("p1", "")}},
        {"late copy of the issue write, then unlink, then C1 again",
         {NEW("a"), I("a", "c1", "", 300, DONE, DONE), X("a", "c1", "p1", 1000, 100, DONE, ALREADY),
          I("a", "c1", "", 300, USED, USED), U("a", "p1", 5000, DONE), I("a", "c1", "", 300, USED, USED),
          X("a", "c1", "p1", 1000, 100, UNLINKED_SINCE, UNLINKED_SINCE), UNLINKED("a")}},
        {"two tabs",
         {NEW("a"), I("a", "c1", "", 300, DONE, DONE), I("a", "c2", "", 300, DONE, DONE),
          X("a", "c1", "p1", 1000, 100, SUPERSEDED, SUPERSEDED), X("a", "c2", "p1", 1000, 100, DONE, ALREADY),
          X("a", "c1", "p1", 1000, 100, SUPERSEDED, SUPERSEDED), HAS_LINK("a", "p1", 1000)}},
        {"double tap",
         {NEW("a"), I("a", "c1", "", 300, DONE, DONE), I("a", "c1", "", 301, DONE, DONE),
          X("a", "c1", "p1", 1000, 301, DONE, ALREADY), I("a", "c1", "", 302, USED, USED),
          HAS_LINK("a", "p1", 1000)}},
        {"bound code replaced by unbound",
         {NEW("a"), I_REPLACES("a", "c1", "p1", 300, "b"), X("a", "c1", "p2", 1000, 100, REFUSED, REFUSED),
          I("a", "c2", "", 300, DONE, DONE), X_GIVES("a", "c2", "p2", 1000, 100, "", ""),
          HAS_LINK("a", "p2", 1000)}},
        {"a wrong PSID does not burn a bound code",
         {NEW("a"), I("a", "c1", "p1", 300, DONE, DONE), X("a", "c1", "p2", 1000, 100, REFUSED, REFUSED),
          UNLINKED("a"), X("a", "c1", "p1", 1000, 100, DONE, ALREADY), HAS_LINK("a", "p1", 1000)}},
        {"the earlier holder is kept with the code",
         {NEW("a"), NEW("b"), I_REPLACES("a", "c1", "p1", 300, "b"),
          X_GIVES("a", "c1", "p1", 1000, 100, "", "b"), I("a", "c2", "", 300, DONE, DONE),
          X_GIVES("a", "c2", "p1", 2000, 100, "p1", "")}},
        {"valid through its last second",
         {NEW("a"), I("a", "c1", "", 300, DONE, DONE), X("a", "c1", "p1", 1000, 301, REFUSED, REFUSED),
          UNLINKED("a"), X("a", "c1", "p1", 1000, 300, DONE, ALREADY)}},
        {"our clock 11 min slow, delivered 50 min late: the earlier time decides",
         {NEW("a"), I("a", "c1", "", 1300, DONE, DONE), X("a", "c1", "p1", 5000, 340, DONE, ALREADY),
          HAS_LINK("a", "p1", 5000)}},
        {"a code that was never issued",
         {NEW("a"), X("a", "c1", "p1", 1000, 100, SUPERSEDED, SUPERSEDED), I("a", "c2", "", 300, DONE, DONE),
          X("a", "c1", "p1", 1000, 100, SUPERSEDED, SUPERSEDED), UNLINKED("a"),
          X("a", "c2", "p1", 1000, 100, DONE, ALREADY)}},
        {"a link without time, then a late unlink",
         {OLD("a", "p1"), HAS_LINK("a", "p1", -1), U("a", "p1", 1, DONE), UNLINKED("a")}},
        {"unlink in the same second; unlink older than the link",
         {NEW("a"), I("a", "c1", "", 300, DONE, DONE), X("a", "c1", "p1", 9500, 100, DONE, ALREADY),
          U("a", "p1", 2500, KEPT), U("a", "p1", 9499, KEPT), HAS_LINK("a", "p1", 9500),
          U("a", "p1", 9500, DONE), UNLINKED("a")}},
        {"unlink of another PSID",
         {NEW("a"), I("a", "c1", "", 300, DONE, DONE), X("a", "c1", "p1", 1000, 100, DONE, ALREADY),
          U("a", "p2", 99999, KEPT), HAS_LINK("a", "p1", 1000)}},
        {"unlink twice and of nobody",
         {NEW("a"), U("a", "p1", 99999, KEPT), U("z", "p1", 99999, KEPT), ABSENT("z")}},
        {"linked, unlinked, linked in order of time",
         {NEW("a"), I("a", "c1", "", 300, DONE, DONE), X("a", "c1", "p1", 1000, 100, DONE, ALREADY),
          U("a", "p1", 3000, DONE), I("a", "c2", "", 300, DONE, DONE),
          X("a", "c2", "p1", 4000, 100, DONE, ALREADY), U("a", "p1", 3000, KEPT), HAS_LINK("a", "p1", 4000)}},
        {"PSID moves from A to B",
         {NEW("a"), NEW("b"), I("a", "c1", "", 300, DONE, DONE), I("b", "c2", "", 300, DONE, DONE),
          X("a", "c1", "p1", 1000, 100, DONE, ALREADY), X("b", "c2", "p1", 2000, 100, DONE, ALREADY),
          HELD_BY("p1", "ba"), R("a", "p1", 2000, "b", DONE), UNLINKED("a"), HELD_BY("p1", "b")}},
        {"PSID moves from A to B, settled in the other order",
         {NEW("a"), NEW("b"), I("a", "c1", "", 300, DONE, DONE), I("b", "c2", "", 300, DONE, DONE),
          X("b", "c2", "p1", 2000, 100, DONE, ALREADY), X("a", "c1", "p1", 1000, 100, DONE, ALREADY),
          R("b", "p1", 1000, "a", KEPT), HELD_BY("p1", "ba"), R("a", "p1", 2000, "b", DONE),
          HELD_BY("p1", "b")}},
        {"two links of one time: the greater customer_id stays",
         {NEW("a"), NEW("b"), I("a", "c1", "", 300, DONE, DONE), I("b", "c2", "", 300, DONE, DONE),
          X("a", "c1", "p1", 1000, 100, DONE, ALREADY), X("b", "c2", "p1", 1000, 100, DONE, ALREADY),
          HELD_BY("p1", "ba"), R("b", "p1", 1000, "a", KEPT), R("a", "p1", 1000, "b", DONE),
          HELD_BY("p1", "b")}},
        {"repair of a link without time, of another PSID, of nobody",
         {OLD("a", "p1"), R("a", "p2", 5000, "b", KEPT), R("z", "p1", 5000, "b", KEPT), ABSENT("z"),
          R("a", "p1", 1, "0", DONE), UNLINKED("a")}},
        {"links without time come last",
         {OLD("a", "p1"), OLD("c", "p1"), NEW("b"), I("b", "c1", "", 300, DONE, DONE),
          X("b", "c1", "p1", 1, 100, DONE, ALREADY), HELD_BY("p1", "bca")}},
        {"customer deleted meanwhile",
         {NEW("a"), I("a", "c1", "", 300, DONE, DONE), REMOVE("a"), NOBODY(STORE_REDEEM, "a", "p1"),
          ABSENT("a"), HELD_BY("p1", "")}},
        {"no ghost customers",
         {NOBODY(STORE_ISSUE, "a", ""), NOBODY(STORE_REDEEM, "a", "p1"), NOBODY(STORE_LINK, "a", "p1"),
          NOBODY(STORE_FAILURE, "a", ""), NOBODY(STORE_ERASE, "a", ""), NOBODY(STORE_REMOVE, "a", ""),
          U("a", "p1", 5, KEPT), R("a", "p1", 5, "b", KEPT), ABSENT("a")}},
        {"request link",
         {NEW("a"), L_GIVES("a", "r1", "p1", 1000, ""), HAS_LINK("a", "p1", 1000),
          L("a", "r1", "p1", 2000, ALREADY, ALREADY), L("a", "r1", "p2", 2000, USED, USED),
          HAS_LINK("a", "p1", 1000), L_GIVES("a", "r2", "p2", 3000, "p1"), HAS_LINK("a", "p2", 3000),
          U("a", "p2", 9000, DONE), L("a", "r2", "p2", 9000, UNLINKED_SINCE, UNLINKED_SINCE), UNLINKED("a")}},
        {"request link leaves a live code alone",
         {NEW("a"), I("a", "c1", "", 300, DONE, DONE), L("a", "r1", "p1", 1000, DONE, ALREADY),
          X("a", "c1", "p2", 2000, 100, DONE, ALREADY), HAS_LINK("a", "p2", 2000)}},
        {"erase takes link and code",
         {NEW("a"), I("a", "c1", "", 300, DONE, DONE), X("a", "c1", "p1", 1000, 100, DONE, ALREADY),
          I("a", "c2", "", 300, DONE, DONE), ERASE("a", NULL), UNLINKED("a"),
          X("a", "c2", "p1", 1000, 100, SUPERSEDED, SUPERSEDED),
          X("a", "c1", "p1", 1000, 100, UNLINKED_SINCE, UNLINKED_SINCE), HELD_BY("p1", "")}},
        {"erase, then the same consent, then the same code",
         {NEW("a"), I("a", "c1", "", 300, DONE, DONE), X("a", "c1", "p1", 1000, 100, DONE, ALREADY),
          ERASE("a", NULL), I("a", "c1", "", 300, USED, USED),
          X("a", "c1", "p1", 1000, 100, UNLINKED_SINCE, UNLINKED_SINCE), ERASE("a", NULL),
          I("a", "c1", "", 300, USED, USED), UNLINKED("a"), HELD_BY("p1", ""),
          I("a", "c2", "", 300, DONE, DONE), X("a", "c2", "p1", 2000, 100, DONE, ALREADY),
          HAS_LINK("a", "p1", 2000)}},
        {"unlink, erase, then the same consent, also of a request link",
         {NEW("a"), I("a", "c1", "", 300, DONE, DONE), X("a", "c1", "p1", 1000, 100, DONE, ALREADY),
          U("a", "p1", 5000, DONE), ERASE("a", NULL), I("a", "c1", "", 300, USED, USED), UNLINKED("a"),
          L("a", "r1", "p1", 6000, DONE, ALREADY), ERASE("a", NULL),
          L("a", "r1", "p1", 7000, UNLINKED_SINCE, UNLINKED_SINCE), UNLINKED("a")}},
        {"consent for A, A removed, A added again, Connect",
         {NEW_WITH("a", "salt1"), REMOVE("a"), NEW_WITH("a", "salt2"), I_FOR("a", "c1", "salt1", KEPT, KEPT),
          X("a", "c1", "p1", 1000, 100, SUPERSEDED, SUPERSEDED), UNLINKED("a"),
          I_FOR("a", "c2", "salt2", DONE, DONE), X("a", "c2", "p1", 2000, 100, DONE, ALREADY),
          HAS_LINK("a", "p1", 2000)}},
        {"consent for A, A removed and added again without a password, or not",
         {NEW_WITH("a", "salt1"), REMOVE("a"), I_FOR("a", "c1", "salt1", NO_CUSTOMER, NO_CUSTOMER),
          NEW_WITH("a", ""), I_FOR("a", "c1", "salt1", KEPT, KEPT), I_FOR("a", "c2", "", DONE, DONE)}},
        {"consent, its code used, A removed and added again, Connect again",
         {NEW_WITH("a", "salt1"), I_FOR("a", "c1", "salt1", DONE, DONE),
          X("a", "c1", "p1", 1000, 100, DONE, ALREADY), I_FOR("a", "c1", "salt1", USED, USED), REMOVE("a"),
          NEW_WITH("a", "salt2"), I_FOR("a", "c1", "salt1", KEPT, KEPT), UNLINKED("a")}},
        {"a consent outlives neither another password nor another hash of it",
         {NEW_WITH("a", "salt1"), I_FOR("a", "c1", "salt1", DONE, DONE), UPGRADE("a", "salt1", "salt2"),
          I_FOR("a", "c1", "salt1", KEPT, KEPT), I_FOR("a", "c2", "salt2", DONE, DONE),
          X("a", "c2", "p1", 1000, 100, DONE, ALREADY), I_FOR("a", "c2", "salt1", USED, USED)}},
        {"writes touch their own customer only",
         {NEW("a"), NEW("b"), I("a", "c1", "", 300, DONE, DONE), I("b", "c1", "", 300, DONE, DONE),
          X("a", "c1", "p1", 1000, 100, DONE, ALREADY), UNLINKED("b"),
          X("b", "c1", "p2", 1000, 100, DONE, ALREADY), U("b", "p2", 5000, DONE), HAS_LINK("a", "p1", 1000),
          REMOVE("b"), ABSENT("b"), HAS_LINK("a", "p1", 1000)}},
};

static void set_hashes(struct store_op *op, const struct step *s)
{
	if (s->kind == STORE_ISSUE && s->hash != NULL)
		assert_int_equal(crypto_sha256_text(str_c(s->hash), op->in.issue.record), ERR_OK);
	if (s->kind != STORE_UPGRADE)
		return;
	RIG_SET(op->in.upgrade.old_hash, s->hash);
	rig_hash(op, s->other);
}

static struct store_op *op_of(const struct step *s)
{
	struct store_op *op = rig_op(s->kind, s->who);
	struct store_key other = rig_key(s->other == NULL ? "" : s->other);
	rig_digest(op, s->code == NULL ? "" : s->code);
	rig_psid(op, s->psid == NULL ? "" : s->psid);
	rig_page(op, "page");
	rig_times(op, s->t, s->s);
	rig_ends(op, s->s);
	if (s->kind == STORE_ISSUE && s->other != NULL)
		op->in.issue.replaces = other;
	if (s->kind == STORE_REPAIR)
		RIG_SET(op->in.repair.me, other.id);
	set_hashes(op, s);
	return op;
}

static void check_details(const struct step *s, const struct rig_result *got)
{
	if (s->former != NULL)
		assert_string_equal(got->out.former.psid, s->former);
	if (s->gives == NULL)
		return;
	struct store_key wanted = rig_key(s->gives);
	assert_string_equal(got->out.replaces.id, s->gives[0] == '\0' ? "" : wanted.id);
	assert_string_equal(got->out.replaces.email, s->gives[0] == '\0' ? "" : wanted.email);
}

static void write_step(struct rig *r, const struct step *s, bool twice)
{
	for (int run = 0; run < (twice ? 2 : 1); run++) {
		struct rig_result got;
		enum store_outcome want = run == 0 ? s->want : s->again;
		rig_run(r, op_of(s), &got);
		if (got.code != ERR_OK || got.out.outcome != want)
			fail_msg("%s of %s, run %d: %s (%s), wanted %s", store_kind_name(s->kind), s->who,
			         run + 1, store_outcome_name(got.out.outcome),
			         got.code == ERR_OK ? "settled" : got.err.msg, store_outcome_name(want));
		if (run == 0)
			check_details(s, &got);
	}
}

static void check_link(struct rig *r, const struct step *s)
{
	struct rig_result got;
	rig_find(r, s->who, &got);
	assert_int_equal(got.out.n, 1);
	assert_string_equal(got.customer[0].link.psid, s->psid);
	assert_int_equal(got.customer[0].link.linked_at_ms, s->t);
	bool timed = s->psid[0] != '\0' && s->t >= 0;
	assert_string_equal(got.customer[0].link.page_id, timed ? "page" : "");
}

static void check_holders(struct rig *r, const struct step *s)
{
	struct rig_result got;
	struct store_op *op = rig_op(STORE_FIND_PSID, "");
	rig_psid(op, s->psid);
	rig_run(r, op, &got);
	assert_int_equal(got.code, ERR_OK);
	assert_int_equal(got.out.n, strlen(s->other));
	for (size_t i = 0; i < got.out.n; i++) {
		char who[2] = {s->other[i], '\0'};
		struct store_key k = rig_key(who);
		assert_string_equal(got.customer[i].key.id, k.id);
		assert_string_equal(got.customer[i].key.email, k.email);
	}
}

static void run_step(struct rig *r, const struct step *s, bool twice)
{
	struct rig_result got;
	struct store_customer origin = {.link = {.linked_at_ms = -1}};
	switch (s->act) {
	case ADD: rig_add_with(r, s->who, s->hash == NULL ? "hash" : s->hash); break;
	case ORIGIN:
		origin.key = rig_key(s->who);
		RIG_SET(origin.link.psid, s->psid);
		r->backend->plant(r->dir, &origin);
		break;
	case WRITE: write_step(r, s, twice); break;
	case HAS: check_link(r, s); break;
	case HOLDERS: check_holders(r, s); break;
	case GONE:
		rig_find(r, s->who, &got);
		assert_int_equal(got.out.n, 0);
		break;
	case END: break;
	}
}

static void run_history(const struct rig_backend *b, const struct history *h, bool twice)
{
	struct rig r;
	rig_open(&r, b);
	print_message("  %s: %s%s\n", b->name, h->name, twice ? ", each write twice" : "");
	for (size_t i = 0; i < 16 && h->step[i].act != END; i++)
		run_step(&r, &h->step[i], twice);
	rig_close(&r);
}

static void every_history(void **state)
{
	(void)state;
	for (size_t b = 0; rig_backends[b] != NULL; b++)
		for (size_t i = 0; i < sizeof histories / sizeof histories[0]; i++) {
			run_history(rig_backends[b], &histories[i], false);
			run_history(rig_backends[b], &histories[i], true);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_history)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
