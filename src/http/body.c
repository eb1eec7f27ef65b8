#include "http/body.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "http/private.h"
#include "obs/metrics.h"

enum {
	SMALL_SHARE = 4,   /* the small room is the budget divided by this */
	NETWORK_SHARE = 4, /* a network's share is its room divided by this */
	NETWORKS = 1024,   /* counters; networks that share a counter count as one network */
	/* Bytes.  Larger bodies count as this size, so that the older one is the slower one: a large burst
	 * must not keep its memory for longer than other bodies. */
	PACE_MAX = 256 * 1024,
};

struct room {
	_Atomic size_t taken;      /* bytes of all its bodies */
	struct list_node cuttable; /* bodies; this and the rest are under the lock */
	size_t cuttable_bytes;     /* bytes of these bodies */
	size_t held_by[NETWORKS];  /* bytes of counted bodies */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct room rooms[BODY_ROOMS] = {
        {.cuttable = {&rooms[BODY_SMALL].cuttable, &rooms[BODY_SMALL].cuttable}},
        {.cuttable = {&rooms[BODY_LARGE].cuttable, &rooms[BODY_LARGE].cuttable}},
};

/* The largest body must fit even when the budget is hardly larger than it. */
static size_t room_max(const struct body_options *o, enum body_room which)
{
	size_t small = o->budget / SMALL_SHARE, large = o->budget - small;
	return which == BODY_SMALL ? small : large < o->max ? o->max : large;
}

static bool charge(const struct body_options *o, enum body_room which, size_t n)
{
	struct room *room = &rooms[which];
	size_t max = room_max(o, which), before = atomic_load_explicit(&room->taken, memory_order_relaxed);
	do {
		if (n > max || before > max - n)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&room->taken, &before, before + n,
	                                                memory_order_relaxed, memory_order_relaxed));
	return true;
}

static void give_back(enum body_room which, size_t n)
{
	atomic_fetch_sub_explicit(&rooms[which].taken, n, memory_order_relaxed);
}

/* --- under the lock */

/* The seed is random, so that a client cannot choose a network that shares the counter of another one. */
static unsigned counter_of(const char *client)
{
	static uint64_t seed;
	if (seed == 0 && crypto_random(&seed, sizeof seed) != ERR_OK)
		seed = 1;
	uint64_t x = (client_address_network(client) ^ seed) * 0x9e3779b97f4a7c15U;
	x = (x ^ x >> 32) * (seed | 1);
	return (unsigned)(x >> 32) % NETWORKS;
}

static void list(struct body *b)
{
	struct room *room = &rooms[b->room];
	if (!b->counted) {
		b->network = counter_of(b->opt.client);
		room->held_by[b->network] += b->charged;
	}
	b->counted = b->shared = true;
	list_push(&room->cuttable, &b->node);
	room->cuttable_bytes += b->charged;
}

static void unlist(struct body *b)
{
	if (b->node.next != NULL)
		rooms[b->room].cuttable_bytes -= b->charged;
	list_del(&b->node);
}

static void leave(struct body *b)
{
	unlist(b);
	if (b->counted)
		rooms[b->room].held_by[b->network] -= b->charged;
	b->counted = false;
	give_back(b->room, b->charged);
	b->charged = 0;
}

/* A large body has memory pages of its own.  So it uses no more memory than it has bytes, is never copied to
 * grow, and does not fragment the heap. */
static bool map_pages(struct body *b)
{
	struct buf small = b->bytes;
	size_t cap = b->opt.max + 1;
	void *p = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return false;
	buf_over(&b->bytes, p, cap);
	buf_str(&b->bytes, buf_view(&small));
	crypto_wipe_buf(&small);
	b->mapped = true;
	return true;
}

static void wipe(struct body *b)
{
	metric_add(M_BODY_BYTES, -(int64_t)b->bytes.len);
	if (!b->mapped) {
		crypto_wipe_buf(&b->bytes);
		return;
	}
	(void)munmap(b->bytes.p, b->bytes.cap);
	b->mapped = false;
	buf_init(&b->bytes, b->opt.max);
}

static void cut(struct body *b)
{
	wipe(b);
	leave(b);
	b->cut = true;
}

/* A share is never less than one body. */
static bool over_share(const struct body *b)
{
	size_t share = room_max(&b->opt, b->room) / NETWORK_SHARE;
	size_t one = b->room == BODY_SMALL ? BODY_SMALL_MAX : b->opt.max;
	return rooms[b->room].held_by[b->network] > (share < one ? one : share);
}

struct pace {
	bool over;
	uint64_t bytes, ms;
};

static struct pace pace_of(const struct body *b, int64_t now_ms)
{
	int64_t age = now_ms - b->opt.since_ms;
	size_t len = b->bytes.len;
	return (struct pace){.over = over_share(b),
	                     .bytes = len < BODY_SMALL_MAX ? BODY_SMALL_MAX
	                              : len > PACE_MAX     ? PACE_MAX
	                                                   : len,
	                     .ms = age < 1 ? 1 : (uint64_t)age};
}

static bool goes_before(const struct pace *a, const struct pace *b)
{
	return a->over != b->over ? a->over : a->bytes * b->ms < b->bytes * a->ms;
}

/* NULL: no body of the room may be cut. */
static struct body *first_to_go(enum body_room which)
{
	struct body *first = NULL;
	struct pace slowest = {0};
	int64_t now_ms = clock_mono_ms();
	for (struct list_node *n = rooms[which].cuttable.next; n != &rooms[which].cuttable; n = n->next) {
		struct body *b = LIST_ENTRY(n, struct body, node);
		struct pace pace = pace_of(b, now_ms);
		if (first == NULL || goes_before(&pace, &slowest)) {
			first = b;
			slowest = pace;
		}
	}
	return first;
}

/* Charge n bytes for b, and evict other bodies for them; b itself when it is the first to be evicted. */
static enum err_code make_room(struct body *b, enum body_room which, size_t n)
{
	while (!charge(&b->opt, which, n)) {
		struct body *first = first_to_go(which);
		if (first == NULL)
			return ERR_BUSY;
		cut(first);
		if (first == b)
			return ERR_BUSY;
	}
	return ERR_OK;
}

static enum err_code put(struct body *b, const void *p, size_t n)
{
	if (b->room == BODY_LARGE && !b->mapped && !map_pages(b))
		return ERR_NOMEM;
	buf_put(&b->bytes, p, n);
	if (b->bytes.failed)
		return ERR_NOMEM;
	metric_add(M_BODY_BYTES, (int64_t)n);
	return ERR_OK;
}

static enum err_code grow(struct body *b, const void *p, size_t n)
{
	size_t len = b->bytes.len + n;
	enum body_room which = len > BODY_SMALL_MAX ? BODY_LARGE : BODY_SMALL;
	if (b->cut)
		return ERR_BUSY;
	if (n > b->bytes.max - b->bytes.len)
		return ERR_TOO_LARGE;
	enum err_code code = make_room(b, which, which == b->room ? n : len);
	if (code != ERR_OK)
		return code;
	unlist(b);
	if (which != b->room)
		leave(b);
	if (b->counted)
		rooms[which].held_by[b->network] += n;
	b->room = which;
	b->charged = len;
	code = put(b, p, n);
	list(b);
	return code;
}

/* --- for the owner */

void body_init(struct body *b, const struct body_options *o)
{
	*b = (struct body){.opt = *o};
	buf_init(&b->bytes, o->max);
}

/* True: other bodies need not know of b, since it is outside of the budget, or small and in one piece, as
 * most are. */
static bool alone(struct body *b, size_t n)
{
	if (b->shared)
		return false;
	if (b->opt.budget == 0)
		return true;
	if (b->bytes.len > 0 || n != b->opt.length || n > BODY_SMALL_MAX || !charge(&b->opt, BODY_SMALL, n))
		return false;
	b->charged = n;
	return true;
}

enum err_code body_add(struct body *b, const void *p, size_t n)
{
	if (alone(b, n))
		return n > b->bytes.max - b->bytes.len ? ERR_TOO_LARGE : put(b, p, n);
	pthread_mutex_lock(&lock);
	enum err_code code = grow(b, p, n);
	pthread_mutex_unlock(&lock);
	return code;
}

enum err_code body_hold(struct body *b)
{
	if (!b->shared)
		return ERR_OK;
	pthread_mutex_lock(&lock);
	unlist(b);
	bool was_cut = b->cut;
	pthread_mutex_unlock(&lock);
	return was_cut ? ERR_BUSY : ERR_OK;
}

void body_offer(struct body *b)
{
	if (!b->shared)
		return;
	pthread_mutex_lock(&lock);
	list(b);
	pthread_mutex_unlock(&lock);
}

void body_move(struct body *to, struct body *from)
{
	*to = *from;
	to->opt.client = NULL;
	body_init(from, &(struct body_options){.budget = from->opt.budget});
}

void body_done(struct body *b)
{
	bool was_cut = body_hold(b) != ERR_OK;
	if (!was_cut)
		wipe(b);
	if (!b->shared) {
		give_back(b->room, b->charged);
		b->charged = 0;
		return;
	}
	pthread_mutex_lock(&lock);
	leave(b);
	pthread_mutex_unlock(&lock);
}

bool body_fits(const struct body_options *o)
{
	if (o->budget == 0 || o->length == BODY_NO_LENGTH || o->length <= BODY_SMALL_MAX)
		return true;
	struct room *room = &rooms[BODY_LARGE];
	pthread_mutex_lock(&lock);
	size_t fixed = atomic_load_explicit(&room->taken, memory_order_relaxed) - room->cuttable_bytes;
	pthread_mutex_unlock(&lock);
	size_t max = room_max(o, BODY_LARGE);
	return o->length <= max && fixed <= max - o->length;
}
