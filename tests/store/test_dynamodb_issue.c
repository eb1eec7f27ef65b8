/* The DynamoDB store's issue of a code: over what it read, and for the record the consent was made for. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "obs/log.h"
#include "rig_script.h"
#include "script.h"
#include "store/record.h"

#define ITEM(attributes) "200 {\"Item\":{\"customer_id\":{\"S\":\"cust-a\"}" attributes "}}"
#define CODE(text) ",\"authorization_code\":{\"S\":\"" text "\"}"
#define USED(text) ",\"fb_link_code\":{\"S\":\"" text "\"}"
#define HASH(text) ",\"password\":{\"S\":\"" text "\"}"

static int lines; /* the log */

/* Of customer "a", whose code is "c1". */
static struct store_op *an_issue(void)
{
	struct store_op *op = rig_op(STORE_ISSUE, "a");
	rig_digest(op, "c1");
	rig_ends(op, 300);
	return op;
}

/* Over what was read and nothing else: a code, a used code, both, none; what is not ours is neither taken for
 * absent nor for equal. */
static void test_an_issue_names_what_it_saw(void **state)
{
	struct rig *r = *state;
#define EXISTS "attribute_exists(customer_id) AND "
#define ODD_CODE ",\"authorization_code\":"
#define ODD_USED ",\"fb_link_code\":"
#define LONG "0123456789012345678901234567890123456789abcd"
	static const struct {
		const char *item, *condition, *x, *y;
	} table[] = {
	        {ITEM(""), "attribute_not_exists(authorization_code) AND attribute_not_exists(fb_link_code)",
	         "", ""},
	        {ITEM(CODE("c2")), "authorization_code=:x AND attribute_not_exists(fb_link_code)", "c2", ""},
	        {ITEM(USED("c0")), "attribute_not_exists(authorization_code) AND fb_link_code=:y", "", "c0"},
	        {ITEM(CODE("c2") USED("c0")), "authorization_code=:x AND fb_link_code=:y", "c2", "c0"},
	        {ITEM(CODE("") USED(LONG)),
	         "attribute_exists(authorization_code) AND authorization_code<>:d AND "
	         "attribute_exists(fb_link_code) AND fb_link_code<>:d",
	         "", ""},
	        {ITEM(ODD_CODE "{\"N\":\"7\"}" ODD_USED "{\"NULL\":true}"),
	         "attribute_exists(authorization_code) AND authorization_code<>:d AND "
	         "attribute_exists(fb_link_code) AND fb_link_code<>:d",
	         "", ""},
	        {ITEM(ODD_CODE "{\"S\":\"a\\u0000b\"}" ODD_USED "[]"),
	         "attribute_exists(authorization_code) AND authorization_code<>:d AND "
	         "attribute_exists(fb_link_code) AND fb_link_code<>:d",
	         "", ""},
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		char words[256];
		const struct script_row rows[] = {{"GetItem", table[i].item}, {"UpdateItem", "200 {}"}};
		script_set(rows, 2);
		rig_want(r, an_issue(), STORE_DONE);
		(void)snprintf(words, sizeof words, "\"ConditionExpression\":\"" EXISTS "%s\"",
		               table[i].condition);
		assert_true(script_last("UpdateItem", words));
		assert_true(script_last("UpdateItem", "\":d\":{\"S\":\"c1\"}"));
		(void)snprintf(words, sizeof words, "\":x\":{\"S\":\"%s\"}", table[i].x);
		assert_int_equal(script_last("UpdateItem", words), table[i].x[0] != '\0');
		(void)snprintf(words, sizeof words, "\":y\":{\"S\":\"%s\"}", table[i].y);
		assert_int_equal(script_last("UpdateItem", words), table[i].y[0] != '\0');
		assert_false(script_last("UpdateItem", "password"));
	}
}

static struct store_op *issue_for(const char *hash)
{
	struct store_op *op = an_issue();
	assert_int_equal(crypto_sha256_text(str_c(hash), op->in.issue.record), ERR_OK);
	return op;
}

/* The hash is compared when it is read and once more by the write. */
static void test_an_issue_is_for_one_record(void **state)
{
	struct rig *r = *state;
	static const struct script_row rows[] = {{"GetItem", ITEM(HASH("h1"))}, {"UpdateItem", "200 {}"}};
	script_set(rows, 2);
	rig_want(r, issue_for("h1"), STORE_DONE);
	assert_true(script_last("UpdateItem", " AND password=:h\""));
	assert_true(script_last("UpdateItem", "\":h\":{\"S\":\"h1\"}"));
	rig_want(r, issue_for("h2"), STORE_KEPT);
	assert_int_equal(script_count("UpdateItem"), 1);
	static const struct script_row changed[] = {{"GetItem", ITEM(HASH("h1"))},
	                                            {"UpdateItem", SCRIPT_CONDITION},
	                                            {"GetItem", ITEM(HASH("h2"))}};
	script_set(changed, 3);
	rig_want(r, issue_for("h1"), STORE_KEPT);
	static const struct script_row none[] = {{"GetItem", ITEM("")}, {"UpdateItem", "200 {}"}};
	script_set(none, 2);
	rig_want(r, issue_for("h1"), STORE_KEPT);
	rig_want(r, issue_for(""), STORE_DONE);
	assert_true(script_last("UpdateItem", " AND attribute_not_exists(password)\""));
}

#define TOO_LARGE                                                                                       \
	"400 {\"__type\":\"x#ValidationException\",\"message\":\"Item size to update has exceeded the " \
	"maximum allowed size\"}"

static size_t logged(const char *word)
{
	static char text[1 << 16];
	size_t n = 0;
	log_stop(); /* writes what the ring holds */
	ssize_t got = pread(lines, text, sizeof text - 1, 0);
	text[got < 0 ? 0 : got] = '\0';
	for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
		n++;
	assert_int_equal(log_start(LOG_WARN, LOG_TEXT, lines, NULL), ERR_OK);
	return n;
}

/* Not 'try again': it is the same now and later, and the log names the item, once a minute. */
static void test_a_full_item_is_told(void **state)
{
	struct rig *r = *state;
	struct rig_result got;
	static const enum store_kind settled[] = {STORE_REDEEM, STORE_UNLINK},
	                             failing[] = {STORE_ISSUE, STORE_UPGRADE, STORE_FAILURE};
	static const struct script_row rows[] = {{"GetItem", ITEM("")}, {"UpdateItem", TOO_LARGE}};
	script_set(rows, 2);
	for (size_t i = 0; i < 3; i++) {
		struct store_op *op = rig_op(failing[i], "a");
		rig_digest(op, "c1");
		rig_run(r, op, &got);
		assert_int_equal(got.code, ERR_TOO_LARGE);
		assert_non_null(strstr(got.err.msg, "as large as DynamoDB allows"));
	}
	for (size_t i = 0; i < 2; i++) {
		struct store_op *op = rig_op(settled[i], "a");
		rig_psid(op, "p1");
		rig_want(r, op, i == 0 ? STORE_REFUSED : STORE_KEPT);
	}
	assert_int_equal(logged("record_full"), 1);
	assert_int_equal(logged("store_failing"), 0);
}

/* Once a minute for all, with the first one's name. */
static void test_an_odd_attribute_is_told(void **state)
{
	struct rig *r = *state;
	static const struct script_row rows[] = {{"GetItem", ITEM(",\"fb_link_code\":{\"NULL\":true}")}};
	script_set(rows, 1);
	for (int i = 0; i < 5; i++)
		rig_want(r, an_issue(), STORE_DONE);
	assert_int_equal(logged("attribute=fb_link_code"), 1);
	assert_int_equal(logged("attribute_not_ours"), 1);
}

static int start(void **state)
{
	char name[] = "/tmp/issue-log-XXXXXX";
	int rc = rig_script_start(state);
	log_stop();
	lines = mkstemp(name);
	(void)unlink(name);
	return rc == 0 && log_start(LOG_WARN, LOG_TEXT, lines, NULL) == ERR_OK ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_an_odd_attribute_is_told), /* first: the log tells of one a minute */
	        cmocka_unit_test(test_a_full_item_is_told),
	        cmocka_unit_test(test_an_issue_names_what_it_saw),
	        cmocka_unit_test(test_an_issue_is_for_one_record),
	};
	return cmocka_run_group_tests(tests, start, rig_script_end);
}
