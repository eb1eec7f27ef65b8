/* The front, with a backend that does as the test says. */
#include "test.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "obs/metrics.h"
#include "store/store.h"

static struct {
	struct store store;
	enum err_code start; /* what start gives */
	bool inside;         /* finish before start has returned */
	struct store_op *held[8];
	size_t n;
	unsigned freed;
} fake;

static enum err_code fake_start(struct store_port *p, struct store_op *op)
{
	assert_ptr_equal(p->store, &fake.store);
	if (fake.start != ERR_OK)
		return fake.start;
	if (fake.inside)
		store_finish(op);
	else
		fake.held[fake.n++] = op;
	return ERR_OK;
}

static void fake_free(struct store *s)
{
	(void)s;
	fake.freed++;
}

static const struct store_vtable vtable = {
        .traits = {.name = "fake", .index_lags = true}, .start = fake_start, .free = fake_free};
static struct loop *loop;
static struct store_port port;

static int fresh(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof fake);
	fake.store.vt = &vtable;
	fake.store.in_flight_max = 2;
	if (loop_new(&loop, NULL) != ERR_OK)
		return -1;
	port = (struct store_port){.store = &fake.store, .loop = loop};
	return 0;
}

static int cleared(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

struct seen {
	unsigned calls;
	struct store_op *op;
	enum err_code code;
	pthread_t thread;
	bool close; /* the store, in the callback */
};

static void on_done(void *arg, struct store_op *op)
{
	struct seen *s = arg;
	s->calls++;
	s->op = op;
	s->code = op->code;
	s->thread = pthread_self();
	if (s->close)
		store_close(&fake.store);
}

struct stopper {
	struct loop_post post;
};

static void stop_now(struct loop_post *p)
{
	(void)p;
	loop_stop(loop);
}

static void finish(size_t i)
{
	struct store_op *op = fake.held[i];
	fake.held[i] = NULL;
	store_finish(op);
}

/* All that was posted so far.  A stopped loop stays so: what is still held goes on with the next one. */
static void turn(void)
{
	struct stopper s = {.post.fn = stop_now};
	loop_post(loop, &s.post);
	loop_run(loop);
	loop_free(loop);
	assert_int_equal(loop_new(&loop, NULL), ERR_OK);
	port.loop = loop;
}

static enum err_code start(struct seen *s, struct store_op **ret)
{
	struct store_op *op = store_op_new(STORE_FIND_ID, clock_mono_ms() + 1000);
	if (ret != NULL)
		*ret = op;
	return store_start(&port, op, on_done, s, NULL);
}

static void done_comes_once_and_after_start(void **state)
{
	struct seen s = {0};
	struct store_op *op;
	(void)state;
	fake.inside = true;
	assert_int_equal(start(&s, &op), ERR_OK);
	assert_int_equal(s.calls, 0);
	assert_int_equal(port.in_flight, 1);
	turn();
	assert_int_equal(s.calls, 1);
	assert_ptr_equal(s.op, op);
	assert_int_equal(s.code, ERR_OK);
	assert_int_equal(port.in_flight, 0);
	turn();
	assert_int_equal(s.calls, 1);
}

static void *finish_elsewhere(void *arg)
{
	struct store_op *op = arg;
	op->code = ERR_STORE;
	(void)err_set(&op->err, ERR_STORE, "broken");
	store_finish(op);
	return NULL;
}

static void done_runs_on_the_home_loop(void **state)
{
	struct seen s = {0};
	pthread_t thread;
	(void)state;
	assert_int_equal(start(&s, NULL), ERR_OK);
	struct store_op *op = fake.held[0];
	fake.held[0] = NULL;
	assert_int_equal(pthread_create(&thread, NULL, finish_elsewhere, op), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(s.calls, 0);
	turn();
	assert_int_equal(s.calls, 1);
	assert_int_equal(s.code, ERR_STORE);
	assert_true(pthread_equal(s.thread, pthread_self()));
}

static void a_cancelled_operation_is_not_heard_of(void **state)
{
	struct seen s = {0};
	struct store_op *op;
	(void)state;
	assert_int_equal(start(&s, &op), ERR_OK);
	store_cancel(op);
	assert_int_equal(port.in_flight, 1); /* it still runs */
	finish(0);
	turn();
	assert_int_equal(start(&s, &op), ERR_OK);
	finish(1);
	store_cancel(op); /* between the end and the callback */
	turn();
	assert_int_equal(s.calls, 0);
	assert_int_equal(port.in_flight, 0);
}

static void past_the_bound_it_is_busy(void **state)
{
	struct seen s = {0};
	struct err err = {.code = ERR_OK};
	int64_t queued = metric_value(M_STORE_QUEUED), busy = metric_value(M_STORE_BUSY);
	(void)state;
	assert_int_equal(start(&s, NULL), ERR_OK);
	assert_int_equal(start(&s, NULL), ERR_OK);
	assert_int_equal(metric_value(M_STORE_QUEUED), queued + 2);
	struct store_op *op = store_op_new(STORE_PING, 0);
	assert_int_equal(store_start(&port, op, on_done, &s, &err), ERR_BUSY);
	assert_int_equal(err.code, ERR_BUSY);
	assert_int_equal(metric_value(M_STORE_BUSY), busy + 1);
	assert_int_equal(fake.n, 2);
	finish(0);
	turn();
	assert_int_equal(start(&s, NULL), ERR_OK); /* room again */
	finish(1);
	finish(2);
	turn();
	assert_int_equal(s.calls, 3);
	assert_int_equal(metric_value(M_STORE_QUEUED), queued);
}

static void a_start_the_backend_refuses_is_not_heard_of(void **state)
{
	static const enum err_code codes[] = {ERR_BUSY, ERR_NOMEM};
	struct seen s = {0};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		fake.start = codes[i];
		assert_int_equal(start(&s, NULL), codes[i]);
		assert_int_equal(port.in_flight, 0);
	}
	assert_int_equal(store_start(&port, NULL, on_done, &s, NULL), ERR_NOMEM);
	turn();
	assert_int_equal(s.calls, 0);
}

static void operations_are_counted_and_timed(void **state)
{
	struct seen s = {0};
	int64_t ok = metric_value(M_STORE_OK), failed = metric_value(M_STORE_FAILED);
	(void)state;
	assert_int_equal(start(&s, NULL), ERR_OK);
	assert_int_equal(start(&s, NULL), ERR_OK);
	fake.held[1]->code = ERR_TIMEOUT;
	finish(0);
	finish(1);
	turn();
	assert_int_equal(metric_value(M_STORE_OK), ok + 1);
	assert_int_equal(metric_value(M_STORE_FAILED), failed + 1);
	struct buf text;
	buf_init(&text, 1 << 20);
	metrics_write(&text);
	assert_non_null(strstr(text.p, "linkd_store_operation_seconds_count"));
	assert_null(strstr(text.p, "linkd_store_operation_seconds_count 0\n"));
	buf_done(&text);
}

static void the_store_may_be_closed_in_the_last_callback(void **state)
{
	struct seen s = {.close = true};
	(void)state;
	fake.inside = true;
	assert_int_equal(start(&s, NULL), ERR_OK);
	turn();
	assert_int_equal(fake.freed, 1);
	store_close(NULL);
	store_op_free(NULL);
}

/* A port is there until its last operation was delivered. */
static void a_port_outlives_its_detaching(void **state)
{
	struct seen s = {0};
	struct store_port *own = NULL;
	(void)state;
	assert_int_equal(store_attach(&fake.store, loop, NULL, &own, NULL), ERR_OK);
	struct store_op *op = store_op_new(STORE_PING, clock_mono_ms() + 1000);
	assert_int_equal(store_start(own, op, on_done, &s, NULL), ERR_OK);
	store_detach(own);
	assert_false(store_idle(&fake.store));
	finish(0);
	loop_drain(loop);
	assert_int_equal(s.calls, 1);
	assert_true(store_idle(&fake.store));
	assert_int_equal(store_attach(&fake.store, loop, NULL, &own, NULL), ERR_OK);
	store_detach(own); /* nothing in flight */
	assert_true(store_idle(&fake.store));
	store_detach(NULL);
}

/* One question: start now, wait, or refuse. */
static int slots;

static void on_slot(struct limiter_waiter *w)
{
	(void)w;
	slots++;
}

static void new_work_is_admitted_waits_or_is_refused(void **state)
{
	struct limiter calls;
	struct limiter_slot busy = {.more = 0};
	struct limiter_waiter w = {.fn = on_slot};
	struct seen s = {0};
	int64_t soon_ms = clock_mono_ms() + 10000;
	(void)state;
	assert_int_equal(store_admit(&port, soon_ms, &w), STORE_NOW); /* no limiter */
	limiter_init(&calls, 1);
	port.limiter = &calls;
	assert_int_equal(store_admit(&port, soon_ms, &w), STORE_NOW); /* a slot is free */
	limiter_enter(&calls, &busy, false);
	assert_int_equal(store_admit(&port, soon_ms, NULL), STORE_NOW);              /* nobody waits */
	assert_int_equal(store_admit(&port, clock_mono_ms(), &w), STORE_OVERLOADED); /* too late */
	assert_int_equal(store_admit(&port, soon_ms, &w), STORE_WAIT);
	limiter_wait_end(&w);
	limiter_leave(&calls, &busy, true);
	assert_int_equal(slots, 0);
	assert_int_equal(start(&s, NULL), ERR_OK);
	assert_int_equal(start(&s, NULL), ERR_OK);
	assert_int_equal(store_admit(&port, soon_ms, &w), STORE_OVERLOADED); /* in_flight_max */
	finish(0);
	finish(1);
	turn();
}

static void settings_name_a_kind(void **state)
{
	static const struct {
		char *setting;
		const char *file;
	} rows[] = {{"sqlite:a.db", "a.db"}, {"sqlite:/x:y", "/x:y"}, {"sqlite:", NULL}, {"sqlite", NULL},
	            {"dynamodb:t", NULL},    {"sqlitex:a.db", NULL},  {"", NULL},        {"SQLITE:a", NULL}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct config cfg = {.store = rows[i].setting};
		const char *got = store_file(&cfg);
		struct store *s = NULL;
		struct err err;
		if (rows[i].file != NULL) {
			assert_string_equal(got, rows[i].file);
			continue;
		}
		assert_null(got);
		assert_int_equal(store_open(&cfg, &s, &err), ERR_INVALID);
		assert_non_null(strstr(err.msg, "LINKD_STORE"));
	}
}

static void kinds_and_outcomes_have_names(void **state)
{
	(void)state;
	for (int k = 0; k < STORE_KINDS; k++)
		for (int other = 0; other < k; other++)
			assert_string_not_equal(store_kind_name((enum store_kind)k),
			                        store_kind_name((enum store_kind)other));
	for (int o = 0; o <= STORE_EXISTS; o++)
		assert_string_not_equal(store_outcome_name((enum store_outcome)o), "unknown");
	assert_string_equal(store_kind_name(STORE_KINDS), "unknown");
	assert_string_equal(store_outcome_name((enum store_outcome)99), "unknown");
	assert_true(store_writes(STORE_REDEEM));
	assert_false(store_writes(STORE_FIND_PSID));
	assert_false(store_writes(STORE_PING));
	assert_string_equal(store_traits(&port)->name, "fake");
}

#define T(f) cmocka_unit_test_setup_teardown(f, fresh, cleared)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(done_comes_once_and_after_start),
	        T(done_runs_on_the_home_loop),
	        T(a_cancelled_operation_is_not_heard_of),
	        T(past_the_bound_it_is_busy),
	        T(a_start_the_backend_refuses_is_not_heard_of),
	        T(operations_are_counted_and_timed),
	        T(the_store_may_be_closed_in_the_last_callback),
	        T(a_port_outlives_its_detaching),
	        T(new_work_is_admitted_waits_or_is_refused),
	        T(settings_name_a_kind),
	        T(kinds_and_outcomes_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
