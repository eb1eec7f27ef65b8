/* Cryptography whose every call inside OpenSSL fails once, and lengths it cannot take. */
#include "test.h"

#include <limits.h>

#include "base/crypto.h"
#include "refuse.h"

static uint8_t out[600];

/* The first of all tests: nothing was fetched yet.  What failed once is fetched the next time. */
static void start_says_what_is_missing(void **state)
{
	(void)state;
	STARVE_AS(crypto_start(NULL), ERR_INTERNAL, ERR_OK);
	assert_int_equal(crypto_start(NULL), ERR_OK);
	assert_int_equal(crypto_sha256(STR("abc"), out), ERR_OK);
}

static enum err_code text_or_leave(void)
{
	char digest[CRYPTO_SHA256_TEXT_LEN + 1] = "as it was";
	enum err_code code = crypto_sha256_text(STR("abc"), digest);
	if (code != ERR_OK)
		assert_string_equal(digest, "as it was");
	return code;
}

static void digests(void **state)
{
	static char key[100];
	const struct str long_key = {key, sizeof key};
	(void)state;
	STARVE(crypto_sha256(STR("abc"), out), ERR_OK);
	STARVE(text_or_leave(), ERR_OK);
	STARVE(crypto_sha1(STR("abc"), out), ERR_OK);
	STARVE(crypto_hmac_sha256(STR("key"), STR("abc"), out), ERR_OK);
	STARVE(crypto_hmac_sha256(long_key, STR("abc"), out), ERR_OK);
	STARVE(crypto_hkdf_sha256(STR("key"), STR("salt"), STR("info"), out, 70), ERR_OK);
	STARVE(crypto_random(out, 16), ERR_OK);
}

static void kept_macs(void **state)
{
	struct crypto_mac *m = NULL;
	uint8_t want[CRYPTO_SHA256_LEN];
	(void)state;
	STARVE(crypto_mac_new(&m), ERR_OK);
	STARVE(crypto_mac_key(m, (struct str){NULL, 0}), ERR_OK);
	STARVE(crypto_mac_key(m, STR("key")), ERR_OK);
	STARVE(crypto_mac_run(m, STR("abc"), out), ERR_OK); /* and is right after what failed */
	assert_int_equal(crypto_hmac_sha256(STR("key"), STR("abc"), want), ERR_OK);
	assert_memory_equal(out, want, sizeof want);
	crypto_mac_free(m);
}

/* A seal that could not be looked at is not a wrong one. */
static void sealed_texts(void **state)
{
	static const uint8_t key[CRYPTO_KEY_LEN], nonce[CRYPTO_NONCE_LEN];
	uint8_t sealed[3 + CRYPTO_TAG_LEN];
	(void)state;
	STARVE(crypto_seal(key, nonce, STR("a"), STR("abc"), sealed), ERR_OK);
	const struct str s = {(const char *)sealed, sizeof sealed};
	STARVE(crypto_open(key, nonce, STR("a"), s, out), ERR_OK);
	sealed[0] ^= 1;
	STARVE(crypto_open(key, nonce, STR("a"), s, out), ERR_DENIED);
}

static void lengths_past_the_bounds(void **state)
{
	static const uint8_t key[CRYPTO_KEY_LEN], nonce[CRYPTO_NONCE_LEN];
	const struct str huge = {"x", (size_t)INT_MAX + 1};
	(void)state;
	assert_int_equal(crypto_seal(key, nonce, huge, STR(""), out), ERR_NOMEM);
	assert_int_equal(crypto_seal(key, nonce, STR(""), huge, out), ERR_NOMEM);
	assert_int_equal(crypto_open(key, nonce, STR(""), huge, out), ERR_DENIED);
	assert_int_equal(crypto_open(key, nonce, huge, STR("0123456789abcdef"), out), ERR_DENIED);
	assert_int_equal(crypto_open(key, nonce, STR(""), STR("0123456789abcde"), out), ERR_DENIED);
	assert_int_equal(crypto_hkdf_sha256(STR("k"), STR("s"), STR("i"), out, 255 * 32 + 1), ERR_NOMEM);
	assert_int_equal(crypto_random(out, 257), ERR_NOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(start_says_what_is_missing),
	        cmocka_unit_test(digests),
	        cmocka_unit_test(kept_macs),
	        cmocka_unit_test(sealed_texts),
	        cmocka_unit_test(lengths_past_the_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
