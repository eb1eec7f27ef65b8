/* link_rig.h - one use case at a time against the fake store: customers a and b, PSID 7. */
#pragma once
#include "fake_store.h"
#include "link/link.h"

static struct fake_rig rig;
static bool watch; /* the run goes on after the answer, to its limit */

static struct {
	int calls;
	enum link_result result;
	enum err_code why;
	size_t n;
	char holder[STORE_ID_MAX + 1];
	int64_t at; /* fake clock */
} got;

static inline void on_link(void *arg, const struct link_answer *a)
{
	(void)arg;
	got.calls++;
	got.result = a->result;
	got.why = a->err == NULL ? ERR_OK : a->err->code;
	got.n = a->n;
	got.at = fake_now_ms;
	if (a->holder != NULL)
		fake_copy(got.holder, sizeof got.holder, a->holder->key.id);
	rig.over = !watch;
}

static inline struct link_call call(int64_t ms)
{
	return (struct link_call){.service = &rig.service, .deadline_ms = fake_now_ms + ms, .done = on_link};
}

static inline void start_rig(const struct store_vtable *vt)
{
	memset(&got, 0, sizeof got);
	watch = false;
	fake_rig_init(&rig, vt);
}

static const struct fake_row A = {.id = "a"}, B = {.id = "b"};

static inline void rows(struct fake_row first, struct fake_row second)
{
	rig.store.row[0] = first;
	rig.store.row[1] = second;
	rig.store.n = 2;
}

static inline struct link_op *complete(const char *code, int64_t event_ms, int64_t limit_ms)
{
	struct link_call c = call(limit_ms);
	struct link_completion in = {
	        .code = str_c(code), .psid = STR("7"), .page_id = STR("100"), .event_ms = event_ms};
	struct link_op *op = NULL;
	assert_int_equal(link_complete(&c, &in, &op, NULL), ERR_OK);
	assert_int_equal(got.calls, 0); /* never before the start returned */
	return op;
}

static inline struct link_op *complete_a(void)
{
	struct auth_code_text code = fake_code(&rig, "a");
	return complete(code.s, 5000, 2500);
}

static inline struct link_op *remove_7_in(int64_t limit_ms, int64_t event_ms, bool any_age, bool later)
{
	struct link_call c = call(limit_ms);
	struct link_removal in = {.psid = STR("7"),
	                          .event_ms = event_ms,
	                          .reason = "unlinked",
	                          .any_age = any_age,
	                          .later = later};
	struct link_op *op = NULL;
	assert_int_equal(link_remove(&c, &in, &op, NULL), ERR_OK);
	assert_int_equal(got.calls, 0);
	return op;
}

static inline struct link_op *remove_7(int64_t event_ms, bool any_age, bool later)
{
	return remove_7_in(2500, event_ms, any_age, later);
}

static inline struct link_op *find_7(void)
{
	struct link_call c = call(2500);
	struct link_op *op = NULL;
	assert_int_equal(link_find(&c, STR("7"), &op, NULL), ERR_OK);
	assert_int_equal(got.calls, 0);
	return op;
}

static inline void expect(enum link_result result, const char *trace, const char *heard)
{
	assert_true(fake_run(&rig, 5000));
	assert_int_equal(got.calls, 1);
	assert_string_equal(link_result_name(got.result), link_result_name(result));
	assert_string_equal(rig.store.trace, trace);
	assert_string_equal(fake_heard, heard);
	fake_rig_done(&rig);
}
