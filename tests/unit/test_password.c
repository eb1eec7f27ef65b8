/* Password hashes: what is right, wrong, unusable; bounds of stored hashes; new hashes. */
#include "test.h"

#include <time.h>

#include "base/crypto.h"
#include "login/hash.h"
#include "login/password.h"
#include "store/store.h"

static const struct password_policy cheap = {.memory_kib = 64, .passes = 1, .sha1 = SHA1_ACCEPT};

/* SHA-1 of "abc" (FIPS 180-4) */
#define SHA1_ABC "a9993e364706816aba3e25717850c26c9cd0d89d"
#define SHA1_ABC_UPPER "A9993E364706816ABA3E25717850C26C9CD0D89D"
/* the password and salt of sha512crypt's published first vector */
#define SHA512_SALTSTRING                                              \
	"$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnI" \
	"FNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"

static const struct {
	const char *hash, *password;
	enum password_verdict want;
} rows[] = {
        /* libcrypt's methods, made by crypt(3) for "secret" */
        {"$y$j9T$k2XAnEHBqQ1Ct2aMXFKNa/$wlUhTDUqAryQnsZkFoU5UZ6UStBlZ4Z8j4gtdFPQVn4", "secret",
         PASSWORD_RIGHT},
        {"$gy$j9T$k2XAnEHBqQ1Ct2aMXFKNa/$1Ge.w/tr2e3TdN67lBUZ4pe4klR/hfBEbnc.jyJpW/", "secret",
         PASSWORD_WRONG},
        {"$gy$j9T$k2XAnEHBqQ1Ct2aMXFKNa/$1Ge.w/tr2e3TdN67lBUZ4pe4klR/hfBEbnc.jwyJpW/", "secret",
         PASSWORD_RIGHT},
        {"$7$CU..../....k2XAnEHBqQ1Ct2aMXFKNa/$A6IVixvhoQHDw1QkTPSWvnKLYCEH.Z8QGvH0DgLtQ1C", "secret",
         PASSWORD_RIGHT},
        {"$2b$05$KBCwKxOzLha2MUDgW0PjXeGy8zDyKFegpVV4y0qPBUgij10WNyKY6", "secret", PASSWORD_RIGHT},
        {"$2y$05$KBCwKxOzLha2MUDgW0PjXeGy8zDyKFegpVV4y0qPBUgij10WNyKY6", "secret", PASSWORD_RIGHT},
        {"$2b$05$KBCwKxOzLha2MUDgW0PjXeGy8zDyKFegpVV4y0qPBUgij10WNyKY6", "Secret", PASSWORD_WRONG},
        {"$6$k2XAnEHBqQ1Ct2aM$iHrwyiyKiHg2YYwyBUuMGKxA1KEcXtz5/"
         "1GeBzr0MS1P/uuE3hZ0bFaooxSWrUiR3AnSTuj.ImcGKhyGcmwS5.",
         "secret", PASSWORD_RIGHT},
        {"$5$k2XAnEHBqQ1Ct2aM$rnCuOqWo.paDhUxsmHP0RfEIDdETSMulnLCs8sxkDq/", "secret", PASSWORD_RIGHT},
        {"$sha1$249552$qI1BtUnBX7KM$ueOCVAvgyZqb23ANKLFFBIAjtgj2", "secret", PASSWORD_RIGHT},
        {"$1$k2XAnEHB$rbDfQq368qWY4bas.D3Ac0", "secret", PASSWORD_RIGHT},
        {"_J9..k2XAYfyaWNeEMnc", "secret", PASSWORD_RIGHT},
        {"kl.bVxHBAClgE", "secret", PASSWORD_RIGHT},
        {"kl.bVxHBAClgE", "secreT", PASSWORD_WRONG},
        {"kl", "secret", PASSWORD_WRONG}, /* a salt is no hash */
        {SHA512_SALTSTRING, "Hello world!", PASSWORD_RIGHT},
        {SHA512_SALTSTRING, "Hello world", PASSWORD_WRONG},
        {SHA512_SALTSTRING, "Hello world!!", PASSWORD_WRONG},
        /* the origin's */
        {SHA1_ABC, "abc", PASSWORD_RIGHT},
        {SHA1_ABC_UPPER, "abc", PASSWORD_RIGHT},
        {SHA1_ABC, "abd", PASSWORD_WRONG},
        /* 39 and 41 digits: to crypt(3) an old DES salt with something after it */
        {"a9993e364706816aba3e25717850c26c9cd0d89", "abc", PASSWORD_WRONG},
        {"a9993e364706816aba3e25717850c26c9cd0d89dd", "abc", PASSWORD_WRONG},
        /* nothing to compare with */
        {"", "abc", PASSWORD_WRONG},
        {"!locked", "abc", PASSWORD_UNUSABLE},
        {"*0", "abc", PASSWORD_UNUSABLE},
        {"plain text", "plain text", PASSWORD_UNUSABLE},
        {"{SSHA}0123456789", "abc", PASSWORD_UNUSABLE},
        {"$9$abc$def", "abc", PASSWORD_UNUSABLE},
        {"$argon2id$v=19$m=64,t=1,p=1$AAAA", "abc", PASSWORD_UNUSABLE},
        {"$argon2id$v=19$m=64,t=1,p=1$not base64!$AAAA", "abc", PASSWORD_UNUSABLE},
        {"$argon2id$", "abc", PASSWORD_UNUSABLE},
        /* past the bounds: refused without the work */
        {"$argon2id$v=19$m=1048577,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", "abc", PASSWORD_UNUSABLE},
        {"$2b$31$KBCwKxOzLha2MUDgW0PjXeGy8zDyKFegpVV4y0qPBUgij10WNyKY6", "secret", PASSWORD_UNUSABLE},
        {"$6$rounds=999999999$saltstring$x", "abc", PASSWORD_UNUSABLE},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		enum password_verdict got = password_check(&cheap, str_c(rows[i].password),
		                                           str_c(rows[i].hash), NULL);
		if (got != rows[i].want)
			print_error("%s %s\n", rows[i].hash, rows[i].password);
		assert_int_equal(got, rows[i].want);
	}
}

static void test_argon2(void **state)
{
	(void)state;
	char hash[STORE_HASH_MAX + 1], again[STORE_HASH_MAX + 1];
	assert_int_equal(password_hash(STR("pass\0word"), 64, 2, hash, sizeof hash, NULL), ERR_OK);
	assert_int_equal(password_hash(STR("pass\0word"), 64, 2, again, sizeof again, NULL), ERR_OK);
	assert_true(str_starts(str_c(hash), STR("$argon2id$v=19$m=64,t=2,p=1$")));
	assert_string_not_equal(hash, again);
	assert_int_equal(password_check(&cheap, STR("pass\0word"), str_c(hash), NULL), PASSWORD_RIGHT);
	assert_int_equal(password_check(&cheap, STR("pass\0worD"), str_c(hash), NULL), PASSWORD_WRONG);
	assert_int_equal(password_check(&cheap, STR("pass"), str_c(hash), NULL), PASSWORD_WRONG);
	assert_int_equal(password_check(&cheap, STR("pass\0word "), str_c(hash), NULL), PASSWORD_WRONG);
	/* the tag of another type is not this hash */
	char other[STORE_HASH_MAX + 1];
	memcpy(other, "$argon2i", 8);
	memcpy(other + 8, hash + 9, strlen(hash + 9) + 1);
	assert_int_equal(password_check(&cheap, STR("pass\0word"), str_c(other), NULL), PASSWORD_WRONG);
}

/* argon2i and argon2d of others, from the reference implementation's published test vectors. */
static void test_argon2_types(void **state)
{
	(void)state;
	assert_int_equal(password_check(&cheap, STR("password"),
	                                STR("$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$"
	                                    "iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8"),
	                                NULL),
	                 PASSWORD_RIGHT);
	assert_int_equal(password_check(&cheap, STR("password"),
	                                STR("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$"
	                                    "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
	                                NULL),
	                 PASSWORD_RIGHT);
	assert_int_equal(password_check(&cheap, STR("passwore"),
	                                STR("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$"
	                                    "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
	                                NULL),
	                 PASSWORD_WRONG);
}

static void test_length(void **state)
{
	(void)state;
	static char longest[PASSWORD_MAX + 1], hash[STORE_HASH_MAX + 1];
	memset(longest, 'p', sizeof longest);
	struct str max = {longest, PASSWORD_MAX}, over = {longest, PASSWORD_MAX + 1};
	assert_int_equal(password_hash(max, 64, 1, hash, sizeof hash, NULL), ERR_OK);
	assert_int_equal(password_check(&cheap, max, str_c(hash), NULL), PASSWORD_RIGHT);
	assert_int_equal(password_check(&cheap, (struct str){longest, PASSWORD_MAX - 1}, str_c(hash), NULL),
	                 PASSWORD_WRONG);
	assert_int_equal(password_check(&cheap, over, str_c(hash), NULL), PASSWORD_WRONG);
	assert_int_equal(password_check(&cheap, STR(""), str_c(hash), NULL), PASSWORD_WRONG);
	assert_int_equal(password_hash(over, 64, 1, hash, sizeof hash, NULL), ERR_INVALID);
	assert_string_equal(hash, "");
	assert_int_equal(password_hash(STR(""), 64, 1, hash, sizeof hash, NULL), ERR_INVALID);
	assert_int_equal(password_hash((struct str){NULL, 0}, 64, 1, hash, sizeof hash, NULL), ERR_INVALID);
	/* SHA-1 of nothing matches no empty password */
	assert_int_equal(
	        password_check(&cheap, STR(""), STR("da39a3ee5e6b4b0d3255bfef95601890afd80709"), NULL),
	        PASSWORD_WRONG);
}

static void test_crypt_input(void **state)
{
	(void)state;
	static char big[PASSWORD_MAX];
	memset(big, 'a', sizeof big);
	/* crypt(3) would compare "Hello world!" only */
	assert_int_equal(password_check(&cheap, STR("Hello world!\0x"), STR(SHA512_SALTSTRING), NULL),
	                 PASSWORD_WRONG);
	assert_int_equal(password_check(&cheap, STR("Hello world!\0"), STR(SHA512_SALTSTRING), NULL),
	                 PASSWORD_WRONG);
	/* more than libcrypt takes: wrong, not a broken hash */
	assert_int_equal(password_check(&cheap, (struct str){big, sizeof big}, STR(SHA512_SALTSTRING), NULL),
	                 PASSWORD_WRONG);
}

static void test_sha1_policy(void **state)
{
	(void)state;
	static const struct {
		enum config_legacy_sha1 sha1;
		enum password_verdict right;
	} row[] = {{SHA1_ACCEPT, PASSWORD_RIGHT},
	           {SHA1_UPGRADE, PASSWORD_OUTDATED},
	           {SHA1_REFUSE, PASSWORD_WRONG}};
	for (size_t i = 0; i < 3; i++) {
		struct password_policy p = cheap;
		p.sha1 = row[i].sha1;
		assert_int_equal(password_check(&p, STR("abc"), STR(SHA1_ABC), NULL), row[i].right);
		assert_int_equal(password_check(&p, STR("abx"), STR(SHA1_ABC), NULL), PASSWORD_WRONG);
	}
	assert_int_equal(password_check(&cheap, STR("ab\0"), STR(SHA1_ABC), NULL), PASSWORD_WRONG);
}

static void test_hash_errors(void **state)
{
	(void)state;
	char hash[STORE_HASH_MAX + 1] = "x";
	assert_int_equal(password_hash(STR("a"), HASH_COST_MEMORY_KIB + 1, 1, hash, sizeof hash, NULL),
	                 ERR_INVALID);
	assert_int_equal(password_hash(STR("a"), 64, HASH_COST_PASSES + 1, hash, sizeof hash, NULL),
	                 ERR_INVALID);
	assert_int_equal(password_hash(STR("a"), 7, 1, hash, sizeof hash, NULL), ERR_INVALID);
	assert_int_equal(password_hash(STR("a"), 64, 0, hash, sizeof hash, NULL), ERR_INVALID);
	assert_int_equal(password_hash(STR("a"), 64, 1, hash, 40, NULL), ERR_TOO_LARGE);
	assert_string_equal(hash, "");
}

/* Nobody, a broken hash and a wrong SHA-1 cost about what a new hash does: in time of the processor, since
 * others may be at work on it. */
static int64_t cost_us(struct str hash, const struct password_policy *policy)
{
	int64_t best = INT64_MAX;
	for (int i = 0; i < 5; i++) {
		clock_t from = clock();
		(void)password_check(policy, STR("some password"), hash, NULL);
		int64_t took = clock() - from;
		best = took < best ? took : best;
	}
	return best;
}

static void test_cost(void **state)
{
	(void)state;
	struct password_policy p = {.memory_kib = 4096, .passes = 2, .sha1 = SHA1_ACCEPT};
	char hash[STORE_HASH_MAX + 1];
	assert_int_equal(password_hash(STR("other"), p.memory_kib, p.passes, hash, sizeof hash, NULL),
	                 ERR_OK);
	int64_t known = cost_us(str_c(hash), &p);
	struct str same[] = {STR(""), STR(SHA1_ABC), STR("!locked"), STR("$2b$31$x")};
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
		int64_t took = cost_us(same[i], &p);
		assert_true(took > known / 2);
		assert_true(took < known * 2);
	}
}

/* A wrong password costs the stored hash or, where nothing can be computed with it, the dummy: never nothing.
 */
static void test_what_is_spent(void **state)
{
	(void)state;
	static char big[600];
	static const char dummy[] = "$6$rounds=1000$........$.";
	struct password_policy with_dummy = cheap;
	memset(big, 'p', sizeof big);
	with_dummy.dummy = dummy;
	static const struct {
		const char *hash;
		bool itself, big_too; /* with a password of more bytes than crypt(3) takes */
	} row[] = {
	        {"", false, false},
	        {"!locked", false, false},
	        {"$2b$31$KBCwKxOzLha2MUDgW0PjXeGy8zDyKFegpVV4y0qPBUgij10WNyKY6", false, false},
	        {"$argon2id$v=19$m=64,t=1,p=1$AAAA", false, false},
	        {SHA1_ABC, false, false},
	        {"$2b$04$KBCwKxOzLha2MUDgW0PjXeGy8zDyKFegpVV4y0qPBUgij10WNyKY6", true, false},
	        {SHA512_SALTSTRING, true, false},
	        {"$argon2id$v=19$m=16,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", true, true},
	};
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
		struct str hash = str_c(row[i].hash), spent;
		(void)password_check(&with_dummy, STR("wrong"), hash, &spent);
		assert_string_equal(spent.p, row[i].itself ? row[i].hash : dummy);
		(void)password_check(&with_dummy, (struct str){big, sizeof big}, hash, &spent);
		assert_true(str_eq(spent, row[i].big_too ? hash : STR(""))); /* "": a new hash */
		(void)password_check(&cheap, STR("wrong"), hash, &spent);
		assert_true(str_eq(spent, row[i].itself ? hash : STR("")));
	}
}

/* The dummy fits no password, and a broken one is no way out of the work. */
static void test_dummy(void **state)
{
	(void)state;
	static const char *const dummies[] = {"$6$....$....", "$y$j75$....$....", "!", "$9$x$y"};
	struct password_policy p = cheap;
	for (size_t i = 0; i < 4; i++) {
		struct str spent;
		p.dummy = dummies[i];
		assert_int_equal(password_check(&p, STR("x"), STR(""), &spent), PASSWORD_WRONG);
		assert_true(str_eq(spent, i < 2 ? str_c(p.dummy) : STR("")));
	}
}

static const struct {
	const char *hash;
	enum hash_kind want;
} kinds[] = {
        {"$argon2id$v=19$m=8,t=1,p=1$x$y", HASH_ARGON2ID},
        {"$argon2i$v=16$m=8,t=1,p=1$x$y", HASH_ARGON2I},
        {"$argon2d$m=8,t=1,p=1$x$y", HASH_ARGON2D},
        {"$argon2id$v=19$m=1048576,t=64,p=16$x$y", HASH_ARGON2ID},
        {"$argon2id$v=19$m=1048577,t=1,p=1$x$y", HASH_NONE},
        {"$argon2id$v=19$m=8,t=65,p=1$x$y", HASH_NONE},
        {"$argon2id$v=19$m=8,t=1,p=17$x$y", HASH_NONE},
        {"$argon2id$v=19$m=7,t=1,p=1$x$y", HASH_NONE},
        {"$argon2id$v=19$m=8,t=0,p=1$x$y", HASH_NONE},
        {"$argon2id$v=19$m=8,t=1,p=0$x$y", HASH_NONE},
        {"$argon2id$v=19$m=4294967304,t=1,p=1$x$y", HASH_NONE},
        {"$argon2id$v=19$m=-8,t=1,p=1$x$y", HASH_NONE},
        {"$argon2id$v=19$m= 8,t=1,p=1$x$y", HASH_NONE},
        {"$argon2id$v=19$t=1,m=8,p=1$x$y", HASH_NONE},
        {"$argon2id$v=19$m=8,t=1,p=1", HASH_NONE},
        {"$argon2x$v=19$m=8,t=1,p=1$x$y", HASH_CRYPT}, /* libcrypt does not know it either */
        {"$2b$04$x", HASH_CRYPT},
        {"$2a$16$x", HASH_CRYPT},
        {"$2b$17$x", HASH_NONE},
        {"$2b$3$x", HASH_NONE},
        {"$2b$016$x", HASH_NONE},
        {"$2b$99", HASH_NONE},
        {"$5$salt$x", HASH_CRYPT},
        {"$6$rounds=5000000$salt$x", HASH_CRYPT},
        {"$6$rounds=5000001$salt$x", HASH_NONE},
        {"$5$rounds=5000", HASH_NONE},
        {"$sha1$5000000$salt$x", HASH_CRYPT},
        {"$sha1$5000001$salt$x", HASH_NONE},
        {"$md5,rounds=5000001$salt$x", HASH_NONE},
        {"$md5,rounds=904$salt$x", HASH_CRYPT},
        {"$md5$salt$x", HASH_CRYPT},
        {"$y$j9T$salt$x", HASH_CRYPT},
        {"$y$jFT$salt$x", HASH_CRYPT}, /* 1 GiB */
        {"$y$jGT$salt$x", HASH_NONE},  /* 2 GiB */
        {"$gy$jGT$salt$x", HASH_NONE},
        {"$y$jzz$salt$x", HASH_NONE},
        {"$y$j9T", HASH_NONE},
        {"$y$j9T0$salt$x", HASH_NONE},
        {"$7$CU..../....salt$x", HASH_CRYPT},
        {"$7$IU..../....salt$x", HASH_NONE}, /* 2^20 * 32 * 128 = 4 GiB */
        {"$7$zU..../....salt$x", HASH_NONE},
        {"$7$CU.........salt$x", HASH_NONE}, /* p = 0 */
        {"$7$C......../salt$x", HASH_NONE},
        {"$7$CU...", HASH_NONE},
        {"$1$salt$x", HASH_CRYPT},
        {"_J9..k2XAYfyaWNeEMnc", HASH_CRYPT},
        {"kl.bVxHBAClgE", HASH_CRYPT},
        {SHA1_ABC, HASH_SHA1},
        {SHA1_ABC_UPPER, HASH_SHA1},
        {"", HASH_NONE},
        {"$6$s\xc3\xa4lt$x", HASH_NONE},
        {"$6$salt\n$x", HASH_NONE},
};

static void test_kind(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (hash_cost_kind(str_c(kinds[i].hash)) != kinds[i].want)
			print_error("%s\n", kinds[i].hash);
		assert_int_equal(hash_cost_kind(str_c(kinds[i].hash)), kinds[i].want);
	}
}

static void test_policy(void **state)
{
	(void)state;
	struct config cfg = {.argon2_memory_kib = 19456, .argon2_passes = 2, .legacy_sha1 = SHA1_UPGRADE};
	struct password_policy p = password_policy(&cfg);
	assert_int_equal(p.memory_kib, 19456);
	assert_int_equal(p.passes, 2);
	assert_int_equal(p.sha1, SHA1_UPGRADE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rows),          cmocka_unit_test(test_argon2),
	        cmocka_unit_test(test_argon2_types),  cmocka_unit_test(test_length),
	        cmocka_unit_test(test_crypt_input),   cmocka_unit_test(test_sha1_policy),
	        cmocka_unit_test(test_hash_errors),   cmocka_unit_test(test_cost),
	        cmocka_unit_test(test_kind),          cmocka_unit_test(test_policy),
	        cmocka_unit_test(test_what_is_spent), cmocka_unit_test(test_dummy),
	};
	if (crypto_start(NULL) != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
