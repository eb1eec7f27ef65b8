/* fake_graph.h - in place of facebook/graph_post.c: calls to Graph on the clock of fake_store.h, whose answers the test
 * sets.  Include it after fake_store.h. */
#pragma once
#include "facebook/graph_lookups.h"
#include "facebook/graph_once.h"
#include "facebook/graph_post.h"

enum { FAKE_CALLS = 64 };

struct fake_answer {
	enum graph_class class;
	bool unsent;
	enum err_code not_started; /* the call does not start */
};

static struct {
	struct fake_answer answer[FAKE_CALLS]; /* of each call in turn; beyond `n` the last one */
	size_t n, calls;
	int64_t at[FAKE_CALLS]; /* fake clock, from the reset */
	int64_t began, delay_ms;
	struct graph_post *running;
	struct loop_timer timer;
	void (*saw)(void); /* when an answer comes */
	char body[4096], page_id[GRAPH_ID_MAX + 1], path[64];
	bool once;
	struct graph_once *refusals;
	bool paused;
} fake_graph;

static inline void fake_graph_reset(struct fake_rig *r, struct fake_answer answer)
{
	memset(&fake_graph, 0, sizeof fake_graph);
	fake_graph.answer[0] = answer;
	fake_graph.n = 1;
	fake_graph.began = fake_now_ms;
	fake_graph.delay_ms = 100;
	r->service.graph = (struct graph *)(uintptr_t)16; /* there is one; only this file asks it */
	assert_int_equal(graph_once_new(&fake_graph.refusals, NULL), ERR_OK);
}

static inline void fake_graph_add(struct fake_answer answer)
{
	fake_graph.answer[fake_graph.n++] = answer;
}

static inline void fake_graph_done(void)
{
	assert_null(fake_graph.running);
	graph_once_free(fake_graph.refusals);
}

struct graph_once *graph_refusals(struct graph *g)
{
	(void)g;
	return fake_graph.refusals;
}

struct graph_lookups *graph_lookups_of(struct graph *g)
{
	(void)g;
	return NULL;
}

bool graph_lookups_paused(struct graph_lookups *l, int64_t now_ms)
{
	(void)l, (void)now_ms;
	return fake_graph.paused;
}

static inline void fake_graph_due(struct loop_timer *t)
{
	struct graph_post *p = fake_graph.running;
	(void)t;
	fake_graph.running = NULL;
	p->call = NULL;
	if (fake_graph.saw != NULL)
		fake_graph.saw();
	p->done(p);
}

enum err_code graph_post_start(struct graph_post *p, struct err *reterr)
{
	size_t n = fake_graph.calls++;
	struct fake_answer a = fake_graph.answer[n < fake_graph.n ? n : fake_graph.n - 1];
	assert_null(fake_graph.running);
	assert_in_range(n, 0, FAKE_CALLS - 1);
	fake_graph.at[n] = fake_now_ms - fake_graph.began;
	fake_copy(fake_graph.page_id, sizeof fake_graph.page_id, p->page_id);
	fake_copy(fake_graph.path, sizeof fake_graph.path, p->path);
	assert_true(str_copy(fake_graph.body, sizeof fake_graph.body, p->json));
	fake_graph.once = p->once;
	if (a.not_started != ERR_OK)
		return err_set(reterr, a.not_started, "as the test wants");
	p->answer.class = a.class;
	p->maybe_done = a.class == GRAPH_DONE || (a.class == GRAPH_RETRY && !a.unsent);
	fake_graph.running = p;
	p->call = (struct graph_call *)(uintptr_t)16;
	fake_graph.timer.fn = fake_graph_due;
	int64_t due_ms = loop_now_ms(p->loop) + fake_graph.delay_ms;
	assert_int_equal(loop_timer_set(p->loop, &fake_graph.timer, due_ms), ERR_OK);
	return ERR_OK;
}

void graph_post_cancel(struct graph_post *p)
{
	if (fake_graph.running != p)
		return;
	loop_timer_clear(p->loop, &fake_graph.timer);
	fake_graph.running = NULL;
	p->call = NULL;
}
