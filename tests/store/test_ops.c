/* The operations one by one, on every store: lookups, failures, passwords, bounds, races. */
#include "ops.h"

#include "base/clock.h"
#include "obs/metrics.h"
#include "rig.h"

#include <stdio.h>
#include <string.h>

static void find_email(struct rig *r, const char *email, struct rig_result *ret)
{
	struct store_op *op = rig_op(STORE_FIND_EMAIL, "");
	rig_email(op, email);
	rig_run(r, op, ret);
	assert_int_equal(ret->code, ERR_OK);
}

TEST(email_is_found_exactly)
{
	struct rig_result got;
	rig_add(r, "a");
	rig_add(r, "b");
	find_email(r, "a@example.com", &got);
	assert_int_equal(got.out.n, 1);
	assert_string_equal(got.customer[0].key.id, "cust-a");
	assert_string_equal(got.customer[0].hash, "hash");
	assert_int_equal(got.customer[0].link.linked_at_ms, -1);
	assert_false(got.customer[0].too_long);
	const char *const none[] = {"A@example.com", "a@example.com ", "", "%", "a@example", "' OR 1=1 --"};
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		find_email(r, none[i], &got);
		assert_int_equal(got.out.n, 0);
	}
}

TEST(several_of_one_email_are_seen_as_two)
{
	struct rig_result got;
	plant(r, "1", "x@example.com", "h1");
	plant(r, "2", "x@example.com", "h2");
	plant(r, "3", "x@example.com", "h3");
	find_email(r, "x@example.com", &got);
	assert_int_equal(got.out.n, 2);
}

TEST(one_id_may_have_several_items)
{
	struct rig_result got;
	plant(r, "cust-a", "one@example.com", "h1");
	plant(r, "cust-a", "two@example.com", "");
	rig_find(r, "a", &got);
	assert_int_equal(got.out.n, 2);
	assert_string_equal(got.customer[0].key.email, "one@example.com");
	assert_string_equal(got.customer[1].key.email, "two@example.com");
	assert_string_equal(got.customer[1].hash, "");
	rig_want(r, rig_op(STORE_REMOVE, "a"), STORE_DONE); /* all of them */
	rig_find(r, "a", &got);
	assert_int_equal(got.out.n, 0);
}

TEST(keys_are_used_as_stored)
{
	static const char *const odd[] = {"'; DROP TABLE customers; --",
	                                  "\"quoted\"",
	                                  "tab\there",
	                                  "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
	                                  "back\\slash %_*?",
	                                  "0",
	                                  "00",
	                                  "1e3"};
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		struct store_op *op = rig_op(STORE_ADD, odd[i]);
		struct rig_result got;
		rig_want(r, op, STORE_DONE);
		rig_want(r, issue(odd[i], "c1", 300), STORE_DONE);
		rig_want(r, redeem(odd[i], "c1", odd[i], 1000), STORE_DONE);
		rig_find(r, odd[i], &got);
		assert_int_equal(got.out.n, 1);
		struct store_key k = rig_key(odd[i]);
		assert_string_equal(got.customer[0].key.id, k.id);
		assert_string_equal(got.customer[0].key.email, k.email);
		assert_string_equal(got.customer[0].link.psid, odd[i]);
	}
}

static void fill_text(char *field, size_t cap, char with)
{
	memset(field, with, cap - 1);
	field[cap - 1] = '\0';
}

TEST(the_longest_values_come_back_whole)
{
	struct rig_result got;
	struct store_customer c = {.link = {.linked_at_ms = clock_wall_ms()}};
	memset(c.key.id, 'i', STORE_KEY_MAX - 10);
	memset(c.key.email, 'e', 10);
	fill_text(c.hash, sizeof c.hash, 'h');
	fill_text(c.link.psid, sizeof c.link.psid, 'p');
	fill_text(c.link.page_id, sizeof c.link.page_id, 'g');
	r->backend->plant(r->dir, &c);
	struct store_op *op = rig_op(STORE_FIND_PSID, "");
	rig_psid(op, c.link.psid);
	rig_run(r, op, &got);
	assert_int_equal(got.code, ERR_OK);
	assert_int_equal(got.out.n, 1);
	assert_string_equal(got.customer[0].key.id, c.key.id);
	assert_string_equal(got.customer[0].hash, c.hash);
	assert_string_equal(got.customer[0].link.page_id, c.link.page_id);
	assert_true(got.customer[0].link.linked_at_ms == c.link.linked_at_ms);
	assert_false(got.customer[0].too_long);
}

TEST(a_key_too_long_for_a_code_is_told)
{
	struct rig_result got;
	struct store_customer c = {.link = {.linked_at_ms = -1}};
	memset(c.key.id, 'i', STORE_KEY_MAX - 9);
	memset(c.key.email, 'e', 10);
	r->backend->plant(r->dir, &c);
	find_email(r, c.key.email, &got);
	assert_int_equal(got.out.n, 1);
	assert_true(got.customer[0].too_long);
}

TEST(an_earlier_holder_with_the_longest_key_comes_back)
{
	struct rig_result got;
	struct store_op *op = issue("a", "c1", 300);
	rig_add(r, "a");
	struct store_key *holder = &op->in.issue.replaces, replaces;
	fill_text(holder->id, sizeof holder->id, 'r');
	fill_text(holder->email, sizeof holder->email, 'm');
	replaces = *holder;
	rig_want(r, op, STORE_DONE);
	rig_run(r, redeem("a", "c1", "p1", 1000), &got);
	assert_int_equal(got.out.outcome, STORE_DONE);
	assert_string_equal(got.out.replaces.id, replaces.id);
	assert_string_equal(got.out.replaces.email, replaces.email);
}

TEST(the_former_link_comes_back_whole)
{
	struct rig_result got;
	rig_add(r, "a");
	rig_want(r, issue("a", "c1", 300), STORE_DONE);
	struct store_op *op = redeem("a", "c1", "p1", 1234);
	rig_page(op, "page-1");
	rig_want(r, op, STORE_DONE);
	rig_want(r, issue("a", "c2", 300), STORE_DONE);
	rig_run(r, redeem("a", "c2", "p2", 5678), &got);
	assert_int_equal(got.out.outcome, STORE_DONE);
	assert_string_equal(got.out.former.psid, "p1");
	assert_string_equal(got.out.former.page_id, "page-1");
	assert_int_equal(got.out.former.linked_at_ms, 1234);
	rig_run(r, rig_op(STORE_ERASE, "a"), &got);
	assert_int_equal(got.out.outcome, STORE_DONE);
	assert_string_equal(got.out.former.psid, "p2");
	assert_string_equal(got.out.former.page_id, "");
	assert_int_equal(got.out.former.linked_at_ms, 5678);
	rig_find(r, "a", &got);
	assert_string_equal(got.customer[0].hash, "hash"); /* the password stays */
}

TEST(a_former_link_of_a_far_future_has_no_time)
{
	struct rig_result got;
	struct store_customer c = {
	        .key = rig_key("a"),
	        .link = {.psid = "p1", .linked_at_ms = clock_wall_ms() + INT64_C(86400000)}};
	r->backend->plant(r->dir, &c);
	rig_want(r, issue("a", "c1", 300), STORE_DONE);
	rig_run(r, redeem("a", "c1", "p2", 1000), &got);
	assert_int_equal(got.out.outcome, STORE_DONE);
	assert_string_equal(got.out.former.psid, "p1");
	assert_int_equal(got.out.former.linked_at_ms, -1);
	r->backend->plant(r->dir, &c);
	rig_run(r, rig_op(STORE_ERASE, "a"), &got);
	assert_int_equal(got.out.outcome, STORE_DONE);
	assert_string_equal(got.out.former.psid, "p1");
	assert_int_equal(got.out.former.linked_at_ms, -1);
}

static void unlink_at(struct rig *r, int64_t linked_at_ms, enum store_outcome want)
{
	struct store_customer c = {.key = rig_key("a"), .link = {.psid = "p1", .linked_at_ms = linked_at_ms}};
	struct store_op *op = rig_op(STORE_UNLINK, "a");
	r->backend->plant(r->dir, &c);
	rig_psid(op, "p1");
	rig_times(op, clock_wall_ms(), 0);
	rig_want(r, op, want);
}

/* A link that is newer than the event stays, but a time that is not valid makes no link newer. */
TEST(a_link_of_a_far_future_can_be_unlinked)
{
	unlink_at(r, clock_wall_ms() + INT64_C(60000), STORE_KEPT);
	unlink_at(r, clock_wall_ms() + INT64_C(86400000), STORE_DONE);
}

static void issue_for(struct rig *r, const char *hash, enum store_outcome want)
{
	struct store_op *op = issue("a", "c1", 300);
	assert_int_equal(crypto_sha256_text(str_c(hash), op->in.issue.record), ERR_OK);
	rig_want(r, op, want);
}

/* A hash that is too long is read as absent. */
TEST(a_code_is_issued_for_the_longest_hash)
{
	struct store_key key = rig_key("a");
	char hash[STORE_HASH_MAX + 1], odd[STORE_HASH_MAX + 4];
	fill_text(hash, sizeof hash, 'h');
	plant(r, key.id, key.email, hash);
	issue_for(r, hash, STORE_DONE);
	issue_for(r, hash + 1, STORE_KEPT);
	issue_for(r, "", STORE_KEPT);
	(void)snprintf(odd, sizeof odd, "\"%sh\"", hash);
	assert_true(r->backend->spoil(r->dir, &key, "password", "S", odd));
	issue_for(r, hash, STORE_KEPT);
	issue_for(r, "", STORE_DONE);
}

static void fail_login(struct rig *r, int64_t now_s, int64_t ends_s)
{
	struct store_op *op = rig_op(STORE_FAILURE, "a");
	rig_times(op, 0, now_s);
	rig_ends(op, ends_s);
	rig_want(r, op, STORE_DONE);
}

static void expect_failures(struct rig *r, int64_t failures, int64_t ends_s)
{
	struct rig_result got;
	rig_find(r, "a", &got);
	assert_int_equal(got.customer[0].login_failures, failures);
	assert_int_equal(got.customer[0].login_window_ends_s, ends_s);
}

TEST(failures_are_counted_in_a_window)
{
	rig_add(r, "a");
	expect_failures(r, 0, 0);
	fail_login(r, 100, 200);
	expect_failures(r, 1, 200);
	fail_login(r, 150, 250);
	expect_failures(r, 2, 200); /* a window does not move */
	fail_login(r, 199, 299);
	expect_failures(r, 3, 200);
	fail_login(r, 200, 300); /* over at its end */
	expect_failures(r, 1, 300);
	rig_want(r, issue("a", "c1", 300), STORE_DONE); /* a right login forgets them */
	expect_failures(r, 0, 0);
	fail_login(r, 400, 500);
	rig_want(r, rig_op(STORE_ERASE, "a"), STORE_DONE);
	expect_failures(r, 0, 0);
}

/* The end of a valid window is at most an hour after the end of a new one. */
TEST(a_window_that_ends_too_late_is_replaced)
{
	rig_add(r, "a");
	fail_login(r, 100, 250 + 3600);
	fail_login(r, 150, 250);
	expect_failures(r, 2, 250 + 3600);
	fail_login(r, 150, 249);
	expect_failures(r, 1, 249);
}

TEST(failures_at_once_are_all_counted)
{
	struct store_op *ops[50];
	static struct rig_result got[50];
	rig_add(r, "a");
	for (size_t i = 0; i < 50; i++) {
		ops[i] = rig_op(STORE_FAILURE, "a");
		rig_times(ops[i], 0, 100);
		rig_ends(ops[i], 200);
	}
	int64_t retries = metric_value(M_DYNAMODB_RETRIES);
	rig_run_threads(r, ops, 50, got);
	retries = metric_value(M_DYNAMODB_RETRIES) - retries; /* what got no answer may have been counted */
	rig_find(r, "a", &got[0]);
	assert_in_range(got[0].customer[0].login_failures, 50, 50 + retries);
}

static void upgrade(struct rig *r, const char *from, const char *to, enum store_outcome want)
{
	struct store_op *op = rig_op(STORE_UPGRADE, "a");
	RIG_SET(op->in.upgrade.old_hash, from);
	rig_hash(op, to);
	rig_want(r, op, want);
}

TEST(a_hash_is_upgraded_only_from_what_was_read)
{
	struct rig_result got;
	upgrade(r, "hash", "new", STORE_KEPT); /* nobody */
	rig_add(r, "a");
	upgrade(r, "other", "new", STORE_KEPT);
	upgrade(r, "", "new", STORE_KEPT);
	upgrade(r, "hash", "new", STORE_DONE);
	upgrade(r, "hash", "newer", STORE_KEPT);
	rig_find(r, "a", &got);
	assert_string_equal(got.customer[0].hash, "new");
}

TEST(an_id_is_added_once)
{
	struct rig_result got;
	rig_add(r, "a");
	struct store_op *op = rig_op(STORE_ADD, "a");
	RIG_SET(op->in.key.email, "other@example.com"); /* the id decides, not the whole key */
	rig_hash(op, "other");
	rig_want(r, op, STORE_EXISTS);
	rig_find(r, "a", &got);
	assert_int_equal(got.out.n, 1);
	assert_string_equal(got.customer[0].hash, "hash");
	rig_want(r, rig_op(STORE_REMOVE, "a"), STORE_DONE);
	rig_add(r, "a");
}

TEST(one_of_many_adds_wins)
{
	struct store_op *ops[8];
	static struct rig_result got[8];
	size_t added = 0;
	for (size_t i = 0; i < 8; i++)
		ops[i] = rig_op(STORE_ADD, "a");
	rig_run_threads(r, ops, 8, got);
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(got[i].code, ERR_OK);
		added += got[i].out.outcome == STORE_DONE;
	}
	assert_int_equal(added, 1);
}

TEST(eight_psids_at_once_with_one_code)
{
	struct rig_result found;
	for (int round = 0; round < 10; round++) {
		struct store_op *ops[8];
		static struct rig_result got[8];
		char code[8], psid[8], winner[8] = "";
		(void)snprintf(code, sizeof code, "c%d", round);
		if (round == 0)
			rig_add(r, "a");
		rig_want(r, issue("a", code, 300), STORE_DONE);
		for (size_t i = 0; i < 8; i++) {
			(void)snprintf(psid, sizeof psid, "p%zu", i);
			ops[i] = redeem("a", code, psid, 1000);
		}
		rig_run_threads(r, ops, 8, got);
		for (size_t i = 0; i < 8; i++) {
			assert_int_equal(got[i].code, ERR_OK);
			if (got[i].out.outcome == STORE_DONE) {
				assert_string_equal(winner, "");
				(void)snprintf(winner, sizeof winner, "p%zu", i);
			} else {
				assert_int_equal(got[i].out.outcome, STORE_USED);
			}
		}
		rig_find(r, "a", &found);
		assert_string_equal(found.customer[0].link.psid, winner);
	}
}

/* Both orders at once: each link, then the repair its webhook would do, must leave the newest holder. */
TEST(a_psid_that_moves_at_once_ends_with_one_holder)
{
	rig_add(r, "a");
	rig_add(r, "b");
	for (int round = 0; round < 10; round++) {
		char code[8], psid[8];
		struct rig_result got[2];
		(void)snprintf(code, sizeof code, "c%d", round);
		(void)snprintf(psid, sizeof psid, "p%d", round);
		rig_want(r, issue("a", code, 300), STORE_DONE);
		rig_want(r, issue("b", code, 300), STORE_DONE);
		int64_t at_b = round % 2 == 0 ? 2000 : 1000; /* newer, or of the same time */
		struct store_op *links[2] = {redeem("a", code, psid, 1000), redeem("b", code, psid, at_b)};
		rig_run_threads(r, links, 2, got);
		struct store_op *repairs[2] = {rig_op(STORE_REPAIR, "b"), rig_op(STORE_REPAIR, "a")};
		for (int i = 0; i < 2; i++) {
			rig_psid(repairs[i], psid);
			RIG_SET(repairs[i]->in.repair.me, i == 0 ? "cust-a" : "cust-b");
			rig_times(repairs[i], i == 0 ? 1000 : at_b, 0);
		}
		rig_run_threads(r, repairs, 2, got);
		struct store_op *op = rig_op(STORE_FIND_PSID, "");
		rig_psid(op, psid);
		rig_run(r, op, got);
		assert_int_equal(got[0].out.n, 1);
		assert_string_equal(got[0].customer[0].key.id, "cust-b");
	}
}

TEST(at_most_eight_holders_newest_first)
{
	struct rig_result got;
	for (int i = 0; i < 12; i++) {
		struct store_customer c = {.link = {.linked_at_ms = i % 10, .psid = "p1"}};
		(void)snprintf(c.key.id, sizeof c.key.id, "cust-%02d", i);
		RIG_SET(c.key.email, "x@example.com");
		r->backend->plant(r->dir, &c);
	}
	struct store_op *op = rig_op(STORE_FIND_PSID, "");
	rig_psid(op, "p1");
	rig_run(r, op, &got);
	assert_int_equal(got.code, ERR_OK);
	assert_int_equal(got.out.n, STORE_HOLDERS_MAX);
	for (size_t i = 1; i < got.out.n; i++) {
		const struct store_customer *newer = &got.customer[i - 1], *older = &got.customer[i];
		assert_true(newer->link.linked_at_ms > older->link.linked_at_ms ||
		            (newer->link.linked_at_ms == older->link.linked_at_ms &&
		             strcmp(newer->key.id, older->key.id) > 0));
	}
	assert_int_equal(got.customer[0].link.linked_at_ms, 9);
}

/* A missing PSID must neither match unlinked customers nor burn a code. */
TEST(an_empty_psid_matches_nothing)
{
	struct rig_result got;
	rig_add(r, "a");
	rig_run(r, rig_op(STORE_FIND_PSID, ""), &got);
	assert_int_equal(got.out.n, 0);
	rig_want(r, issue("a", "c1", 300), STORE_DONE);
	rig_want(r, redeem("a", "c1", "", 1000), STORE_REFUSED);
	rig_want(r, rig_op(STORE_UNLINK, "a"), STORE_KEPT);
	rig_want(r, redeem("a", "c1", "p1", 1000), STORE_DONE);
}

TEST(what_was_settled_is_read_at_once_and_after_a_restart)
{
	struct rig_result got;
	rig_add(r, "a");
	for (int i = 0; i < 20; i++) {
		char code[8], psid[8];
		(void)snprintf(code, sizeof code, "c%d", i);
		(void)snprintf(psid, sizeof psid, "p%d", i);
		rig_want(r, issue("a", code, 300), STORE_DONE);
		rig_want(r, redeem("a", code, psid, 1000 + i), STORE_DONE);
		rig_find(r, "a", &got);
		assert_string_equal(got.customer[0].link.psid, psid);
	}
	rig_reopen(r);
	rig_find(r, "a", &got);
	assert_string_equal(got.customer[0].link.psid, "p19");
	rig_want(r, rig_op(STORE_PING, ""), STORE_DONE);
}

TEST(an_operation_past_its_deadline_is_not_begun)
{
	struct rig_result got;
	rig_add(r, "a");
	for (enum store_kind k = STORE_FIND_EMAIL; k < STORE_KINDS; k++) {
		struct store_op *op = rig_op(k, "a");
		rig_email(op, "a@example.com");
		op->deadline_ms = 1;
		rig_run(r, op, &got);
		assert_int_equal(got.code, ERR_TIMEOUT);
		assert_int_equal(got.err.code, ERR_TIMEOUT);
		assert_string_not_equal(got.err.msg, "");
		assert_int_equal(got.out.n, 0);
	}
	rig_find(r, "a", &got);
	assert_int_equal(got.out.n, 1); /* nor removed */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(email_is_found_exactly),
	        cmocka_unit_test(several_of_one_email_are_seen_as_two),
	        cmocka_unit_test(one_id_may_have_several_items),
	        cmocka_unit_test(keys_are_used_as_stored),
	        cmocka_unit_test(the_longest_values_come_back_whole),
	        cmocka_unit_test(a_key_too_long_for_a_code_is_told),
	        cmocka_unit_test(an_earlier_holder_with_the_longest_key_comes_back),
	        cmocka_unit_test(the_former_link_comes_back_whole),
	        cmocka_unit_test(a_former_link_of_a_far_future_has_no_time),
	        cmocka_unit_test(a_link_of_a_far_future_can_be_unlinked),
	        cmocka_unit_test(a_code_is_issued_for_the_longest_hash),
	        cmocka_unit_test(failures_are_counted_in_a_window),
	        cmocka_unit_test(a_window_that_ends_too_late_is_replaced),
	        cmocka_unit_test(failures_at_once_are_all_counted),
	        cmocka_unit_test(a_hash_is_upgraded_only_from_what_was_read),
	        cmocka_unit_test(an_id_is_added_once),
	        cmocka_unit_test(one_of_many_adds_wins),
	        cmocka_unit_test(eight_psids_at_once_with_one_code),
	        cmocka_unit_test(a_psid_that_moves_at_once_ends_with_one_holder),
	        cmocka_unit_test(at_most_eight_holders_newest_first),
	        cmocka_unit_test(an_empty_psid_matches_nothing),
	        cmocka_unit_test(what_was_settled_is_read_at_once_and_after_a_restart),
	        cmocka_unit_test(an_operation_past_its_deadline_is_not_begun),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
