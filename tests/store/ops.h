/* ops.h - a test of every store, and the operations as those tests write them. */
#pragma once
#include "rig.h"

/* Each test runs on a fresh store of each kind. */
static inline void on_each(void (*test)(struct rig *r))
{
	for (size_t b = 0; rig_backends[b] != NULL; b++) {
		struct rig r;
		rig_open(&r, rig_backends[b]);
		test(&r);
		rig_close(&r);
	}
}
#define TEST(name)                            \
	static void name##_on(struct rig *r); \
	static void name(void **state)        \
	{                                     \
		(void)state;                  \
		on_each(name##_on);           \
	}                                     \
	static void name##_on(struct rig *r)

static inline struct store_op *issue(const char *who, const char *code, int64_t expires_s)
{
	struct store_op *op = rig_op(STORE_ISSUE, who);
	RIG_SET(op->in.issue.digest, code);
	op->in.issue.expires_s = expires_s;
	return op;
}

static inline struct store_op *redeem(const char *who, const char *code, const char *psid, int64_t t)
{
	struct store_op *op = rig_op(STORE_REDEEM, who);
	rig_digest(op, code);
	rig_psid(op, psid);
	rig_times(op, t, t / 1000);
	return op;
}

static inline void plant(struct rig *r, const char *id, const char *email, const char *hash)
{
	struct store_customer c = {.link = {.linked_at_ms = -1}};
	RIG_SET(c.key.id, id);
	RIG_SET(c.key.email, email);
	RIG_SET(c.hash, hash);
	r->backend->plant(r->dir, &c);
}
