#include "login/throttle.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "login/email.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_TEXT_MAX = 1024 };

struct throttle {
	pthread_mutex_t lock;
	uint8_t secret[CRYPTO_KEY_LEN]; /* keys the digests, so that a client cannot choose its set */
	struct throttle_table table[THROTTLE_RULE_COUNT];
};

static const struct throttle_limit limits[THROTTLE_RULE_COUNT] = {
#define X(id, tries, window_s, entries) {tries, window_s, entries},
        THROTTLE_RULES(X)
#undef X
};

static bool init(struct throttle *t)
{
	for (size_t i = 0; i < THROTTLE_RULE_COUNT; i++)
		if (throttle_table_init(&t->table[i], &limits[i]) != ERR_OK)
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
		throttle_table_done(&t->table[i]);
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
		int64_t wait_s = throttle_table_wait_s(&t->table[claim->part[i].rule], claim->part[i].key,
		                                       claim->at_s);
		if (wait_s > *ret_wait_s)
			*ret_wait_s = wait_s;
	}
	claim->held = *ret_wait_s == 0;
	for (size_t i = 0; claim->held && i < claim->n; i++)
		throttle_table_count(&t->table[claim->part[i].rule], claim->part[i].key, claim->at_s);
	pthread_mutex_unlock(&t->lock);
	return claim->held ? ERR_OK : ERR_THROTTLED;
}

enum err_code throttle_reserve(struct throttle *t, const struct throttle_try *who, int64_t now_ms,
                               struct throttle_claim *ret, int64_t *ret_wait_s)
{
	char lower[STORE_EMAIL_MAX + 1];
	*ret = (struct throttle_claim){.at_s = (uint32_t)(now_ms / 1000)};
	(void)str_copy(lower, sizeof lower, who->email);
	(void)email_lower(lower);
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
		throttle_table_uncount(&t->table[claim->part[i].rule], claim->part[i].key, claim->at_s);
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
	struct throttle_table *right = &t->table[THROTTLE_RIGHT];
	const uint8_t *key = claim->part[0].key;
	if (!claim->held)
		return;
	claim->held = false;
	pthread_mutex_lock(&t->lock);
	if (throttle_table_wait_s(right, key, claim->at_s) == 0) {
		throttle_table_count(right, key, claim->at_s);
		give_back(t, claim);
	}
	pthread_mutex_unlock(&t->lock);
}
