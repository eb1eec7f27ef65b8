#include "login/throttle.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "store/store.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_TEXT_MAX = 1024 };

/* --- tables of counts
 *
 * The time of every try is kept.  So the limit holds over every window, no client waits longer than a window, and the
 * wait is known exactly.  A table has `entries` entries in sets of WAYS chosen by the first bytes of the key.  When a
 * set is full, the entry with the fewest tries is evicted; among equals the oldest one.  Keys are digests under a secret
 * key, so that a stranger cannot choose the set.  Then the eviction of a count of n takes about entries * n tries; fewer
 * tries evict only smaller counts. */

enum { WAYS = 8 };

struct limit {
	uint32_t tries;
	uint32_t window_s;
	size_t entries; /* a multiple of WAYS */
};

struct table {
	struct limit limit;
	unsigned char *memory; /* owned; pages without entries use no memory */
	size_t entry_len;      /* bytes */
};

/* A key and n times in order; n is 0 in a free entry. */
struct entry {
	uint8_t key[THROTTLE_KEY_LEN];
	uint32_t n;
	uint32_t at_s[]; /* seconds, monotonic */
};

static enum err_code table_init(struct table *t, const struct limit *limit)
{
	t->limit = *limit;
	t->entry_len = sizeof(struct entry) + limit->tries * sizeof(uint32_t);
	t->memory = calloc(limit->entries, t->entry_len);
	return t->memory != NULL ? ERR_OK : ERR_NOMEM;
}

static void table_done(struct table *t)
{
	free(t->memory);
	t->memory = NULL;
}

static struct entry *entry_at(const struct table *t, const uint8_t *key, size_t way)
{
	size_t sets = t->limit.entries / WAYS;
	size_t set = ((size_t)key[0] << 16 | (size_t)key[1] << 8 | key[2]) % sets;
	return (struct entry *)(void *)(t->memory + (set * WAYS + way) * t->entry_len);
}

/* Each worker reads the clock once per turn of its loop, so a try may seem to be in the future. */
static uint32_t age_s(uint32_t at_s, uint32_t now_s)
{
	return now_s > at_s ? now_s - at_s : 0;
}

/* Remove the times that have left the window. */
static void expire(const struct table *t, struct entry *e, uint32_t now_s)
{
	uint32_t gone = 0;
	while (gone < e->n && age_s(e->at_s[gone], now_s) >= t->limit.window_s)
		gone++;
	if (gone == 0)
		return;
	e->n -= gone;
	memmove(e->at_s, e->at_s + gone, e->n * sizeof e->at_s[0]);
}

/* The live entry of a key, NULL when it has none. */
static struct entry *find(const struct table *t, const uint8_t *key)
{
	for (size_t way = 0; way < WAYS; way++) {
		struct entry *e = entry_at(t, key, way);
		if (e->n > 0 && memcmp(e->key, key, THROTTLE_KEY_LEN) == 0)
			return e;
	}
	return NULL;
}

/* Seconds until `key` has a try left, 0..window_s; 0: now. */
static int64_t table_wait_s(struct table *t, const uint8_t key[THROTTLE_KEY_LEN], uint32_t now_s)
{
	struct entry *e = find(t, key);
	if (e == NULL)
		return 0;
	expire(t, e, now_s);
	return e->n < t->limit.tries ? 0 : (int64_t)t->limit.window_s - age_s(e->at_s[0], now_s);
}

/* Is `a` to be evicted rather than `b`?  A free entry comes first. */
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
		expire(t, e, now_s);
		if (room == NULL || weaker(e, room))
			room = e;
	}
	memcpy(room->key, key, THROTTLE_KEY_LEN);
	room->n = 0;
	return room;
}

/* Pre: a try is left. */
static void table_count(struct table *t, const uint8_t key[THROTTLE_KEY_LEN], uint32_t now_s)
{
	struct entry *e = find(t, key);
	if (e == NULL)
		e = make_room(t, key, now_s);
	e->at_s[e->n++] = now_s;
}

/* Remove a try of that second; a no-op when there is none. */
static void table_uncount(struct table *t, const uint8_t key[THROTTLE_KEY_LEN], uint32_t at_s)
{
	struct entry *e = find(t, key);
	for (uint32_t i = 0; e != NULL && i < e->n; i++) {
		if (e->at_s[i] != at_s)
			continue;
		e->n--;
		memmove(e->at_s + i, e->at_s + i + 1, (e->n - i) * sizeof e->at_s[0]);
		return;
	}
}

/* --- the throttle */

struct throttle {
	pthread_mutex_t lock;
	uint8_t secret[CRYPTO_KEY_LEN]; /* keys the digests, so that a client cannot choose its set */
	struct table table[THROTTLE_RULE_COUNT];
};

static const struct limit limits[THROTTLE_RULE_COUNT] = {
#define X(id, tries, window_s, entries) {tries, window_s, entries},
        THROTTLE_RULES(X)
#undef X
};

static bool init(struct throttle *t)
{
	for (size_t i = 0; i < THROTTLE_RULE_COUNT; i++)
		if (table_init(&t->table[i], &limits[i]) != ERR_OK)
			return false;
	return crypto_random(t->secret, sizeof t->secret) == ERR_OK;
}

enum err_code throttle_new(struct throttle **ret, struct err *reterr)
{
	struct throttle *t = calloc(1, sizeof *t);
	if (t == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for the login throttle");
	pthread_mutex_init(&t->lock, NULL);
	if (!init(t)) {
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
	for (size_t i = 0; i < THROTTLE_RULE_COUNT; i++)
		table_done(&t->table[i]);
	crypto_wipe(t, sizeof *t);
	free(t);
}

/* --- keys */

struct address {
	uint8_t byte[16]; /* IPv4 is mapped into IPv6; text that is not an address is used as it is */
	bool v4;
};

static struct address address_of(struct str client)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr six = {0};
	struct address a = {{0}, false};
	if (!str_copy(text, sizeof text, client))
		return a;
	if (inet_pton(AF_INET, text, a.byte + 12) == 1) {
		a.byte[10] = a.byte[11] = 0xff;
		a.v4 = true;
	} else if (inet_pton(AF_INET6, text, &six) == 1) {
		memcpy(a.byte, &six, sizeof six);
		a.v4 = IN6_IS_ADDR_V4MAPPED(&six);
	} else {
		memcpy(a.byte, text, strnlen(text, sizeof a.byte));
	}
	return a;
}

/* The network of the address: its first v4 bytes (mapped IPv4) or v6 bytes (IPv6). */
static struct str network(const struct address *a, size_t v4, size_t v6)
{
	return (struct str){(const char *)a->byte, a->v4 ? v4 : v6};
}

/* Add a count to the claim.  Its key is a digest of the rule, the length of `first`, `first` and `second`.
 * Without memory claim->n stays unchanged. */
static void add(const struct throttle *t, struct throttle_claim *claim, enum throttle_rule rule,
                struct str first, struct str second)
{
	char room[KEY_TEXT_MAX];
	uint8_t sum[CRYPTO_SHA256_LEN], head[2] = {(uint8_t)rule, (uint8_t)first.n};
	struct buf text;
	buf_over(&text, room, sizeof room);
	buf_put(&text, head, sizeof head);
	buf_str(&text, first);
	buf_str(&text, second);
	if (!text.failed && crypto_hmac_sha256((struct str){(const char *)t->secret, sizeof t->secret},
	                                       buf_view(&text), sum) == ERR_OK) {
		claim->part[claim->n].rule = rule;
		memcpy(claim->part[claim->n++].key, sum, THROTTLE_KEY_LEN);
	}
	crypto_wipe(room, sizeof room);
}

static enum err_code claim_of_client(const struct throttle *t, struct str client, struct str email,
                                     struct throttle_claim *ret)
{
	struct address a = address_of(client);
	ret->n = 0;
	add(t, ret, THROTTLE_CLIENT, network(&a, 16, 8), STR(""));
	add(t, ret, THROTTLE_NETWORK, network(&a, 15, 6), STR(""));
	add(t, ret, THROTTLE_EMAIL, network(&a, 15, 7), email);
	add(t, ret, THROTTLE_EMAIL_WIDE, network(&a, 15, 6), email);
	return ret->n == 4 ? ERR_OK : ERR_NOMEM;
}

static enum err_code claim_of_device(const struct throttle *t, struct str device, struct str email,
                                     struct throttle_claim *ret)
{
	ret->n = 0;
	add(t, ret, THROTTLE_DEVICES, STR(""), email);
	add(t, ret, THROTTLE_DEVICE, device, email);
	return ret->n == 2 ? ERR_OK : ERR_NOMEM;
}

/* --- claims */

/* Count on all parts or on none.  No two parts are of one table. */
static enum err_code take(struct throttle *t, struct throttle_claim *claim, int64_t *ret_wait_s)
{
	*ret_wait_s = 0;
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < claim->n; i++) {
		int64_t wait_s = table_wait_s(&t->table[claim->part[i].rule], claim->part[i].key,
		                              claim->at_s);
		if (wait_s > *ret_wait_s)
			*ret_wait_s = wait_s;
	}
	claim->held = *ret_wait_s == 0;
	for (size_t i = 0; claim->held && i < claim->n; i++)
		table_count(&t->table[claim->part[i].rule], claim->part[i].key, claim->at_s);
	pthread_mutex_unlock(&t->lock);
	return claim->held ? ERR_OK : ERR_THROTTLED;
}

enum err_code throttle_reserve(struct throttle *t, const struct throttle_try *who, int64_t now_ms,
                               struct throttle_claim *ret, int64_t *ret_wait_s)
{
	char lower[STORE_EMAIL_MAX + 1];
	*ret = (struct throttle_claim){.at_s = (uint32_t)(now_ms / 1000)};
	(void)str_copy(lower, sizeof lower, who->email);
	(void)str_lower(lower);
	if (who->device.n > 0 && claim_of_device(t, who->device, str_c(lower), ret) == ERR_OK)
		ret->of_device = take(t, ret, ret_wait_s) == ERR_OK;
	if (ret->of_device)
		return ERR_OK;
	enum err_code code = claim_of_client(t, who->client, str_c(lower), ret);
	return code == ERR_OK ? take(t, ret, ret_wait_s) : code;
}

enum err_code throttle_reserve_customer(struct throttle *t, struct str customer, struct str psid,
                                        int64_t now_ms, struct throttle_claim *ret)
{
	int64_t wait_s;
	*ret = (struct throttle_claim){.at_s = (uint32_t)(now_ms / 1000)};
	add(t, ret, psid.n > 0 ? THROTTLE_PROFILE : THROTTLE_CUSTOMER, psid, customer);
	return ret->n == 1 ? take(t, ret, &wait_s) : ERR_NOMEM;
}

static void give_back(struct throttle *t, const struct throttle_claim *claim)
{
	for (size_t i = 0; i < claim->n; i++)
		table_uncount(&t->table[claim->part[i].rule], claim->part[i].key, claim->at_s);
}

void throttle_release(struct throttle *t, struct throttle_claim *claim)
{
	if (!claim->held)
		return;
	claim->held = false;
	pthread_mutex_lock(&t->lock);
	give_back(t, claim);
	pthread_mutex_unlock(&t->lock);
}

void throttle_right(struct throttle *t, struct throttle_claim *claim)
{
	struct table *right = &t->table[THROTTLE_RIGHT];
	const uint8_t *key = claim->part[0].key;
	if (!claim->held)
		return;
	claim->held = false;
	pthread_mutex_lock(&t->lock);
	if (table_wait_s(right, key, claim->at_s) == 0) {
		table_count(right, key, claim->at_s);
		give_back(t, claim);
	}
	pthread_mutex_unlock(&t->lock);
}
