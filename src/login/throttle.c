#include "login/throttle.h"

#include "base/buf.h"
#include "base/crypto.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 8, SETS = THROTTLE_ENTRIES / WAYS, EMAIL_MAX = 512 };

/* An entry is n times in order behind a key; n is 0 in a free one.  Both kinds share the code: `cap` tells.
 */
struct entry {
	uint8_t key[THROTTLE_KEY_LEN];
	uint32_t n;
	uint32_t at_s[]; /* seconds, monotonic */
};

struct table {
	unsigned char *entries; /* SETS * WAYS entries of `size` bytes; untouched pages cost nothing */
	size_t size;            /* bytes of one entry */
	uint32_t cap;           /* tries */
};

struct throttle {
	pthread_mutex_t lock;
	uint8_t secret[CRYPTO_KEY_LEN]; /* keys the hash, so that nobody can aim at a set */
	struct table pairs, clients;
};

static bool table_init(struct table *t, uint32_t cap)
{
	t->cap = cap;
	t->size = sizeof(struct entry) + cap * sizeof(uint32_t);
	t->entries = calloc((size_t)SETS * WAYS, t->size);
	return t->entries != NULL;
}

enum err_code throttle_new(struct throttle **ret, struct err *reterr)
{
	struct throttle *t = calloc(1, sizeof *t);
	if (t == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for the login throttle");
	pthread_mutex_init(&t->lock, NULL);
	if (!table_init(&t->pairs, THROTTLE_PAIR_TRIES) || !table_init(&t->clients, THROTTLE_CLIENT_TRIES) ||
	    crypto_random(t->secret, sizeof t->secret) != ERR_OK) {
		throttle_free(t);
		return err_set(reterr, ERR_NOMEM, "no memory for the login throttle");
	}
	*ret = t;
	return ERR_OK;
}

void throttle_free(struct throttle *t)
{
	if (t == NULL)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t->pairs.entries);
	free(t->clients.entries);
	crypto_wipe(t, sizeof *t);
	free(t);
}

/* --- keys */

/* The address in 16 bytes, IPv4 mapped into IPv6; text that is none stands for itself. */
static struct in6_addr address_of(struct str client, bool *ret_v4)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr six = {0};
	struct in_addr four;
	*ret_v4 = false;
	if (!str_copy(text, sizeof text, client))
		return six;
	if (inet_pton(AF_INET, text, &four) == 1) {
		six.s6_addr[10] = six.s6_addr[11] = 0xff;
		memcpy(six.s6_addr + 12, &four, sizeof four);
		*ret_v4 = true;
	} else if (inet_pton(AF_INET6, text, &six) == 1) {
		*ret_v4 = IN6_IS_ADDR_V4MAPPED(&six);
	} else {
		memcpy(six.s6_addr, text, strnlen(text, sizeof six));
	}
	return six;
}

static enum err_code make_key(const struct throttle *t, struct buf *text, uint8_t ret[THROTTLE_KEY_LEN])
{
	uint8_t sum[CRYPTO_SHA256_LEN];
	if (text->failed)
		return ERR_NOMEM;
	enum err_code code = crypto_hmac_sha256((struct str){(const char *)t->secret, sizeof t->secret},
	                                        buf_view(text), sum);
	memcpy(ret, sum, THROTTLE_KEY_LEN);
	return code;
}

static void put_lower(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		buf_put(out, &c, 1);
	}
}

static enum err_code make_keys(const struct throttle *t, struct str client, struct str email,
                               struct throttle_claim *ret)
{
	bool v4;
	struct in6_addr a = address_of(client, &v4);
	struct buf text;
	buf_init(&text, EMAIL_MAX);
	buf_put(&text, a.s6_addr, v4 ? 16 : 8);
	enum err_code code = make_key(t, &text, ret->client);
	buf_reset(&text);
	buf_put(&text, a.s6_addr, v4 ? 15 : 7);
	put_lower(&text, email);
	if (code == ERR_OK)
		code = make_key(t, &text, ret->pair);
	crypto_wipe_buf(&text);
	return code;
}

/* --- entries, under the lock */

static struct entry *entry_at(const struct table *t, const uint8_t *key, size_t way)
{
	size_t set = ((size_t)key[0] << 16 | (size_t)key[1] << 8 | key[2]) % SETS;
	return (struct entry *)(void *)(t->entries + (set * WAYS + way) * t->size);
}

/* The workers read the clock at their own turns: a try may seem to lie ahead. */
static uint32_t age_s(uint32_t at_s, uint32_t now_s)
{
	return now_s > at_s ? now_s - at_s : 0;
}

/* Forget what left the window. */
static void expire(struct entry *e, uint32_t now_s)
{
	uint32_t gone = 0;
	while (gone < e->n && age_s(e->at_s[gone], now_s) >= THROTTLE_WINDOW_S)
		gone++;
	if (gone == 0)
		return;
	e->n -= gone;
	memmove(e->at_s, e->at_s + gone, e->n * sizeof e->at_s[0]);
}

/* The live entry of a key, NULL when it has none. */
static struct entry *find(const struct table *t, const uint8_t *key, uint32_t now_s)
{
	for (size_t way = 0; way < WAYS; way++) {
		struct entry *e = entry_at(t, key, way);
		if (e->n > 0 && memcmp(e->key, key, THROTTLE_KEY_LEN) == 0) {
			expire(e, now_s);
			return e->n > 0 ? e : NULL;
		}
	}
	return NULL;
}

/* Is `a` the better one to push out?  A free one is the best. */
static bool weaker(const struct entry *a, const struct entry *b)
{
	if (a->n != b->n)
		return a->n < b->n;
	return a->n > 0 && a->at_s[a->n - 1] < b->at_s[b->n - 1];
}

static struct entry *make_room(const struct table *t, const uint8_t *key, uint32_t now_s)
{
	struct entry *room = NULL;
	for (size_t way = 0; way < WAYS; way++) {
		struct entry *e = entry_at(t, key, way);
		expire(e, now_s);
		if (room == NULL || weaker(e, room))
			room = e;
	}
	memcpy(room->key, key, THROTTLE_KEY_LEN);
	room->n = 0;
	return room;
}

static int64_t wait_s(const struct table *t, const struct entry *e, uint32_t now_s)
{
	return e == NULL || e->n < t->cap ? 0 : THROTTLE_WINDOW_S - (int64_t)age_s(e->at_s[0], now_s);
}

static void count(const struct table *t, struct entry *e, const uint8_t *key, uint32_t now_s)
{
	if (e == NULL)
		e = make_room(t, key, now_s);
	e->at_s[e->n++] = now_s;
}

static void uncount(const struct table *t, const uint8_t *key, uint32_t at_s)
{
	for (size_t way = 0; way < WAYS; way++) {
		struct entry *e = entry_at(t, key, way);
		if (memcmp(e->key, key, THROTTLE_KEY_LEN) != 0)
			continue;
		for (uint32_t i = 0; i < e->n; i++) {
			if (e->at_s[i] != at_s)
				continue;
			e->n--;
			memmove(e->at_s + i, e->at_s + i + 1, (e->n - i) * sizeof e->at_s[0]);
			return;
		}
	}
}

/* --- */

enum err_code throttle_reserve(struct throttle *t, struct str client, struct str email, int64_t now_ms,
                               struct throttle_claim *ret, int64_t *ret_wait_s)
{
	*ret = (struct throttle_claim){.at_s = (uint32_t)(now_ms / 1000)};
	enum err_code code = make_keys(t, client, email, ret);
	if (code != ERR_OK)
		return code;
	pthread_mutex_lock(&t->lock);
	struct entry *pair = find(&t->pairs, ret->pair, ret->at_s);
	struct entry *one = find(&t->clients, ret->client, ret->at_s);
	int64_t a = wait_s(&t->pairs, pair, ret->at_s), b = wait_s(&t->clients, one, ret->at_s);
	ret->held = a == 0 && b == 0;
	if (ret->held) {
		count(&t->pairs, pair, ret->pair, ret->at_s);
		count(&t->clients, one, ret->client, ret->at_s);
	}
	pthread_mutex_unlock(&t->lock);
	*ret_wait_s = a > b ? a : b;
	return ret->held ? ERR_OK : ERR_THROTTLED;
}

void throttle_release(struct throttle *t, struct throttle_claim *claim)
{
	if (!claim->held)
		return;
	claim->held = false;
	pthread_mutex_lock(&t->lock);
	uncount(&t->pairs, claim->pair, claim->at_s);
	uncount(&t->clients, claim->client, claim->at_s);
	pthread_mutex_unlock(&t->lock);
}
