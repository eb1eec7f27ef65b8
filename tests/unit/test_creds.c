/* test_creds.c - sharing of keys between loops and threads; the sources themselves are tested in tests/aws.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "aws/creds/creds.h"
#include "base/crypto.h"
#include "net/httpc.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "test.h"

enum { WAITERS = 50, ROUNDS = 2000 };

static char *const static_keys[] = {"AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=SK", "AWS_SESSION_TOKEN=T",
                                    "HOME=/nowhere", NULL};
static char *const half_keys[] = {"AWS_ACCESS_KEY_ID=AK", "HOME=/nowhere", NULL};

struct rig {
	struct loop *loop, *other; /* the finder's; another worker's */
	struct httpc *http;
	struct creds *creds;
	int answers;
	struct creds_keys *keys; /* of the last answer, acquired */
	enum err_code code;      /* of the last answer */
};

static void rig_open(struct rig *r, char *const *environ_)
{
	struct creds_options o = {.environ_ = environ_};
	*r = (struct rig){0};
	assert_int_equal(loop_new(&r->loop, NULL), ERR_OK);
	assert_int_equal(loop_new(&r->other, NULL), ERR_OK);
	assert_int_equal(httpc_new(r->loop, &r->http, NULL), ERR_OK);
	assert_int_equal(creds_new(&o, &r->creds, NULL), ERR_OK);
	assert_int_equal(creds_start(r->creds, r->loop, r->http, NULL), ERR_OK);
}

static void rig_close(struct rig *r)
{
	creds_stop(r->creds);
	loop_drain(r->loop);
	loop_drain(r->other);
	creds_free(r->creds);
	creds_keys_release(r->keys);
	httpc_free(r->http);
	loop_free(r->loop);
	loop_free(r->other);
}

static void on_answer(void *arg, const struct err *err, struct creds_keys *keys)
{
	struct rig *r = arg;
	r->answers++;
	r->code = err == NULL ? ERR_OK : err->code;
	assert_true((err == NULL) == (keys != NULL));
	creds_keys_release(r->keys);
	r->keys = keys != NULL ? creds_keys_acquire(keys) : NULL;
}

static void must_not_come(void *arg, const struct err *err, struct creds_keys *keys)
{
	(void)arg;
	(void)err;
	(void)keys;
	fail_msg("called after its cancel");
}

/* Run what comes to the finder's loop until there were so many answers; at most 10 s. */
static void run_until(struct rig *r, int answers)
{
	for (int ms = 0; ms < 10000 && r->answers < answers; ms++) {
		loop_drain(r->loop);
		(void)usleep(1000);
	}
	assert_int_equal(r->answers, answers);
}

/* Wait on the finder's loop until an answer came. */
static void wait_answer(struct rig *r)
{
	struct creds_wait *w = NULL;
	int before = r->answers;
	assert_int_equal(creds_wait(r->creds, r->loop, on_answer, r, &w), ERR_OK);
	assert_int_equal(r->answers, before); /* never before the start has returned */
	run_until(r, before + 1);
}

static void test_waiters_share_one_fetch(void **state)
{
	struct rig r;
	struct creds_keys *now = NULL;
	struct creds_wait *w[2 * WAITERS];
	struct err e;
	int64_t fetches = metric_value(M_CREDS_OK);
	(void)state;
	rig_open(&r, static_keys);
	assert_int_equal(creds_get(r.creds, &now, &e), ERR_BUSY);
	for (int i = 0; i < 2 * WAITERS; i++)
		assert_int_equal(creds_wait(r.creds, i % 2 ? r.loop : r.other, on_answer, &r, &w[i]), ERR_OK);
	assert_int_equal(r.answers, 0);
	run_until(&r, WAITERS);
	loop_drain(r.other);
	assert_int_equal(r.answers, 2 * WAITERS);
	assert_int_equal(metric_value(M_CREDS_OK) - fetches, 1);
	assert_int_equal(creds_get(r.creds, &now, &e), ERR_OK);
	assert_ptr_equal(now, r.keys);
	assert_string_equal(now->secret_access_key, "SK");
	assert_string_equal(now->token_header, "X-Amz-Security-Token: T");
	assert_string_equal(now->session_token, "T");
	rig_close(&r);
	assert_string_equal(now->access_key_id, "AK"); /* outlives the finder */
	creds_keys_release(now);
	creds_keys_release(NULL);
}

static void test_cancelled_waiter_is_not_called(void **state)
{
	struct rig r;
	struct creds_wait *w = NULL;
	(void)state;
	rig_open(&r, static_keys);
	assert_int_equal(creds_wait(r.creds, r.loop, must_not_come, &r, &w), ERR_OK);
	creds_wait_cancel(w); /* while it waits */
	assert_int_equal(creds_wait(r.creds, r.other, must_not_come, &r, &w), ERR_OK);
	wait_answer(&r);
	creds_wait_cancel(w); /* its answer is on its way */
	loop_drain(r.other);
	assert_int_equal(creds_wait(r.creds, r.loop, must_not_come, &r, &w), ERR_OK);
	creds_wait_cancel(w); /* was answered at once */
	wait_answer(&r);
	assert_int_equal(r.code, ERR_OK);
	rig_close(&r);
}

static void test_failure_is_told(void **state)
{
	struct rig r;
	struct creds_keys *now = NULL;
	struct err e;
	(void)state;
	rig_open(&r, half_keys);
	wait_answer(&r);
	assert_int_equal(r.code, ERR_INVALID);
	assert_int_equal(creds_get(r.creds, &now, &e), ERR_STORE);
	assert_non_null(strstr(e.msg, "AWS_SECRET_ACCESS_KEY"));
	wait_answer(&r); /* at once, from the failure before */
	assert_int_equal(r.code, ERR_STORE);
	rig_close(&r);
}

static void test_refused_keys(void **state)
{
	struct rig r;
	struct creds_keys *old, *new;
	(void)state;
	rig_open(&r, static_keys);
	wait_answer(&r);
	old = creds_keys_acquire(r.keys);
	assert_true(creds_refused(r.creds, old));
	assert_true(creds_refused(r.creds, old)); /* that fetch is running */
	wait_answer(&r);
	new = creds_keys_acquire(r.keys);
	assert_ptr_not_equal(old, new);
	assert_true(creds_refused(r.creds, old));  /* newer ones are here */
	assert_false(creds_refused(r.creds, new)); /* a minute has not passed */
	wait_answer(&r);
	assert_ptr_equal(r.keys, new);
	creds_keys_release(old);
	creds_keys_release(new);
	rig_close(&r);
}

/* The timer of the refresh counts another clock: it may come hours after the keys have expired. */
static void test_keys_that_expire_before_their_timer(void **state)
{
	struct rig r;
	char expiry[64] = "AWS_CREDENTIAL_EXPIRATION=";
	char *const environ_[] = {"AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=SK", expiry, NULL};
	time_t at = time(NULL) + 12; /* 10 s before which they are not given out any more */
	struct tm utc;
	(void)state;
	assert_int_not_equal(strftime(expiry + strlen(expiry), sizeof expiry - strlen(expiry),
	                              "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &utc)),
	                     0);
	rig_open(&r, environ_);
	wait_answer(&r);
	assert_int_equal(r.code, ERR_OK);
	(void)usleep(2100 * 1000); /* the loop, and with it the timer, stands still */
	wait_answer(&r);
	assert_int_equal(r.code, ERR_UPSTREAM); /* what a fetch says, which was made for the one who waits */
	rig_close(&r);
}

static void test_stop(void **state)
{
	struct rig r;
	struct creds_wait *w = NULL;
	struct creds_keys *now = NULL;
	struct err e;
	(void)state;
	rig_open(&r, static_keys);
	assert_int_equal(creds_wait(r.creds, r.loop, on_answer, &r, &w), ERR_OK);
	creds_stop(r.creds);
	loop_drain(r.loop);
	assert_int_equal(r.answers, 1);
	assert_int_equal(r.code, ERR_STOPPING);
	assert_int_equal(creds_get(r.creds, &now, &e), ERR_STOPPING);
	assert_false(creds_refused(r.creds, NULL));
	rig_close(&r);
}

/* Stopped and freed with a refusal's message and a plan's answer still on their way. */
static void test_free_with_posts_on_their_way(void **state)
{
	struct rig r;
	(void)state;
	rig_open(&r, static_keys);
	wait_answer(&r);
	assert_true(creds_refused(r.creds, r.keys));
	creds_stop(r.creds);
	creds_free(r.creds);
	r.creds = NULL;
	loop_drain(r.loop);
	rig_close(&r);
}

struct worker {
	pthread_t thread;
	struct creds *creds;
	struct loop *loop;
	int got;
};

static void on_worker_answer(void *arg, const struct err *err, struct creds_keys *keys)
{
	struct worker *w = arg;
	(void)err;
	w->got += keys != NULL;
	loop_stop(w->loop);
}

/* What a worker does all day, on a loop of its own. */
static void *work(void *arg)
{
	struct worker *w = arg;
	for (int i = 0; i < ROUNDS; i++) {
		struct creds_keys *k = NULL;
		struct creds_wait *wait = NULL;
		if (creds_get(w->creds, &k, NULL) == ERR_OK && i % 100 == 0)
			(void)creds_refused(w->creds, k);
		creds_keys_release(k);
		if (i % 20 == 0 && creds_wait(w->creds, w->loop, on_worker_answer, w, &wait) == ERR_OK &&
		    i % 40 == 0)
			creds_wait_cancel(wait);
	}
	struct creds_wait *last = NULL;
	if (creds_wait(w->creds, w->loop, on_worker_answer, w, &last) == ERR_OK)
		loop_run(w->loop);
	return NULL;
}

static void *run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

static void test_many_threads(void **state)
{
	struct rig r;
	struct worker w[3];
	pthread_t finder;
	(void)state;
	rig_open(&r, static_keys);
	assert_int_equal(pthread_create(&finder, NULL, run_loop, r.loop), 0);
	for (size_t i = 0; i < 3; i++) {
		w[i] = (struct worker){.creds = r.creds};
		assert_int_equal(loop_new(&w[i].loop, NULL), ERR_OK);
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
	for (size_t i = 0; i < 3; i++)
		(void)pthread_join(w[i].thread, NULL);
	loop_stop(r.loop);
	(void)pthread_join(finder, NULL);
	for (size_t i = 0; i < 3; i++) {
		loop_drain(w[i].loop);
		assert_true(w[i].got > 0);
		loop_free(w[i].loop);
	}
	rig_close(&r);
}

static int start(void **state)
{
	(void)state;
	return crypto_start(NULL) == ERR_OK && httpc_global_start(NULL) == ERR_OK &&
	                       log_start(LOG_ERROR, LOG_TEXT, STDERR_FILENO, NULL) == ERR_OK
	               ? 0
	               : -1;
}

static int end(void **state)
{
	(void)state;
	log_stop();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_waiters_share_one_fetch),
	        cmocka_unit_test(test_cancelled_waiter_is_not_called),
	        cmocka_unit_test(test_failure_is_told),
	        cmocka_unit_test(test_refused_keys),
	        cmocka_unit_test(test_keys_that_expire_before_their_timer),
	        cmocka_unit_test(test_stop),
	        cmocka_unit_test(test_free_with_posts_on_their_way),
	        cmocka_unit_test(test_many_threads),
	};
	return cmocka_run_group_tests(tests, start, end);
}
