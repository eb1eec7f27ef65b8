#include "test.h"

#include "store/record.h"

static void packs_and_reads(void **state)
{
	static const struct store_key keys[] = {
	        {"c1", "ann@example.com"}, {"", ""}, {"12:34", "5:x@y"}, {"", "only@mail"}, {"only id", ""}};
	char text[RECORD_PACKED_MAX + 1];
	struct store_key got;
	(void)state;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		record_pack_key(&keys[i], text);
		assert_true(record_unpack_key(str_c(text), &got));
		assert_string_equal(got.id, keys[i].id);
		assert_string_equal(got.email, keys[i].email);
	}
	record_pack_key(&keys[0], text);
	assert_string_equal(text, "2:c1ann@example.com"); /* other versions read it */
}

static void the_longest_key_fits(void **state)
{
	struct store_key key, got;
	char text[RECORD_PACKED_MAX + 1];
	(void)state;
	memset(&key, 0, sizeof key);
	memset(key.id, 'i', STORE_ID_MAX);
	memset(key.email, 'e', STORE_EMAIL_MAX);
	record_pack_key(&key, text);
	assert_true(record_unpack_key(str_c(text), &got));
	assert_string_equal(got.id, key.id);
	assert_string_equal(got.email, key.email);
}

static void refuses_what_is_no_key(void **state)
{
	static const char *const bad[] = {"",     ":",    "x",    "3",     "3:ab",
	                                  "-1:a", "1a:b", " 1:a", "341:a", "99999999999999999999:a"};
	char text[700];
	struct store_key got;
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memset(&got, 'x', sizeof got);
		assert_false(record_unpack_key(str_c(bad[i]), &got));
		assert_string_equal(got.id, "");
		assert_string_equal(got.email, "");
	}
	memset(text, 'e', sizeof text); /* an email too long */
	memcpy(text, "1:", 2);
	assert_false(record_unpack_key((struct str){text, 3 + STORE_EMAIL_MAX + 1}, &got));
	assert_true(record_unpack_key((struct str){text, 3 + STORE_EMAIL_MAX}, &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(packs_and_reads),
	        cmocka_unit_test(the_longest_key_fits),
	        cmocka_unit_test(refuses_what_is_no_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
