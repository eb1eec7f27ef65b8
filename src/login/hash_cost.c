#include "login/hash_cost.h"

enum { SHA1_DIGITS = 40 };

static bool skip(struct str *s, struct str prefix)
{
	if (!str_starts(*s, prefix))
		return false;
	*s = (struct str){s->p + prefix.n, s->n - prefix.n};
	return true;
}

/* Cut a number and the `end` after it off `s`; false when it is not one of min..max. */
static bool number(struct str *s, char end, uint64_t min, uint64_t max)
{
	struct str digits, rest;
	uint64_t n = 0;
	if (!str_cut(*s, end, &digits, &rest) || !str_u64(digits, max, &n) || n < min)
		return false;
	*s = rest;
	return true;
}

static bool cut(struct str *s, size_t n)
{
	*s = (struct str){s->p + n, s->n - n};
	return true;
}

/* The functions ..._ok check the parameters after the prefix, and remove them from the text. */

/* "[v=19$]m=19456,t=2,p=1$salt$hash" */
static bool argon2_ok(struct str *s)
{
	if (!skip(s, STR("v=19$")))
		(void)skip(s, STR("v=16$"));
	return skip(s, STR("m=")) && number(s, ',', 8, HASH_COST_MEMORY_KIB) && skip(s, STR("t=")) &&
	       number(s, ',', 1, HASH_COST_PASSES) && skip(s, STR("p=")) &&
	       number(s, '$', 1, HASH_COST_LANES);
}

static bool bcrypt_ok(struct str *s) /* "12$..." */
{
	return s->n > 3 && s->p[2] == '$' && number(s, '$', 4, HASH_COST_BCRYPT);
}

static bool rounds_ok(struct str *s) /* "rounds=5000$salt$hash" or "salt$hash" */
{
	return !skip(s, STR("rounds=")) || number(s, '$', 0, HASH_COST_ROUNDS);
}

static bool sha1crypt_ok(struct str *s) /* "480000$salt$hash" */
{
	return number(s, '$', 1, HASH_COST_ROUNDS);
}

/* Value of a digit of crypt's base64, -1 for none. */
static int digit64(char c)
{
	if (c == '.' || c == '/')
		return c - '.';
	if (c >= '0' && c <= '9')
		return c - '0' + 2;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 12;
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 38;
	return -1;
}

/* "j9T$salt$hash": flavour, log2 of N less 1, r less 1, each one digit below 48; memory is 128*r*N bytes.
 * Longer forms (p, t, g) are not made by crypt_gensalt. */
static bool yescrypt_ok(struct str *s)
{
	if (s->n < 4 || s->p[3] != '$')
		return false;
	int log2_n = digit64(s->p[1]) + 1, r = digit64(s->p[2]) + 1;
	return log2_n >= 1 && log2_n <= 20 && r >= 1 && r <= 48 &&
	       ((uint64_t)r << log2_n) * 128 / 1024 <= HASH_COST_MEMORY_KIB && cut(s, 4);
}

/* Five digits of crypt's base64, least first; UINT64_MAX when they are not. */
static uint64_t five64(const char *p)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < 5; i++) {
		int d = digit64(p[i]);
		if (d < 0)
			return UINT64_MAX;
		v |= (uint64_t)d << (6 * i);
	}
	return v;
}

/* "CU..../....salt$hash": log2 of N, r in five digits, p in five */
static bool scrypt_ok(struct str *s)
{
	if (s->n < 11)
		return false;
	int log2_n = digit64(s->p[0]);
	uint64_t r = five64(s->p + 1), p = five64(s->p + 6);
	return log2_n >= 1 && log2_n <= 20 && r >= 1 && r <= 64 && p >= 1 && p <= HASH_COST_LANES &&
	       (r << log2_n) * 128 / 1024 <= HASH_COST_MEMORY_KIB && cut(s, 11);
}

static bool any(struct str *s) /* "1$salt$hash": the method's name is its only parameter */
{
	struct str name, rest;
	if (str_cut(*s, '$', &name, &rest))
		*s = rest;
	return true;
}

static bool is_sha1(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f') ||
		      (s.p[i] >= 'A' && s.p[i] <= 'F')))
			return false;
	return s.n == SHA1_DIGITS;
}

/* Returns the kind; `hash` becomes the text after its parameters. */
static enum hash_kind read_params(struct str *hash)
{
	static const struct {
		struct str prefix;
		enum hash_kind kind;
		bool (*ok)(struct str *rest);
	} row[] = {
	        {{"$argon2id$", 10}, HASH_ARGON2ID, argon2_ok},
	        {{"$argon2i$", 9}, HASH_ARGON2I, argon2_ok},
	        {{"$argon2d$", 9}, HASH_ARGON2D, argon2_ok},
	        {{"$2a$", 4}, HASH_CRYPT, bcrypt_ok},
	        {{"$2b$", 4}, HASH_CRYPT, bcrypt_ok},
	        {{"$2x$", 4}, HASH_CRYPT, bcrypt_ok},
	        {{"$2y$", 4}, HASH_CRYPT, bcrypt_ok},
	        {{"$5$", 3}, HASH_CRYPT, rounds_ok},
	        {{"$6$", 3}, HASH_CRYPT, rounds_ok},
	        {{"$sha1$", 6}, HASH_CRYPT, sha1crypt_ok},
	        {{"$md5,rounds=", 12}, HASH_CRYPT, sha1crypt_ok},
	        {{"$y$", 3}, HASH_CRYPT, yescrypt_ok},
	        {{"$gy$", 4}, HASH_CRYPT, yescrypt_ok},
	        {{"$7$", 3}, HASH_CRYPT, scrypt_ok},
	        {{"$", 1}, HASH_CRYPT, any},
	};
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		if (skip(hash, row[i].prefix))
			return row[i].ok(hash) ? row[i].kind : HASH_NONE;
	return HASH_CRYPT;
}

enum hash_kind hash_cost_kind(struct str hash)
{
	if (hash.n == 0 || !str_printable(hash))
		return HASH_NONE;
	return is_sha1(hash) ? HASH_SHA1 : read_params(&hash);
}

bool hash_cost_blank(struct str hash, char *ret, size_t cap)
{
	struct str rest = hash;
	enum hash_kind kind = hash_cost_kind(hash);
	if (kind == HASH_NONE || kind == HASH_SHA1 || hash.p[0] != '$' || !str_copy(ret, cap, hash))
		return false;
	char zero = read_params(&rest) == HASH_CRYPT ? '.' : 'A';
	for (char *c = ret + (hash.n - rest.n); *c != '\0'; c++)
		if (*c != '$')
			*c = zero;
	return true;
}
