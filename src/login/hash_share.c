#include "login/hash_share.h"

#include <arpa/inet.h>

enum { V4 = 4, V6 = 6, USED_MAX = 1 << 20 };

static uint64_t first_bytes(const uint8_t *p, size_t n, uint64_t kind)
{
	uint64_t key = kind;
	for (size_t i = 0; i < n; i++)
		key = key << 8 | p[i];
	return key;
}

uint64_t hash_share_network(struct str client)
{
	char text[INET6_ADDRSTRLEN];
	struct in_addr four;
	struct in6_addr six;
	if (!str_copy(text, sizeof text, client))
		return 0;
	if (inet_pton(AF_INET, text, &four) == 1)
		return first_bytes((const uint8_t *)&four, 3, V4);
	if (inet_pton(AF_INET6, text, &six) != 1)
		return 0;
	return IN6_IS_ADDR_V4MAPPED(&six) ? first_bytes(six.s6_addr + 12, 3, V4)
	                                  : first_bytes(six.s6_addr, 6, V6);
}

static void halve(struct hash_share_entry *e, int64_t now_ms)
{
	int64_t halvings = (now_ms - e->at_ms) / HASH_SHARE_HALF_MS;
	if (halvings <= 0)
		return;
	e->used = halvings < 32 ? e->used >> halvings : 0;
	e->at_ms += halvings * HASH_SHARE_HALF_MS;
}

static struct hash_share_entry *find(struct hash_share *s, uint64_t network, int64_t now_ms)
{
	struct hash_share_entry *set = s->entry[network * UINT64_C(0x9e3779b97f4a7c15) >> 55];
	struct hash_share_entry *least = &set[0];
	for (size_t way = 0; way < HASH_SHARE_WAYS; way++) {
		halve(&set[way], now_ms);
		if (set[way].used > 0 && set[way].network == network)
			return &set[way];
		if (set[way].used < least->used)
			least = &set[way];
	}
	*least = (struct hash_share_entry){.network = network, .at_ms = now_ms};
	return least;
}

unsigned hash_share_add(struct hash_share *s, uint64_t network, int64_t now_ms)
{
	struct hash_share_entry *e = find(s, network, now_ms);
	unsigned log2 = 0;
	if (e->used < USED_MAX)
		e->used++;
	while (e->used >> (log2 + 1) > 0)
		log2++;
	return log2;
}
