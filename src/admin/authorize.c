/* authorize.c - access to /v1: checks the bearer token, and delays the answers to wrong ones. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "admin/admin.h"
#include "base/crypto.h"
#include "config/config.h"
#include "obs/metrics.h"
#include "service.h"

#define ADMIN_ACTOR "admin" /* the actor for a token without a name */

enum {
	SLOW_MS = 250, /* delay of a wrong token from an address beyond its limit */
	SLOW_MAX = 64, /* the most delayed answers at once, so that a flood does not hold all connections */
};

/* --- counts of wrong tokens */

struct guesser {
	char client[REQUEST_ADDR_MAX];
	int64_t since_ms; /* time of the first guess of its minute */
	unsigned n;       /* 0: free */
};

static struct guesser guessers[ADMIN_GUESS_ADDRESSES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The entry of this client, else a free one, else the oldest one. */
static struct guesser *find(const char *client)
{
	struct guesser *oldest = &guessers[0];
	for (size_t i = 0; i < ADMIN_GUESS_ADDRESSES; i++) {
		struct guesser *g = &guessers[i];
		if (g->n > 0 && strcmp(g->client, client) == 0)
			return g;
		if (oldest->n > 0 && (g->n == 0 || g->since_ms < oldest->since_ms))
			oldest = g;
	}
	oldest->n = 0;
	return oldest;
}

bool admin_guess(const char *client, int64_t now_ms)
{
	pthread_mutex_lock(&lock);
	struct guesser *g = find(client);
	if (g->n == 0 || now_ms - g->since_ms >= ADMIN_GUESS_WINDOW_MS) {
		(void)str_copy(g->client, sizeof g->client, str_c(client));
		g->since_ms = now_ms;
		g->n = 0;
	}
	bool slow = g->n >= ADMIN_GUESSES;
	g->n += !slow;
	pthread_mutex_unlock(&lock);
	return slow;
}

/* --- the token */

/* RFC 6750 section 2.1; the scheme is case-insensitive (RFC 9110 section 11.1). */
static bool bearer(const struct request *r, struct str *ret_token)
{
	struct str scheme;
	size_t count;
	struct str header = request_header(r, "Authorization", &count);
	if (count != 1 || !str_cut(header, ' ', &scheme, ret_token) || !str_ieq(scheme, STR("Bearer")))
		return false;
	*ret_token = str_trim(*ret_token);
	return true;
}

/* Every token is compared, so that the time does not reveal which one matched. */
static bool find_token(const struct strlist *tokens, struct str given, struct config_token *ret)
{
	bool found = false;
	for (size_t i = 0; i < tokens->n; i++) {
		struct config_token t;
		if (config_token_parse(str_c(tokens->v[i]), &t) == NULL && crypto_str_equal(given, t.token)) {
			*ret = t;
			found = true;
		}
	}
	return found;
}

/* --- delayed refusals */

struct refusal {
	struct request *r;
	struct loop_timer timer;
};

static unsigned waiting; /* used on the admin listener's loop only */

static enum err_code refuse(struct request *r, const char *why, struct err *reterr)
{
	reply_header(r, "WWW-Authenticate", STR("Bearer realm=\"account-linkd\""));
	return err_set(reterr, ERR_UNAUTHORIZED, "%s", why);
}

static void refuse_now(struct request *r)
{
	struct err e;
	reply_error(r, refuse(r, "no token, or a wrong one; slowed", &e), NULL, &e);
}

static void on_time(struct loop_timer *t)
{
	refuse_now(LIST_ENTRY(t, struct refusal, timer)->r);
}

static void cleanup(struct request *r)
{
	struct refusal *w = r->flow;
	loop_timer_clear(r->loop, &w->timer);
	free(w);
	waiting--;
	r->flow = NULL;
}

/* Runs in place of the route's handler. */
static void refuse_later(struct request *r)
{
	struct refusal *w = waiting < SLOW_MAX ? calloc(1, sizeof *w) : NULL;
	if (w == NULL) {
		refuse_now(r);
		return;
	}
	*w = (struct refusal){.r = r, .timer = {.fn = on_time}};
	waiting++;
	r->flow = w;
	r->cleanup = cleanup;
	if (loop_timer_set(r->loop, &w->timer, loop_now_ms(r->loop) + SLOW_MS) != ERR_OK)
		refuse_now(r);
}

static enum err_code guessed(struct request *r, bool missing, struct err *reterr)
{
	const char *why = missing ? "no token" : "a wrong token";
	metric_add(missing ? M_ADMIN_NO_TOKEN : M_ADMIN_WRONG_TOKEN, 1);
	request_refused(r, LOG_REPEAT_ADMIN_TOKEN, NULL);
	if (!admin_guess(r->client, loop_now_ms(r->loop)))
		return refuse(r, why, reterr);
	r->instead = refuse_later;
	return ERR_OK;
}

static bool looks_up(const struct request *r)
{
	return str_is(r->method, "GET") || str_is(r->method, "HEAD");
}

enum err_code admin_authorize(struct request *r, struct err *reterr)
{
	static const char read_only[] = "This token is for look-ups only.";
	const struct strlist *tokens = &r->service->cfg->admin_token;
	struct config_token t = {.read_only = false};
	struct str given = {NULL, 0};
	if (tokens->n == 0)
		return err_set(reterr, ERR_NOT_FOUND, "LINKD_ADMIN_TOKEN is not set");
	bool has_one = bearer(r, &given);
	if (!has_one || !find_token(tokens, given, &t))
		return guessed(r, !has_one, reterr);
	(void)str_copy(r->actor, sizeof r->actor, t.name.n > 0 ? t.name : STR(ADMIN_ACTOR));
	if (!t.read_only || looks_up(r))
		return ERR_OK;
	metric_add(M_ADMIN_READ_ONLY, 1);
	admin_tell(r, (struct audit){.action = "admin", .result = "refused", .reason = "read_only_token"});
	reply_error(r, ERR_DENIED, read_only, NULL);
	return ERR_OK; /* answered */
}
