#include "test.h"

#include "base/codec.h"
#include "base/crypto.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Hex text as bytes, in a buffer of the caller's. */
static struct str bytes(const char *hex, void *to)
{
	size_t n = strlen(hex) / 2;
	assert_true(codec_unhex(str_c(hex), to, n));
	return (struct str){to, n};
}

static void assert_hex(const void *got, const char *hex)
{
	struct buf b;
	buf_init(&b, 1000);
	codec_hex(&b, got, strlen(hex) / 2);
	assert_string_equal(b.p, hex);
	buf_done(&b);
}

/* FIPS 180-4 examples */
static void test_digests(void **state)
{
	uint8_t out[32];
	(void)state;
	assert_int_equal(crypto_sha256(STR("abc"), out), ERR_OK);
	assert_hex(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(crypto_sha256((struct str){NULL, 0}, out), ERR_OK);
	assert_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_int_equal(crypto_sha1(STR("abc"), out), ERR_OK);
	assert_hex(out, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

static void test_digest_as_text(void **state)
{
	(void)state;
	char got[CRYPTO_SHA256_TEXT_LEN + 1];
	assert_int_equal(crypto_sha256_text(STR("abc"), got), ERR_OK);
	/* SHA-256("abc") of FIPS 180-4, base64url */
	assert_string_equal(got, "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
}

#define AA20 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define AA131 AA20 AA20 AA20 AA20 AA20 AA20 "aaaaaaaaaaaaaaaaaaaaaa"

/* RFC 4231, cases 1 to 4, 6 and 7 */
static void test_hmac(void **state)
{
	static const struct {
		const char *key, *data, *want;
	} rows[] = {
	        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
	         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	        {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	        {AA20,
	         "dddddddddddddddddddddddddddddddddddddddddddddddddd"
	         "dddddddddddddddddddddddddddddddddddddddddddddddddd",
	         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
	        {"0102030405060708090a0b0c0d0e0f10111213141516171819",
	         "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
	         "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
	         "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
	        {AA131,
	         "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204"
	         "b6579"
	         "204669727374",
	         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	        {AA131,
	         "5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a652"
	         "06b65"
	         "7920616e642061206c6172676572207468616e20626c6f636b2d73697a6520646174612e20546865206b6579206"
	         "e6565"
	         "647320746f20626520686173686564206265666f7265206265696e6720757365642062792074686520484d41432"
	         "0616c"
	         "676f726974686d2e",
	         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t key[200], data[200], out[32];
		assert_int_equal(crypto_hmac_sha256(bytes(rows[i].key, key), bytes(rows[i].data, data), out),
		                 ERR_OK);
		assert_hex(out, rows[i].want);
	}
	uint8_t out[32]; /* an empty key is a key */
	assert_int_equal(crypto_hmac_sha256((struct str){NULL, 0}, (struct str){NULL, 0}, out), ERR_OK);
	assert_hex(out, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* RFC 5869 appendix A, cases 1 to 3 */
static void test_hkdf(void **state)
{
	static const struct {
		const char *key, *salt, *info, *want;
	} rows[] = {
	        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
	         "f0f1f2f3f4f5f6f7f8f9",
	         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
	        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2"
	         "d2e2f"
	         "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
	         "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8"
	         "d8e8f"
	         "909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
	         "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcd"
	         "ddedf"
	         "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e5"
	         "90e09"
	         "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
	        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
	         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t key[100], salt[100], info[100], out[100];
		assert_int_equal(crypto_hkdf_sha256(bytes(rows[i].key, key), bytes(rows[i].salt, salt),
		                                    bytes(rows[i].info, info), out, strlen(rows[i].want) / 2),
		                 ERR_OK);
		assert_hex(out, rows[i].want);
	}
	uint8_t big[255 * 32 + 1]; /* more than the function can give */
	assert_int_not_equal(crypto_hkdf_sha256(STR("k"), STR("s"), STR("i"), big, sizeof big), ERR_OK);
}

/* GCM specification, cases 13 to 16 (256-bit keys) */
static const struct {
	const char *key, *nonce, *aad, *plain, *sealed;
} gcm_rows[] = {
        {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
         "", "530f8afbc74536b9a963b4f1c4cb738b"},
        {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
         "00000000000000000000000000000000",
         "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
        {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "",
         "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16"
         "aed"
         "f5aa0de657ba637b391aafd255",
         "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f"
         "61e"
         "6393ba7a0abcc9f662898015adb094dac5d93471bdec1a502270e3cc6c"},
        {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
         "feedfacedeadbeeffeedfacedeadbeefabaddad2",
         "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16"
         "aed"
         "f5aa0de657ba637b39",
         "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f"
         "61e"
         "6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
};

static void test_seal_open(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(gcm_rows); i++) {
		uint8_t key[32], nonce[12], aad_b[64], plain_b[64], sealed[128], plain_again[64];
		(void)bytes(gcm_rows[i].key, key);
		(void)bytes(gcm_rows[i].nonce, nonce);
		struct str aad = bytes(gcm_rows[i].aad, aad_b), plain = bytes(gcm_rows[i].plain, plain_b);
		assert_int_equal(crypto_seal(key, nonce, aad, plain, sealed), ERR_OK);
		assert_hex(sealed, gcm_rows[i].sealed);
		struct str whole = {(char *)sealed, plain.n + CRYPTO_TAG_LEN};
		assert_int_equal(crypto_open(key, nonce, aad, whole, plain_again), ERR_OK);
		assert_memory_equal(plain_again, plain.p, plain.n);
	}
}

/* Every single bit of the sealed text, the nonce and the associated data counts. */
static void test_open_refused(void **state)
{
	uint8_t key[32] = {1}, nonce[12] = {2}, sealed[5 + CRYPTO_TAG_LEN], out[5], aad[3] = {'a', 'a', 'd'};
	struct str a = {(char *)aad, sizeof aad}, s = {(char *)sealed, sizeof sealed};
	const struct {
		uint8_t *p;
		size_t n;
	} parts[] = {{sealed, sizeof sealed}, {nonce, sizeof nonce}, {aad, sizeof aad}, {key, sizeof key}};
	(void)state;
	assert_int_equal(crypto_seal(key, nonce, a, STR("plain"), sealed), ERR_OK);
	for (size_t part = 0; part < COUNT(parts); part++) {
		for (size_t bit = 0; bit < parts[part].n * 8; bit++) {
			parts[part].p[bit / 8] ^= (uint8_t)(1U << bit % 8);
			assert_int_equal(crypto_open(key, nonce, a, s, out), ERR_DENIED);
			parts[part].p[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
	}
	assert_int_equal(crypto_open(key, nonce, a, s, out), ERR_OK);
	for (size_t n = 0; n < sizeof sealed; n++)
		assert_int_equal(crypto_open(key, nonce, a, (struct str){(char *)sealed, n}, out),
		                 ERR_DENIED);
}

static void test_random(void **state)
{
	uint8_t a[256], b[256];
	(void)state;
	assert_int_equal(crypto_random(a, sizeof a), ERR_OK);
	assert_int_equal(crypto_random(b, sizeof b), ERR_OK);
	assert_memory_not_equal(a, b, sizeof a);
	assert_int_equal(crypto_random(a, 257), ERR_NOMEM);
}

static void test_compare_wipe(void **state)
{
	char secret[] = "secret";
	(void)state;
	assert_true(crypto_equal("abc", "abd", 2));
	assert_false(crypto_equal("abc", "abd", 3));
	assert_true(crypto_str_equal(STR("x"), STR("x")));
	assert_false(crypto_str_equal(STR("x"), STR("xy")));
	assert_true(crypto_str_equal((struct str){NULL, 0}, STR("")));
	crypto_wipe(secret, sizeof secret);
	assert_memory_equal(secret, "\0\0\0\0\0\0", sizeof secret);
	crypto_wipe(NULL, 0);
}

static void test_wipe_buf(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 100);
	buf_z(&b, "secret");
	const char *p = b.p;
	crypto_reset_buf(&b, b.cap);
	assert_ptr_equal(b.p, p);
	assert_int_equal(b.len, 0);
	assert_memory_equal(b.p, "\0\0\0\0\0\0", 6);
	crypto_reset_buf(&b, b.cap - 1);
	assert_null(b.p);
	crypto_wipe_buf(&b);
	buf_z(&b, "usable");
	assert_int_equal(b.len, 6);
	crypto_wipe_buf(&b);
	assert_null(b.p);
}

static void test_version(void **state)
{
	(void)state;
	assert_int_equal(strncmp(crypto_version(), "3.", 2), 0);
}

static int start(void **state)
{
	(void)state;
	return crypto_start(NULL) != ERR_OK || crypto_start(NULL) != ERR_OK; /* twice is fine */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_digests),   cmocka_unit_test(test_digest_as_text),
	        cmocka_unit_test(test_hmac),      cmocka_unit_test(test_hkdf),
	        cmocka_unit_test(test_seal_open), cmocka_unit_test(test_open_refused),
	        cmocka_unit_test(test_random),    cmocka_unit_test(test_compare_wipe),
	        cmocka_unit_test(test_wipe_buf),  cmocka_unit_test(test_version),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
