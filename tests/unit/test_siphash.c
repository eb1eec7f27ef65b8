#include "test.h"

#include "base/crypto.h"

/* The paper's appendix A, and the reference implementation's vectors for 0 to 16 bytes: key 00 01 .. 0f, text
 * 00 01 02 .. */
static void test_vectors(void **state)
{
	static const struct {
		size_t n;
		uint64_t want;
	} table[] = {{0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd},  {7, 0xab0200f58b01d137},
	             {8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5}, {16, 0x3f2acc7f57c29bdb}};
	uint8_t key[CRYPTO_SIPHASH_KEY_LEN];
	char text[16];
	(void)state;
	for (size_t i = 0; i < sizeof text; i++) {
		key[i] = (uint8_t)i;
		text[i] = (char)i;
	}
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		assert_true(crypto_siphash(key, (struct str){text, table[i].n}) == table[i].want);
	assert_true(crypto_siphash(key, (struct str){NULL, 0}) == table[0].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_vectors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
