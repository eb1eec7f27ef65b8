/* The loop: timers, inbox, settling sources, tasks, offload; each rule with a test that stalls
 * without it. */
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop/offload.h"
#include "loop_rig.h"

enum { STALL_MS = 500 }; /* far below the loop's longest sleep */

/* --- timers */

struct mark {
	struct loop_timer timer;
	int order;
};
static int fired[64], fired_n;

static void on_mark(struct loop_timer *t)
{
	fired[fired_n++] = LIST_ENTRY(t, struct mark, timer)->order;
	if (fired_n == 50)
		loop_stop(loop);
}

static void test_timers_fire_in_order_of_due(void **state)
{
	struct mark m[60];
	int64_t now = clock_mono_ms();
	(void)state;
	fired_n = 0;
	for (int i = 0; i < 60; i++) {
		m[i] = (struct mark){.timer = {.fn = on_mark}, .order = (i * 37) % 60};
		assert_int_equal(loop_timer_set(loop, &m[i].timer, now + m[i].order), ERR_OK);
	}
	for (int i = 0; i < 60; i++)
		if (m[i].order % 6 == 5)
			loop_timer_clear(loop, &m[i].timer);
	run_guarded(STALL_MS);
	assert_false(stalled);
	assert_int_equal(fired_n, 50);
	for (int i = 1; i < fired_n; i++)
		assert_true(fired[i - 1] < fired[i]);
}

static void on_again(struct loop_timer *t)
{
	if (++fired_n == 3)
		loop_stop(loop);
	else
		assert_int_equal(loop_timer_set(loop, t, loop_now_ms(loop)), ERR_OK);
}

static void test_timer_that_rearms_itself_for_now_does_not_hang_the_loop(void **state)
{
	struct loop_timer t = {.fn = on_again};
	(void)state;
	fired_n = 0;
	assert_int_equal(loop_timer_set(loop, &t, 0), ERR_OK);
	run_guarded(STALL_MS);
	assert_int_equal(fired_n, 3);
	assert_false(stalled);
}

/* --- inbox */

struct note {
	struct loop_post post;
	int number;
};
static int posted[256], posted_n;

static void on_note(struct loop_post *p)
{
	posted[posted_n++] = LIST_ENTRY(p, struct note, post)->number;
	if (posted_n == 200)
		loop_stop(loop);
}

static void *post_all(void *arg)
{
	struct note *n = arg;
	for (int i = 0; i < 200; i++) {
		n[i] = (struct note){.post = {.fn = on_note}, .number = i};
		loop_post(loop, &n[i].post);
	}
	return NULL;
}

static void test_posts_from_another_thread_wake_the_loop_in_order(void **state)
{
	static struct note notes[200];
	pthread_t t;
	(void)state;
	posted_n = 0;
	assert_int_equal(pthread_create(&t, NULL, post_all, notes), 0);
	run_guarded(STALL_MS);
	(void)pthread_join(t, NULL);
	assert_false(stalled);
	for (int i = 0; i < 200; i++)
		assert_int_equal(posted[i], i);
}

/* --- sources: work that no descriptor announces */

struct quiet {
	struct loop_source source;
	int left;
	int64_t due;
};

static bool quiet_settle(struct loop_source *s)
{
	struct quiet *q = LIST_ENTRY(s, struct quiet, source);
	if (q->left == 0)
		return false;
	if (--q->left == 0)
		loop_stop(loop);
	return true;
}

static int64_t quiet_due(struct loop_source *s)
{
	return LIST_ENTRY(s, struct quiet, source)->due;
}

static void test_a_source_is_settled_until_it_does_nothing(void **state)
{
	/* more rounds than one turn has: the loop must stay hot, or it would sleep for a minute */
	struct quiet q = {.source = {.settle = quiet_settle, .due_ms = quiet_due}, .left = 100, .due = -1};
	(void)state;
	loop_source_add(loop, &q.source);
	run_guarded(STALL_MS);
	assert_false(stalled);
	loop_source_del(&q.source);
}

static bool due_settle(struct loop_source *s)
{
	struct quiet *q = LIST_ENTRY(s, struct quiet, source);
	if (clock_mono_ms() < q->due)
		return false;
	loop_stop(loop);
	return false;
}

static void test_the_loop_never_sleeps_past_a_source(void **state)
{
	struct quiet q = {.source = {.settle = due_settle, .due_ms = quiet_due}, .due = clock_mono_ms() + 30};
	(void)state;
	loop_source_add(loop, &q.source);
	run_guarded(STALL_MS);
	assert_false(stalled);
	loop_source_del(&q.source);
}

/* --- descriptors */

static int watched;

static void on_watch(struct loop_watch *w, uint32_t events)
{
	uint64_t n;
	assert_true(events & EPOLLIN);
	assert_int_equal(read(w->fd, &n, sizeof n), sizeof n);
	watched++;
	loop_stop(loop);
}

static void test_a_watched_descriptor_wakes_the_loop(void **state)
{
	struct loop_watch w = {.fd = eventfd(1, EFD_CLOEXEC), .fn = on_watch};
	(void)state;
	watched = 0;
	assert_int_equal(loop_watch_add(loop, &w, EPOLLIN, NULL), ERR_OK);
	run_guarded(STALL_MS);
	assert_int_equal(watched, 1);
	loop_watch_del(loop, &w);
	(void)close(w.fd);
}

static struct loop_watch pair[2];

/* Whichever comes first ends the other, as a transfer that finishes closes the connection of another. */
static void on_either(struct loop_watch *w, uint32_t events)
{
	struct loop_watch *other = w == &pair[0] ? &pair[1] : &pair[0];
	(void)events;
	watched++;
	loop_watch_del(loop, other);
	other->fn = NULL;
	loop_watch_del(loop, w);
	loop_stop(loop);
}

static void test_a_deleted_watch_is_told_nothing_more_of_the_same_turn(void **state)
{
	(void)state;
	watched = 0;
	for (int i = 0; i < 2; i++) {
		pair[i] = (struct loop_watch){.fd = eventfd(1, EFD_CLOEXEC), .fn = on_either};
		assert_int_equal(loop_watch_add(loop, &pair[i], EPOLLIN, NULL), ERR_OK);
	}
	loop_run(loop);
	assert_int_equal(watched, 1);
	loop_stop(loop);
	loop_run(loop); /* a loop may be run again */
	assert_int_equal(watched, 1);
	(void)close(pair[0].fd);
	(void)close(pair[1].fd);
}

static void test_a_bad_descriptor_is_an_error(void **state)
{
	struct loop_watch w = {.fd = -1, .fn = on_watch};
	struct err e = {0};
	(void)state;
	assert_int_equal(loop_watch_add(loop, &w, EPOLLIN, &e), ERR_NOMEM);
	assert_true(e.msg[0] != '\0');
}

/* --- tasks */

struct step {
	struct loop_task task;
	int order;
	struct step *adds, *cancels;
};

static void on_step(struct loop_task *t)
{
	struct step *s = LIST_ENTRY(t, struct step, task);
	fired[fired_n++] = s->order;
	if (s->cancels != NULL)
		loop_task_cancel(&s->cancels->task);
	if (s->adds != NULL)
		loop_task_add(loop, &s->adds->task);
	if (s->order == 3)
		loop_stop(loop);
}

static void test_tasks_run_in_order_and_not_after_a_cancel(void **state)
{
	struct step s[5];
	(void)state;
	fired_n = 0;
	for (int i = 0; i < 5; i++) {
		s[i] = (struct step){.task = {.fn = on_step}, .order = i};
		if (i != 3)
			loop_task_add(loop, &s[i].task);
	}
	assert_int_equal(fired_n, 0); /* never before loop_task_add returned */
	loop_task_cancel(&s[0].task);
	loop_task_cancel(&s[0].task);
	s[1].cancels = &s[2];
	s[1].adds = &s[3];
	run_guarded(STALL_MS); /* nothing else wakes the loop: it must not wait before a task */
	assert_false(stalled);
	assert_int_equal(fired_n, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(fired[i], ((int[]){1, 4, 3})[i]);
}

static void on_task_again(struct loop_task *t)
{
	fired_n++;
	loop_task_add(loop, t);
}

static void test_a_task_that_adds_itself_does_not_starve_descriptors_and_timers(void **state)
{
	struct loop_task t = {.fn = on_task_again};
	struct loop_watch w = {.fd = eventfd(1, EFD_CLOEXEC), .fn = on_watch};
	(void)state;
	fired_n = watched = 0;
	loop_task_add(loop, &t);
	assert_int_equal(loop_watch_add(loop, &w, EPOLLIN, NULL), ERR_OK);
	run_guarded(STALL_MS);
	assert_false(stalled);
	assert_int_equal(watched, 1);
	assert_true(fired_n > 0);
	loop_watch_del(loop, &w);
	(void)close(w.fd);
	run_guarded(20); /* the guard is a timer */
	assert_true(stalled);
	loop_task_cancel(&t);
}

/* --- offload */

struct job {
	struct offload_job job;
	pthread_t worked_on;
	bool started_first;
};
static atomic_int gate; /* 0: closed */
static int done_n;
static bool started_all;

static void job_work(struct offload_job *j)
{
	while (atomic_load(&gate) == 0)
		(void)usleep(1000);
	LIST_ENTRY(j, struct job, job)->worked_on = pthread_self();
}

static void job_done(struct offload_job *j)
{
	struct job *mine = LIST_ENTRY(j, struct job, job);
	assert_false(pthread_equal(mine->worked_on, pthread_self()));
	assert_true(started_all); /* never before start returned */
	if (++done_n == 3)
		loop_stop(loop);
}

static void test_offload_is_bounded_and_answers_on_the_loop(void **state)
{
	struct offload_options o = {.name = "test", .threads = 1, .queue_max = 2, .nice = 19};
	struct job j[4];
	struct offload *pool;
	(void)state;
	atomic_store(&gate, 0);
	done_n = 0;
	started_all = false;
	assert_int_equal(offload_new(&o, &pool, NULL), ERR_OK);
	for (int i = 0; i < 4; i++)
		j[i] = (struct job){.job = {.work = job_work, .done = job_done}};
	assert_int_equal(offload_start(pool, loop, &j[0].job), ERR_OK);
	(void)usleep(50000); /* the one thread holds it */
	assert_int_equal(offload_start(pool, loop, &j[1].job), ERR_OK);
	assert_int_equal(offload_start(pool, loop, &j[2].job), ERR_OK);
	assert_int_equal(offload_start(pool, loop, &j[3].job), ERR_BUSY);
	started_all = true;
	atomic_store(&gate, 1);
	run_guarded(STALL_MS);
	assert_false(stalled);
	assert_int_equal(done_n, 3);
	offload_free(pool);
}

static void test_offload_free_runs_what_was_queued(void **state)
{
	struct offload_options o = {.name = "test", .threads = 2, .queue_max = 8};
	struct job j[3];
	struct offload *pool;
	(void)state;
	atomic_store(&gate, 1);
	done_n = 0;
	started_all = true;
	assert_int_equal(offload_new(&o, &pool, NULL), ERR_OK);
	for (int i = 0; i < 3; i++) {
		j[i] = (struct job){.job = {.work = job_work, .done = job_done}};
		assert_int_equal(offload_start(pool, loop, &j[i].job), ERR_OK);
	}
	offload_free(pool);
	loop_drain(loop);
	assert_int_equal(done_n, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_LOOP(test_timers_fire_in_order_of_due),
	        WITH_LOOP(test_timer_that_rearms_itself_for_now_does_not_hang_the_loop),
	        WITH_LOOP(test_posts_from_another_thread_wake_the_loop_in_order),
	        WITH_LOOP(test_a_source_is_settled_until_it_does_nothing),
	        WITH_LOOP(test_the_loop_never_sleeps_past_a_source),
	        WITH_LOOP(test_a_watched_descriptor_wakes_the_loop),
	        WITH_LOOP(test_a_deleted_watch_is_told_nothing_more_of_the_same_turn),
	        WITH_LOOP(test_a_bad_descriptor_is_an_error),
	        WITH_LOOP(test_tasks_run_in_order_and_not_after_a_cancel),
	        WITH_LOOP(test_a_task_that_adds_itself_does_not_starve_descriptors_and_timers),
	        WITH_LOOP(test_offload_is_bounded_and_answers_on_the_loop),
	        WITH_LOOP(test_offload_free_runs_what_was_queued),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
