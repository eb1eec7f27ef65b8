#include "login/throttle_table.h"

#include <stdlib.h>
#include <string.h>

/* A key and n times in order; n is 0 in a free entry. */
struct entry {
	uint8_t key[THROTTLE_KEY_LEN];
	uint32_t n;
	uint32_t at_s[]; /* seconds, monotonic */
};

enum err_code throttle_table_init(struct throttle_table *t, const struct throttle_limit *limit)
{
	t->limit = *limit;
	t->entry_len = sizeof(struct entry) + limit->tries * sizeof(uint32_t);
	t->memory = calloc(limit->entries, t->entry_len);
	return t->memory != NULL ? ERR_OK : ERR_NOMEM;
}

void throttle_table_done(struct throttle_table *t)
{
	free(t->memory);
	t->memory = NULL;
}

static struct entry *entry_at(const struct throttle_table *t, const uint8_t *key, size_t way)
{
	size_t sets = t->limit.entries / THROTTLE_TABLE_WAYS;
	size_t set = ((size_t)key[0] << 16 | (size_t)key[1] << 8 | key[2]) % sets;
	return (struct entry *)(void *)(t->memory + (set * THROTTLE_TABLE_WAYS + way) * t->entry_len);
}

/* Each worker reads the clock once per turn of its loop, so a try may seem to be in the future. */
static uint32_t age_s(uint32_t at_s, uint32_t now_s)
{
	return now_s > at_s ? now_s - at_s : 0;
}

/* Remove the times that have left the window. */
static void expire(const struct throttle_table *t, struct entry *e, uint32_t now_s)
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
static struct entry *find(const struct throttle_table *t, const uint8_t *key)
{
	for (size_t way = 0; way < THROTTLE_TABLE_WAYS; way++) {
		struct entry *e = entry_at(t, key, way);
		if (e->n > 0 && memcmp(e->key, key, THROTTLE_KEY_LEN) == 0)
			return e;
	}
	return NULL;
}

int64_t throttle_table_wait_s(struct throttle_table *t, const uint8_t key[THROTTLE_KEY_LEN], uint32_t now_s)
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

static struct entry *make_room(const struct throttle_table *t, const uint8_t *key, uint32_t now_s)
{
	struct entry *room = NULL;
	for (size_t way = 0; way < THROTTLE_TABLE_WAYS; way++) {
		struct entry *e = entry_at(t, key, way);
		expire(t, e, now_s);
		if (room == NULL || weaker(e, room))
			room = e;
	}
	memcpy(room->key, key, THROTTLE_KEY_LEN);
	room->n = 0;
	return room;
}

void throttle_table_count(struct throttle_table *t, const uint8_t key[THROTTLE_KEY_LEN], uint32_t now_s)
{
	struct entry *e = find(t, key);
	if (e == NULL)
		e = make_room(t, key, now_s);
	e->at_s[e->n++] = now_s;
}

void throttle_table_uncount(struct throttle_table *t, const uint8_t key[THROTTLE_KEY_LEN], uint32_t at_s)
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
