#include "login/hash.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "obs/metrics.h"

struct held {
	uint64_t email;
	int64_t until_ms;
};

enum { V4 = 4, V6 = 6, USED_MAX = 1 << 20 };

struct hash_queue {
	struct hash_queue_options opt;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct list_node tries; /* reserved and waiting, the oldest first */
	size_t taken;           /* places in use: tries in that list */
	struct list_node active;
	struct held held[HASH_QUEUE_HELD]; /* the oldest first */
	size_t helds;
	struct hash_share share;
	bool stop;
	size_t running; /* threads started */
	pthread_t thread[];
};

static struct hash_try *try_of(struct list_node *n)
{
	return LIST_ENTRY(n, struct hash_try, node);
}

/* --- recent tries of each network */

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

static struct hash_share_entry *share_of_network(struct hash_share *s, uint64_t network, int64_t now_ms)
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
	struct hash_share_entry *e = share_of_network(s, network, now_ms);
	unsigned log2 = 0;
	if (e->used < USED_MAX)
		e->used++;
	while (e->used >> (log2 + 1) > 0)
		log2++;
	return log2;
}

/* --- places.  From here to the threads everything runs under the lock. */

static size_t share_of(const struct hash_queue *q)
{
	return (q->opt.places + HASH_QUEUE_SHARES - 1) / HASH_QUEUE_SHARES;
}

static void add(struct hash_queue *q, struct hash_try *t)
{
	list_push(&q->tries, &t->node);
	t->state = HASH_TRY_RESERVED;
	q->taken++;
	metric_add(M_HASH_PLACES, 1);
}

static void take_out(struct hash_queue *q, struct hash_try *t, enum hash_try_state state)
{
	list_del(&t->node);
	t->state = state;
	q->taken--;
	metric_add(M_HASH_PLACES, -1);
}

static void on_done(struct loop_post *p)
{
	struct hash_try *t = LIST_ENTRY(p, struct hash_try, post);
	t->done(t);
}

static void post_done(struct hash_try *t)
{
	t->post.fn = on_done;
	loop_post(t->home, &t->post);
}

/* A reserved try gets ERR_BUSY at its start. */
static void push_out(struct hash_queue *q, struct hash_try *t)
{
	bool waits = t->state == HASH_TRY_WAITING;
	take_out(q, t, waits ? HASH_TRY_TAKEN : HASH_TRY_OUT);
	t->dropped = true;
	if (waits)
		post_done(t);
}

/* --- order */

/* -1: a goes first, 1: b goes first, 0: their age decides. */
static int compare(const struct hash_try *a, const struct hash_try *b)
{
	if (a->known_device != b->known_device)
		return a->known_device ? -1 : 1;
	return a->used < b->used ? -1 : a->used > b->used;
}

static bool same_network(const struct hash_try *a, const struct hash_try *b)
{
	return a->network == b->network;
}

static bool same_email(const struct hash_try *a, const struct hash_try *b)
{
	return a->email == b->email;
}

static bool any(const struct hash_try *a, const struct hash_try *b)
{
	(void)a, (void)b;
	return true;
}

/* Which try is evicted if `t` enters and tries like it may hold `limit` places?  NULL: none; `t`: itself. */
static struct hash_try *last_of(struct hash_queue *q, struct hash_try *t,
                                bool (*like)(const struct hash_try *, const struct hash_try *), size_t limit)
{
	struct hash_try *last = NULL;
	size_t n = 0;
	for (struct list_node *at = q->tries.next; at != &q->tries; at = at->next) {
		struct hash_try *one = try_of(at);
		if (!like(one, t))
			continue;
		n++;
		if (last == NULL || compare(last, one) < 0)
			last = one;
	}
	if (n < limit)
		return NULL;
	return last == NULL || compare(last, t) < 0 ? t : last;
}

static enum err_code refuse(enum metric why)
{
	metric_add(why, 1);
	return ERR_BUSY;
}

static void make_way(struct hash_queue *q, struct hash_try *t)
{
	metric_add(M_HASH_PUSHED_OUT, 1);
	push_out(q, t);
}

static enum err_code enter(struct hash_queue *q, struct hash_try *t)
{
	struct hash_try *of_network = last_of(q, t, same_network, share_of(q));
	struct hash_try *of_email = last_of(q, t, same_email, share_of(q));
	bool frees = of_network != NULL || of_email != NULL;
	struct hash_try *of_all = frees ? NULL : last_of(q, t, any, q->opt.places);
	if (of_network == t)
		return refuse(M_HASH_NETWORK);
	if (of_email == t)
		return refuse(M_HASH_EMAIL);
	if (of_all == t || q->stop)
		return refuse(M_HASH_FULL);
	if (of_network != NULL)
		make_way(q, of_network);
	if (of_email != NULL && of_email != of_network)
		make_way(q, of_email);
	if (of_all != NULL)
		make_way(q, of_all);
	add(q, t);
	return ERR_OK;
}

/* --- which try runs next */

static void free_held(struct hash_queue *q, int64_t now_ms)
{
	size_t kept = 0;
	for (size_t i = 0; i < q->helds; i++)
		if (q->held[i].until_ms > now_ms)
			q->held[kept++] = q->held[i];
	q->helds = kept;
}

static void hold(struct hash_queue *q, const struct hash_try *t)
{
	if (q->helds == HASH_QUEUE_HELD)
		memmove(q->held, q->held + 1, --q->helds * sizeof q->held[0]);
	q->held[q->helds++] = (struct held){t->email, t->hold_until_ms};
}

/* When may a try of this e-mail start?  0: now.  INT64_MAX: not before a running try ends. */
static int64_t free_at_ms(const struct hash_queue *q, uint64_t email)
{
	int64_t at_ms = 0;
	for (struct list_node *n = q->active.next; n != &q->active; n = n->next)
		if (try_of(n)->email == email)
			return INT64_MAX;
	for (size_t i = 0; i < q->helds; i++)
		if (q->held[i].email == email && q->held[i].until_ms > at_ms)
			at_ms = q->held[i].until_ms;
	return at_ms;
}

static void drop_late(struct hash_queue *q, int64_t now_ms)
{
	for (struct list_node *n = q->tries.next, *next; n != &q->tries; n = next) {
		struct hash_try *t = try_of(n);
		next = n->next;
		if (t->state != HASH_TRY_WAITING || now_ms <= t->latest_ms)
			continue;
		metric_add(M_HASH_LATE, 1);
		push_out(q, t);
	}
}

/* `a` is the older one. */
static bool goes_first(const struct hash_queue *q, const struct hash_try *a, const struct hash_try *b)
{
	int order = compare(a, b);
	return order != 0 ? order < 0 : q->taken <= share_of(q);
}

/* The try to run now, NULL when there is none; *ret_wake_ms then says when to look again. */
static struct hash_try *pick(struct hash_queue *q, int64_t now_ms, int64_t *ret_wake_ms)
{
	struct hash_try *best = NULL;
	*ret_wake_ms = INT64_MAX;
	free_held(q, now_ms);
	drop_late(q, now_ms);
	for (struct list_node *n = q->tries.next; n != &q->tries; n = n->next) {
		struct hash_try *t = try_of(n);
		if (t->state != HASH_TRY_WAITING)
			continue;
		int64_t at_ms = free_at_ms(q, t->email);
		if (at_ms > now_ms)
			*ret_wake_ms = at_ms < *ret_wake_ms ? at_ms : *ret_wake_ms;
		else if (best == NULL || !goes_first(q, best, t))
			best = t;
	}
	return best;
}

static void wait_until(struct hash_queue *q, int64_t wake_ms)
{
	if (wake_ms == INT64_MAX) {
		pthread_cond_wait(&q->wake, &q->lock);
		return;
	}
	struct timespec at = {.tv_sec = wake_ms / 1000, .tv_nsec = wake_ms % 1000 * 1000000};
	(void)pthread_cond_timedwait(&q->wake, &q->lock, &at);
}

/* --- threads */

static struct hash_try *next_try(struct hash_queue *q)
{
	struct hash_try *t = NULL;
	int64_t wake_ms;
	pthread_mutex_lock(&q->lock);
	while (!q->stop && (t = pick(q, clock_mono_ms(), &wake_ms)) == NULL)
		wait_until(q, wake_ms);
	if (t != NULL) {
		take_out(q, t, HASH_TRY_TAKEN);
		list_push(&q->active, &t->node);
	}
	pthread_mutex_unlock(&q->lock);
	return t;
}

static void finish(struct hash_queue *q, struct hash_try *t)
{
	pthread_mutex_lock(&q->lock);
	list_del(&t->node);
	if (t->hold_until_ms > 0)
		hold(q, t);
	if (q->taken > 0)
		pthread_cond_broadcast(&q->wake); /* others may wait for this e-mail */
	pthread_mutex_unlock(&q->lock);
	post_done(t);
}

static void *run(void *arg)
{
	struct hash_queue *q = arg;
	(void)pthread_setname_np(pthread_self(), "hash");
	/* On Linux this sets the calling thread only. */
	if (q->opt.nice > 0)
		(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), q->opt.nice);
	for (struct hash_try *t; (t = next_try(q)) != NULL;) {
		t->work(t);
		finish(q, t);
	}
	return NULL;
}

static void init(struct hash_queue *q, const struct hash_queue_options *o)
{
	pthread_condattr_t monotonic;
	q->opt = *o;
	list_init(&q->tries);
	list_init(&q->active);
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&q->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

enum err_code hash_queue_new(const struct hash_queue_options *o, struct hash_queue **ret, struct err *reterr)
{
	struct hash_queue *q = calloc(1, sizeof *q + o->threads * sizeof(pthread_t));
	if (q == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for the hash threads");
	init(q, o);
	for (; q->running < o->threads; q->running++)
		if (pthread_create(&q->thread[q->running], NULL, run, q) != 0) {
			hash_queue_free(q);
			return err_set(reterr, ERR_NOMEM, "cannot start a hash thread");
		}
	*ret = q;
	return ERR_OK;
}

void hash_queue_free(struct hash_queue *q)
{
	if (q == NULL)
		return;
	pthread_mutex_lock(&q->lock);
	q->stop = true;
	pthread_cond_broadcast(&q->wake);
	pthread_mutex_unlock(&q->lock);
	for (size_t i = 0; i < q->running; i++)
		(void)pthread_join(q->thread[i], NULL);
	while (!list_empty(&q->tries))
		push_out(q, try_of(q->tries.next));
	pthread_cond_destroy(&q->wake);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

/* --- the loop's side */

enum err_code hash_queue_enter(struct hash_queue *q, struct hash_try *t)
{
	pthread_mutex_lock(&q->lock);
	t->used = hash_share_add(&q->share, t->network, clock_mono_ms());
	enum err_code code = enter(q, t);
	pthread_mutex_unlock(&q->lock);
	return code;
}

enum err_code hash_queue_start(struct hash_queue *q, struct loop *home, struct hash_try *t)
{
	int64_t now_ms = clock_mono_ms();
	pthread_mutex_lock(&q->lock);
	if (t->state == HASH_TRY_RESERVED && now_ms > t->latest_ms) {
		metric_add(M_HASH_LATE, 1);
		take_out(q, t, HASH_TRY_OUT);
	}
	bool in = t->state == HASH_TRY_RESERVED;
	if (in) {
		t->home = home;
		t->state = HASH_TRY_WAITING;
		pthread_cond_broadcast(&q->wake); /* a thread may be waiting only for a hold to end */
	}
	pthread_mutex_unlock(&q->lock);
	return in ? ERR_OK : ERR_BUSY;
}

bool hash_queue_leave(struct hash_queue *q, struct hash_try *t)
{
	pthread_mutex_lock(&q->lock);
	if (t->state == HASH_TRY_RESERVED || t->state == HASH_TRY_WAITING)
		take_out(q, t, HASH_TRY_OUT);
	bool out = t->state == HASH_TRY_OUT;
	pthread_mutex_unlock(&q->lock);
	return out;
}
