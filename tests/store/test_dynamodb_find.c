/* How the DynamoDB store finds a customer, on a server that answers as told: by index, by scan, or not; and
 * with which tables it does not open. */
#include "rig.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "net/httpc.h"
#include "rig_script.h"
#include "script.h"

#define KEY(id) "\"customer_id\":{\"S\":\"" id "\"},\"email\":{\"S\":\"" id "@x\"}"
#define LINK(id, at) "{" KEY(id) ",\"fb_psid\":{\"S\":\"p1\"},\"fb_linked_at\":{\"N\":\"" at "\"}}"
#define LIVE(id) "{" KEY(id) ",\"authorization_code\":{\"S\":\"c1\"}}"
#define MADE(id) "{" KEY(id) ",\"fb_psid\":{\"S\":\"p1\"},\"fb_link_code\":{\"S\":\"c1\"}}"
#define ITEM(item) "200 {\"Item\":" item "}"
#define ITEMS(items) "200 {\"Items\":[" items "]}"
#define MORE(items) "200 {\"Items\":[" items "],\"LastEvaluatedKey\":{" KEY("last") "}}"
#define HUNDRED                                                                                        \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxx"
#define TOO_LONG HUNDRED HUNDRED HUNDRED HUNDRED

static struct store_op *find(enum store_kind kind)
{
	struct store_op *op = rig_op(kind, "a");
	rig_digest(op, "c1");
	rig_psid(op, "p1");
	rig_email(op, "a@x");
	if (kind == STORE_FIND_ID)
		RIG_SET(op->in.find_id.past, "a@x");
	return op;
}

static void must_find(struct rig *r, struct store_op *op, const char *ids)
{
	struct rig_result got;
	char text[512] = "";
	rig_run(r, op, &got);
	if (got.code != ERR_OK)
		fail_msg("%s", got.err.msg);
	for (size_t i = 0; i < got.out.n; i++)
		(void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s ",
		               got.customer[i].key.id);
	assert_string_equal(text, ids);
}

static void test_holders_of_a_profile_newest_first(void **state)
{
	static const struct script_row rows[] = {
	        {"Query", ITEMS(LINK("a", "1") "," LINK("b", "3") "," LINK("c", "2") "," LINK("d", "3"))},
	        {"GetItem", ITEM(LINK("a", "1"))},
	        {"GetItem", ITEM(LINK("b", "3"))},
	        {"GetItem", "200 {}"}, /* c is gone: d takes its place */
	        {"GetItem", ITEM(LINK("d", "3"))}};
	script_set(rows, 5);
	must_find(*state, find(STORE_FIND_PSID), "d b a ");
}

/* An index tells of what was. */
static void test_a_holder_no_more(void **state)
{
	static const struct script_row rows[] = {{"Query", ITEMS("{" KEY("a") "}")},
	                                         {"GetItem", ITEM("{" KEY("a") "}")}};
	script_set(rows, 2);
	must_find(*state, find(STORE_FIND_PSID), "");
	assert_int_equal(script_count("GetItem"), 1);
}

static void test_a_look_for_conflicts_reads_no_single_holder(void **state)
{
	static const struct script_row one[] = {{"Query", ITEMS("{" KEY("a") "}")}};
	static const struct script_row two[] = {{"Query", ITEMS("{" KEY("a") "},{" KEY("b") "}")},
	                                        {"GetItem", ITEM(LINK("a", "1"))},
	                                        {"GetItem", ITEM(LINK("b", "2"))}};
	struct store_op *op = find(STORE_FIND_PSID);
	op->in.find_psid.conflicts = true;
	script_set(one, 1);
	must_find(*state, op, "a ");
	assert_int_equal(script_count("GetItem"), 0);
	op = find(STORE_FIND_PSID);
	op->in.find_psid.conflicts = true;
	script_set(two, 3);
	must_find(*state, op, "b a ");
}

/* Nine answers to a question for eight; and a page of two customers of one address. */
static void test_more_than_there_is_room_for(void **state)
{
	static const struct script_row emails[] = {
	        {"Query", ITEMS("{" KEY("a") "},{" KEY("b") "},{" KEY("c") "}")}};
	static const struct script_row ids[] = {
	        {"Query", ITEMS("{" KEY("a") "},{" KEY("b") "},{" KEY("c") "},{" KEY("d") "},{" KEY(
	                          "e") "},{" KEY("f") "},{" KEY("g") "},{" KEY("h") "},{" KEY("i") "}")}};
	script_set(emails, 1);
	must_find(*state, find(STORE_FIND_EMAIL), "a b ");
	script_set(ids, 1);
	must_find(*state, find(STORE_FIND_ID), "a b c d e f g h ");
	assert_true(script_last("Query", "customer_id=:k AND email>:a"));
}

static void test_a_key_too_long(void **state)
{
	static const struct script_row holder[] = {{"Query", ITEMS("{" KEY(TOO_LONG) "}")}};
	static const struct script_row login[] = {{"Query", ITEMS("{" KEY(TOO_LONG) "}")},
	                                          {"GetItem", ITEM("{" KEY(TOO_LONG) "}")}};
	struct rig_result got;
	script_set(holder, 1);
	must_find(*state, find(STORE_FIND_PSID), "");
	script_set(login, 2);
	rig_run(*state, find(STORE_FIND_EMAIL), &got);
	assert_int_equal(got.out.n, 1);
	assert_true(got.customer[0].too_long);
	assert_true(script_last("GetItem", TOO_LONG)); /* read by its own key */
}

static void test_by_code(void **state)
{
	static const struct script_row live[] = {{"Query", ITEMS("{" KEY("a") "}")},
	                                         {"GetItem", ITEM(LIVE("a"))}};
	static const struct script_row made[] = {
	        {"Query", "200 {}"}, {"Query", ITEMS("{" KEY("a") "}")}, {"GetItem", ITEM(MADE("a"))}};
	static const struct script_row late[] = {{"Query", "200 {}"},
	                                         {"Query", "200 {}"},
	                                         {"Query", ITEMS("{" KEY("a") "},{" KEY("b") "}")},
	                                         {"GetItem", ITEM(LIVE("a"))},
	                                         {"GetItem", ITEM(LIVE("b"))}};
	script_set(live, 2);
	must_find(*state, find(STORE_FIND_CODE), "a ");
	script_set(made, 3);
	must_find(*state, find(STORE_FIND_CODE), "a ");
	assert_int_equal(script_count("Query"), 2);
	assert_true(script_last("Query", "fb_psid-index"));
	script_set(late, 5);
	must_find(*state, find(STORE_FIND_CODE), "a ");
	assert_int_equal(script_count("Query"), 3);
}

/* Again and again while the index may lag, not longer; never past the deadline; without a profile by the
 * code only. */
static void test_a_code_nobody_has(void **state)
{
	static const struct script_row other[] = {{"Query", ITEMS("{" KEY("a") "}")},
	                                          {"GetItem", ITEM(LINK("a", "1"))}};
	script_set(NULL, 0);
	int64_t began = clock_mono_ms();
	must_find(*state, find(STORE_FIND_CODE), "");
	assert_in_range(clock_mono_ms() - began, 1200, 4000);
	assert_in_range(script_count("Query"), 6, 16);
	script_set(other, 2);
	struct store_op *op = find(STORE_FIND_CODE);
	op->deadline_ms = clock_mono_ms() + patience(90); /* less than the pause before another look */
	rig_psid(op, "");
	must_find(*state, op, "");
	assert_in_range(script_count("Query"), 1, patience(1));
}

static void test_nothing_is_asked_for_nothing(void **state)
{
	struct store_op *op = find(STORE_FIND_PSID);
	script_set(NULL, 0);
	rig_psid(op, "");
	must_find(*state, op, "");
	op = find(STORE_FIND_EMAIL);
	rig_email(op, "");
	must_find(*state, op, "");
	op = find(STORE_FIND_CODE);
	rig_digest(op, "");
	must_find(*state, op, "");
	assert_int_equal(script_count("Query"), 0);
}

/* --- tables without indexes */

#define SMALL SCRIPT_TABLE("1000", SCRIPT_EMAIL)
#define LARGE(indexes) SCRIPT_TABLE("99000000", SCRIPT_EMAIL indexes)

static void test_a_small_table_is_scanned(void **state)
{
	static const struct script_row rows[] = {
	        {"Scan", MORE(LINK("a", "1"))}, {"Scan", MORE("")}, {"Scan", ITEMS(LINK("b", "2"))}};
	static const struct script_row codes[] = {{"Scan", ITEMS(LIVE("a") "," MADE("b"))}};
	struct rig r;
	(void)state;
	rig_script_open(&r, SMALL);
	assert_false(store_traits(&(struct store_port){.store = r.store})->index_lags);
	script_set(rows, 3);
	must_find(&r, find(STORE_FIND_PSID), "b a ");
	assert_int_equal(script_count("Scan"), 3);
	assert_true(script_last("Scan", "\"ExclusiveStartKey\":{\"customer_id\":{\"S\":\"last\"}"));
	script_set(codes, 1);
	must_find(&r, find(STORE_FIND_CODE), "a ");
	assert_true(script_last("Scan", "authorization_code=:d OR (fb_psid=:p AND fb_link_code=:d)"));
	struct store_op *op = find(STORE_FIND_CODE);
	rig_psid(op, "");
	must_find(&r, op, "a ");
	assert_true(script_last("Scan", "\"FilterExpression\":\"authorization_code=:d\""));
	rig_close(&r);
}

static void test_a_table_that_grew_is_not_scanned_for_ever(void **state)
{
	static const struct script_row rows[] = {{"Scan", MORE("")}};
	struct rig r;
	struct rig_result got;
	(void)state;
	rig_script_open(&r, SMALL);
	script_set(rows, 1);
	rig_run(&r, find(STORE_FIND_PSID), &got);
	assert_int_equal(got.code, ERR_STORE);
	assert_non_null(strstr(got.err.msg, "too large to be scanned"));
	assert_int_equal(script_count("Scan"), 64);
	rig_close(&r);
}

/* One at a time; who waits too long for its turn is told so. */
static void test_scans_take_turns(void **state)
{
	static const struct script_row rows[] = {{"Scan", ITEMS(LINK("a", "1"))}}, slow[] = {{"Scan", "-"}};
	struct rig r;
	struct rig_result got[2];
	(void)state;
	rig_script_open(&r, SMALL);
	struct store_op *ops[] = {find(STORE_FIND_PSID), find(STORE_FIND_PSID)};
	script_set(rows, 1);
	rig_run_all(&r, ops, 2, got);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(got[i].code, ERR_OK);
		assert_int_equal(got[i].out.n, 1);
		ops[i] = find(STORE_FIND_PSID);
		ops[i]->deadline_ms = clock_mono_ms() + 200 - 100 * (int64_t)i;
	}
	script_set(slow, 1);
	rig_run_all(&r, ops, 2, got);
	assert_int_equal(got[0].code, ERR_STORE);
	assert_int_equal(got[1].code, ERR_TIMEOUT);
	rig_close(&r);
}

/* A large table without the index of codes: the service starts, but finds nobody by a code without a key. */
static void test_no_way_to_find_a_code(void **state)
{
	struct rig r;
	struct rig_result got;
	(void)state;
	rig_script_open(&r, LARGE("," SCRIPT_PSID));
	script_set(NULL, 0);
	rig_run(&r, find(STORE_FIND_CODE), &got);
	assert_int_equal(got.code, ERR_STORE);
	assert_non_null(strstr(got.err.msg, "nothing finds a customer by code"));
	rig_close(&r);
}

static void must_not_open(const char *table, const char *words)
{
	struct store *s = NULL;
	struct err err = {.msg = ""};
	script_table(table);
	assert_int_not_equal(store_open(&rig_script_config, &s, &err), ERR_OK);
	assert_null(s);
	if (strstr(err.msg, words) == NULL)
		fail_msg("%s", err.msg);
}

static void test_tables_it_does_not_open_with(void **state)
{
	(void)state;
	must_not_open("200 {}", "described no table");
	must_not_open("400 {\"__type\":\"x#ResourceNotFoundException\"}", "LINKD_STORE");
	must_not_open(SCRIPT_TABLE("0", ""), "the table has no email-index");
	must_not_open(LARGE(""), "too large to be scanned");
	rig_script_config.psid_lookup = PSID_LOOKUP_INDEX;
	must_not_open(SMALL, "which LINKD_PSID_LOOKUP=index asks for");
	rig_script_config.psid_lookup = PSID_LOOKUP_SCAN;
	must_not_open(LARGE("," SCRIPT_PSID), "set it to auto");
	rig_script_config.psid_lookup = PSID_LOOKUP_AUTO;
	rig_script_config.code_style = CODE_STYLE_RANDOM;
	must_not_open(LARGE("," SCRIPT_PSID), "authorization_code-index");
	rig_script_config.code_style = CODE_STYLE_SEALED;
	rig_script_config.store = "dynamodb:x";
	must_not_open(SMALL, "name of a table");
	rig_script_config.store = "dynamodb:shop";
}

/* --- loops */

static void never(void *arg, struct store_op *op)
{
	(void)arg;
	assert_int_equal(op->code, ERR_STOPPING);
	(*(int *)arg)++;
}

static void test_what_still_runs_ends_with_its_loop(void **state)
{
	static const struct script_row rows[] = {{"Query", "-"}};
	struct rig *r = *state;
	struct loop *loop = NULL;
	struct httpc *http = NULL;
	struct store_port *port = NULL;
	int ended = 0;
	script_set(rows, 1);
	assert_int_equal(loop_new(&loop, NULL), ERR_OK);
	assert_int_equal(httpc_new(loop, &http, NULL), ERR_OK);
	assert_int_equal(store_attach(r->store, loop, http, &port, NULL), ERR_OK);
	assert_int_equal(store_start(port, find(STORE_FIND_PSID), never, &ended, NULL), ERR_OK);
	store_detach(port);
	assert_int_equal(ended, 0);
	assert_false(store_idle(r->store));
	loop_drain(loop);
	assert_int_equal(ended, 1);
	assert_true(store_idle(r->store));
	assert_string_equal(store_name(r->store), "dynamodb");
	httpc_free(http);
	loop_free(loop);
}

static int slots;

static void on_slot(struct limiter_waiter *w)
{
	assert_null(w->limiter);
	slots++;
}

static void on_end(void *arg, struct store_op *op)
{
	(void)op;
	loop_stop(arg);
}

/* One call at a time: the next is refused, or waits. */
static void test_a_full_store(void **state)
{
	static const struct script_row rows[] = {{"Query", "-"}};
	struct rig r;
	struct loop *loop = NULL;
	struct httpc *http = NULL;
	struct store_port *port = NULL;
	struct limiter_waiter left = {.fn = on_slot}, stays = {.fn = on_slot};
	int64_t later_ms = clock_mono_ms() + 10000;
	(void)state;
	rig_script_config.store_in_flight = 1;
	rig_script_open(&r, SMALL);
	script_set(rows, 1);
	assert_int_equal(loop_new(&loop, NULL), ERR_OK);
	assert_int_equal(httpc_new(loop, &http, NULL), ERR_OK);
	assert_int_equal(store_attach(r.store, loop, http, &port, NULL), ERR_OK);
	assert_int_equal(store_admit(port, clock_mono_ms() + 10, &stays), STORE_NOW);
	struct store_op *op = rig_op(STORE_FIND_ID, "a"), *more = rig_op(STORE_ISSUE, "a");
	op->deadline_ms = clock_mono_ms() + 200;
	more->deadline_ms = clock_mono_ms() + 5;
	assert_int_equal(store_start(port, op, on_end, loop, NULL), ERR_OK);
	assert_int_equal(store_admit(port, clock_mono_ms() + 5, &left), STORE_OVERLOADED);
	assert_int_equal(store_start(port, more, never, NULL, NULL), ERR_BUSY);
	assert_int_equal(store_admit(port, later_ms, &left), STORE_WAIT);
	assert_int_equal(store_admit(port, later_ms, &stays), STORE_WAIT);
	limiter_wait_end(&left);
	limiter_wait_end(&left);
	loop_run(loop);
	assert_int_equal(slots, 1);
	store_detach(port);
	httpc_free(http);
	loop_free(loop);
	rig_script_config.store_in_flight = 0;
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_holders_of_a_profile_newest_first),
	        cmocka_unit_test(test_a_holder_no_more),
	        cmocka_unit_test(test_a_look_for_conflicts_reads_no_single_holder),
	        cmocka_unit_test(test_more_than_there_is_room_for),
	        cmocka_unit_test(test_a_key_too_long),
	        cmocka_unit_test(test_by_code),
	        cmocka_unit_test(test_a_code_nobody_has),
	        cmocka_unit_test(test_nothing_is_asked_for_nothing),
	        cmocka_unit_test(test_a_small_table_is_scanned),
	        cmocka_unit_test(test_a_table_that_grew_is_not_scanned_for_ever),
	        cmocka_unit_test(test_scans_take_turns),
	        cmocka_unit_test(test_no_way_to_find_a_code),
	        cmocka_unit_test(test_tables_it_does_not_open_with),
	        cmocka_unit_test(test_what_still_runs_ends_with_its_loop),
	        cmocka_unit_test(test_a_full_store),
	};
	return cmocka_run_group_tests(tests, rig_script_start, rig_script_end);
}
