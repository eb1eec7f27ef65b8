/* A link completed: every outcome of the redeem, and conflicts in both directions. */
#include "test.h"

#include "link_rig.h"

static void completes(void **state)
{
	(void)state;
	start_rig(&fake_sharp);
	rows(A, B);
	(void)complete_a();
	struct store_redeem *in = &rig.store.last.redeem;
	expect(LINK_R_LINKED, "redeem:a find_psid", "created:a:7:linked");
	assert_string_equal(in->psid, "7");
	assert_string_equal(in->page_id, "100");
	assert_string_equal(in->key.email, "a@example.com");
	assert_int_equal(in->time_ms, 5000);
	assert_int_equal(in->now_s, 5); /* the earlier of event time and our clock */
}

/* An event time ahead of our clock does not make a code live longer; the digest is the store's name of it. */
static void what_the_store_is_asked(void **state)
{
	(void)state;
	char digest[STORE_DIGEST_LEN + 1];
	start_rig(&fake_sharp);
	rows(A, B);
	struct auth_code_text code = fake_code(&rig, "a");
	assert_int_equal(crypto_sha256_text(str_c(code.s), digest), ERR_OK);
	int64_t ahead_ms = clock_wall_ms() + 200000;
	(void)complete(code.s, ahead_ms, 2500);
	assert_true(fake_run(&rig, 5000));
	assert_string_equal(rig.store.last.redeem.digest, digest);
	assert_int_equal(rig.store.last.redeem.time_ms, ahead_ms);
	assert_in_range(rig.store.last.redeem.now_s, FAKE_WALL_MS / 1000, clock_wall_ms() / 1000);
	fake_rig_done(&rig);
}

static void outcomes(void **state)
{
	(void)state;
	static const struct {
		enum store_outcome redeem;
		enum link_result want;
		const char *trace, *heard;
	} table[] = {
	        {STORE_ALREADY, LINK_R_ALREADY, "redeem:a find_psid", "created:a:7:already_done"},
	        {STORE_UNLINKED_SINCE, LINK_R_UNLINKED_SINCE, "redeem:a", "refused:a:7:unlinked_since"},
	        {STORE_USED, LINK_R_USED, "redeem:a", "refused:a:7:used"},
	        {STORE_SUPERSEDED, LINK_R_SUPERSEDED, "redeem:a", "refused:a:7:superseded"},
	        {STORE_REFUSED, LINK_R_REFUSED, "redeem:a", "refused:a:7:expired_or_other_psid"},
	        {STORE_NO_CUSTOMER, LINK_R_REFUSED, "redeem:a", "refused:a:7:no_customer"},
	        {STORE_KEPT, LINK_R_UNSETTLED, "redeem:a", ""},
	        {STORE_EXISTS, LINK_R_UNSETTLED, "redeem:a", ""},
	        {(enum store_outcome)99, LINK_R_UNSETTLED, "redeem:a", ""},
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		start_rig(&fake_sharp);
		rows(A, B);
		rig.store.redeem = table[i].redeem;
		(void)complete_a();
		expect(table[i].want, table[i].trace, table[i].heard);
		assert_int_equal(got.why, table[i].want == LINK_R_UNSETTLED ? ERR_INTERNAL : ERR_OK);
	}
}

static void a_forged_code_costs_no_store_call(void **state)
{
	(void)state;
	static const char *const codes[] = {"", "x", "C1234567890", "\xff\xfe"};
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		start_rig(&fake_sharp);
		(void)complete(codes[i], 5000, 2500);
		expect(LINK_R_REFUSED, "", "refused::7:bad_code");
	}
}

/* So the audit trail joins a link, and a refusal, to the line of the consent. */
static void a_change_carries_the_digest_of_its_code(void **state)
{
	(void)state;
	assert_int_equal(audit_key(STR("0123456789abcdef0123456789abcdef")), ERR_OK);
	start_rig(&fake_sharp);
	rows(A, B);
	struct auth_code_text code = fake_code(&rig, "a");
	(void)complete(code.s, 5000, 2500);
	expect(LINK_R_LINKED, "redeem:a find_psid", "created:a:7:linked");
	assert_string_equal(fake_heard_code, audit_digest(str_c(code.s)).s);
	start_rig(&fake_sharp);
	(void)complete("x", 5000, 2500);
	expect(LINK_R_REFUSED, "", "refused::7:bad_code");
	assert_string_equal(fake_heard_code, audit_digest(STR("x")).s);
}

static void ids_that_do_not_fit(void **state)
{
	(void)state;
	char text[STORE_PSID_MAX + 2];
	memset(text, '1', sizeof text);
	struct str longest = {text, STORE_PSID_MAX}, longer = {text, STORE_PSID_MAX + 1};
	start_rig(&fake_sharp);
	struct link_call c = call(100);
	struct link_op *op = NULL;
	struct link_completion in = {.code = STR("x"), .psid = longer, .page_id = STR("100")};
	assert_int_equal(link_complete(&c, &in, &op, NULL), ERR_INVALID);
	in = (struct link_completion){.code = STR("x"), .psid = longest, .page_id = longer};
	assert_int_equal(link_complete(&c, &in, &op, NULL), ERR_INVALID);
	assert_int_equal(link_find(&c, longer, &op, NULL), ERR_INVALID);
	assert_int_equal(link_find(&c, STR(""), &op, NULL), ERR_INVALID);
	assert_int_equal(link_find(&c, STR("7\0x"), &op, NULL), ERR_INVALID);
	assert_null(op);
	assert_int_equal(link_find(&c, longest, &op, NULL), ERR_OK);
	assert_non_null(op);
	link_cancel(op);
	rig.over = true;
	assert_true(fake_run(&rig, 1000));
	assert_int_equal(got.calls, 0);
	fake_rig_done(&rig);
}

/* The customer's Messenger profile before this one is told, but not the same one linked again. */
static void former_profile(void **state)
{
	(void)state;
	start_rig(&fake_sharp);
	rows(A, B);
	rig.store.former = "6";
	(void)complete_a();
	expect(LINK_R_LINKED, "redeem:a find_psid", "created:a:7:linked removed:a:6:relinked");
	start_rig(&fake_sharp);
	rows(A, B);
	rig.store.former = "7";
	(void)complete_a();
	expect(LINK_R_LINKED, "redeem:a find_psid", "created:a:7:linked");
}

static void an_older_holder_goes(void **state)
{
	(void)state;
	static const int64_t older[] = {-1, 0, 4999};
	for (size_t i = 0; i < sizeof older / sizeof older[0]; i++) {
		start_rig(&fake_sharp);
		rows(A, (struct fake_row){.id = "b", .psid = "7", .at = older[i]});
		(void)complete_a();
		expect(LINK_R_LINKED, "redeem:a find_psid repair:b",
		       "created:a:7:linked removed:b:7:replaced");
		assert_null(rig.store.row[1].psid);
		assert_non_null(rig.store.row[0].psid);
	}
}

/* Newest by (time, customer_id): a later link of b, and b at the same millisecond, both win. */
static void a_newer_holder_stays_and_ours_goes(void **state)
{
	(void)state;
	static const int64_t newer[] = {5000, 5001};
	for (size_t i = 0; i < 2; i++) {
		start_rig(&fake_sharp);
		rows(A, (struct fake_row){.id = "b", .psid = "7", .at = newer[i]});
		(void)complete_a();
		expect(LINK_R_LINKED, "redeem:a find_psid repair:a",
		       "created:a:7:linked removed:a:7:replaced");
		assert_null(rig.store.row[0].psid);
		assert_non_null(rig.store.row[1].psid);
	}
}

static void repairs_on_already_done_too(void **state)
{
	(void)state;
	start_rig(&fake_sharp);
	rows((struct fake_row){.id = "a", .psid = "7", .at = 5000},
	     (struct fake_row){.id = "b", .psid = "7", .at = 9});
	rig.store.redeem = STORE_ALREADY;
	(void)complete_a();
	expect(LINK_R_ALREADY, "redeem:a find_psid repair:b",
	       "created:a:7:already_done removed:b:7:replaced");
}

static void the_holder_kept_with_the_code_goes(void **state)
{
	(void)state;
	start_rig(&fake_lagging);
	rows(A, (struct fake_row){.id = "b", .psid = "7", .at = 9});
	rig.store.replaces = "b";
	assert_int_equal(link_retry_new(&rig.service, &rig.service.later, NULL), ERR_OK);
	watch = true;
	(void)complete_a();
	assert_false(fake_run(&rig, 60000));
	assert_int_equal(got.result, LINK_R_LINKED);
	assert_string_equal(rig.store.trace, "redeem:a repair:b"); /* and no look later */
	assert_string_equal(fake_heard, "created:a:7:linked removed:b:7:replaced");
	assert_string_equal(rig.store.last.repair.me, "a");
	assert_int_equal(rig.store.last.repair.time_ms, 5000);
	later_free(rig.service.later);
	fake_rig_done(&rig);
	/* it is the customer itself: nothing to repair */
	start_rig(&fake_sharp);
	rows(A, B);
	rig.store.replaces = "a";
	(void)complete_a();
	expect(LINK_R_LINKED, "redeem:a find_psid", "created:a:7:linked");
}

/* The holder kept with the code has a newer link: ours must go, though the index is not asked at once. */
static void a_newer_holder_kept_with_the_code_stays(void **state)
{
	(void)state;
	start_rig(&fake_lagging);
	rows(A, (struct fake_row){.id = "b", .psid = "7", .at = 5001});
	rig.store.replaces = "b";
	assert_int_equal(link_retry_new(&rig.service, &rig.service.later, NULL), ERR_OK);
	watch = true;
	(void)complete_a();
	assert_false(fake_run(&rig, 60000));
	assert_int_equal(got.result, LINK_R_LINKED);
	assert_string_equal(rig.store.trace, "redeem:a repair:b find_psid repair:a");
	assert_null(rig.store.row[0].psid);
	assert_non_null(rig.store.row[1].psid);
	later_free(rig.service.later);
	fake_rig_done(&rig);
}

/* Neither is the earlier holder kept with the code asked: the store looked later than the code was made. */
static void the_only_holder_needs_no_look(void **state)
{
	(void)state;
	start_rig(&fake_sharp);
	rows(A, B);
	rig.store.sole = true;
	rig.store.former = "6";
	rig.store.replaces = "b";
	(void)complete_a();
	expect(LINK_R_LINKED, "redeem:a", "created:a:7:linked removed:a:6:relinked");
}

static void no_conflict_check_where_psids_cannot_be_found(void **state)
{
	(void)state;
	start_rig(&fake_scanning);
	rows(A, (struct fake_row){.id = "b", .psid = "7", .at = 9});
	(void)complete_a();
	expect(LINK_R_LINKED, "redeem:a", "created:a:7:linked");
}

/* Where the index lags: answered after one write, the look comes 2 s later and settles either way. */
static void later_look(void **state)
{
	(void)state;
	for (int newer = 0; newer < 2; newer++) {
		start_rig(&fake_lagging);
		assert_int_equal(link_retry_new(&rig.service, &rig.service.later, NULL), ERR_OK);
		rows(A, (struct fake_row){.id = "b", .psid = "7", .at = newer ? 5001 : 4999});
		watch = true;
		(void)complete_a();
		assert_false(fake_run(&rig, 60000));
		assert_int_equal(got.calls, 1);
		assert_int_equal(got.result, LINK_R_LINKED);
		assert_string_equal(rig.store.trace,
		                    newer ? "redeem:a find_psid repair:a" : "redeem:a find_psid repair:b");
		assert_in_range(got.at - rig.store.at[0], 0, 50);
		assert_in_range(rig.store.at[1] - got.at, 2000, 2050);
		assert_int_equal(rig.store.row[newer ? 1 : 0].at, newer ? 5001 : 5000);
		assert_non_null(rig.store.row[newer ? 1 : 0].psid);
		assert_null(rig.store.row[newer ? 0 : 1].psid);
		later_free(rig.service.later);
		fake_rig_done(&rig);
	}
}

/* The index still shows the earlier holder alone 2 s after the link. */
static void later_look_at_a_stale_index(void **state)
{
	(void)state;
	start_rig(&fake_lagging);
	assert_int_equal(link_retry_new(&rig.service, &rig.service.later, NULL), ERR_OK);
	rows(A, (struct fake_row){.id = "b", .psid = "7", .at = 4999});
	rig.store.stale = 1;
	watch = true;
	(void)complete_a();
	assert_false(fake_run(&rig, 60000));
	assert_string_equal(rig.store.trace, "redeem:a find_psid find_psid repair:b");
	assert_in_range(rig.store.at[2] - got.at, 32000, 32100);
	assert_null(rig.store.row[1].psid);
	later_free(rig.service.later);
	fake_rig_done(&rig);
}

static void names(void **state)
{
	(void)state;
	for (int i = 0; i <= LINK_R_UNSETTLED; i++)
		assert_string_not_equal(link_result_name((enum link_result)i), "unknown");
	assert_string_equal(link_result_name((enum link_result)99), "unknown");
}

int main(void)
{
	if (crypto_start(NULL) != ERR_OK)
		return EXIT_FAILURE;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(completes),
	        cmocka_unit_test(what_the_store_is_asked),
	        cmocka_unit_test(outcomes),
	        cmocka_unit_test(a_forged_code_costs_no_store_call),
	        cmocka_unit_test(a_change_carries_the_digest_of_its_code),
	        cmocka_unit_test(ids_that_do_not_fit),
	        cmocka_unit_test(former_profile),
	        cmocka_unit_test(an_older_holder_goes),
	        cmocka_unit_test(a_newer_holder_stays_and_ours_goes),
	        cmocka_unit_test(repairs_on_already_done_too),
	        cmocka_unit_test(the_holder_kept_with_the_code_goes),
	        cmocka_unit_test(a_newer_holder_kept_with_the_code_stays),
	        cmocka_unit_test(the_only_holder_needs_no_look),
	        cmocka_unit_test(no_conflict_check_where_psids_cannot_be_found),
	        cmocka_unit_test(later_look),
	        cmocka_unit_test(later_look_at_a_stale_index),
	        cmocka_unit_test(names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
