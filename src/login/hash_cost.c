#include "login/hash.h"

#include "obs/log.h"
#include "obs/metrics.h"

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

/* "j9T$salt$hash": flavour, log2(N) - 1, r - 1, each one digit below 48; memory is 128*r*N bytes.
 * Longer forms (p, t, g) are not made by crypt_gensalt. */
static bool yescrypt_ok(struct str *s)
{
	if (s->n < 4 || s->p[3] != '$')
		return false;
	int log2_n = digit64(s->p[1]) + 1, r = digit64(s->p[2]) + 1;
	return log2_n >= 1 && log2_n <= 20 && r >= 1 && r <= 48 &&
	       ((uint64_t)r << log2_n) * 128 / 1024 <= HASH_COST_MEMORY_KIB && cut(s, 4);
}

/* Value of five digits of crypt's base64, the least significant first; UINT64_MAX: not digits. */
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

/* --- the kinds that were checked lately */

void hash_lately_init(struct hash_lately *l)
{
	*l = (struct hash_lately){.warned_ms = INT64_MIN / 2};
	pthread_mutex_init(&l->lock, NULL);
}

void hash_lately_done(struct hash_lately *l)
{
	pthread_mutex_destroy(&l->lock);
}

/* From here to warning_is_due everything runs under the lock. */

static void forget(struct hash_lately *l, int64_t now_ms)
{
	for (size_t i = 0; i < HASH_LATELY_KINDS; i++)
		if (now_ms - l->kind[i].met_ms > HASH_LATELY_MS)
			l->kind[i] = (struct hash_lately_kind){.blank = ""};
}

/* The entry for a kind: its present one, else a free one, else the cheapest one, if that is cheaper. */
static struct hash_lately_kind *entry_of(struct hash_lately *l, const char *blank, int64_t us)
{
	struct hash_lately_kind *cheapest = &l->kind[0];
	for (size_t i = 0; i < HASH_LATELY_KINDS; i++) {
		if (str_is(str_c(l->kind[i].blank), blank))
			return &l->kind[i];
		if (l->kind[i].us < cheapest->us)
			cheapest = &l->kind[i]; /* the cost of a free one is 0 */
	}
	return cheapest->us < us ? cheapest : NULL;
}

static void note_kind(struct hash_lately *l, const char *blank, int64_t us, int64_t now_ms)
{
	struct hash_lately_kind *k = entry_of(l, blank, us);
	if (k == NULL)
		return;
	if (!str_is(str_c(k->blank), blank)) {
		(void)str_copy(k->blank, sizeof k->blank, str_c(blank));
		k->us = us;
	}
	k->us = us < k->us ? us : k->us;
	k->met_ms = now_ms;
}

static int64_t busy_us(const struct hash_lately *l, int64_t now_ms)
{
	int64_t halvings = (now_ms - l->busy_ms) / HASH_LATELY_BUSY_MS;
	return halvings < 0 ? l->busy_us : halvings < 32 ? l->busy_us >> halvings : 0;
}

static const struct hash_lately_kind *costliest(const struct hash_lately *l, int64_t max_us)
{
	const struct hash_lately_kind *k = NULL;
	for (size_t i = 0; i < HASH_LATELY_KINDS; i++)
		if (l->kind[i].blank[0] != '\0' && l->kind[i].us <= max_us &&
		    (k == NULL || l->kind[i].us > k->us))
			k = &l->kind[i];
	return k;
}

static bool warning_is_due(struct hash_lately *l, int64_t us, int64_t now_ms)
{
	if (us <= HASH_LATELY_SLOW_US)
		return false;
	metric_add(M_HASH_SLOW, 1);
	bool due = now_ms - l->warned_ms > HASH_LATELY_WARN_MS;
	if (due)
		l->warned_ms = now_ms;
	return due;
}

static void warn(struct str blank, int64_t us)
{
	while (blank.n > 0 && strchr(".A$", blank.p[blank.n - 1]) != NULL)
		blank.n--; /* leave out the blanked salt and digest */
	log_line(LOG_WARN, "password_hash_slow", log_int("took_ms", us / 1000), log_str("kind", blank),
	         log_z("error", "a password check takes over half of the 600 ms within which failed logins "
	                        "are answered, so their time may tell customers from strangers"),
	         log_z("remedy",
	               "if the stored hashes of this kind are too costly, make cheaper ones; if the "
	               "machine is busy, give the service more CPU"));
}

void hash_lately_note(struct hash_lately *l, struct str hash, int64_t us, int64_t now_ms)
{
	char blank[STORE_HASH_MAX + 1] = "";
	bool is_kind = hash_cost_blank(hash, blank, sizeof blank);
	pthread_mutex_lock(&l->lock);
	forget(l, now_ms);
	if (is_kind)
		note_kind(l, blank, us, now_ms);
	if (us >= busy_us(l, now_ms)) {
		l->busy_us = us;
		l->busy_ms = now_ms;
	}
	bool warns = warning_is_due(l, us, now_ms);
	pthread_mutex_unlock(&l->lock);
	if (warns)
		warn(is_kind ? str_c(blank) : STR("argon2id, new"), us);
}

bool hash_lately_dummy(struct hash_lately *l, int64_t now_ms, char ret[STORE_HASH_MAX + 1])
{
	pthread_mutex_lock(&l->lock);
	forget(l, now_ms);
	const struct hash_lately_kind *k = costliest(l, HASH_LATELY_SLOW_US);
	(void)str_copy(ret, STORE_HASH_MAX + 1, str_c(k != NULL ? k->blank : ""));
	pthread_mutex_unlock(&l->lock);
	return ret[0] != '\0';
}

int64_t hash_lately_slot_us(struct hash_lately *l, int64_t now_ms)
{
	pthread_mutex_lock(&l->lock);
	forget(l, now_ms);
	const struct hash_lately_kind *k = costliest(l, INT64_MAX);
	int64_t kind_us = k != NULL ? k->us + k->us / 4 : 0, busy = busy_us(l, now_ms);
	pthread_mutex_unlock(&l->lock);
	int64_t slot_us = kind_us > busy ? kind_us : busy;
	return slot_us < HASH_LATELY_SLOT_US ? slot_us : HASH_LATELY_SLOT_US;
}
