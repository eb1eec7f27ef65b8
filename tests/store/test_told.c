/* What the operations tell and whom they name, on every store. */
#include "ops.h"
#include "rig.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "obs/log.h"

static const char *odd; /* the attribute that another program wrote */

static void an_issue_over_it_is_logged(struct rig *r)
{
	static const char value[] = "\"0123456789012345678901234567890123456789abcd\"";
	char text[4096], want[64];
	struct store_key key = rig_key("a");
	FILE *lines = tmpfile();
	assert_non_null(lines);
	assert_int_equal(log_start(LOG_WARN, LOG_TEXT, fileno(lines), NULL), ERR_OK);
	rig_add(r, "a");
	assert_true(r->backend->spoil(r->dir, &key, odd, "S", value));
	rig_want(r, issue("a", "c1", 300), STORE_DONE);
	log_stop(); /* writes what the ring holds */
	ssize_t n = pread(fileno(lines), text, sizeof text - 1, 0);
	text[n < 0 ? 0 : n] = '\0';
	(void)fclose(lines);
	(void)snprintf(want, sizeof want, "attribute=%s ", odd);
	const char *line = strstr(text, "attribute_not_ours");
	if (line == NULL || strstr(line, want) == NULL)
		fail_msg("%s: %s", odd, text);
}

/* The log tells of one a minute: each in a process of its own, before this one has threads. */
static void an_odd_code_is_told_when_a_code_is_issued(void **state)
{
	static const char *const odds[] = {"authorization_code", "fb_link_code"};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int status;
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			odd = odds[i];
			on_each(an_issue_over_it_is_logged);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
}

static void redeem_alone(struct rig *r, const char *who, const char *code, bool want)
{
	struct rig_result got;
	rig_want(r, issue(who, code, 300), STORE_DONE);
	rig_run(r, redeem(who, code, "p1", 1000), &got);
	assert_int_equal(got.out.outcome, STORE_DONE);
	assert_int_equal(got.out.sole, want);
}

/* Where an index lags a redeem cannot know it. */
TEST(a_redeem_tells_that_nobody_else_holds_the_psid)
{
	bool knows = !store_traits(&(struct store_port){.store = r->store})->index_lags;
	struct store_customer other = {.link.psid = "p1", .link.linked_at_ms = 5};
	rig_add(r, "a");
	rig_add(r, "b");
	redeem_alone(r, "a", "c1", knows);
	redeem_alone(r, "a", "c2", knows); /* its own link is no other */
	redeem_alone(r, "b", "c3", false);
	rig_want(r, rig_op(STORE_ERASE, "a"), STORE_DONE);
	redeem_alone(r, "b", "c4", knows);
	other.key = rig_key("b"); /* another item of the same customer_id is another */
	RIG_SET(other.key.email, "other@example.com");
	r->backend->plant(r->dir, &other);
	redeem_alone(r, "b", "c5", false);
}

static void find_code(struct rig *r, const char *code, const char *psid, const char *want)
{
	struct rig_result got;
	struct store_op *op = rig_op(STORE_FIND_CODE, "");
	rig_digest(op, code);
	rig_psid(op, psid);
	rig_run(r, op, &got);
	assert_int_equal(got.code, ERR_OK);
	assert_int_equal(got.out.n, want != NULL);
	if (want != NULL)
		assert_string_equal(got.customer[0].key.id, want);
}

TEST(a_code_is_found_while_it_lives_and_by_the_link_it_made)
{
	rig_add(r, "a");
	rig_add(r, "b");
	rig_want(r, issue("a", "c1", 300), STORE_DONE);
	find_code(r, "c1", "p1", "cust-a");
	find_code(r, "c2", "p1", NULL);
	rig_want(r, redeem("a", "c1", "p1", 1000), STORE_DONE);
	find_code(r, "c1", "p1", "cust-a");
	find_code(r, "c1", "p2", NULL);
	find_code(r, "c2", "p1", NULL);
	rig_want(r, issue("b", "c1", 300), STORE_DONE);
	find_code(r, "c1", "p1", "cust-b"); /* the live one first */
}

TEST(the_whole_key_names_an_item)
{
	static const char *const keys[][2] = {
	        {"1", "x@example.com"}, {"1", "y@example.com"}, {"2", "x@example.com"}};
	for (size_t i = 0; i < 3; i++)
		plant(r, keys[i][0], keys[i][1], "h");
	struct store_op *op = issue("", "c1", 300);
	RIG_SET(op->in.key.id, keys[0][0]);
	RIG_SET(op->in.key.email, keys[0][1]);
	rig_want(r, op, STORE_DONE);
	for (size_t i = 3; i-- > 0;) {
		op = redeem("", "c1", "p1", 1000);
		RIG_SET(op->in.key.id, keys[i][0]);
		RIG_SET(op->in.key.email, keys[i][1]);
		rig_want(r, op, i == 0 ? STORE_DONE : STORE_SUPERSEDED);
	}
}

TEST(who_did_not_ask_is_not_told_what_was_there)
{
	struct rig_result got;
	rig_add(r, "a");
	rig_want(r, issue("a", "c1", 300), STORE_DONE);
	rig_want(r, redeem("a", "c1", "p1", 1000), STORE_DONE);
	struct store_op *op = issue("a", "c2", 300);
	RIG_SET(op->in.issue.replaces.id, "cust-b");
	rig_want(r, op, STORE_DONE);
	op = issue("a", "c3", 400);
	RIG_SET(op->in.issue.replaces.id, "cust-c");
	rig_run(r, op, &got);
	assert_string_equal(got.out.former.psid, "");
	assert_string_equal(got.out.replaces.id, "");
	op = rig_op(STORE_LINK, "a");
	rig_digest(op, "c4");
	rig_psid(op, "p2");
	rig_times(op, 2000, 0);
	rig_run(r, op, &got);
	assert_int_equal(got.out.outcome, STORE_DONE);
	assert_string_equal(got.out.former.psid, "p1");
	assert_string_equal(got.out.replaces.id, "");
	op = rig_op(STORE_UNLINK, "a");
	rig_psid(op, "p2");
	rig_times(op, 3000, 0);
	rig_run(r, op, &got);
	assert_int_equal(got.out.outcome, STORE_DONE);
	assert_string_equal(got.out.former.psid, "");
	assert_int_equal(got.out.former.linked_at_ms, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_odd_code_is_told_when_a_code_is_issued), /* first: it forks */
	        cmocka_unit_test(a_redeem_tells_that_nobody_else_holds_the_psid),
	        cmocka_unit_test(a_code_is_found_while_it_lives_and_by_the_link_it_made),
	        cmocka_unit_test(the_whole_key_names_an_item),
	        cmocka_unit_test(who_did_not_ask_is_not_told_what_was_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
