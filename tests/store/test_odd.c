/* Attributes that no write of ours leaves: whatever another program put there, no operation fails for it, now
 * or for ever, and our next write replaces it. */
#include "ops.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char text_44[44 + 3], text_600[600 + 3], text_2000[2000 + 3];

static const struct value {
	const char *type, *json;
} values[] = {
        {"S", "\"\""},
        {"S", "\"7\""},
        {"S", text_44},
        {"S", text_600},
        {"S", text_2000},
        {"N", "7"},
        {"N", "0"},
        {"N", "-5"},
        {"N", "1.5"},
        {"N", "9000000000000000000"},
        {"N", "9.9E125"},
        {"N", "-9.9E125"},
        {"NULL", "true"},
        {"BOOL", "false"},
        {"B", "\"AAAA\""},
        {"SS", "[\"a\",\"b\"]"},
        {"L", "[{\"S\":\"c1\"}]"},
        {"M", "{\"S\":{\"S\":\"c1\"}}"},
};

static const char *const attributes[] = {
        "password",
        "authorization_code",
        "authorization_code_expires_at",
        "authorization_code_psid",
        "authorization_code_replaces",
        "fb_psid",
        "fb_page_id",
        "fb_linked_at",
        "fb_link_code",
        "login_failures",
        "login_window_ends",
};

static const char *now_at; /* what is being tried */

static struct store_op *op_of(enum store_kind kind, const char *who, int64_t t)
{
	struct store_op *op = rig_op(kind, who);
	rig_psid(op, who);
	if (kind == STORE_REDEEM)
		rig_page(op, "page");
	rig_times(op, t, 100);
	rig_ends(op, 3700);
	rig_email(op, rig_key(who).email);
	return op;
}

static void must_settle(struct rig *r, struct store_op *op, struct rig_result *got)
{
	enum store_kind kind = op->kind;
	rig_run(r, op, got);
	if (got->code != ERR_OK)
		fail_msg("%s: %s: %s", now_at, store_kind_name(kind), got->err.msg);
}

static void must_be_done(struct rig *r, struct store_op *op)
{
	struct rig_result got;
	enum store_kind kind = op->kind;
	must_settle(r, op, &got);
	if (got.out.outcome != STORE_DONE)
		fail_msg("%s: %s: %s", now_at, store_kind_name(kind), store_outcome_name(got.out.outcome));
}

static bool spoil(struct rig *r, const char *who, const char *attribute, const struct value *v)
{
	struct store_key key = rig_key(who);
	return r->backend->spoil(r->dir, &key, attribute, v->type, v->json);
}

static void link_it(struct rig *r, const char *who, const char *code, int64_t t)
{
	struct store_op *op = op_of(STORE_REDEEM, who, t);
	rig_digest(op, code);
	must_be_done(r, issue(who, code, 300));
	must_be_done(r, op);
}

/* Two failures are two, in a window that ends. */
static void count(struct rig *r, const char *who, bool counter)
{
	struct rig_result got;
	must_be_done(r, op_of(STORE_FAILURE, who, 0));
	must_settle(r, rig_op(STORE_FIND_ID, who), &got);
	assert_int_equal(got.out.n, 1);
	int64_t first = got.customer[0].login_failures;
	if (counter && first != 1 && first != 8) /* 7 in a window is as our writes leave it */
		fail_msg("%s: %lld failures after one", now_at, (long long)first);
	must_be_done(r, op_of(STORE_FAILURE, who, 0));
	must_settle(r, rig_op(STORE_FIND_ID, who), &got);
	if (got.customer[0].login_failures != first + 1)
		fail_msg("%s: %lld failures after two", now_at, (long long)got.customer[0].login_failures);
}

static void check_link(struct rig *r, const char *who, int64_t t)
{
	struct rig_result got;
	must_settle(r, op_of(STORE_FIND_PSID, who, 0), &got);
	if (got.out.n != 1 || got.customer[0].link.linked_at_ms != t)
		fail_msg("%s: %zu links", now_at, got.out.n);
}

/* The attribute is spoilt before each part of a customer's life. */
static void live(struct rig *r, const char *who, const char *attribute, const struct value *v)
{
	struct rig_result got;
	bool psid = strcmp(attribute, "fb_psid") == 0;
	must_settle(r, op_of(STORE_FIND_EMAIL, who, 0), &got);
	assert_int_equal(got.out.n, 1);
	count(r, who, strncmp(attribute, "login_", 6) == 0);
	link_it(r, who, "c1", 1000);
	check_link(r, who, 1000);
	(void)spoil(r, who, attribute, v);
	if (psid)
		must_settle(r, op_of(STORE_UNLINK, who, 5000), &got);
	else
		must_be_done(r, op_of(STORE_UNLINK, who, 5000));
	(void)spoil(r, who, attribute, v);
	link_it(r, who, "c2", 2000);
	(void)spoil(r, who, attribute, v);
	must_settle(r, op_of(STORE_FIND_PSID, who, 0), &got);
	must_settle(r, op_of(STORE_REPAIR, who, 9000), &got);
	if (!psid && got.out.outcome != STORE_DONE)
		fail_msg("%s: not repaired", now_at);
	(void)spoil(r, who, attribute, v);
	must_be_done(r, rig_op(STORE_ERASE, who));
	must_settle(r, rig_op(STORE_FIND_ID, who), &got);
	assert_string_equal(got.customer[0].link.psid, "");
	assert_int_equal(got.customer[0].login_failures, 0);
	link_it(r, who, "c3", 3000);
	check_link(r, who, 3000);
}

TEST(no_value_of_another_program_makes_an_operation_fail)
{
	size_t tried = 0;
	for (size_t a = 0; a < sizeof attributes / sizeof attributes[0]; a++)
		for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
			char who[16], what[64];
			(void)snprintf(who, sizeof who, "%zu", tried);
			(void)snprintf(what, sizeof what, "%s %s %.20s", attributes[a], values[i].type,
			               values[i].json);
			now_at = what;
			rig_add(r, who);
			if (spoil(r, who, attributes[a], &values[i])) {
				live(r, who, attributes[a], &values[i]);
				tried++;
			} else
				rig_want(r, rig_op(STORE_REMOVE, who), STORE_DONE);
		}
	print_message("  %s: %zu values lived with\n", r->backend->name, tried);
	assert_true(tried >= 40);
}

static void fill(char *to, size_t n)
{
	memset(to, 'x', n + 2);
	to[0] = to[n + 1] = '"';
	to[n + 2] = '\0';
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(no_value_of_another_program_makes_an_operation_fail)};
	fill(text_44, 44);
	fill(text_600, 600);
	fill(text_2000, 2000);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
