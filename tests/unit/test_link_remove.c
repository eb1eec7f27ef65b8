/* Links removed and found: every holder, the newest survivor, an index that lags. */
#include "test.h"

#include "link_rig.h"

static void removes_from_every_holder(void **state)
{
	(void)state;
	start_rig(&fake_sharp);
	rows((struct fake_row){.id = "a", .psid = "7", .at = 5000},
	     (struct fake_row){.id = "b", .psid = "7", .at = -1});
	(void)remove_7(5000, false, true);
	expect(LINK_R_UNLINKED, "find_psid unlink:a unlink:b", "removed:a:7:unlinked removed:b:7:unlinked");
	assert_int_equal(got.n, 2);
}

static void slack_of_two_seconds(void **state)
{
	(void)state;
	static const struct {
		int64_t at;
		bool goes;
	} table[] = {{4000, true}, {5000, true}, {7000, true}, {7001, false}, {14000, false}};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		start_rig(&fake_sharp);
		rows((struct fake_row){.id = "a", .psid = "7", .at = table[i].at}, B);
		(void)remove_7(5000, false, true);
		expect(table[i].goes ? LINK_R_UNLINKED : LINK_R_MISS, "find_psid unlink:a",
		       table[i].goes ? "removed:a:7:unlinked" : "missed::7:link_is_newer");
		assert_int_equal(got.n, table[i].goes ? 1 : 0);
	}
	start_rig(&fake_sharp);
	rows((struct fake_row){.id = "a", .psid = "7", .at = 14000}, B);
	(void)remove_7(5000, true, false);
	expect(LINK_R_UNLINKED, "find_psid unlink:a", "removed:a:7:unlinked");
}

/* n holders of PSID 7, the first `old` of them linked before the event. */
static void remove_from_many(size_t n, size_t old, const struct store_vtable *vt)
{
	static const char *const ids[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
	start_rig(vt);
	for (size_t i = 0; i < n; i++)
		rig.store.row[i] = (struct fake_row){.id = ids[i], .psid = "7", .at = i < old ? 1 : 14000};
	rig.store.n = n;
	(void)remove_7(5000, false, true);
	assert_true(fake_run(&rig, 5000));
	assert_int_equal(got.result, old > 0 ? LINK_R_UNLINKED : LINK_R_MISS);
	assert_int_equal(got.n, old);
	fake_rig_done(&rig);
}

/* A full page of holders may not be all; one of which nothing may go is not looked at again. */
static void more_holders_than_one_look_shows(void **state)
{
	(void)state;
	remove_from_many(7, 7, &fake_sharp);
	assert_int_equal(rig.store.ops, 1 + 7);
	remove_from_many(8, 8, &fake_sharp);
	assert_int_equal(rig.store.ops, 1 + 8 + 1);
	remove_from_many(10, 10, &fake_sharp);
	assert_int_equal(rig.store.ops, 1 + 8 + 1 + 2);
	remove_from_many(8, 0, &fake_sharp);
	assert_int_equal(rig.store.ops, 1 + 8);
	remove_from_many(8, 1, &fake_sharp);
	assert_int_equal(rig.store.ops, 1 + 8 + 1 + 7);
}

static void unlink_from_beside(struct fake *f, const struct store_op *op, bool end)
{
	if (op->kind == STORE_UNLINK && !end)
		f->row[0].psid = NULL;
}

/* A link as old as may be that was gone before us is no newer one: the index is asked again. */
static void a_link_that_went_meanwhile(void **state)
{
	(void)state;
	start_rig(&fake_lagging);
	rows((struct fake_row){.id = "a", .psid = "7", .at = 7000}, B);
	rig.store.saw = unlink_from_beside;
	(void)remove_7(5000, false, false);
	expect(LINK_R_MISS, "find_psid unlink:a find_psid find_psid find_psid find_psid", "");
}

static void nothing_later_where_nothing_lags(void **state)
{
	(void)state;
	start_rig(&fake_sharp);
	assert_int_equal(link_retry_new(&rig.service, &rig.service.later, NULL), ERR_OK);
	rows(A, B);
	watch = true;
	(void)remove_7(5000, false, true);
	assert_false(fake_run(&rig, 60000));
	assert_int_equal(rig.store.ops, 1);
	later_free(rig.service.later);
	fake_rig_done(&rig);
}

static void a_miss_is_final_where_nothing_lags(void **state)
{
	(void)state;
	start_rig(&fake_sharp);
	rows(A, B);
	(void)remove_7(5000, false, true);
	expect(LINK_R_MISS, "find_psid", "missed::7:not_linked");
}

static void second_looks(void **state)
{
	(void)state;
	start_rig(&fake_lagging);
	rows((struct fake_row){.id = "a", .psid = "7", .at = 5000}, B);
	rig.store.blind = 3;
	(void)remove_7(5000, false, true);
	expect(LINK_R_UNLINKED, "find_psid find_psid find_psid find_psid unlink:a", "removed:a:7:unlinked");
	assert_in_range(rig.store.at[3] - rig.store.at[0], 600, 700);
}

/* Answered as a miss after a second, tried again after 5, 30 and 300 s, and then no more. */
static void later_unlinks(void **state)
{
	(void)state;
	static const size_t blind[] = {5, 10, 15, 1000}; /* each try is 5 looks */
	static const int64_t when_ms[] = {5000, 36000, 337000};
	for (size_t i = 0; i < 4; i++) {
		start_rig(&fake_lagging);
		fake_step_ms = 50;
		assert_int_equal(link_retry_new(&rig.service, &rig.service.later, NULL), ERR_OK);
		rows((struct fake_row){.id = "a", .psid = "7", .at = 5000}, B);
		rig.store.blind = blind[i];
		watch = true;
		(void)remove_7(5000, false, true);
		assert_false(fake_run(&rig, 1000 * 1000));
		assert_int_equal(got.calls, 1);
		assert_int_equal(got.result, LINK_R_MISS);
		assert_in_range(got.at - rig.store.at[0], 1000, 1500);
		assert_int_equal(rig.store.ops, i < 3 ? blind[i] + 2 : 20);
		assert_string_equal(fake_heard, i < 3 ? "missed::7:not_linked removed:a:7:unlinked"
		                                      : "missed::7:not_linked");
		if (i < 3)
			assert_in_range(rig.store.at[blind[i]] - got.at, when_ms[i], when_ms[i] + 2500);
		later_free(rig.service.later);
		fake_rig_done(&rig);
	}
}

/* -> how often it looks within that time; *ret_first_ms: when the first look was over. */
static size_t looks_in(int64_t limit_ms, bool later, int64_t *ret_first_ms)
{
	start_rig(&fake_lagging);
	assert_int_equal(link_retry_new(&rig.service, &rig.service.later, NULL), ERR_OK);
	rows(A, B);
	int64_t from_ms = fake_now_ms;
	(void)remove_7_in(limit_ms, 5000, false, later);
	assert_true(fake_run(&rig, 5000));
	assert_int_equal(got.result, LINK_R_MISS);
	*ret_first_ms = got.at - from_ms;
	size_t looks = rig.store.ops;
	later_free(rig.service.later);
	fake_rig_done(&rig);
	return looks;
}

/* A delivery may hold hundreds of them: those with no more than a second left take one look each, and the
 * later removal does the rest. */
static void no_second_looks_late_in_a_delivery(void **state)
{
	int64_t first_ms, ms;
	(void)state;
	assert_int_equal(looks_in(1000, true, &first_ms), 1);
	assert_int_equal(looks_in(first_ms + 1000, true, &ms), 1);
	assert_true(looks_in(first_ms + 1001, true, &ms) > 1);
	assert_int_equal(looks_in(1000, false, &ms), 4);
}

static void nothing_later_unless_asked(void **state)
{
	(void)state;
	start_rig(&fake_lagging);
	assert_int_equal(link_retry_new(&rig.service, &rig.service.later, NULL), ERR_OK);
	rows(A, B);
	watch = true;
	(void)remove_7(5000, false, false);
	assert_false(fake_run(&rig, 60000));
	assert_int_equal(rig.store.ops, 5);
	later_free(rig.service.later);
	fake_rig_done(&rig);
}

static void one_look_where_once_is_asked(void **state)
{
	(void)state;
	for (int there = 0; there < 2; there++) {
		start_rig(&fake_lagging);
		rows((struct fake_row){.id = "a", .psid = there ? "7" : NULL, .at = 5000}, B);
		struct link_call c = call(2500);
		struct link_removal in = {
		        .psid = STR("7"), .event_ms = 5000, .reason = "ended", .once = true};
		struct link_op *op = NULL;
		assert_int_equal(link_remove(&c, &in, &op, NULL), ERR_OK);
		if (there)
			expect(LINK_R_UNLINKED, "find_psid unlink:a", "removed:a:7:ended");
		else
			expect(LINK_R_MISS, "find_psid", "");
	}
}

/* An old event is not a miss of the index: no second looks. */
static void a_newer_link_is_not_looked_for_again(void **state)
{
	(void)state;
	start_rig(&fake_lagging);
	assert_int_equal(link_retry_new(&rig.service, &rig.service.later, NULL), ERR_OK);
	rows((struct fake_row){.id = "a", .psid = "7", .at = 14000}, B);
	watch = true;
	(void)remove_7(5000, false, true);
	assert_false(fake_run(&rig, 60000));
	assert_int_equal(got.result, LINK_R_MISS);
	assert_string_equal(rig.store.trace, "find_psid unlink:a");
	later_free(rig.service.later);
	fake_rig_done(&rig);
}

static void the_later_list_is_bounded(void **state)
{
	(void)state;
	start_rig(&fake_lagging);
	link_retry_look(&rig.service, STR("7"), 0); /* without a list it is dropped */
	assert_int_equal(link_retry_new(&rig.service, &rig.service.later, NULL), ERR_OK);
	for (size_t i = 0; i < LINK_RETRY_MAX + 10; i++)
		link_retry_look(&rig.service, STR("7"), 0);
	watch = true;
	rig.store.delay_ms = 50;
	assert_false(fake_run(&rig, 10000));
	assert_int_equal(rig.store.in_flight_most, LINK_RETRY_MAX);
	assert_int_equal(rig.store.ops, LINK_RETRY_MAX * 5);
	link_retry_look(&rig.service, STR("7"), 0);
	later_free(rig.service.later); /* with one that is open */
	fake_rig_done(&rig);
}

/* --- find */

static void finds(void **state)
{
	(void)state;
	start_rig(&fake_sharp);
	rows((struct fake_row){.id = "a", .psid = "7", .at = 5000}, B);
	(void)find_7();
	expect(LINK_R_LINKED, "find_psid", "");
	assert_int_equal(got.n, 1);
	assert_string_equal(got.holder, "a");
	start_rig(&fake_sharp);
	rows(A, B);
	(void)find_7();
	expect(LINK_R_MISS, "find_psid", "");
	assert_int_equal(got.n, 0);
	start_rig(&fake_lagging);
	rows((struct fake_row){.id = "a", .psid = "7", .at = 5000}, B);
	rig.store.blind = 4;
	(void)find_7();
	expect(LINK_R_LINKED, "find_psid find_psid find_psid find_psid find_psid", "");
}

static void finding_two_repairs(void **state)
{
	(void)state;
	static const struct {
		int64_t a, b;
		const char *stays;
	} table[] = {{2, 1, "a"}, {1, 2, "b"}, {1, 1, "b"}, {-1, 0, "b"}, {0, -1, "a"}, {-1, -1, "b"}};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		bool a = table[i].stays[0] == 'a';
		start_rig(&fake_sharp);
		rows((struct fake_row){.id = "a", .psid = "7", .at = table[i].a},
		     (struct fake_row){.id = "b", .psid = "7", .at = table[i].b});
		(void)find_7();
		expect(LINK_R_LINKED, a ? "find_psid repair:b" : "find_psid repair:a",
		       a ? "removed:b:7:replaced" : "removed:a:7:replaced");
		assert_string_equal(got.holder, table[i].stays);
	}
}

static void a_failed_repair_does_not_spoil_the_answer(void **state)
{
	(void)state;
	start_rig(&fake_sharp);
	rows((struct fake_row){.id = "a", .psid = "7", .at = 1},
	     (struct fake_row){.id = "b", .psid = "7", .at = 2});
	rig.store.fail_at = 2;
	(void)find_7();
	expect(LINK_R_LINKED, "find_psid repair:a", "");
	assert_string_equal(got.holder, "b");
}

int main(void)
{
	if (crypto_start(NULL) != ERR_OK)
		return EXIT_FAILURE;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(removes_from_every_holder),
	        cmocka_unit_test(slack_of_two_seconds),
	        cmocka_unit_test(more_holders_than_one_look_shows),
	        cmocka_unit_test(a_link_that_went_meanwhile),
	        cmocka_unit_test(nothing_later_where_nothing_lags),
	        cmocka_unit_test(a_miss_is_final_where_nothing_lags),
	        cmocka_unit_test(second_looks),
	        cmocka_unit_test(later_unlinks),
	        cmocka_unit_test(no_second_looks_late_in_a_delivery),
	        cmocka_unit_test(nothing_later_unless_asked),
	        cmocka_unit_test(one_look_where_once_is_asked),
	        cmocka_unit_test(a_newer_link_is_not_looked_for_again),
	        cmocka_unit_test(the_later_list_is_bounded),
	        cmocka_unit_test(finds),
	        cmocka_unit_test(finding_two_repairs),
	        cmocka_unit_test(a_failed_repair_does_not_spoil_the_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
