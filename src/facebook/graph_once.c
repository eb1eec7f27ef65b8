#include "facebook/graph_once.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/crypto.h"

enum { WAYS = 8, SETS = GRAPH_ONCE_MAX / WAYS };

struct entry {
	uint64_t person; /* of the PSID, under a secret key */
	int64_t time_ms; /* of the event, or of the last call */
	uint64_t turn;   /* 0: free */
	size_t calls;
};

struct graph_once {
	pthread_mutex_t lock;
	uint8_t secret[CRYPTO_SIPHASH_KEY_LEN];
	uint64_t turns;
	struct entry events[SETS][WAYS], calls[SETS][WAYS];
};

enum err_code graph_once_new(struct graph_once **ret, struct err *reterr)
{
	struct graph_once *o = calloc(1, sizeof *o);
	if (o == NULL || crypto_random(o->secret, sizeof o->secret) != ERR_OK) {
		free(o);
		return err_set(reterr, ERR_NOMEM, "no memory for the events that were acted on");
	}
	pthread_mutex_init(&o->lock, NULL);
	*ret = o;
	return ERR_OK;
}

void graph_once_free(struct graph_once *o)
{
	if (o == NULL)
		return;
	pthread_mutex_destroy(&o->lock);
	free(o);
}

/* The oldest entry of the set, emptied for this person. */
static struct entry *evict(struct graph_once *o, struct entry set[WAYS], uint64_t person)
{
	struct entry *oldest = set;
	for (struct entry *e = set; e < set + WAYS; e++)
		if (e->turn < oldest->turn)
			oldest = e;
	*oldest = (struct entry){.person = person, .turn = ++o->turns};
	return oldest;
}

static bool first(struct graph_once *o, uint64_t person, int64_t time_ms)
{
	struct entry *set = o->events[person % SETS];
	for (struct entry *e = set; e < set + WAYS; e++)
		if (e->turn != 0 && e->person == person && e->time_ms == time_ms)
			return false;
	evict(o, set, person)->time_ms = time_ms;
	return true;
}

bool graph_once_first(struct graph_once *o, struct str psid, int64_t event_ms)
{
	uint64_t person = crypto_siphash(o->secret, psid);
	pthread_mutex_lock(&o->lock);
	bool is_first = first(o, person, event_ms);
	pthread_mutex_unlock(&o->lock);
	return is_first;
}

/* --- calls */

static const int64_t pauses_ms[] = {0, 2000, 30000, 300000};
enum { PAUSES = sizeof pauses_ms / sizeof pauses_ms[0] };

/* NULL: there was no call, or it is forgotten. */
static struct entry *calls_of(struct graph_once *o, uint64_t person, int64_t now_ms)
{
	struct entry *set = o->calls[person % SETS];
	for (struct entry *e = set; e < set + WAYS; e++)
		if (e->turn != 0 && e->person == person && now_ms - e->time_ms < GRAPH_ONCE_FORGET_MS)
			return e;
	return NULL;
}

int64_t graph_once_wait_ms(struct graph_once *o, struct str psid, int64_t now_ms)
{
	uint64_t person = crypto_siphash(o->secret, psid);
	pthread_mutex_lock(&o->lock);
	const struct entry *e = calls_of(o, person, now_ms);
	int64_t wait_ms = e == NULL ? 0 : e->time_ms + pauses_ms[e->calls] - now_ms;
	pthread_mutex_unlock(&o->lock);
	return wait_ms > 0 ? wait_ms : 0;
}

void graph_once_called(struct graph_once *o, struct str psid, int64_t now_ms)
{
	uint64_t person = crypto_siphash(o->secret, psid);
	pthread_mutex_lock(&o->lock);
	struct entry *e = calls_of(o, person, now_ms);
	if (e == NULL)
		e = evict(o, o->calls[person % SETS], person);
	e->turn = ++o->turns;
	e->time_ms = now_ms;
	e->calls += e->calls < PAUSES - 1;
	pthread_mutex_unlock(&o->lock);
}
