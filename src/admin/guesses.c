#include "admin/guesses.h"

#include <pthread.h>
#include <string.h>

#include "http/request.h"

struct guesser {
	char client[REQUEST_ADDR_MAX];
	int64_t since_ms; /* time of the first guess of its minute */
	unsigned n;       /* 0: free */
};

static struct guesser guessers[GUESSES_ADDRESSES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The entry of this client, else a free one, else the oldest one. */
static struct guesser *find(const char *client)
{
	struct guesser *oldest = &guessers[0];
	for (size_t i = 0; i < GUESSES_ADDRESSES; i++) {
		struct guesser *g = &guessers[i];
		if (g->n > 0 && strcmp(g->client, client) == 0)
			return g;
		if (oldest->n > 0 && (g->n == 0 || g->since_ms < oldest->since_ms))
			oldest = g;
	}
	oldest->n = 0;
	return oldest;
}

bool guesses_count(const char *client, int64_t now_ms)
{
	pthread_mutex_lock(&lock);
	struct guesser *g = find(client);
	if (g->n == 0 || now_ms - g->since_ms >= GUESSES_WINDOW_MS) {
		(void)str_copy(g->client, sizeof g->client, str_c(client));
		g->since_ms = now_ms;
		g->n = 0;
	}
	bool slow = g->n >= GUESSES_FREE;
	g->n += !slow;
	pthread_mutex_unlock(&lock);
	return slow;
}
