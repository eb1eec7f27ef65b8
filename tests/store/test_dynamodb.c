/* The DynamoDB store on a server that answers as told: what is asked for in which order, and what each
 * answer means. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "rig_script.h"
#include "script.h"

#define THROTTLE "400 {\"__type\":\"x#ThrottlingException\"}"
#define REFUSED "400 {\"__type\":\"x#ValidationException\",\"message\":\"no\"}"
#define FAILED "500 {\"__type\":\"x#InternalServerError\"}"
#define ITEM(attributes) "200 {\"Item\":{\"customer_id\":{\"S\":\"cust-a\"}" attributes "}}"
#define CODE(text) ",\"authorization_code\":{\"S\":\"" text "\"}"
#define USED(text) ",\"fb_link_code\":{\"S\":\"" text "\"}"
#define PSID(text) ",\"fb_psid\":{\"S\":\"" text "\"}"
#define HASH(text) ",\"password\":{\"S\":\"" text "\"}"

#define HAD(attributes) "200 {\"Attributes\":{\"authorization_code\":{\"S\":\"c1\"}" attributes "}}"

enum { ROWS = 9 };

/* An operation of customer "a", whose code is "c1", PSID "p1", new hash "new". */
static struct store_op *an_op(enum store_kind kind)
{
	struct store_op *op = rig_op(kind, "a");
	rig_digest(op, "c1");
	rig_psid(op, "p1");
	rig_ends(op, 300);
	rig_times(op, 5000, 100);
	rig_email(op, "a@example.com");
	rig_hash(op, "new");
	return op;
}

static const struct writing {
	enum store_kind kind;
	enum err_code code;
	enum store_outcome outcome;
	size_t updates, gets;
	struct script_row rows[ROWS];
} writings[] = {
        {STORE_ISSUE, ERR_OK, STORE_DONE, 1, 1, {{"GetItem", ITEM("")}, {"UpdateItem", "200 {}"}}},
        {STORE_ISSUE, ERR_OK, STORE_NO_CUSTOMER, 0, 1, {{"GetItem", "200 {}"}}},
        {STORE_ISSUE, ERR_OK, STORE_USED, 0, 1, {{"GetItem", ITEM(USED("c1"))}}},
        {STORE_ISSUE, ERR_STORE, STORE_DONE, 0, 1, {{"GetItem", REFUSED}}},
        /* as it was read: each time another issue was quicker, at last not */
        {STORE_ISSUE,
         ERR_OK,
         STORE_DONE,
         4,
         4,
         {{"GetItem", ITEM("")},
          {"UpdateItem", SCRIPT_CONDITION},
          {"GetItem", ITEM(CODE("c2"))},
          {"UpdateItem", SCRIPT_CONDITION},
          {"GetItem", ITEM(USED("c0"))},
          {"UpdateItem", SCRIPT_CONDITION},
          {"GetItem", ITEM(CODE("c3") USED("c0"))},
          {"UpdateItem", "200 {}"}}},
        {STORE_ISSUE,
         ERR_OK,
         STORE_USED, /* by the first copy of this write, and a webhook since */
         2,
         2,
         {{"GetItem", ITEM("")},
          {"UpdateItem", FAILED},
          {"UpdateItem", SCRIPT_CONDITION},
          {"GetItem", ITEM(USED("c1"))}}},
        {STORE_ISSUE,
         ERR_BUSY,
         STORE_DONE,
         8,
         9,
         {{"UpdateItem", SCRIPT_CONDITION}, {"GetItem", ITEM(CODE("c2"))}}},
        {STORE_ISSUE, ERR_STORE, STORE_DONE, 1, 1, {{"GetItem", ITEM("")}, {"UpdateItem", REFUSED}}},
        {STORE_ISSUE, ERR_STORE, STORE_DONE, 4, 1, {{"GetItem", ITEM("")}, {"UpdateItem", FAILED}}},

        {STORE_REDEEM, ERR_OK, STORE_DONE, 1, 0, {{"UpdateItem", HAD("")}}},
        {STORE_REDEEM, ERR_STORE, STORE_DONE, 1, 0, {{"UpdateItem", "200 {}"}}}, /* made, but by what? */
        {STORE_REDEEM, ERR_OK, STORE_REFUSED, 1, 0, {{"UpdateItem", REFUSED}}},
        {STORE_REDEEM, ERR_STORE, STORE_DONE, 1, 0, {{"UpdateItem", THROTTLE}}},
        {STORE_REDEEM, ERR_STORE, STORE_DONE, 2, 0, {{"UpdateItem", FAILED}}},
        {STORE_REDEEM,
         ERR_OK,
         STORE_NO_CUSTOMER,
         1,
         1,
         {{"UpdateItem", SCRIPT_CONDITION}, {"GetItem", "200 {}"}}},
        {STORE_REDEEM,
         ERR_OK,
         STORE_ALREADY,
         2,
         1,
         {{"UpdateItem", FAILED},
          {"UpdateItem", SCRIPT_CONDITION},
          {"GetItem", ITEM(USED("c1") PSID("p1"))}}},
        {STORE_REDEEM,
         ERR_OK,
         STORE_USED,
         1,
         1,
         {{"UpdateItem", SCRIPT_CONDITION}, {"GetItem", ITEM(USED("c1") PSID("p2"))}}},
        {STORE_REDEEM,
         ERR_OK,
         STORE_UNLINKED_SINCE,
         1,
         1,
         {{"UpdateItem", SCRIPT_CONDITION}, {"GetItem", ITEM(USED("c1"))}}},
        {STORE_REDEEM,
         ERR_OK,
         STORE_REFUSED,
         1,
         1,
         {{"UpdateItem", SCRIPT_CONDITION}, {"GetItem", ITEM(CODE("c1"))}}},
        {STORE_LINK,
         ERR_OK,
         STORE_SUPERSEDED,
         1,
         1,
         {{"UpdateItem", SCRIPT_CONDITION}, {"GetItem", ITEM(CODE("c2"))}}},

        /* of one that may have been executed before: done when it shows */
        {STORE_UNLINK, ERR_OK, STORE_DONE, 1, 0, {{"UpdateItem", "200 {}"}}},
        {STORE_UNLINK, ERR_OK, STORE_KEPT, 1, 0, {{"UpdateItem", SCRIPT_CONDITION}}},
        {STORE_UNLINK, ERR_OK, STORE_KEPT, 1, 0, {{"UpdateItem", REFUSED}}},
        {STORE_REPAIR, ERR_OK, STORE_KEPT, 1, 0, {{"UpdateItem", REFUSED}}},
        {STORE_UNLINK,
         ERR_OK,
         STORE_DONE,
         2,
         1,
         {{"UpdateItem", FAILED}, {"UpdateItem", SCRIPT_CONDITION}, {"GetItem", ITEM("")}}},
        {STORE_REPAIR,
         ERR_OK,
         STORE_KEPT,
         2,
         1,
         {{"UpdateItem", FAILED}, {"UpdateItem", SCRIPT_CONDITION}, {"GetItem", ITEM(PSID("p2"))}}},
        {STORE_UNLINK,
         ERR_OK,
         STORE_KEPT,
         2,
         1,
         {{"UpdateItem", FAILED}, {"UpdateItem", SCRIPT_CONDITION}, {"GetItem", "200 {}"}}},
        {STORE_UPGRADE,
         ERR_OK,
         STORE_DONE,
         2,
         1,
         {{"UpdateItem", FAILED}, {"UpdateItem", SCRIPT_CONDITION}, {"GetItem", ITEM(HASH("new"))}}},
        {STORE_UPGRADE,
         ERR_OK,
         STORE_KEPT,
         2,
         1,
         {{"UpdateItem", FAILED}, {"UpdateItem", SCRIPT_CONDITION}, {"GetItem", ITEM(HASH("old"))}}},

        {STORE_FAILURE,
         ERR_OK,
         STORE_DONE,
         2,
         0,
         {{"UpdateItem", SCRIPT_CONDITION}, {"UpdateItem", "200 {}"}}},
        {STORE_FAILURE, ERR_OK, STORE_NO_CUSTOMER, 5, 0, {{"UpdateItem", SCRIPT_CONDITION}}},
        {STORE_ERASE, ERR_OK, STORE_NO_CUSTOMER, 0, 1, {{"GetItem", "200 {}"}}},
        {STORE_ERASE, ERR_OK, STORE_DONE, 1, 1, {{"GetItem", ITEM("")}}},
        {STORE_ERASE,
         ERR_OK,
         STORE_NO_CUSTOMER,
         1,
         1,
         {{"GetItem", ITEM("")}, {"UpdateItem", SCRIPT_CONDITION}}},

        {STORE_ADD, ERR_OK, STORE_DONE, 0, 0, {{"PutItem", "200 {}"}}},
        {STORE_ADD, ERR_OK, STORE_EXISTS, 0, 0, {{"PutItem", SCRIPT_CONDITION}}},
        {STORE_ADD,
         ERR_OK,
         STORE_DONE,
         0,
         1,
         {{"PutItem", FAILED}, {"PutItem", SCRIPT_CONDITION}, {"GetItem", ITEM(HASH("new"))}}},
        {STORE_ADD,
         ERR_OK,
         STORE_EXISTS,
         0,
         1,
         {{"PutItem", FAILED}, {"PutItem", SCRIPT_CONDITION}, {"GetItem", ITEM(HASH("old"))}}},
        {STORE_ADD, ERR_STORE, STORE_DONE, 0, 0, {{"Query", REFUSED}}},
};

static void test_what_each_answer_to_a_write_means(void **state)
{
	struct rig *r = *state;
	for (size_t i = 0; i < sizeof writings / sizeof writings[0]; i++) {
		const struct writing *w = &writings[i];
		struct rig_result got;
		script_set(w->rows, ROWS);
		rig_run(r, an_op(w->kind), &got);
		if (got.code != w->code || (got.code == ERR_OK && got.out.outcome != w->outcome) ||
		    script_count("UpdateItem") != w->updates || script_count("GetItem") != w->gets)
			fail_msg("row %zu, %s: code %d, %s, %zu updates, %zu gets: %s", i,
			         store_kind_name(w->kind), (int)got.code, store_outcome_name(got.out.outcome),
			         script_count("UpdateItem"), script_count("GetItem"), got.err.msg);
	}
}

static void test_an_issue_is_bound_to_a_psid_and_its_holder(void **state)
{
	struct rig *r = *state;
	struct store_op *op = an_op(STORE_ISSUE);
	static const struct script_row rows[] = {{"GetItem", ITEM("")}};
	RIG_SET(op->in.issue.replaces.id, "cust-b");
	RIG_SET(op->in.issue.replaces.email, "b@x");
	script_set(rows, 1);
	rig_want(r, op, STORE_DONE);
	assert_true(script_last("UpdateItem", "authorization_code_replaces=:r"));
	assert_true(script_last("UpdateItem", "\":r\":{\"S\":\"6:cust-bb@x\"}"));
	op = an_op(STORE_ISSUE);
	rig_psid(op, "");
	rig_want(r, op, STORE_DONE);
	assert_true(script_last("UpdateItem", ",authorization_code_psid,authorization_code_replaces\""));
}

static void test_a_value_may_have_one_byte(void **state)
{
	struct rig *r = *state;
	struct rig_result got;
	struct store_op *op = an_op(STORE_ISSUE);
	rig_psid(op, "p");
	RIG_SET(op->in.issue.replaces.id, "b");
	static const struct script_row none[] = {{"GetItem", ITEM("")}};
	script_set(none, 1);
	rig_want(r, op, STORE_DONE);
	assert_true(script_last("UpdateItem", ",authorization_code_psid=:p,authorization_code_replaces=:r"));
	static const struct script_row rows[] = {
	        {"UpdateItem", HAD(PSID("p") ",\"authorization_code_psid\":{\"S\":\"p\"}")}};
	script_set(rows, 1);
	op = an_op(STORE_REDEEM);
	rig_page(op, "g");
	rig_run(r, op, &got);
	assert_true(script_last("UpdateItem", ",fb_page_id=:g REMOVE"));
	assert_true(got.out.bound);
	assert_string_equal(got.out.former.psid, "p");
	static const struct script_row over[] = {{"UpdateItem", "200 {}"},
	                                         {"GetItem", ITEM(CODE("o") USED("n"))}};
	script_set(over, 2);
	rig_want(r, an_op(STORE_ISSUE), STORE_DONE);
	assert_true(script_last("UpdateItem", " AND authorization_code=:x AND fb_link_code=:y\""));
}

/* What only a copy that comes late would show, or another server's reading of a missing attribute. */
static void test_what_is_sent(void **state)
{
	struct rig *r = *state;
	static const struct {
		enum store_kind kind;
		const char *words;
	} table[] = {
	        /* each value once, though two expressions name it */
	        {STORE_ISSUE,
	         "Values\":{\":d\":{\"S\":\"c1\"},\":e\":{\"N\":\"300\"},\":p\":{\"S\":\"p1\"},\":y\":{\"S\":"
	         "\"c0\"}}"},
	        {STORE_LINK, "\"ConditionExpression\":\"attribute_exists(customer_id)"
	                     " AND (attribute_not_exists(fb_link_code) OR fb_link_code<>:d)\""},
	        {STORE_REDEEM,
	         " REMOVE authorization_code,authorization_code_expires_at,authorization_code_psid,"
	         "authorization_code_replaces,fb_page_id\""},
	};
	static const struct script_row rows[] = {{"GetItem", ITEM(USED("c0"))}, {"UpdateItem", HAD("")}};
	script_set(rows, 2);
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		rig_want(r, an_op(table[i].kind), STORE_DONE);
		assert_true(script_last("UpdateItem", table[i].words));
	}
}

/* What nobody needs is not asked for. */
static void test_who_asks_what_was_there(void **state)
{
	struct rig *r = *state;
	static const enum store_kind asking[] = {STORE_ISSUE, STORE_REDEEM, STORE_LINK, STORE_ERASE},
	                             silent[] = {STORE_UNLINK, STORE_REPAIR, STORE_FAILURE, STORE_UPGRADE};
	static const struct script_row rows[] = {{"GetItem", ITEM("")}, {"UpdateItem", HAD("")}};
	script_set(rows, 2);
	for (size_t i = 0; i < sizeof asking / sizeof asking[0]; i++) {
		rig_want(r, an_op(asking[i]), STORE_DONE);
		assert_true(script_last("UpdateItem", "\"ReturnValues\":\"UPDATED_OLD\""));
	}
	for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++) {
		rig_want(r, an_op(silent[i]), STORE_DONE);
		assert_false(script_last("UpdateItem", "ReturnValues"));
	}
}

/* The first copy of the write has removed the link: only the read before it saw one. */
static void test_an_erased_link_is_told_though_its_write_came_twice(void **state)
{
	struct rig *r = *state;
	struct rig_result got;
	static const struct script_row rows[] = {{"GetItem", ITEM(PSID("p1"))}, {"UpdateItem", "200 {}"}};
	script_set(rows, 2);
	rig_run(r, an_op(STORE_ERASE), &got);
	assert_int_equal(got.code, ERR_OK);
	assert_string_equal(got.out.former.psid, "p1");
}

static void test_what_was_there_is_told(void **state)
{
	struct rig *r = *state;
	struct rig_result got;
	static const struct script_row rows[] = {
	        {"UpdateItem", HAD(",\"fb_psid\":{\"S\":\"p9\"},\"fb_linked_at\":{\"N\":\"1.5E3\"},"
	                           "\"authorization_code_psid\":{\"S\":\"p1\"},"
	                           "\"authorization_code_replaces\":{\"S\":\"6:cust-bb@x\"}")},
	        {"GetItem", ITEM("")}};
	script_set(rows, 2);
	rig_run(r, an_op(STORE_REDEEM), &got);
	assert_int_equal(got.code, ERR_OK);
	assert_string_equal(got.out.former.psid, "p9");
	assert_int_equal(got.out.former.linked_at_ms, 1500);
	assert_true(got.out.bound);
	assert_string_equal(got.out.replaces.id, "cust-b");
	assert_string_equal(got.out.replaces.email, "b@x");
	script_set(rows, 2); /* an issue tells of no link and of nobody replaced */
	rig_run(r, an_op(STORE_ISSUE), &got);
	assert_string_equal(got.out.former.psid, "");
	assert_string_equal(got.out.replaces.id, "");
	static const struct script_row unbound[] = {{"UpdateItem", HAD("")}};
	script_set(unbound, 1);
	rig_run(r, an_op(STORE_REDEEM), &got);
	assert_int_equal(got.code, ERR_OK);
	assert_false(got.out.bound);
}

static void test_no_psid_is_not_a_psid(void **state)
{
	struct rig *r = *state;
	static const enum store_kind kinds[] = {STORE_UNLINK, STORE_REPAIR};
	static const struct script_row rows[] = {{"GetItem", ITEM(CODE("c1"))}};
	script_set(rows, 1);
	for (size_t i = 0; i < 2; i++) {
		struct store_op *op = an_op(kinds[i]);
		rig_psid(op, "");
		rig_want(r, op, STORE_KEPT);
	}
	assert_int_equal(script_count("GetItem"), 0);
	struct store_op *op = an_op(STORE_REDEEM);
	rig_psid(op, "");
	rig_want(r, op, STORE_REFUSED);
	assert_int_equal(script_count("UpdateItem"), 0);
}

static void test_all_of_a_customer_is_removed(void **state)
{
	struct rig *r = *state;
	static const struct script_row rows[] = {
	        {"Query", "200 {\"Items\":[{\"customer_id\":{\"S\":\"cust-a\"},\"email\":{\"S\":\"a\"}},"
	                  "{\"customer_id\":{\"S\":\"cust-a\"},\"email\":{\"S\":\"b\"}}]}"},
	        {"Query", "200 {\"Items\":[{\"customer_id\":{\"S\":\"cust-a\"},\"email\":{\"S\":\"c\"}}]}"},
	        {"Query", "200 {\"Items\":[]}"}};
	script_set(rows, 3);
	rig_want(r, an_op(STORE_REMOVE), STORE_DONE);
	assert_int_equal(script_count("DeleteItem"), 3);
	assert_true(script_last("DeleteItem", "\"email\":{\"S\":\"c\"}"));
	script_set(NULL, 0);
	rig_want(r, an_op(STORE_REMOVE), STORE_NO_CUSTOMER);
	assert_int_equal(script_count("DeleteItem"), 0);
}

static void test_what_is_past_its_deadline_is_not_begun(void **state)
{
	struct rig *r = *state;
	struct rig_result got;
	script_set(NULL, 0);
	struct store_op *op = an_op(STORE_UNLINK);
	op->deadline_ms = clock_mono_ms() - 1;
	rig_run(r, op, &got);
	assert_int_equal(got.code, ERR_TIMEOUT);
	assert_int_equal(script_count("UpdateItem"), 0);
}

/* Nothing came back within the second an attempt has, nor when a connection is closed. */
static void test_no_answer(void **state)
{
	struct rig *r = *state;
	struct rig_result got;
	static const struct script_row silent[] = {{"UpdateItem", "-"}}, shut[] = {{"UpdateItem", "0"}};
	script_set(silent, 1);
	struct store_op *op = an_op(STORE_UNLINK);
	op->deadline_ms = clock_mono_ms() + 300;
	rig_run(r, op, &got);
	assert_true(got.code == ERR_TIMEOUT || got.code == ERR_STORE);
	assert_int_equal(script_count("UpdateItem"), 1);
	script_set(shut, 1);
	rig_run(r, an_op(STORE_UNLINK), &got);
	assert_int_equal(got.code, ERR_STORE);
	assert_in_range(script_count("UpdateItem"), 2, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_what_each_answer_to_a_write_means),
	        cmocka_unit_test(test_an_issue_is_bound_to_a_psid_and_its_holder),
	        cmocka_unit_test(test_a_value_may_have_one_byte),
	        cmocka_unit_test(test_what_is_sent),
	        cmocka_unit_test(test_who_asks_what_was_there),
	        cmocka_unit_test(test_an_erased_link_is_told_though_its_write_came_twice),
	        cmocka_unit_test(test_what_was_there_is_told),
	        cmocka_unit_test(test_no_psid_is_not_a_psid),
	        cmocka_unit_test(test_all_of_a_customer_is_removed),
	        cmocka_unit_test(test_what_is_past_its_deadline_is_not_begun),
	        cmocka_unit_test(test_no_answer),
	};
	return cmocka_run_group_tests(tests, rig_script_start, rig_script_end);
}
