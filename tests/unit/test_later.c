/* The list of later work: its schedule, its bound, and what is cancelled when it ends. */
#include "test.h"

#include <stdlib.h>

#include "loop/later.h"
#include "loop_rig.h"
#include "obs/metrics.h"
#include "starve.h"

enum { MAX = 3 };

struct job {
	struct later_work work;
	int ends_at; /* the try that succeeds; 0: none */
	struct loop_timer answer;
};
static int started, freed, cancelled, fail_start;
static struct later *list;

static void stop_when_empty(void)
{
	if (metric_value(M_LINK_LATER) == 0)
		loop_stop(loop);
}

static void on_answer(struct loop_timer *t)
{
	struct job *j = LIST_ENTRY(t, struct job, answer);
	later_done(&j->work, (int)j->work.tries != j->ends_at);
	stop_when_empty();
}

static enum err_code start(struct later_work *w)
{
	struct job *j = LIST_ENTRY(w, struct job, work);
	started++;
	if (fail_start > 0 && fail_start-- > 0)
		return ERR_NOMEM;
	j->answer.fn = on_answer;
	return loop_timer_set(loop, &j->answer, loop_now_ms(loop));
}

static void cancel(struct later_work *w)
{
	cancelled++;
	loop_timer_clear(loop, &LIST_ENTRY(w, struct job, work)->answer);
}

static void drop(struct later_work *w)
{
	freed++;
	free(LIST_ENTRY(w, struct job, work));
}

static const int64_t delays_ms[] = {1, 2, 3, 0};
static const struct later_kind kind = {delays_ms, start, cancel, drop};

static void fresh(void)
{
	const struct later_options o = {.loop = loop,
	                                .max = MAX,
	                                .name = "dropped",
	                                .open = M_LINK_LATER,
	                                .dropped = M_LINK_LATER_DROPPED};
	started = freed = cancelled = fail_start = 0;
	assert_int_equal(later_new(&o, &list, NULL), ERR_OK);
}

static void add(int ends_at)
{
	struct job *j = calloc(1, sizeof *j);
	assert_non_null(j);
	j->ends_at = ends_at;
	later_add(list, &kind, &j->work);
}

static void expect(int tries, int frees)
{
	run_guarded(500);
	assert_int_equal(started, tries);
	assert_int_equal(freed, frees);
	assert_int_equal(metric_value(M_LINK_LATER), 0);
	later_free(list);
}

static void test_a_try_that_succeeds_is_the_last(void **state)
{
	(void)state;
	fresh();
	add(1);
	add(2);
	expect(3, 2);
}

static void test_the_schedule_ends(void **state)
{
	(void)state;
	fresh();
	add(0);
	expect(3, 1);
}

static void test_a_try_that_cannot_start_counts(void **state)
{
	(void)state;
	fresh();
	fail_start = 2;
	add(3);
	expect(3, 1);
}

static void test_the_list_is_bounded(void **state)
{
	int64_t before = metric_value(M_LINK_LATER_DROPPED);
	(void)state;
	fresh();
	for (int i = 0; i < MAX + 2; i++)
		add(1);
	later_add(list, &kind, NULL); /* no memory for it */
	assert_int_equal(freed, 2);
	assert_int_equal(metric_value(M_LINK_LATER), MAX);
	assert_int_equal(metric_value(M_LINK_LATER_DROPPED), before + 3);
	expect(MAX, MAX + 2);
}

static void on_answer_end(struct loop_timer *t)
{
	(void)t;
	loop_stop(loop);
}

static enum err_code start_and_stop(struct later_work *w)
{
	struct job *j = LIST_ENTRY(w, struct job, work);
	started++;
	j->answer.fn = on_answer_end; /* the try goes on */
	return loop_timer_set(loop, &j->answer, loop_now_ms(loop));
}

static void test_the_end_cancels_what_runs_and_frees_all(void **state)
{
	static const struct later_kind endless = {delays_ms, start_and_stop, cancel, drop};
	static const int64_t long_ms[] = {60000, 0};
	static const struct later_kind waiting = {long_ms, start, cancel, drop};
	struct job *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
	(void)state;
	fresh();
	assert_true(a != NULL && b != NULL);
	later_add(list, &endless, &a->work);
	later_add(list, &waiting, &b->work);
	run_guarded(500);
	later_free(list);
	assert_int_equal(started, 1);
	assert_int_equal(cancelled, 1);
	assert_int_equal(freed, 2);
	assert_int_equal(metric_value(M_LINK_LATER), 0);
	later_free(NULL);
}

static bool is_that(struct later_work *w, const char *what)
{
	return what[0] == (LIST_ENTRY(w, struct job, work)->ends_at == 2 ? '2' : '1');
}

static void test_work_is_found(void **state)
{
	static const struct later_kind other = {delays_ms, start, cancel, drop};
	(void)state;
	fresh();
	assert_null(later_find(list, &kind, is_that, "1"));
	add(1);
	assert_null(later_find(list, &kind, is_that, "2"));
	add(2);
	struct later_work *w = later_find(list, &kind, is_that, "2");
	assert_non_null(w);
	assert_int_equal(LIST_ENTRY(w, struct job, work)->ends_at, 2);
	assert_null(later_find(list, &other, is_that, "2"));
	expect(3, 2);
}

/* Each try waits for another one that is not of the schedule. */
static void on_answer_wait(struct loop_timer *t)
{
	struct job *j = LIST_ENTRY(t, struct job, answer);
	if (started < 6)
		later_wait(&j->work, 1);
	else
		later_done(&j->work, true);
	stop_when_empty();
}

static enum err_code start_and_wait(struct later_work *w)
{
	struct job *j = LIST_ENTRY(w, struct job, work);
	started++;
	j->answer.fn = on_answer_wait;
	return loop_timer_set(loop, &j->answer, loop_now_ms(loop));
}

static void test_a_wait_is_not_of_the_schedule(void **state)
{
	static const struct later_kind waits = {delays_ms, start_and_wait, cancel, drop};
	struct job *j = calloc(1, sizeof *j);
	(void)state;
	fresh();
	assert_non_null(j);
	later_add(list, &waits, &j->work);
	expect(8, 1); /* and then the second and the third of the schedule */
}

/* Work that waits for its long second pause is tried at once; work that waits for its first one keeps it. */
static void test_a_schedule_begins_again(void **state)
{
	static const int64_t slow_ms[] = {1, 60000, 0};
	static const struct later_kind slow = {slow_ms, start, cancel, drop};
	struct job *j = calloc(1, sizeof *j);
	(void)state;
	fresh();
	assert_non_null(j);
	j->ends_at = 3;
	later_add(list, &slow, &j->work);
	int64_t due_ms = j->work.timer.due_ms;
	later_restart(&j->work);
	assert_int_equal(j->work.timer.due_ms, due_ms);
	run_guarded(20);
	assert_int_equal(started, 1);
	j->ends_at = 1;
	later_restart(&j->work);
	expect(2, 1);
}

static void test_no_memory(void **state)
{
	const struct later_options o = {.loop = loop, .max = MAX, .name = "dropped"};
	(void)state;
	STARVE(later_new(&o, &list, NULL), ERR_OK);
	later_free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_LOOP(test_a_try_that_succeeds_is_the_last),
	        WITH_LOOP(test_the_schedule_ends),
	        WITH_LOOP(test_a_try_that_cannot_start_counts),
	        WITH_LOOP(test_the_list_is_bounded),
	        WITH_LOOP(test_the_end_cancels_what_runs_and_frees_all),
	        WITH_LOOP(test_no_memory),
	        WITH_LOOP(test_work_is_found),
	        WITH_LOOP(test_a_schedule_begins_again),
	        WITH_LOOP(test_a_wait_is_not_of_the_schedule),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
