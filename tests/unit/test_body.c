/* Request bodies: bounds, the budget they share, who makes way in it, memory that moves. */
#include "test.h"

#include <pthread.h>

#include "base/clock.h"
#include "http/body.h"
#include "obs/metrics.h"

enum { KIB = 1024, BUDGET = 1024 * KIB, LARGE_ROOM = BUDGET - BUDGET / 4, MAX = 128 * KIB, PIECE = 32 * KIB };

static const char HERE[] = "192.0.2.1", BESIDE[] = "192.0.2.200", THERE[] = "198.51.100.1";
static char bytes[MAX];

static void begin(struct body *b, const char *client, int64_t age_ms)
{
	body_init(b, &(struct body_options){.max = MAX,
	                                    .budget = BUDGET,
	                                    .length = MAX,
	                                    .since_ms = clock_mono_ms() - age_ms,
	                                    .client = client});
}

/* In pieces, as a server reads them. */
static enum err_code arrive(struct body *b, size_t n)
{
	enum err_code code = ERR_OK;
	for (size_t i = 0; i < n && code == ERR_OK; i += PIECE)
		code = body_add(b, bytes, n - i < PIECE ? n - i : PIECE);
	return code;
}

static void fill(struct body *b, size_t n, const char *const clients[2], int64_t age_ms)
{
	for (size_t i = 0; i < n; i++) {
		begin(&b[i], clients[i % 2], age_ms);
		assert_int_equal(arrive(&b[i], MAX), ERR_OK);
	}
}

static void empty(struct body *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		body_done(&b[i]);
	assert_int_equal(metric_value(M_BODY_BYTES), 0);
}

enum { FULL = LARGE_ROOM / MAX }; /* so many bodies of MAX fill the room of large ones */

static void test_bytes_are_charged_as_they_come(void **state)
{
	struct body b;
	(void)state;
	begin(&b, HERE, 0);
	assert_int_equal(metric_value(M_BODY_BYTES), 0);
	assert_int_equal(body_add(&b, "abc", 3), ERR_OK);
	assert_int_equal(body_add(&b, "de", 2), ERR_OK);
	assert_int_equal(metric_value(M_BODY_BYTES), 5);
	assert_true(str_is(buf_view(&b.bytes), "abcde"));
	empty(&b, 1);
}

static void test_a_body_has_its_own_bound(void **state)
{
	struct body b;
	(void)state;
	for (size_t budget = 0; budget <= BUDGET; budget += BUDGET) {
		body_init(&b, &(struct body_options){
		                      .max = 4, .budget = budget, .length = BODY_NO_LENGTH, .client = HERE});
		assert_int_equal(body_add(&b, "abc", 3), ERR_OK);
		assert_int_equal(body_add(&b, "de", 2), ERR_TOO_LARGE);
		assert_int_equal(metric_value(M_BODY_BYTES), 3);
		empty(&b, 1);
	}
}

static void test_large_bodies_leave_room_for_small_ones(void **state)
{
	static const char *const all[2] = {HERE, HERE};
	struct body large[FULL], more, small[BUDGET / 4 / BODY_SMALL_MAX];
	(void)state;
	fill(large, FULL, all, 0);
	for (size_t i = 0; i < FULL; i++)
		assert_int_equal(body_hold(&large[i]), ERR_OK);
	begin(&more, HERE, 0);
	assert_int_equal(arrive(&more, PIECE), ERR_BUSY);
	for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
		begin(&small[i], HERE, 0);
		assert_int_equal(body_add(&small[i], bytes, BODY_SMALL_MAX), ERR_OK);
	}
	assert_int_equal(metric_value(M_BODY_BYTES), BUDGET);
	body_done(&more);
	for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
		body_done(&small[i]);
	empty(large, FULL);
}

/* Half-sent small bodies make way for a whole one, the oldest first. */
static void test_small_bodies_make_way_for_small_ones(void **state)
{
	enum { N = BUDGET / 4 / BODY_SMALL_MAX };
	struct body held[N], whole;
	(void)state;
	for (size_t i = 0; i < N; i++) {
		begin(&held[i], HERE, i == 3 ? 500 : 400);
		assert_int_equal(body_add(&held[i], bytes, BODY_SMALL_MAX), ERR_OK);
	}
	begin(&whole, HERE, 0);
	whole.opt.length = 100;
	assert_int_equal(body_add(&whole, bytes, 100), ERR_OK);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(body_hold(&held[i]), i == 3 ? ERR_BUSY : ERR_OK);
	body_done(&whole);
	empty(held, N);
}

static void test_the_slowest_makes_way(void **state)
{
	static const char *const both[2] = {HERE, HERE};
	struct body b[FULL], late;
	(void)state;
	fill(b, FULL, both, 100);
	b[2].opt.since_ms -= 3000;
	begin(&late, HERE, 0);
	assert_int_equal(arrive(&late, MAX), ERR_OK);
	assert_int_equal(body_add(&b[2], bytes, 1), ERR_BUSY);
	assert_int_equal(body_hold(&b[2]), ERR_BUSY);
	assert_null(b[2].bytes.p);
	assert_int_equal(metric_value(M_BODY_BYTES), LARGE_ROOM);
	for (size_t i = 0; i < FULL; i++)
		assert_int_equal(body_hold(&b[i]), i == 2 ? ERR_BUSY : ERR_OK);
	body_done(&late);
	empty(b, FULL);
}

/* What grows slowly must not push out what comes fast. */
static void test_the_slowest_cuts_itself(void **state)
{
	static const char *const both[2] = {HERE, HERE};
	struct body b[FULL], slow;
	(void)state;
	begin(&slow, HERE, 4000);
	assert_int_equal(arrive(&slow, PIECE), ERR_OK);
	fill(b, FULL - 1, both, 10);
	begin(&b[FULL - 1], HERE, 10);
	assert_int_equal(arrive(&b[FULL - 1], MAX - PIECE), ERR_OK);
	assert_int_equal(body_add(&slow, bytes, 1), ERR_BUSY);
	for (size_t i = 0; i < FULL; i++)
		assert_int_equal(body_hold(&b[i]), ERR_OK);
	body_done(&slow);
	empty(b, FULL);
}

/* Slow as it is: a network has its share where another one wants all. */
static void test_a_network_over_its_share_makes_way_first(void **state)
{
	static const char *const one[2] = {HERE, BESIDE};
	struct body b[FULL], slow, fast;
	(void)state;
	begin(&slow, THERE, 4000);
	assert_int_equal(arrive(&slow, MAX), ERR_OK);
	fill(b, FULL - 1, one, 0);
	begin(&fast, THERE, 0);
	assert_int_equal(arrive(&fast, MAX), ERR_OK);
	assert_int_equal(body_hold(&slow), ERR_OK);
	int cut = 0;
	for (size_t i = 0; i < FULL - 1; i++)
		cut += body_hold(&b[i]) == ERR_BUSY;
	assert_int_equal(cut, 1);
	body_done(&slow);
	body_done(&fast);
	empty(b, FULL - 1);
}

static void test_what_is_held_stays(void **state)
{
	static const char *const both[2] = {HERE, THERE};
	struct body b[FULL], late;
	struct body_options asked = {.max = MAX, .budget = BUDGET, .length = MAX, .client = HERE};
	(void)state;
	fill(b, FULL, both, 3000);
	assert_true(body_fits(&asked)); /* all of them would make way */
	for (size_t i = 0; i < FULL; i++)
		assert_int_equal(body_hold(&b[i]), ERR_OK);
	assert_false(body_fits(&asked));
	asked.length = BODY_SMALL_MAX;
	assert_true(body_fits(&asked));
	begin(&late, HERE, 0);
	assert_int_equal(arrive(&late, MAX), ERR_BUSY);
	body_done(&late);
	body_offer(&b[1]); /* in a queue it may be taken again */
	begin(&late, HERE, 0);
	assert_int_equal(arrive(&late, MAX), ERR_OK);
	assert_int_equal(body_hold(&b[1]), ERR_BUSY);
	body_done(&late);
	empty(b, FULL);
}

/* Any number of them: each has the connection it comes on. */
static void test_forms_are_outside_of_the_budget(void **state)
{
	static const char *const both[2] = {HERE, THERE};
	struct body b[FULL], form;
	(void)state;
	fill(b, FULL, both, 0);
	body_init(&form, &(struct body_options){.max = MAX, .length = MAX});
	assert_int_equal(arrive(&form, MAX), ERR_OK);
	for (size_t i = 0; i < FULL; i++)
		assert_int_equal(body_hold(&b[i]), ERR_OK);
	body_done(&form);
	empty(b, FULL);
}

static void test_the_largest_body_fits_a_budget_of_its_size(void **state)
{
	struct body b;
	struct body_options o = {.max = MAX, .budget = MAX, .length = MAX, .client = HERE};
	(void)state;
	assert_true(body_fits(&o));
	body_init(&b, &o);
	assert_int_equal(arrive(&b, MAX), ERR_OK);
	empty(&b, 1);
}

static void test_a_moved_body_takes_its_charge_along(void **state)
{
	struct body from, to;
	(void)state;
	begin(&from, HERE, 0);
	assert_int_equal(arrive(&from, MAX), ERR_OK);
	assert_int_equal(body_hold(&from), ERR_OK);
	const char *was = from.bytes.p;
	body_move(&to, &from);
	body_done(&from);
	assert_int_equal(metric_value(M_BODY_BYTES), MAX);
	assert_ptr_equal(to.bytes.p, was);
	body_done(&to);
	empty(&to, 1);
}

/* Several loops at once, each with more than fits. */
static void *churn(void *arg)
{
	struct body b[FULL];
	for (unsigned round = 0; round < 200; round++) {
		for (size_t i = 0; i < FULL; i++) {
			begin(&b[i], arg, 0);
			if (arrive(&b[i], round % 3 == 0 ? BODY_SMALL_MAX / 2 : MAX) != ERR_OK ||
			    i % 2 != 0 || body_hold(&b[i]) != ERR_OK)
				continue;
			memset(b[i].bytes.p, 'x', b[i].bytes.len);
			if (i % 4 == 0)
				body_offer(&b[i]);
		}
		for (size_t i = 0; i < FULL; i++)
			body_done(&b[i]);
	}
	return NULL;
}

static void test_loops_take_turns(void **state)
{
	static char *clients[] = {"192.0.2.1", "198.51.100.1", "2001:db8::1"};
	pthread_t thread[3];
	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, churn, clients[i]), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	struct body_options all = {.max = LARGE_ROOM, .budget = BUDGET, .length = LARGE_ROOM};
	assert_true(body_fits(&all));
	assert_int_equal(metric_value(M_BODY_BYTES), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_bytes_are_charged_as_they_come),
	        cmocka_unit_test(test_a_body_has_its_own_bound),
	        cmocka_unit_test(test_large_bodies_leave_room_for_small_ones),
	        cmocka_unit_test(test_small_bodies_make_way_for_small_ones),
	        cmocka_unit_test(test_the_slowest_makes_way),
	        cmocka_unit_test(test_the_slowest_cuts_itself),
	        cmocka_unit_test(test_a_network_over_its_share_makes_way_first),
	        cmocka_unit_test(test_what_is_held_stays),
	        cmocka_unit_test(test_forms_are_outside_of_the_budget),
	        cmocka_unit_test(test_the_largest_body_fits_a_budget_of_its_size),
	        cmocka_unit_test(test_a_moved_body_takes_its_charge_along),
	        cmocka_unit_test(test_loops_take_turns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
