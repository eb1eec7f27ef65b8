/* graph_later_rig.h - the lists of link/graph_later.h on fake_store.h and fake_graph.h, and their counts.  Include it after
 * test.h. */
#pragma once
#include "fake_store.h"

#include "fake_graph.h"
#include "link/graph_later.h"
#include "obs/metrics.h"

static struct fake_rig rig;
static int64_t done_before, again_before, given_up_before, dropped_before;
static const struct link_listener *const listeners[] = {&fake_listener, &graph_later_listener, NULL};

static const struct fake_answer DONE = {GRAPH_DONE, false, ERR_OK}, RETRY = {GRAPH_RETRY, false, ERR_OK};

static inline void start(const struct store_vtable *vt, struct fake_answer answer)
{
	fake_rig_init(&rig, vt);
	fake_graph_reset(&rig, answer);
	rig.service.listeners = listeners;
	rig.store.n = 2;
	rig.store.row[0] = (struct fake_row){.id = "a"};
	rig.store.row[1] = (struct fake_row){.id = "b"};
	assert_int_equal(graph_later_new(&rig.service, &rig.service.graph_later, NULL), ERR_OK);
	done_before = metric_value(M_UNLINKS_DONE);
	again_before = metric_value(M_UNLINKS_NOT_NEEDED);
	given_up_before = metric_value(M_UNLINKS_GIVEN_UP);
	dropped_before = metric_value(M_UNLINKS_DROPPED);
}

static inline void run(int64_t ms)
{
	fake_step_ms = ms > 60000 ? 500 : 5;
	(void)fake_run(&rig, ms);
}

static inline void finish(void)
{
	graph_later_free(rig.service.graph_later);
	assert_int_equal(metric_value(M_UNLINKS_OPEN), 0);
	fake_graph_done();
	fake_rig_done(&rig);
}

/* Nothing is open, and each end was counted. */
static inline void expect(size_t calls, int64_t done, int64_t again, int64_t given_up)
{
	assert_int_equal(metric_value(M_UNLINKS_OPEN), 0);
	assert_int_equal(fake_graph.calls, calls);
	assert_int_equal(metric_value(M_UNLINKS_DONE) - done_before, done);
	assert_int_equal(metric_value(M_UNLINKS_NOT_NEEDED) - again_before, again);
	assert_int_equal(metric_value(M_UNLINKS_GIVEN_UP) - given_up_before, given_up);
	finish();
}

static inline void tell(enum link_change_kind kind, const char *psid, const char *reason, int64_t time_ms)
{
	link_change_tell(&rig.service, &(struct link_change){.kind = kind,
	                                                     .code_digest = "",
	                                                     .customer_id = "a",
	                                                     .psid = psid,
	                                                     .page_id = "100",
	                                                     .time_ms = time_ms,
	                                                     .reason = reason});
}

static inline void tell_refused(int64_t time_ms)
{
	tell(LINK_REFUSED, "7", "bad_code", time_ms);
}

static inline void link_b(void)
{
	rig.store.row[1].psid = "7";
	rig.store.row[1].at = clock_wall_ms();
}

static inline void unlink_7(int64_t called_ms, bool accepted, const char *page_id)
{
	graph_later_unlink(&rig.service, &(struct graph_later_unlink){.psid = "7",
	                                                              .page_id = page_id,
	                                                              .called_ms = called_ms,
	                                                              .accepted = accepted});
}
