/* Sealed tokens: every altered token is refused, types do not mix, keys rotate. */
#include "test.h"

#include "base/codec.h"
#include "base/crypto.h"
#include "link/seal.h"
#include "starve.h"

#define KEY_A "0123456789abcdef0123456789abcdef"
#define KEY_B "fedcba9876543210fedcba9876543210"
#define KEY_C "a third key that is longer than thirty-two bytes"

static const uint8_t SALT[SEAL_SALT_LEN] = "sixteen bytes ok";

static struct sealer *sealer_of(const char *a, const char *b)
{
	struct str keys[2] = {str_c(a), str_c(b)};
	struct sealer *s = NULL;
	assert_int_equal(sealer_new(keys, b == NULL ? 1 : 2, &s, NULL), ERR_OK);
	return s;
}

static struct buf token_of(const struct sealer *s, enum seal_type type, const uint8_t *salt)
{
	struct str fields[] = {STR("one"), STR(""), STR("thr\0ee")};
	struct buf out;
	buf_init(&out, SEAL_TEXT_MAX);
	assert_int_equal(seal_make(s, type, salt, fields, 3, &out), ERR_OK);
	return out;
}

static enum err_code try_open(const struct sealer *s, enum seal_type type, struct str token)
{
	static struct seal_open o;
	memset(&o, 0xee, sizeof o);
	enum err_code code = seal_open(s, type, token, &o);
	if (code != ERR_OK) {
		assert_int_equal(o.n, 0);
		assert_int_equal(o.plain_n, 0);
		for (size_t i = 0; i < sizeof o.plain; i++) /* what was opened in vain is wiped */
			assert_true(o.plain[i] == 0xee || o.plain[i] == 0);
	}
	seal_open_done(&o);
	return code;
}

static void test_round_trip(void **state)
{
	(void)state;
	struct sealer *s = sealer_of(KEY_A, NULL);
	struct buf t = token_of(s, SEAL_STATE, NULL);
	static struct seal_open o;
	assert_true(str_of(buf_view(&t), "-_"));
	assert_int_equal(seal_open(s, SEAL_STATE, buf_view(&t), &o), ERR_OK);
	assert_int_equal(o.n, 3);
	assert_true(str_eq(o.field[0], STR("one")));
	assert_int_equal(o.field[1].n, 0);
	assert_true(str_eq(o.field[2], STR("thr\0ee")));
	seal_open_done(&o);
	for (size_t i = 0; i < sizeof o; i++)
		assert_int_equal(((unsigned char *)&o)[i], 0);
	buf_done(&t);
	sealer_free(s);
}

static void test_shape(void **state)
{
	(void)state;
	struct sealer *s = sealer_of(KEY_A, NULL);
	struct buf t = token_of(s, SEAL_CODE, SALT);
	uint8_t raw[256], id[4];
	size_t n = 0;
	assert_true(codec_unb64url(buf_view(&t), raw, sizeof raw, &n));
	assert_int_equal(n, SEAL_OVERHEAD + 3 * 2 + 3 + 0 + 6);
	assert_int_equal(raw[0], 1);
	assert_int_equal(raw[1], SEAL_CODE);
	assert_int_equal(crypto_hkdf_sha256(STR(KEY_A), STR(""), STR("account-linkd key id"), id, 4), ERR_OK);
	assert_memory_equal(raw + 2, id, 4);
	assert_memory_equal(raw + 6, SALT, SEAL_SALT_LEN);
	buf_done(&t);
	sealer_free(s);
}

static void test_salt(void **state)
{
	(void)state;
	struct sealer *s = sealer_of(KEY_A, NULL), *other = sealer_of(KEY_B, NULL);
	struct buf a = token_of(s, SEAL_CODE, SALT), b = token_of(s, SEAL_CODE, SALT);
	struct buf c = token_of(s, SEAL_CODE, NULL), d = token_of(s, SEAL_CODE, NULL);
	struct buf e = token_of(other, SEAL_CODE, SALT), f = token_of(s, SEAL_STATE, SALT);
	assert_true(str_eq(buf_view(&a), buf_view(&b)));
	assert_false(str_eq(buf_view(&a), buf_view(&c)));
	assert_false(str_eq(buf_view(&c), buf_view(&d)));
	assert_false(str_eq(buf_view(&a), buf_view(&e)));
	/* another type has another key: not only the header differs */
	assert_memory_not_equal(a.p + 32, f.p + 32, 8);
	struct buf *all[] = {&a, &b, &c, &d, &e, &f};
	for (size_t i = 0; i < 6; i++)
		buf_done(all[i]);
	sealer_free(s);
	sealer_free(other);
}

static void test_every_bit(void **state)
{
	(void)state;
	struct sealer *s = sealer_of(KEY_A, KEY_B);
	struct buf t = token_of(s, SEAL_STATE, SALT);
	for (size_t i = 0; i < t.len * 8; i++) {
		t.p[i / 8] = (char)(t.p[i / 8] ^ (1 << (i % 8)));
		assert_int_equal(try_open(s, SEAL_STATE, buf_view(&t)), ERR_DENIED);
		t.p[i / 8] = (char)(t.p[i / 8] ^ (1 << (i % 8)));
	}
	assert_int_equal(try_open(s, SEAL_STATE, buf_view(&t)), ERR_OK);
	buf_done(&t);
	sealer_free(s);
}

/* The same on the bytes below the base64url, so that each reaches the check that stands for it. */
static void test_every_raw_bit(void **state)
{
	(void)state;
	struct sealer *s = sealer_of(KEY_A, KEY_B);
	struct buf t = token_of(s, SEAL_STATE, SALT), again;
	uint8_t raw[256];
	size_t n = 0;
	assert_true(codec_unb64url(buf_view(&t), raw, sizeof raw, &n));
	buf_init(&again, SEAL_TEXT_MAX);
	for (size_t i = 0; i <= n * 8; i++) {
		if (i < n * 8)
			raw[i / 8] ^= (uint8_t)(1 << (i % 8));
		buf_reset(&again);
		codec_b64url(&again, raw, n);
		assert_int_equal(try_open(s, SEAL_STATE, buf_view(&again)), i < n * 8 ? ERR_DENIED : ERR_OK);
		if (i < n * 8)
			raw[i / 8] ^= (uint8_t)(1 << (i % 8));
	}
	buf_done(&again);
	buf_done(&t);
	sealer_free(s);
}

static void test_lengths(void **state)
{
	(void)state;
	struct sealer *s = sealer_of(KEY_A, NULL);
	struct buf t = token_of(s, SEAL_STATE, SALT), more;
	for (size_t n = 0; n < t.len; n++)
		assert_int_equal(try_open(s, SEAL_STATE, (struct str){t.p, n}), ERR_DENIED);
	buf_init(&more, SEAL_TEXT_MAX + 4);
	buf_str(&more, buf_view(&t));
	buf_z(&more, "A");
	assert_int_equal(try_open(s, SEAL_STATE, buf_view(&more)), ERR_DENIED);
	buf_z(&more, "AAA");
	assert_int_equal(try_open(s, SEAL_STATE, buf_view(&more)), ERR_DENIED);
	while (more.len < SEAL_TEXT_MAX + 4)
		buf_z(&more, "A");
	assert_int_equal(try_open(s, SEAL_STATE, buf_view(&more)), ERR_DENIED);
	buf_done(&more);
	buf_done(&t);
	sealer_free(s);
}

static void test_types(void **state)
{
	(void)state;
	struct sealer *s = sealer_of(KEY_A, NULL);
	for (enum seal_type made = SEAL_STATE; made <= SEAL_DEVICE; made++) {
		struct buf t = token_of(s, made, NULL);
		for (enum seal_type asked = SEAL_STATE; asked <= SEAL_DEVICE; asked++)
			assert_int_equal(try_open(s, asked, buf_view(&t)),
			                 asked == made ? ERR_OK : ERR_DENIED);
		buf_done(&t);
	}
	sealer_free(s);
}

static void test_rotation(void **state)
{
	(void)state;
	struct sealer *old = sealer_of(KEY_A, NULL), *adding = sealer_of(KEY_A, KEY_B);
	struct sealer *moved = sealer_of(KEY_B, KEY_A), *new = sealer_of(KEY_B, NULL);
	struct buf a = token_of(adding, SEAL_STATE, NULL), b = token_of(moved, SEAL_STATE, NULL);
	assert_int_equal(try_open(old, SEAL_STATE, buf_view(&a)), ERR_OK);
	assert_int_equal(try_open(moved, SEAL_STATE, buf_view(&a)), ERR_OK);
	assert_int_equal(try_open(new, SEAL_STATE, buf_view(&a)), ERR_DENIED);
	assert_int_equal(try_open(old, SEAL_STATE, buf_view(&b)), ERR_DENIED);
	assert_int_equal(try_open(adding, SEAL_STATE, buf_view(&b)), ERR_OK);
	assert_int_equal(try_open(new, SEAL_STATE, buf_view(&b)), ERR_OK);
	buf_done(&a);
	buf_done(&b);
	sealer_free(old);
	sealer_free(adding);
	sealer_free(moved);
	sealer_free(new);
}

static void test_keys(void **state)
{
	(void)state;
	struct sealer *s = NULL;
	struct err e = {0};
	struct str keys[] = {STR(KEY_A), STR(KEY_B), STR(KEY_C), STR(KEY_A)};
	struct str late[] = {STR(KEY_A), {KEY_A, 31}}, early[] = {{KEY_A, 31}, STR(KEY_A)};
	assert_int_equal(sealer_new(keys, 0, &s, &e), ERR_INVALID);
	assert_int_equal(sealer_new(keys, 4, &s, &e), ERR_INVALID);
	assert_int_equal(sealer_new(late, 2, &s, &e), ERR_INVALID);
	assert_int_equal(sealer_new(early, 2, &s, NULL), ERR_INVALID);
	assert_string_equal(e.msg, "seal key 2 has 31 bytes, at least 32 are needed");
	assert_null(s);
	assert_int_equal(sealer_new(keys, 3, &s, &e), ERR_OK);
	sealer_free(s);
	sealer_free(NULL);
}

/* All bytes of a long key count. */
static void test_long_key(void **state)
{
	(void)state;
	struct sealer *a = sealer_of(KEY_C, NULL), *b = sealer_of(KEY_C "!", NULL);
	struct buf t = token_of(a, SEAL_STATE, NULL);
	assert_int_equal(try_open(b, SEAL_STATE, buf_view(&t)), ERR_DENIED);
	buf_done(&t);
	sealer_free(a);
	sealer_free(b);
}

static void test_limits(void **state)
{
	(void)state;
	struct sealer *s = sealer_of(KEY_A, NULL);
	static char big[70000];
	memset(big, 'x', sizeof big);
	struct str many[SEAL_FIELDS_MAX + 1] = {{NULL, 0}};
	struct buf out;
	buf_init(&out, SEAL_TEXT_MAX);
	assert_int_equal(seal_make(s, SEAL_STATE, NULL, many, SEAL_FIELDS_MAX + 1, &out), ERR_TOO_LARGE);
	size_t room = SEAL_TEXT_MAX / 4 * 3 - SEAL_OVERHEAD - 2;
	struct str one = {big, room + 1};
	assert_int_equal(seal_make(s, SEAL_STATE, NULL, &one, 1, &out), ERR_TOO_LARGE);
	one.n = 65536 + 5; /* would fit if its length were cut to 16 bits */
	assert_int_equal(seal_make(s, SEAL_STATE, NULL, &one, 1, &out), ERR_TOO_LARGE);
	one.n = SIZE_MAX - 1; /* would fit if the sum were let run over */
	assert_int_equal(seal_make(s, SEAL_STATE, NULL, &one, 1, &out), ERR_TOO_LARGE);
	assert_int_equal(out.len, 0);
	one.n = room;
	assert_int_equal(seal_make(s, SEAL_STATE, NULL, &one, 1, &out), ERR_OK);
	assert_int_equal(out.len, SEAL_TEXT_MAX);
	assert_int_equal(try_open(s, SEAL_STATE, buf_view(&out)), ERR_OK);
	buf_reset(&out);
	assert_int_equal(seal_make(s, SEAL_STATE, NULL, many, SEAL_FIELDS_MAX, &out), ERR_OK);
	assert_int_equal(try_open(s, SEAL_STATE, buf_view(&out)), ERR_OK);
	buf_reset(&out);
	assert_int_equal(seal_make(s, SEAL_STATE, NULL, many, 0, &out), ERR_OK);
	assert_int_equal(try_open(s, SEAL_STATE, buf_view(&out)), ERR_OK);
	buf_done(&out);
	buf_init(&out, 10);
	assert_int_equal(seal_make(s, SEAL_STATE, NULL, many, 1, &out), ERR_NOMEM);
	buf_done(&out);
	sealer_free(s);
}

/* Authentic but not of our shape: what a later version with the same key might send. */
static void test_bad_fields(void **state)
{
	(void)state;
	struct sealer *s = sealer_of(KEY_A, NULL);
	struct buf t = token_of(s, SEAL_STATE, SALT), again;
	uint8_t raw[256], keys[44], sealed[256];
	size_t n = 0;
	assert_true(codec_unb64url(buf_view(&t), raw, sizeof raw, &n));
	assert_int_equal(crypto_hkdf_sha256(STR(KEY_A), (struct str){(char *)raw + 6, 16},
	                                    STR("account-linkd seal 1 \x01"), keys, sizeof keys),
	                 ERR_OK);
	static const struct {
		struct str plain;
		enum err_code want;
	} row[] = {
	        {STR("\0\1a"), ERR_OK},
	        {STR("\0\2a"), ERR_DENIED},   /* field past the end */
	        {STR("\0\1a\0"), ERR_DENIED}, /* half a prefix */
	        {STR("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), ERR_OK},
	        {STR("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), ERR_DENIED},
	};
	for (size_t i = 0; i <= sizeof row / sizeof row[0]; i++) {
		bool later = i == sizeof row / sizeof row[0]; /* the first row again, by a later version */
		struct str plain = row[later ? 0 : i].plain;
		memcpy(sealed, raw, 22);
		sealed[0] = later ? 2 : 1;
		assert_int_equal(
		        crypto_seal(keys, keys + 32, (struct str){(char *)sealed, 22}, plain, sealed + 22),
		        ERR_OK);
		buf_init(&again, SEAL_TEXT_MAX);
		codec_b64url(&again, sealed, plain.n + SEAL_OVERHEAD);
		assert_int_equal(try_open(s, SEAL_STATE, buf_view(&again)), later ? ERR_DENIED : row[i].want);
		buf_done(&again);
	}
	buf_done(&t);
	sealer_free(s);
}

/* Two keys whose short ids are equal, found by search: each opens what it sealed, wherever it stands. */
static void test_equal_ids(void **state)
{
	(void)state;
	static const char one[] = "key number 000000000000000091979",
	                  two[] = "key number 000000000000000236463";
	struct sealer *made[] = {sealer_of(one, two), sealer_of(two, one)};
	for (size_t i = 0; i < 2; i++) {
		struct buf t = token_of(made[i], SEAL_STATE, NULL);
		for (size_t k = 0; k < 2; k++)
			assert_int_equal(try_open(made[k], SEAL_STATE, buf_view(&t)), ERR_OK);
		struct sealer *alone = sealer_of(i == 0 ? two : one, NULL);
		assert_int_equal(try_open(alone, SEAL_STATE, buf_view(&t)), ERR_DENIED);
		sealer_free(alone);
		buf_done(&t);
	}
	sealer_free(made[0]);
	sealer_free(made[1]);
}

/* With the most keys there may be, a foreign token is compared with each and with nothing else. */
static void test_foreign_token(void **state)
{
	(void)state;
	struct str keys[] = {STR(KEY_A), STR(KEY_B), STR(KEY_C)};
	struct sealer *full = NULL, *foreign = sealer_of("yet another key of 32 bytes .....", NULL);
	assert_int_equal(sealer_new(keys, 3, &full, NULL), ERR_OK);
	struct buf t = token_of(foreign, SEAL_STATE, NULL);
	assert_int_equal(try_open(full, SEAL_STATE, buf_view(&t)), ERR_DENIED);
	buf_done(&t);
	sealer_free(full);
	sealer_free(foreign);
}

static enum err_code make_and_free(const struct str *keys, size_t n)
{
	struct sealer *s = NULL;
	enum err_code code = sealer_new(keys, n, &s, NULL);
	if (code != ERR_OK)
		assert_null(s);
	sealer_free(s);
	return code;
}

static enum err_code make_token(const struct sealer *s, const uint8_t *salt)
{
	struct str field = STR("one");
	struct buf out;
	buf_init(&out, SEAL_TEXT_MAX);
	enum err_code code = seal_make(s, SEAL_STATE, salt, &field, 1, &out);
	if (code != ERR_OK)
		assert_int_equal(out.len, 0);
	buf_done(&out);
	return code;
}

static void test_starved(void **state)
{
	(void)state;
	struct str keys[] = {STR(KEY_A), STR(KEY_B)};
	STARVE(make_and_free(keys, 2), ERR_OK);
	struct sealer *s = sealer_of(KEY_A, NULL);
	STARVE(make_token(s, NULL), ERR_OK);
	STARVE(make_token(s, SALT), ERR_OK);
	struct buf t = token_of(s, SEAL_STATE, SALT);
	STARVE(try_open(s, SEAL_STATE, buf_view(&t)), ERR_OK);
	buf_done(&t);
	sealer_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_shape),
	        cmocka_unit_test(test_salt),          cmocka_unit_test(test_every_bit),
	        cmocka_unit_test(test_every_raw_bit), cmocka_unit_test(test_lengths),
	        cmocka_unit_test(test_types),         cmocka_unit_test(test_rotation),
	        cmocka_unit_test(test_keys),          cmocka_unit_test(test_long_key),
	        cmocka_unit_test(test_limits),        cmocka_unit_test(test_bad_fields),
	        cmocka_unit_test(test_starved),       cmocka_unit_test(test_equal_ids),
	        cmocka_unit_test(test_foreign_token),
	};
	if (crypto_start(NULL) != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
