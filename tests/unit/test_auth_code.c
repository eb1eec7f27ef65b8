/* Authorization codes: carry the key, are equal for equal salt, stay within 512 characters. */
#include "test.h"

#include "base/crypto.h"
#include "link/auth_code.h"
#include "starve.h"

static const uint8_t SALT[SEAL_SALT_LEN] = "sixteen bytes ok";
static struct sealer *sealer;

static struct store_key key_of(size_t id, size_t email)
{
	struct store_key k = {{0}, {0}};
	memset(k.id, 'i', id);
	memset(k.email, 'e', email);
	return k;
}

static void test_round_trip(void **state)
{
	(void)state;
	struct store_key key = {"C-17", "Ann@Example.com"}, got;
	struct auth_code_text a, b, c;
	uint8_t salt[SEAL_SALT_LEN] = "another sixteen";
	assert_int_equal(auth_code_make(sealer, &key, SALT, &a), ERR_OK);
	assert_int_equal(auth_code_make(sealer, &key, SALT, &b), ERR_OK);
	assert_int_equal(auth_code_make(sealer, &key, salt, &c), ERR_OK);
	assert_string_equal(a.s, b.s);
	assert_string_not_equal(a.s, c.s);
	assert_true(str_of(str_c(a.s), "-_"));
	assert_int_equal(auth_code_open(sealer, str_c(a.s), &got), ERR_OK);
	assert_string_equal(got.id, "C-17");
	assert_string_equal(got.email, "Ann@Example.com");
}

static void test_length(void **state)
{
	(void)state;
	static const struct {
		size_t id, email;
		enum err_code want;
	} row[] = {
	        {1, 0, ERR_OK},           {340, 0, ERR_OK},        {86, 254, ERR_OK},
	        {87, 254, ERR_TOO_LARGE}, {340, 1, ERR_TOO_LARGE}, {340, 254, ERR_TOO_LARGE},
	};
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct store_key key = key_of(row[i].id, row[i].email), got;
		struct auth_code_text text;
		assert_int_equal(auth_code_make_as(CODE_STYLE_RANDOM, sealer, &key, SALT, &text),
		                 row[i].want);
		assert_int_equal(auth_code_make_as(CODE_STYLE_SEALED, sealer, &key, SALT, &text),
		                 row[i].want);
		if (row[i].want != ERR_OK)
			continue;
		assert_true(strlen(text.s) <= 512);
		assert_int_equal(auth_code_open(sealer, str_c(text.s), &got), ERR_OK);
		assert_string_equal(got.id, key.id);
		assert_string_equal(got.email, key.email);
	}
}

static void check_refused(const struct str *fields, size_t n, enum seal_type type)
{
	struct buf t;
	struct store_key got;
	buf_init(&t, SEAL_TEXT_MAX);
	assert_int_equal(seal_make(sealer, type, NULL, fields, n, &t), ERR_OK);
	assert_int_equal(auth_code_open(sealer, buf_view(&t), &got), ERR_DENIED);
	buf_done(&t);
}

static void test_refused(void **state)
{
	(void)state;
	static char big[400];
	memset(big, 'x', sizeof big);
	struct str good[] = {STR("id"), STR("e@x"), STR("more")};
	struct str no_id[] = {STR(""), STR("e@x")}, nul[] = {STR("i\0d"), STR("e@x")};
	struct str long_id[] = {{big, 341}, STR("")}, long_email[] = {STR("i"), {big, 255}};
	struct store_key got;
	check_refused(good, 1, SEAL_CODE);
	check_refused(good, 3, SEAL_CODE);
	check_refused(good, 2, SEAL_CONSENT);
	check_refused(no_id, 2, SEAL_CODE);
	check_refused(nul, 2, SEAL_CODE);
	check_refused(long_id, 2, SEAL_CODE);
	check_refused(long_email, 2, SEAL_CODE);
	assert_int_equal(auth_code_open(sealer, STR(""), &got), ERR_DENIED);
	assert_int_equal(auth_code_open(sealer, STR("1234567890"), &got), ERR_DENIED);
	assert_int_equal(auth_code_open(sealer, (struct str){NULL, 0}, &got), ERR_DENIED);
}

/* A token over AUTH_CODE_MAX is refused before any work, also an authentic one. */
static void test_over_long(void **state)
{
	(void)state;
	static char big[400];
	memset(big, 'x', sizeof big);
	struct str fields[] = {{big, 340}, {big, 10}};
	check_refused(fields, 2, SEAL_CODE);
}

static void test_longest(void **state)
{
	(void)state;
	struct store_key key = key_of(90, 252), got;
	struct str fields[] = {str_c(key.id), str_c(key.email)};
	struct buf t;
	buf_init(&t, SEAL_TEXT_MAX);
	assert_int_equal(seal_make(sealer, SEAL_CODE, NULL, fields, 2, &t), ERR_OK);
	assert_int_equal(t.len, AUTH_CODE_MAX);
	assert_int_equal(auth_code_open(sealer, buf_view(&t), &got), ERR_OK);
	buf_done(&t);
}

/* The digest of the code: the same one every time, and nothing of ours any more. */
static void test_shorten(void **state)
{
	(void)state;
	struct store_key key = {"C-17", "Ann@Example.com"}, got;
	struct auth_code_text a;
	char digest[STORE_DIGEST_LEN + 1];
	assert_int_equal(auth_code_make(sealer, &key, SALT, &a), ERR_OK);
	assert_int_equal(crypto_sha256_text(str_c(a.s), digest), ERR_OK);
	assert_int_equal(auth_code_shorten(&a), ERR_OK);
	assert_string_equal(a.s, digest);
	assert_int_equal(auth_code_open(sealer, str_c(a.s), &got), ERR_DENIED);
}

static enum err_code make_or_leave(const struct store_key *key, struct auth_code_text *ret)
{
	struct auth_code_text text = {.s = "as it was"};
	enum err_code code = auth_code_make(sealer, key, SALT, &text);
	if (code != ERR_OK)
		assert_string_equal(text.s, "as it was");
	*ret = text;
	return code;
}

static enum err_code shorten_a_copy(const struct auth_code_text *of)
{
	struct auth_code_text copy = *of;
	enum err_code code = auth_code_shorten(&copy);
	if (code != ERR_OK)
		assert_string_equal(copy.s, of->s);
	return code;
}

static void test_starved(void **state)
{
	(void)state;
	struct store_key key = {"C-17", "Ann@Example.com"}, got;
	struct auth_code_text text;
	STARVE(make_or_leave(&key, &text), ERR_OK);
	STARVE(auth_code_open(sealer, str_c(text.s), &got), ERR_OK);
	assert_string_equal(got.id, "C-17");
	STARVE(shorten_a_copy(&text), ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_length),
	        cmocka_unit_test(test_refused),    cmocka_unit_test(test_over_long),
	        cmocka_unit_test(test_shorten),    cmocka_unit_test(test_starved),
	        cmocka_unit_test(test_longest),
	};
	struct str key = STR("0123456789abcdef0123456789abcdef");
	if (crypto_start(NULL) != ERR_OK || sealer_new(&key, 1, &sealer, NULL) != ERR_OK)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	sealer_free(sealer);
	return failed;
}
