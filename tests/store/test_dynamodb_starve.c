/* The DynamoDB store while memory and cryptography fail call by call: it says so, or it did what was asked,
 * and afterwards it works. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "net/httpc.h"
#include "rig_script.h"
#include "script.h"
#include "starve.h"
#include "store/record.h"

#define FAILED "500 {\"__type\":\"x#InternalServerError\"}"
#define ITEM                                                                       \
	"{\"customer_id\":{\"S\":\"cust-a\"},\"email\":{\"S\":\"a@example.com\"}," \
	"\"fb_psid\":{\"S\":\"p1\"},\"authorization_code\":{\"S\":\"c0\"},\"password\":{\"S\":\"hash\"}}"
#define NOT                                    \
	{                                      \
		"UpdateItem", SCRIPT_CONDITION \
	}
#define GOT                                          \
	{                                            \
		"GetItem", "200 {\"Item\":" ITEM "}" \
	}
#define FOUND                                         \
	{                                             \
		"Query", "200 {\"Items\":[" ITEM "]}" \
	}

/* Conversations that pass through every step of an operation. */
static const struct talk {
	enum store_kind kind;
	enum store_outcome outcome;
	size_t n; /* customers found */
	struct script_row rows[6];
} talks[] = {
        {STORE_ISSUE, STORE_DONE, 0, {GOT, NOT, GOT, {"UpdateItem", "200 {}"}}},
        {STORE_REDEEM, STORE_SUPERSEDED, 0, {NOT, GOT}},
        {STORE_LINK, STORE_DONE, 0, {{"UpdateItem", "200 {}"}}},
        {STORE_UNLINK, STORE_KEPT, 0, {{"UpdateItem", FAILED}, NOT, GOT}},
        {STORE_FAILURE, STORE_DONE, 0, {NOT, {"UpdateItem", "200 {}"}}},
        {STORE_UPGRADE, STORE_KEPT, 0, {NOT}},
        {STORE_ERASE, STORE_DONE, 0, {GOT, {"UpdateItem", "200 {}"}}},
        {STORE_ADD, STORE_DONE, 0, {{"PutItem", "200 {}"}}},
        /* an answer that cannot be read is asked for again */
        {STORE_REMOVE, STORE_DONE, 0, {FOUND, FOUND, {"Query", "200 {}"}}},
        {STORE_PING, STORE_DONE, 0, {{NULL, NULL}}},
        {STORE_FIND_EMAIL, STORE_DONE, 1, {FOUND, GOT}},
        {STORE_FIND_ID, STORE_DONE, 1, {FOUND}},
        {STORE_FIND_PSID, STORE_DONE, 1, {FOUND, GOT}},
        {STORE_FIND_CODE, STORE_DONE, 1, {{"Query", "200 {}"}, FOUND, GOT}},
};

static struct store_op *an_op(enum store_kind kind)
{
	struct store_op *op = rig_op(kind, "a");
	rig_digest(op, kind == STORE_FIND_CODE ? "c0" : "c1");
	rig_psid(op, "p1");
	rig_email(op, "a@example.com");
	rig_hash(op, "new");
	if (kind == STORE_ISSUE)
		assert_int_equal(crypto_sha256_text(STR("hash"), op->in.issue.record), ERR_OK);
	return op;
}

/* An operation on a loop that was there before anything fails. */
struct told {
	struct httpc *http;
	struct loop *loop;
	enum err_code code;
	enum store_outcome outcome;
	size_t n;
};

static void on_done(void *arg, struct store_op *op)
{
	struct told *t = arg;
	t->code = op->code;
	t->outcome = op->out.outcome;
	t->n = op->out.n;
	loop_stop(t->loop);
}

/* False: it has no such call any more. */
static bool run_without(struct rig *r, const struct talk *talk, size_t nth, struct told *t)
{
	struct store_port *port = NULL;
	script_set(talk->rows, 6);
	assert_int_equal(store_attach(r->store, t->loop, t->http, &port, NULL), ERR_OK);
	struct store_op *op = an_op(talk->kind);
	starve_nth(nth);
	t->code = store_start(port, op, on_done, t, NULL);
	if (t->code == ERR_OK)
		loop_run(t->loop);
	bool met = starve_calls() >= nth;
	store_detach(port);
	loop_drain(t->loop);
	return met;
}

static void must_be_done(const struct talk *talk, const struct told *t)
{
	if (t->code != ERR_OK || t->outcome != talk->outcome || t->n != talk->n)
		fail_msg("%s: code %d, %s, %zu found", store_kind_name(talk->kind), (int)t->code,
		         store_outcome_name(t->outcome), t->n);
}

static void test_an_operation_without_memory(void **state)
{
	struct rig *r = *state;
	size_t failures = 0;
	for (size_t i = 0; i < sizeof talks / sizeof talks[0]; i++) {
		struct told t = {.loop = NULL};
		assert_int_equal(loop_new(&t.loop, NULL), ERR_OK);
		assert_int_equal(httpc_new(t.loop, &t.http, NULL), ERR_OK);
		for (size_t nth = 1; run_without(r, &talks[i], nth, &t); nth++) {
			assert_true(nth < 400);
			assert_int_equal(script_count(SCRIPT_BROKEN), 0); /* what is not whole is not sent */
			if (t.code == ERR_OK)
				must_be_done(&talks[i], &t);
			else
				failures++;
		}
		must_be_done(&talks[i], &t);
		httpc_free(t.http);
		loop_free(t.loop);
	}
	assert_true(failures > 100);
}

/* A store that does not open leaves nothing behind, one that opens works. */
static void test_opening_without_memory(void **state)
{
	struct rig_result got;
	struct err err;
	size_t failures = 0;
	(void)state;
	for (size_t nth = 1, met = 1; met; nth++) {
		struct rig r = {.backend = &rig_scripted};
		assert_true(nth < 1000);
		starve_nth(nth);
		enum err_code code = store_open(&rig_script_config, &r.store, &err);
		met = starve_calls() >= nth;
		failures += code != ERR_OK;
		if (code != ERR_OK) {
			assert_true(err.msg[0] != '\0');
			assert_null(r.store);
			continue;
		}
		rig_run(&r, rig_op(STORE_PING, "a"), &got);
		assert_int_equal(got.code, ERR_OK);
		store_close(r.store);
	}
	assert_true(failures > 10);
}

static void test_attaching_without_memory(void **state)
{
	struct rig *r = *state;
	struct rig_result got;
	size_t failures = 0;
	for (size_t nth = 1, met = 1; met; nth++) {
		struct loop *loop = NULL;
		struct httpc *http = NULL;
		struct store_port *port = NULL;
		assert_int_equal(loop_new(&loop, NULL), ERR_OK);
		assert_int_equal(httpc_new(loop, &http, NULL), ERR_OK);
		starve_nth(nth);
		enum err_code code = store_attach(r->store, loop, http, &port, NULL);
		met = starve_calls() >= nth;
		assert_int_equal(code == ERR_OK, !met);
		failures += met;
		store_detach(port);
		httpc_free(http);
		loop_free(loop);
	}
	assert_true(failures > 2);
	rig_run(r, rig_op(STORE_PING, "a"), &got);
	assert_int_equal(got.code, ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_an_operation_without_memory),
	        cmocka_unit_test(test_opening_without_memory),
	        cmocka_unit_test(test_attaching_without_memory),
	};
	return cmocka_run_group_tests(tests, rig_script_start, rig_script_end);
}
