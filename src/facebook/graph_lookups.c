#include "facebook/graph_lookups.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "net/breaker.h"

enum { WAYS = 8, SETS = GRAPH_LOOKUPS_MAX / WAYS };

static const struct breaker_rule rule = {
        .failures = 5, .within_ms = 10000, .open_ms = 60000, .probe_ms = 5000};

struct key {
	uint64_t a, b; /* of a text under two secret keys: 128 bits, so that two texts never share an entry */
};

struct entry {
	struct key key; /* all zero: free */
	int64_t at_ms;
	struct graph_known known; /* of a token */
	struct key asked;         /* of a client: the token that it may ask for once more */
};

struct graph_lookups {
	pthread_mutex_t lock;
	uint8_t secret[2][CRYPTO_SIPHASH_KEY_LEN];
	struct breaker breaker;
	int64_t per_second;
	int64_t left_milli, filled_ms; /* thousandths of a look-up that may still be made */
	struct entry tokens[SETS][WAYS], clients[SETS][WAYS];
};

enum err_code graph_lookups_new(int64_t per_second, struct graph_lookups **ret, struct err *reterr)
{
	struct graph_lookups *l = calloc(1, sizeof *l);
	if (l == NULL || crypto_random(l->secret, sizeof l->secret) != ERR_OK) {
		free(l);
		return err_set(reterr, ERR_NOMEM, "no memory for the look-ups of linking tokens");
	}
	pthread_mutex_init(&l->lock, NULL);
	l->per_second = per_second;
	l->left_milli = per_second * 1000;
	*ret = l;
	return ERR_OK;
}

void graph_lookups_free(struct graph_lookups *l)
{
	if (l == NULL)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static struct key key_of(const struct graph_lookups *l, struct str text)
{
	return (struct key){crypto_siphash(l->secret[0], text), crypto_siphash(l->secret[1], text)};
}

static struct entry *find(struct entry table[SETS][WAYS], struct key key)
{
	struct entry *set = table[key.a % SETS];
	for (size_t i = 0; i < WAYS; i++)
		if (set[i].key.a == key.a && set[i].key.b == key.b)
			return &set[i];
	return NULL;
}

/* The entry of the key; else the oldest of its set, emptied for it.  A free entry has the time 0. */
static struct entry *place(struct entry table[SETS][WAYS], struct key key)
{
	struct entry *set = table[key.a % SETS], *e = find(table, key);
	if (e != NULL)
		return e;
	e = &set[0];
	for (size_t i = 1; i < WAYS; i++)
		if (set[i].at_ms < e->at_ms)
			e = &set[i];
	*e = (struct entry){.key = key};
	return e;
}

static void refill(struct graph_lookups *l, int64_t now_ms)
{
	int64_t full = l->per_second * 1000, more = (now_ms - l->filled_ms) * l->per_second;
	l->left_milli = more >= full - l->left_milli ? full : l->left_milli + more;
	l->filled_ms = now_ms;
}

static bool known(struct graph_lookups *l, struct str token, int64_t now_ms, struct graph_known *ret)
{
	const struct entry *e = find(l->tokens, key_of(l, token));
	if (e == NULL || now_ms - e->at_ms >= GRAPH_KNOWN_MS)
		return false;
	*ret = e->known;
	return true;
}

/* Phones open a page twice, one time after the other or at once: the second look-up of a token is free. */
static bool client_may_ask(struct graph_lookups *l, struct str client, struct key token, int64_t now_ms)
{
	const struct entry *e = find(l->clients, key_of(l, client));
	return e == NULL || now_ms - e->at_ms >= GRAPH_CLIENT_MS ||
	       (e->asked.a == token.a && e->asked.b == token.b);
}

static void note_asked(struct graph_lookups *l, struct str client, struct key token, int64_t now_ms)
{
	struct entry *e = place(l->clients, key_of(l, client));
	bool again = now_ms - e->at_ms < GRAPH_CLIENT_MS && e->at_ms != 0;
	e->asked = again ? (struct key){0, 0} : token;
	e->at_ms = now_ms;
}

/* The breaker comes last: a probe that it admits must be made. */
static enum graph_admission admit(struct graph_lookups *l, struct str client, struct key token,
                                  int64_t now_ms)
{
	refill(l, now_ms);
	if (!client_may_ask(l, client, token, now_ms))
		return GRAPH_CLIENT_LIMIT;
	if (l->left_milli < 1000)
		return GRAPH_LIMIT;
	if (!breaker_admit(&l->breaker, &rule, now_ms))
		return GRAPH_PAUSED;
	l->left_milli -= 1000;
	note_asked(l, client, token, now_ms);
	return GRAPH_ASK;
}

enum graph_admission graph_lookups_admit(struct graph_lookups *l, struct str token, struct str client,
                                         int64_t now_ms, struct graph_known *ret)
{
	pthread_mutex_lock(&l->lock);
	enum graph_admission a = known(l, token, now_ms, ret) ? GRAPH_KNOWN
	                                                      : admit(l, client, key_of(l, token), now_ms);
	pthread_mutex_unlock(&l->lock);
	return a;
}

static bool count(struct graph_lookups *l, int64_t now_ms, enum graph_lookup_end end)
{
	switch (end) {
	case GRAPH_LOOKUP_ANSWERED: breaker_succeeded(&l->breaker); break;
	case GRAPH_LOOKUP_LOST: breaker_lost(&l->breaker); break;
	case GRAPH_LOOKUP_FAILED: return breaker_failed(&l->breaker, &rule, now_ms);
	}
	return false;
}

bool graph_lookups_ended(struct graph_lookups *l, struct str token, int64_t now_ms, enum graph_lookup_end end,
                         const struct graph_known *answer)
{
	pthread_mutex_lock(&l->lock);
	bool opened = count(l, now_ms, end);
	if (answer != NULL) {
		struct entry *e = place(l->tokens, key_of(l, token));
		e->at_ms = now_ms;
		e->known = *answer;
	}
	pthread_mutex_unlock(&l->lock);
	return opened;
}

bool graph_lookups_paused(struct graph_lookups *l, int64_t now_ms)
{
	pthread_mutex_lock(&l->lock);
	bool paused = l->breaker.open && now_ms - l->breaker.opened_ms < rule.open_ms;
	pthread_mutex_unlock(&l->lock);
	return paused;
}

const char *graph_admission_name(enum graph_admission a)
{
	static const char *const names[] = {"ask", "known", "paused", "client_limit", "limit"};
	return names[a];
}
