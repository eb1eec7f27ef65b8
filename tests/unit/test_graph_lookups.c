#include "test.h"

#include "facebook/graph_lookups.h"

static const struct graph_known ann = {.who = {"111", "900"}};
static const struct graph_known gone = {.expired = true};

static struct graph_lookups *made(int64_t per_second)
{
	struct graph_lookups *l = NULL;
	struct err err;
	assert_int_equal(graph_lookups_new(per_second, &l, &err), ERR_OK);
	return l;
}

static struct str numbered(const char *what, int n)
{
	static char text[4][64];
	static int at;
	at = (at + 1) % 4;
	(void)snprintf(text[at], sizeof text[at], "%s%d", what, n);
	return str_c(text[at]);
}

static enum graph_admission ask(struct graph_lookups *l, int token, int client, int64_t now_ms)
{
	struct graph_known known;
	return graph_lookups_admit(l, numbered("AR", token), numbered("10.0.0.", client), now_ms, &known);
}

static void an_answer_is_kept_for_a_minute(void **state)
{
	struct graph_lookups *l = made(5);
	struct graph_known known;
	(void)state;
	assert_int_equal(ask(l, 1, 1, 1000), GRAPH_ASK);
	(void)graph_lookups_ended(l, STR("AR1"), 1200, GRAPH_LOOKUP_ANSWERED, &ann);
	assert_int_equal(graph_lookups_admit(l, STR("AR1"), STR("10.0.0.1"), 61199, &known), GRAPH_KNOWN);
	assert_string_equal(known.who.psid, "111");
	assert_string_equal(known.who.page_id, "900");
	assert_false(known.expired);
	assert_int_equal(ask(l, 1, 1, 61200), GRAPH_ASK);
	(void)graph_lookups_ended(l, STR("AR1"), 61300, GRAPH_LOOKUP_ANSWERED, &gone);
	assert_int_equal(graph_lookups_admit(l, STR("AR1"), STR("10.0.0.2"), 61400, &known), GRAPH_KNOWN);
	assert_true(known.expired);
	graph_lookups_free(l);
}

static void a_failed_look_up_is_not_kept(void **state)
{
	struct graph_lookups *l = made(5);
	(void)state;
	assert_int_equal(ask(l, 1, 1, 1000), GRAPH_ASK);
	(void)graph_lookups_ended(l, STR("AR1"), 1200, GRAPH_LOOKUP_FAILED, NULL);
	assert_int_equal(ask(l, 1, 2, 1300), GRAPH_ASK);
	graph_lookups_free(l);
}

static void a_client_has_one_look_up_in_five_seconds(void **state)
{
	struct graph_lookups *l = made(5);
	(void)state;
	assert_int_equal(ask(l, 1, 1, 1000), GRAPH_ASK);
	assert_int_equal(ask(l, 2, 1, 1000), GRAPH_CLIENT_LIMIT);
	assert_int_equal(ask(l, 2, 1, 5999), GRAPH_CLIENT_LIMIT);
	assert_int_equal(ask(l, 2, 2, 5999), GRAPH_ASK);
	assert_int_equal(ask(l, 2, 1, 6000), GRAPH_ASK);
	graph_lookups_free(l);
}

static void a_page_that_is_opened_twice_is_asked_for_twice_and_no_more(void **state)
{
	struct graph_lookups *l = made(5);
	(void)state;
	assert_int_equal(ask(l, 1, 1, 1000), GRAPH_ASK);
	assert_int_equal(ask(l, 1, 1, 1010), GRAPH_ASK);
	assert_false(graph_lookups_paused(l, 1010));
	assert_int_equal(ask(l, 1, 1, 1020), GRAPH_CLIENT_LIMIT);
	assert_int_equal(ask(l, 1, 1, 6010), GRAPH_ASK);
	graph_lookups_free(l);
}

static void a_look_up_that_was_lost_neither_opens_nor_closes_the_breaker(void **state)
{
	struct graph_lookups *l = made(100);
	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(ask(l, i, i, 1000), GRAPH_ASK);
		assert_false(graph_lookups_ended(l, numbered("AR", i), 1000, GRAPH_LOOKUP_LOST, NULL));
	}
	for (int i = 0; i < 5; i++)
		(void)graph_lookups_ended(l, numbered("AR", i), 1000, GRAPH_LOOKUP_FAILED, NULL);
	assert_true(graph_lookups_paused(l, 60999));
	assert_false(graph_lookups_paused(l, 61000));       /* which is no probe */
	assert_int_equal(ask(l, 30, 30, 61000), GRAPH_ASK); /* the probe */
	(void)graph_lookups_ended(l, STR("AR30"), 61000, GRAPH_LOOKUP_LOST, NULL);
	assert_int_equal(ask(l, 31, 31, 61000), GRAPH_ASK); /* the next one is it */
	assert_int_equal(ask(l, 32, 32, 61000), GRAPH_PAUSED);
	graph_lookups_free(l);
}

static void the_process_has_its_look_ups_of_a_second(void **state)
{
	struct graph_lookups *l = made(5);
	int asked = 0;
	(void)state;
	for (int i = 0; i < 1000; i++) /* 10 s: the five of the start, and five a second */
		asked += ask(l, i, i, 1000 + i * 10) == GRAPH_ASK;
	assert_in_range(asked, 53, 55);
	for (int i = 0; i < 50; i++) /* an idle minute saves up no more than one second's */
		asked += ask(l, i, 5000 + i, 70000) == GRAPH_ASK;
	assert_in_range(asked, 58, 60);
	graph_lookups_free(l);
}

static void a_refused_client_costs_no_budget(void **state)
{
	struct graph_lookups *l = made(1);
	(void)state;
	assert_int_equal(ask(l, 1, 1, 10000), GRAPH_ASK);
	assert_int_equal(ask(l, 2, 2, 10100), GRAPH_LIMIT);
	for (int i = 0; i < 100; i++)
		assert_int_equal(ask(l, 3, 1, 11000), GRAPH_CLIENT_LIMIT);
	assert_int_equal(ask(l, 2, 2, 11000), GRAPH_ASK);
	graph_lookups_free(l);
}

static void five_faults_pause_it_and_a_probe_ends_the_pause(void **state)
{
	struct graph_lookups *l = made(100);
	bool opened = false;
	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_false(opened);
		assert_int_equal(ask(l, i, i, 1000), GRAPH_ASK);
		opened = graph_lookups_ended(l, numbered("AR", i), 1000, GRAPH_LOOKUP_FAILED, NULL);
	}
	assert_true(opened);
	assert_int_equal(ask(l, 9, 9, 60999), GRAPH_PAUSED);
	assert_int_equal(ask(l, 9, 9, 61000), GRAPH_ASK);
	assert_int_equal(ask(l, 10, 10, 61000), GRAPH_PAUSED);
	(void)graph_lookups_ended(l, STR("AR9"), 61100, GRAPH_LOOKUP_ANSWERED, &ann);
	assert_int_equal(ask(l, 10, 10, 61100), GRAPH_ASK);
	graph_lookups_free(l);
}

static void known_answers_are_given_during_a_pause(void **state)
{
	struct graph_lookups *l = made(100);
	(void)state;
	assert_int_equal(ask(l, 77, 77, 1000), GRAPH_ASK);
	(void)graph_lookups_ended(l, STR("AR77"), 1000, GRAPH_LOOKUP_ANSWERED, &ann);
	for (int i = 0; i < 5; i++)
		(void)graph_lookups_ended(l, numbered("AR", i), 1000, GRAPH_LOOKUP_FAILED, NULL);
	assert_int_equal(ask(l, 77, 77, 2000), GRAPH_KNOWN);
	assert_int_equal(ask(l, 78, 78, 2000), GRAPH_PAUSED);
	graph_lookups_free(l);
}

static void many_tokens_and_clients_fit_in_bounded_tables(void **state)
{
	struct graph_lookups *l = made(1000000);
	struct graph_known known, one = ann;
	size_t kept = 0;
	(void)state;
	for (int i = 0; i < 20000; i++) {
		assert_int_equal(ask(l, i, i, 1000 + i), GRAPH_ASK);
		(void)snprintf(one.who.psid, sizeof one.who.psid, "%d", i);
		(void)graph_lookups_ended(l, numbered("AR", i), 1000 + i, GRAPH_LOOKUP_ANSWERED, &one);
	}
	for (int i = 0; i < 20000; i++)
		if (graph_lookups_admit(l, numbered("AR", i), STR("x"), 21000, &known) == GRAPH_KNOWN) {
			assert_int_equal(strtol(known.who.psid, NULL, 10), i); /* never another's */
			kept++;
		}
	assert_in_range(kept, GRAPH_LOOKUPS_MAX / 2, GRAPH_LOOKUPS_MAX);
	assert_int_equal(ask(l, 19999, 1, 21000), GRAPH_KNOWN); /* the newest is kept */
	graph_lookups_free(l);
}

static void names_of_admissions(void **state)
{
	(void)state;
	assert_string_equal(graph_admission_name(GRAPH_PAUSED), "paused");
	assert_string_equal(graph_admission_name(GRAPH_LIMIT), "limit");
	graph_lookups_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_answer_is_kept_for_a_minute),
	        cmocka_unit_test(a_failed_look_up_is_not_kept),
	        cmocka_unit_test(a_client_has_one_look_up_in_five_seconds),
	        cmocka_unit_test(a_page_that_is_opened_twice_is_asked_for_twice_and_no_more),
	        cmocka_unit_test(a_look_up_that_was_lost_neither_opens_nor_closes_the_breaker),
	        cmocka_unit_test(the_process_has_its_look_ups_of_a_second),
	        cmocka_unit_test(a_refused_client_costs_no_budget),
	        cmocka_unit_test(five_faults_pause_it_and_a_probe_ends_the_pause),
	        cmocka_unit_test(known_answers_are_given_during_a_pause),
	        cmocka_unit_test(many_tokens_and_clients_fit_in_bounded_tables),
	        cmocka_unit_test(names_of_admissions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
