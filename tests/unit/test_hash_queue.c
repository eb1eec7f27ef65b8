/* The queue of password hashes: whose turn it is, who gets no place or loses it, e-mails one at a time. */
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "login/hash.h"
#include "loop_rig.h"

enum { TRIES = 400, LONG_MS = 600000 };

/* A try whose work waits until its gate opens. */
struct one {
	struct hash_try try;
	atomic_bool open, began;
	int64_t began_ms, hold_ms;
	int done; /* calls */
};

static struct one one[TRIES];
static struct hash_queue *queue;
static int order[TRIES], done_n; /* as their work began, one thread */
static atomic_int order_n;

static void work(struct hash_try *t)
{
	struct one *o = LIST_ENTRY(t, struct one, try);
	order[atomic_fetch_add(&order_n, 1)] = (int)(o - one);
	o->began_ms = clock_mono_ms();
	t->hold_until_ms = o->hold_ms > 0 ? o->began_ms + o->hold_ms : 0;
	atomic_store(&o->began, true);
	while (!atomic_load(&o->open))
		(void)usleep(200);
}

static void on_done(struct hash_try *t)
{
	LIST_ENTRY(t, struct one, try)->done++;
	done_n++;
}

/* The n-th try, of a network and an e-mail that nobody else has, open. */
static struct one *make(int n)
{
	struct one *o = &one[n];
	*o = (struct one){.try = {.work = work,
	                          .done = on_done,
	                          .network = 1000 + (uint64_t)n,
	                          .email = 1000 + (uint64_t)n,
	                          .latest_ms = clock_mono_ms() + LONG_MS}};
	atomic_store(&o->open, true);
	return o;
}

static enum err_code go(struct one *o)
{
	enum err_code code = hash_queue_enter(queue, &o->try);
	return code == ERR_OK ? hash_queue_start(queue, loop, &o->try) : code;
}

static void wait_until_begun(struct one *o)
{
	for (int ms = 0; ms < patience(10000) && !atomic_load(&o->began); ms++)
		(void)usleep(1000);
	assert_true(atomic_load(&o->began));
}

static void wait_for_done(int n)
{
	for (int ms = 0; ms < patience(10000) && done_n < n; ms++) {
		loop_drain(loop);
		(void)usleep(1000);
	}
	assert_int_equal(done_n, n);
}

static void start_queue(unsigned threads, size_t places)
{
	const struct hash_queue_options o = {.threads = threads, .places = places, .nice = 19};
	done_n = 0;
	atomic_store(&order_n, 0);
	assert_int_equal(hash_queue_new(&o, &queue, NULL), ERR_OK);
}

/* A queue whose only thread is at work until its try, the last one of the array, is opened. */
static struct one *start_blocked(size_t places)
{
	struct one *blocker = make(TRIES - 1);
	start_queue(1, places);
	atomic_store(&blocker->open, false);
	assert_int_equal(go(blocker), ERR_OK);
	wait_until_begun(blocker);
	return blocker;
}

static void finish(struct one *blocker, int done)
{
	atomic_store(&blocker->open, true);
	wait_for_done(done);
	hash_queue_free(queue);
}

static void check_order(const int *want, int n)
{
	assert_int_equal(atomic_load(&order_n), n + 1);
	for (int i = 0; i < n; i++)
		assert_int_equal(order[i + 1], want[i]);
}

/* --- whose turn it is */

static void test_a_short_queue_is_first_come_first_served(void **state)
{
	(void)state;
	struct one *blocker = start_blocked(64);
	for (int i = 0; i < 4; i++)
		assert_int_equal(go(make(i)), ERR_OK);
	finish(blocker, 5);
	check_order((int[]){0, 1, 2, 3}, 4);
}

static void test_a_long_queue_serves_the_newest(void **state)
{
	(void)state;
	struct one *blocker = start_blocked(8);
	for (int i = 0; i < 5; i++)
		assert_int_equal(go(make(i)), ERR_OK);
	finish(blocker, 6);
	check_order((int[]){4, 3, 2, 0, 1}, 5);
}

static void test_known_devices_go_first(void **state)
{
	(void)state;
	struct one *blocker = start_blocked(64);
	for (int i = 0; i < 4; i++) {
		make(i)->try.known_device = i == 2;
		assert_int_equal(go(&one[i]), ERR_OK);
	}
	finish(blocker, 5);
	check_order((int[]){2, 0, 1, 3}, 4);
}

static void test_quiet_networks_go_first(void **state)
{
	(void)state;
	struct one *blocker = start_blocked(64);
	for (int i = 0; i < 5; i++) {
		make(i)->try.network = i == 3 ? 7 : 8;
		assert_int_equal(go(&one[i]), ERR_OK);
	}
	finish(blocker, 6);
	check_order((int[]){0, 3, 1, 2, 4}, 5); /* counts 1, 1, 2, 3, 4: of equal powers of 2 the oldest */
}

/* --- places */

static void test_a_network_holds_a_quarter_of_the_places(void **state)
{
	(void)state;
	struct one *blocker = start_blocked(8);
	for (int i = 0; i < 4; i++)
		make(i)->try.network = 7;
	for (int i = 0; i < 3; i++)
		assert_int_equal(go(&one[i]), ERR_OK);
	assert_int_equal(go(&one[3]), ERR_BUSY); /* more tries lately than those who wait */
	assert_int_equal(go(make(4)), ERR_OK);   /* another network has room */
	wait_for_done(1);
	assert_true(one[1].try.dropped && one[1].done == 1); /* the newer equal one has its place */
	make(5)->try.network = 7;
	one[5].try.known_device = true; /* also within its network the last to be refused */
	assert_int_equal(go(&one[5]), ERR_OK);
	finish(blocker, 6);
	assert_true(one[2].try.dropped && !one[0].try.dropped && !one[5].try.dropped);
	assert_int_equal(one[3].done, 0);
}

static void test_an_email_holds_a_quarter_of_the_places(void **state)
{
	(void)state;
	struct one *blocker = start_blocked(8);
	for (int i = 0; i < 4; i++)
		make(i)->try.email = 7;
	one[0].try.known_device = one[1].try.known_device = true;
	assert_int_equal(go(&one[0]), ERR_OK);
	assert_int_equal(go(&one[1]), ERR_OK);
	assert_int_equal(go(&one[2]), ERR_BUSY);
	one[3].try.known_device = true;
	assert_int_equal(go(&one[3]), ERR_OK);
	wait_for_done(1);
	assert_true(one[0].try.dropped);
	finish(blocker, 4);
}

static void test_both_shares_at_once(void **state)
{
	(void)state;
	struct one *blocker = start_blocked(4); /* a share of one */
	make(0)->try.network = 7;
	make(1)->try.email = 7;
	assert_int_equal(go(&one[0]), ERR_OK);
	assert_int_equal(go(&one[1]), ERR_OK);
	make(2);
	one[2].try.network = one[2].try.email = 7;
	one[2].try.known_device = true;
	assert_int_equal(go(&one[2]), ERR_OK);
	finish(blocker, 4);
	assert_true(one[0].try.dropped && one[1].try.dropped && !one[2].try.dropped);
}

static void test_in_a_full_queue_the_newest_and_the_known_find_room(void **state)
{
	(void)state;
	struct one *blocker = start_blocked(4);
	for (int i = 0; i < 5; i++)
		assert_int_equal(go(make(i)), ERR_OK);
	wait_for_done(1);
	assert_true(one[0].try.dropped);
	for (int i = 5; i < 9; i++) {
		make(i)->try.known_device = true;
		assert_int_equal(go(&one[i]), ERR_OK);
	}
	wait_for_done(5);
	assert_int_equal(go(make(9)), ERR_BUSY);
	finish(blocker, 10);
	for (int i = 0; i < 9; i++)
		assert_int_equal(one[i].try.dropped, i < 5);
}

/* A place that was lost while the store was asked. */
static void test_a_reserved_place_can_be_lost(void **state)
{
	(void)state;
	struct one *blocker = start_blocked(1);
	assert_int_equal(hash_queue_enter(queue, &make(0)->try), ERR_OK);
	assert_int_equal(hash_queue_enter(queue, &make(1)->try), ERR_OK);
	assert_int_equal(hash_queue_start(queue, loop, &one[0].try), ERR_BUSY);
	assert_true(hash_queue_leave(queue, &one[0].try));
	assert_int_equal(hash_queue_start(queue, loop, &one[1].try), ERR_OK);
	finish(blocker, 2);
	assert_int_equal(one[0].done, 0);
}

static void test_places_are_given_back(void **state)
{
	(void)state;
	struct one *blocker = start_blocked(1);
	make(0)->try.known_device = true;
	assert_int_equal(hash_queue_enter(queue, &one[0].try), ERR_OK);
	assert_int_equal(hash_queue_enter(queue, &make(1)->try), ERR_BUSY);
	assert_true(hash_queue_leave(queue, &one[0].try)); /* before its start */
	assert_int_equal(go(make(2)), ERR_OK);
	assert_true(hash_queue_leave(queue, &one[2].try)); /* while it waits */
	assert_true(hash_queue_leave(queue, &one[2].try)); /* once more: no-op */
	assert_int_equal(go(make(3)), ERR_OK);
	assert_false(hash_queue_leave(queue, &blocker->try)); /* it runs: `done` comes */
	finish(blocker, 2);
	assert_int_equal(blocker->done + one[3].done, 2);
}

static void test_what_is_late_is_dropped(void **state)
{
	(void)state;
	struct one *blocker = start_blocked(8);
	make(0)->try.latest_ms = clock_mono_ms() - 1;
	assert_int_equal(hash_queue_enter(queue, &one[0].try), ERR_OK);
	assert_int_equal(hash_queue_start(queue, loop, &one[0].try), ERR_BUSY);
	make(1)->try.latest_ms = clock_mono_ms() + 50;
	if (go(&one[1]) == ERR_OK) { /* else this machine took 50 ms for it */
		(void)usleep(60000);
		finish(blocker, 2);
		assert_true(one[1].try.dropped);
		assert_false(atomic_load(&one[1].began));
	} else
		finish(blocker, 1);
}

/* --- one e-mail at a time */

static void test_tries_of_an_email_run_one_after_another(void **state)
{
	(void)state;
	start_queue(4, 64);
	for (int i = 0; i < 3; i++)
		make(i)->try.email = 7;
	atomic_store(&one[0].open, false);
	assert_int_equal(go(&one[0]), ERR_OK);
	wait_until_begun(&one[0]);
	assert_int_equal(go(&one[1]), ERR_OK);
	assert_int_equal(go(&one[2]), ERR_OK);
	assert_int_equal(go(make(3)), ERR_OK); /* another e-mail does not wait */
	wait_for_done(1);
	assert_int_equal(one[3].done, 1);
	assert_false(atomic_load(&one[1].began) || atomic_load(&one[2].began));
	atomic_store(&one[0].open, true);
	wait_for_done(4);
	hash_queue_free(queue);
}

static void test_a_hold_keeps_the_email(void **state)
{
	(void)state;
	start_queue(2, 64);
	make(0)->hold_ms = 60;
	make(1)->hold_ms = 60;
	make(2);
	one[0].try.email = one[1].try.email = one[2].try.email = 7;
	for (int i = 0; i < 3; i++)
		assert_int_equal(go(&one[i]), ERR_OK);
	wait_for_done(3);
	for (int i = 0; i < 2; i++)
		assert_true(one[i + 1].began_ms >= one[i].began_ms + 60);
	hash_queue_free(queue);
}

/* Threads that only watch over a hold take what comes meanwhile, and one of them still wakes for it. */
static void test_a_hold_delays_no_other(void **state)
{
	(void)state;
	start_queue(2, 64);
	make(0)->hold_ms = 200;
	make(1);
	one[0].try.email = one[1].try.email = 7;
	assert_int_equal(go(&one[0]), ERR_OK);
	assert_int_equal(go(&one[1]), ERR_OK);
	wait_for_done(1);
	make(2);
	atomic_store(&one[2].open, false);
	assert_int_equal(go(&one[2]), ERR_OK);
	wait_until_begun(&one[2]);
	wait_for_done(2);
	assert_int_equal(one[1].done, 1); /* by the other thread */
	finish(&one[2], 3);
}

static void test_holds_are_bounded(void **state)
{
	(void)state;
	const int n = HASH_QUEUE_HELD + 1;
	start_queue(1, 64);
	for (int i = 0; i < n; i++) {
		make(i)->hold_ms = LONG_MS;
		assert_int_equal(go(&one[i]), ERR_OK);
		wait_for_done(i + 1);
	}
	make(n)->try.email = one[1].try.email;     /* held */
	make(n + 1)->try.email = one[0].try.email; /* the oldest hold made way */
	assert_int_equal(go(&one[n]), ERR_OK);
	assert_int_equal(go(&one[n + 1]), ERR_OK);
	wait_for_done(n + 1);
	assert_int_equal(one[n + 1].done, 1);
	hash_queue_free(queue); /* what waits is dropped */
	wait_for_done(n + 2);
	assert_true(one[n].try.dropped);
}

/* --- networks */

static void test_networks(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		bool same;
	} row[] = {
	        {"192.0.2.1", "192.0.2.255", true},
	        {"192.0.2.1", "192.0.3.1", false},
	        {"::ffff:192.0.2.1", "192.0.2.9", true},
	        {"2001:db8:1::1", "2001:db8:1:ffff::1", true},
	        {"2001:db8:1::1", "2001:db8:2::1", false},
	        {"0.0.1.1", "::1", false},
	        {"", "unix", true},
	        {"", "192.0.2.1", false},
	};
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		assert_int_equal(hash_share_network(str_c(row[i].a)) == hash_share_network(str_c(row[i].b)),
		                 row[i].same);
}

static void test_counts_of_networks_fade(void **state)
{
	(void)state;
	static struct hash_share s;
	for (unsigned i = 1; i <= 16; i++)
		assert_int_equal(hash_share_add(&s, 7, 1000), i < 2    ? 0
		                                              : i < 4  ? 1
		                                              : i < 8  ? 2
		                                              : i < 16 ? 3
		                                                       : 4);
	assert_int_equal(hash_share_add(&s, 8, 1000), 0);
	assert_int_equal(hash_share_add(&s, 7, 1000 + HASH_SHARE_HALF_MS), 3);               /* 16/2 + 1 */
	assert_int_equal(hash_share_add(&s, 7, 1000 + 40 * (int64_t)HASH_SHARE_HALF_MS), 0); /* forgotten */
}

/* In a full set the quietest is forgotten, whoever aims at it: never the one with many tries. */
static void test_a_busy_network_is_not_forgotten(void **state)
{
	(void)state;
	static struct hash_share s;
	for (int i = 0; i < 100; i++)
		(void)hash_share_add(&s, 7, 1000);
	for (uint64_t n = 0; n < 20000; n++)
		(void)hash_share_add(&s, 1000 + n, 1000);
	assert_int_equal(hash_share_add(&s, 7, 1000), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_LOOP(test_a_short_queue_is_first_come_first_served),
	        WITH_LOOP(test_a_long_queue_serves_the_newest),
	        WITH_LOOP(test_known_devices_go_first),
	        WITH_LOOP(test_quiet_networks_go_first),
	        WITH_LOOP(test_a_network_holds_a_quarter_of_the_places),
	        WITH_LOOP(test_an_email_holds_a_quarter_of_the_places),
	        WITH_LOOP(test_both_shares_at_once),
	        WITH_LOOP(test_in_a_full_queue_the_newest_and_the_known_find_room),
	        WITH_LOOP(test_a_reserved_place_can_be_lost),
	        WITH_LOOP(test_places_are_given_back),
	        WITH_LOOP(test_what_is_late_is_dropped),
	        WITH_LOOP(test_tries_of_an_email_run_one_after_another),
	        WITH_LOOP(test_a_hold_keeps_the_email),
	        WITH_LOOP(test_a_hold_delays_no_other),
	        WITH_LOOP(test_holds_are_bounded),
	        cmocka_unit_test(test_networks),
	        cmocka_unit_test(test_counts_of_networks_fade),
	        cmocka_unit_test(test_a_busy_network_is_not_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
