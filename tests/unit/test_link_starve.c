/* Codes that carry no key, and links made and removed while memory runs out. */
#include "test.h"

#include "link_rig.h"
#include "starve.h"

/* --- codes of 43 random characters: the customer is looked up */

static void start_random(const char *code_of)
{
	start_rig(&fake_sharp);
	rig.cfg.code_style = CODE_STYLE_RANDOM;
	rig.store.code_of = code_of;
	rows(A, B);
}

static void random_code(void **state)
{
	(void)state;
	char digest[STORE_DIGEST_LEN + 1];
	start_random("a");
	assert_int_equal(crypto_sha256_text(STR("43 characters"), digest), ERR_OK);
	(void)complete("43 characters", 5000, 2500);
	expect(LINK_R_LINKED, "find_code redeem:a find_psid", "created:a:7:linked");
	assert_string_equal(rig.store.last.redeem.digest, digest);
	start_random(NULL);
	(void)complete("43 characters", 5000, 2500);
	expect(LINK_R_REFUSED, "find_code", "refused::7:bad_code");
}

/* What the fake store itself allocates does not fail. */
static size_t calls_of_ours;

static void spare_the_store(struct fake *f, const struct store_op *op, bool end)
{
	(void)op;
	if (!end && f->ops == 1)
		calls_of_ours = starve_calls();
}

static void random_code_without_memory(void **state)
{
	(void)state;
	start_random("a");
	struct link_call c = call(2500);
	struct link_completion in = {
	        .code = STR("x"), .psid = STR("7"), .page_id = STR("1"), .event_ms = 5000};
	struct link_op *op = NULL;
	rig.store.saw = spare_the_store;
	starve_nth(SIZE_MAX);
	assert_int_equal(link_complete(&c, &in, &op, NULL), ERR_OK);
	expect(LINK_R_LINKED, "find_code redeem:a find_psid", "created:a:7:linked");
	size_t before = calls_of_ours; /* the last is the store operation's */
	start_random("a");
	c = call(2500);
	starve_nth(before);
	assert_int_equal(link_complete(&c, &in, &op, NULL), ERR_OK);
	expect(LINK_R_UNSETTLED, "", "");
	assert_int_equal(starve_calls(), before);
	assert_int_equal(got.why, ERR_NOMEM);
}

static union store_in asked; /* of the first operation */

static void keep_first(struct fake *f, const struct store_op *op, bool end)
{
	if (!end && f->ops == 1)
		asked = op->in;
}

static void random_code_is_looked_up_by_its_digest(void **state)
{
	(void)state;
	char digest[STORE_DIGEST_LEN + 1];
	start_random("a");
	rig.store.saw = keep_first;
	assert_int_equal(crypto_sha256_text(STR("43 characters"), digest), ERR_OK);
	(void)complete("43 characters", 5000, 2500);
	expect(LINK_R_LINKED, "find_code redeem:a find_psid", "created:a:7:linked");
	assert_string_equal(asked.find_code.digest, digest);
	assert_string_equal(asked.find_code.psid, "7");
}

static void random_code_not_found_out(void **state)
{
	(void)state;
	start_random("a");
	rig.store.fail_at = 1;
	(void)complete("43 characters", 5000, 2500);
	expect(LINK_R_UNSETTLED, "find_code", "");
	assert_int_equal(got.why, ERR_STORE);
}

/* --- memory */

/* The n-th allocation from where the next operation ends; 0: not yet, or none. */
static size_t starve_after;
static enum store_kind starve_kind;

static void starve_then(struct fake *f, const struct store_op *op, bool end)
{
	(void)f;
	if (end && op->kind == starve_kind)
		starve_nth(starve_after);
}

/* Every allocation up to the first store operation. */
static void a_start_without_memory(void **state)
{
	(void)state;
	for (size_t n = 1, met = 1; met; n++) {
		start_rig(&fake_sharp);
		rows(A, B);
		struct auth_code_text code = fake_code(&rig, "a");
		struct link_call c = call(2500);
		struct link_completion in = {
		        .code = str_c(code.s), .psid = STR("7"), .page_id = STR("100"), .event_ms = 5000};
		struct link_op *op = NULL;
		rig.store.saw = spare_the_store;
		calls_of_ours = 0;
		starve_nth(n);
		enum err_code started = link_complete(&c, &in, &op, NULL);
		if (started != ERR_OK) {
			assert_int_equal(started, ERR_NOMEM);
			rig.over = true;
		}
		assert_true(fake_run(&rig, 5000));
		met = (calls_of_ours > 0 ? calls_of_ours : starve_calls()) >= n;
		if (started == ERR_OK && met)
			assert_int_equal(got.why, ERR_NOMEM);
		assert_int_equal(got.result, started == ERR_OK && !met ? LINK_R_LINKED
		                             : started == ERR_OK       ? LINK_R_UNSETTLED
		                                                       : 0);
		assert_string_equal(rig.store.trace, met ? "" : "redeem:a find_psid");
		fake_rig_done(&rig);
	}
}

static void a_removal_without_memory(void **state)
{
	(void)state;
	for (size_t n = 1, met = 1; met; n++) {
		start_rig(&fake_sharp);
		rows((struct fake_row){.id = "a", .psid = "7", .at = 5000}, B);
		struct link_call c = call(2500);
		struct link_removal in = {.psid = STR("7"), .event_ms = 5000, .reason = "unlinked"};
		struct link_op *op = NULL;
		rig.store.saw = spare_the_store;
		calls_of_ours = 0;
		starve_nth(n);
		enum err_code started = link_remove(&c, &in, &op, NULL);
		if (started != ERR_OK) {
			assert_int_equal(started, ERR_NOMEM);
			assert_null(op);
			rig.over = true;
		}
		assert_true(fake_run(&rig, 5000));
		met = (calls_of_ours > 0 ? calls_of_ours : starve_calls()) >= n;
		if (started == ERR_OK)
			assert_int_equal(got.result, met ? LINK_R_UNSETTLED : LINK_R_UNLINKED);
		fake_rig_done(&rig);
	}
}

/* The operation after the first look cannot be made. */
static void no_memory_for_the_next_operation(void **state)
{
	(void)state;
	starve_after = 1;
	starve_kind = STORE_FIND_PSID;
	start_rig(&fake_sharp);
	rows((struct fake_row){.id = "a", .psid = "7", .at = 5000}, B);
	rig.store.saw = starve_then;
	(void)remove_7(5000, false, true);
	expect(LINK_R_UNSETTLED, "find_psid", "");
	assert_true(starve_calls() >= 1);
	assert_int_equal(got.why, ERR_NOMEM);
}

int main(void)
{
	if (crypto_start(NULL) != ERR_OK)
		return EXIT_FAILURE;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(random_code),
	        cmocka_unit_test(random_code_is_looked_up_by_its_digest),
	        cmocka_unit_test(random_code_not_found_out),
	        cmocka_unit_test(random_code_without_memory),
	        cmocka_unit_test(a_start_without_memory),
	        cmocka_unit_test(a_removal_without_memory),
	        cmocka_unit_test(no_memory_for_the_next_operation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
