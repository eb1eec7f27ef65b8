#include "facebook/graph_once.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/crypto.h"

enum { WAYS = 8, SETS = GRAPH_ONCE_MAX / WAYS };

struct event {
	uint64_t person; /* of the PSID, under a secret key */
	int64_t time_ms;
	uint64_t turn; /* 0: free */
};

struct graph_once {
	pthread_mutex_t lock;
	uint8_t secret[CRYPTO_SIPHASH_KEY_LEN];
	uint64_t turns;
	struct event event[SETS][WAYS];
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

static bool first(struct graph_once *o, uint64_t person, int64_t time_ms)
{
	struct event *set = o->event[person % SETS], *oldest = set;
	for (struct event *e = set; e < set + WAYS; e++) {
		if (e->turn != 0 && e->person == person && e->time_ms == time_ms)
			return false;
		if (e->turn < oldest->turn)
			oldest = e;
	}
	*oldest = (struct event){person, time_ms, ++o->turns};
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
