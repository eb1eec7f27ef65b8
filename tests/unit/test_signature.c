/* The delivery's signature: every shape that is not exactly right is refused, and every bit counts. */
#include "test.h"

#include <stdlib.h>

#include "base/codec.h"
#include "base/crypto.h"
#include "starve.h"
#include "webhook/signature.h"

#define HEX "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
#define GOOD "sha256=" HEX

/* A published example: GitHub Docs, "Validating webhook deliveries". */
static char secret[] = "It's a Secret to Everybody";
static char other[] = "another secret";
static const struct str body = {"Hello, World!", 13};

static enum err_code check(struct str header, struct str signed_body, char *const *secrets, size_t n)
{
	struct signature_keys *keys;
	assert_int_equal(signature_keys_new(secrets, n, &keys), ERR_OK);
	enum err_code code = signature_check(header, signed_body, keys);
	assert_int_equal(signature_check(header, signed_body, keys), code); /* keys serve many times */
	signature_keys_free(keys);
	return code;
}

static void check_refused(struct str header)
{
	char *secrets[] = {secret};
	assert_int_equal(check(header, body, secrets, 1), ERR_DENIED);
}

static void published_example(void **state)
{
	(void)state;
	char *secrets[] = {secret};
	assert_true(signature_shape(STR(GOOD)));
	assert_int_equal(check(STR(GOOD), body, secrets, 1), ERR_OK);
}

static void every_secret_counts(void **state)
{
	(void)state;
	char third[] = "third";
	char *places[][3] = {{secret, other, third}, {other, secret, third}, {other, third, secret}};
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(check(STR(GOOD), body, places[i], 3), ERR_OK);
	char *wrong[] = {other, third};
	assert_int_equal(check(STR(GOOD), body, wrong, 2), ERR_DENIED);
	assert_int_equal(check(STR(GOOD), body, NULL, 0), ERR_DENIED);
}

/* Both checks agree on the shape: what one refuses, the other does. */
static void shapes(void **state)
{
	(void)state;
	static const struct str bad[] = {
	        {NULL, 0},
	        STR(""),
	        STR("sha256="),
	        STR(HEX),
	        STR("sha1=6f1ed002ab5595859014ebf0951522d9a5c6ff6e"),
	        STR("sha1=" HEX "ab"),
	        STR("SHA256=" HEX),
	        STR("sha256:" HEX),
	        STR("sha256 " HEX),
	        STR("sha256=" HEX " "),
	        STR(" sha256=" HEX),
	        STR("sha256= 57107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
	        STR("sha256=" HEX "\n"),
	        STR("sha256=" HEX "00"),
	        STR("sha256=57107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
	        STR("sha256=0757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
	        STR("sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17"),
	        STR("sha256=757107eA0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
	        STR("sha256=757107ga0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
	        STR("sha256=757107\0a0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
	        STR("sha256=" HEX ",sha256=" HEX),
	        STR("sha256==57107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"),
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(signature_shape(bad[i]));
		check_refused(bad[i]);
	}
}

static void right_shape_wrong_digest(void **state)
{
	(void)state;
	struct str zeros = STR("sha256=0000000000000000000000000000000000000000000000000000000000000000");
	assert_true(signature_shape(zeros));
	check_refused(zeros);
}

static void every_bit_of_the_digest(void **state)
{
	(void)state;
	uint8_t digest[CRYPTO_SHA256_LEN];
	assert_true(codec_unhex(STR(HEX), digest, sizeof digest));
	for (size_t bit = 0; bit < 8 * sizeof digest; bit++) {
		struct buf header;
		buf_init(&header, 128);
		digest[bit / 8] ^= (uint8_t)(1u << bit % 8);
		buf_z(&header, "sha256=");
		codec_hex(&header, digest, sizeof digest);
		digest[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_true(signature_shape(buf_view(&header)));
		check_refused(buf_view(&header));
		buf_done(&header);
	}
}

static void every_bit_of_the_body(void **state)
{
	(void)state;
	char *secrets[] = {secret};
	char copy[13];
	for (size_t bit = 0; bit < 8 * sizeof copy; bit++) {
		memcpy(copy, body.p, sizeof copy);
		copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
		struct str changed = {copy, sizeof copy};
		assert_int_equal(check(STR(GOOD), changed, secrets, 1), ERR_DENIED);
	}
}

/* Lengths count too, and an empty body has a signature like any other. */
static void other_lengths(void **state)
{
	(void)state;
	char *secrets[] = {secret};
	struct str shorter = {body.p, body.n - 1};
	assert_int_equal(check(STR(GOOD), shorter, secrets, 1), ERR_DENIED);
	assert_int_equal(check(STR(GOOD), STR("Hello, World!\0"), secrets, 1), ERR_DENIED);
	assert_int_equal(check(STR(GOOD), STR(""), secrets, 1), ERR_DENIED);
	/* RFC 2104 of nothing under the key "key", by OpenSSL's command line */
	char key[] = "key";
	char *keys[] = {key};
	struct str empty = STR("sha256=5d5d139563c95b5967b9bd9a8c9b233a9dedb45072794cd232dc1b74832607d0");
	assert_int_equal(check(empty, STR(""), keys, 1), ERR_OK);
}

static enum err_code make_keys(char *const *secrets, size_t n)
{
	struct signature_keys *keys = NULL;
	enum err_code code = signature_keys_new(secrets, n, &keys);
	if (code != ERR_OK)
		assert_null(keys);
	signature_keys_free(keys);
	return code;
}

/* A digest that could not be made says nothing of the others. */
static void no_memory_is_no_answer(void **state)
{
	(void)state;
	char *secrets[] = {other, secret, other};
	struct signature_keys *keys;
	STARVE(make_keys(secrets, 3), ERR_OK);
	assert_int_equal(signature_keys_new(secrets, 3, &keys), ERR_OK);
	STARVE(signature_check(STR(GOOD), body, keys), ERR_OK);
	starve_nth(4);
	assert_int_equal(signature_check(STR(GOOD), body, keys), ERR_OK);
	assert_int_equal(starve_calls(), 3);
	signature_keys_free(keys);
}

/* As many as are told to count; the settings allow no more. */
static void a_secret_too_many(void **state)
{
	(void)state;
	char *secrets[] = {other, other, secret, secret}, *late[] = {other, other, other, secret};
	assert_int_equal(check(STR(GOOD), body, secrets, 4), ERR_OK);
	assert_int_equal(check(STR(GOOD), body, late, 4), ERR_DENIED);
}

int main(void)
{
	struct err err;
	if (crypto_start(&err) != ERR_OK)
		return EXIT_FAILURE;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(published_example),
	        cmocka_unit_test(every_secret_counts),
	        cmocka_unit_test(shapes),
	        cmocka_unit_test(right_shape_wrong_digest),
	        cmocka_unit_test(every_bit_of_the_digest),
	        cmocka_unit_test(every_bit_of_the_body),
	        cmocka_unit_test(other_lengths),
	        cmocka_unit_test(no_memory_is_no_answer),
	        cmocka_unit_test(a_secret_too_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
