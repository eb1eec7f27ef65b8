#include "loop/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "obs/metrics.h"

enum {
	EVENTS_MAX = 64,
	SETTLE_ROUNDS = 16, /* after them the loop polls its descriptors without waiting, then goes on */
	SLEEP_MAX_MS = 60000,
};

/* A binary heap.  It owns its array, not the timers. */
struct timers {
	struct timers_entry {
		int64_t due_ms; /* a copy: a comparison does not read the memory of the timer's owner */
		struct loop_timer *timer;
	} * v;         /* v[0] unused; v[1] is due first */
	size_t n, cap; /* n timers in v[1..n] */
};

struct loop {
	int epoll_fd;
	struct loop_watch inbox; /* eventfd: there are posts, or loop_stop was called */
	pthread_mutex_t lock;    /* guards head, tail, stop */
	struct loop_post *head, *tail;
	bool stop;
	int64_t now_ms;
	struct timers timers;
	struct list_node tasks, round_end; /* round_end: a mark in `tasks` */
	struct list_node sources;
	struct epoll_event event[EVENTS_MAX]; /* of this turn; [at, n) are not handled yet */
	int at, n;
};

/* --- timers */

static void put(struct timers *h, size_t slot, struct timers_entry e)
{
	h->v[slot] = e;
	e.timer->slot = slot;
}

static void sift_up(struct timers *h, size_t slot)
{
	struct timers_entry e = h->v[slot];
	while (slot > 1 && h->v[slot / 2].due_ms > e.due_ms) {
		put(h, slot, h->v[slot / 2]);
		slot /= 2;
	}
	put(h, slot, e);
}

static void sift_down(struct timers *h, size_t slot)
{
	struct timers_entry e = h->v[slot];
	for (size_t child; (child = slot * 2) <= h->n; slot = child) {
		if (child < h->n && h->v[child + 1].due_ms < h->v[child].due_ms)
			child++;
		if (h->v[child].due_ms >= e.due_ms)
			break;
		put(h, slot, h->v[child]);
	}
	put(h, slot, e);
}

static enum err_code grow(struct timers *h)
{
	size_t cap = h->cap == 0 ? 64 : h->cap * 2;
	struct timers_entry *v = realloc(h->v, cap * sizeof v[0]);
	if (v == NULL)
		return ERR_NOMEM;
	h->v = v;
	h->cap = cap;
	return ERR_OK;
}

static enum err_code timers_set(struct timers *h, struct loop_timer *t, int64_t due_ms)
{
	if (t->slot == 0) {
		if (h->n + 1 >= h->cap && grow(h) != ERR_OK)
			return ERR_NOMEM;
		t->slot = ++h->n;
	}
	t->due_ms = due_ms;
	put(h, t->slot, (struct timers_entry){due_ms, t});
	sift_up(h, t->slot);
	sift_down(h, t->slot);
	return ERR_OK;
}

static void timers_clear(struct timers *h, struct loop_timer *t)
{
	size_t slot = t->slot;
	if (slot == 0)
		return;
	t->slot = 0;
	struct timers_entry last = h->v[h->n--];
	if (last.timer == t)
		return;
	put(h, slot, last);
	sift_up(h, slot);
	sift_down(h, last.timer->slot);
}

static int64_t timers_due_ms(const struct timers *h)
{
	return h->n == 0 ? -1 : h->v[1].due_ms;
}

static bool timers_run(struct timers *h, int64_t now_ms)
{
	bool any = false;
	/* A timer that is armed again for now waits for the next round. */
	for (size_t left = h->n; left > 0 && h->n > 0 && h->v[1].due_ms <= now_ms; left--) {
		struct loop_timer *t = h->v[1].timer;
		timers_clear(h, t);
		t->fn(t);
		any = true;
	}
	return any;
}

/* --- the loop */

static int64_t refresh_now(struct loop *l)
{
	l->now_ms = clock_mono_ms();
	return l->now_ms;
}

/* Run all posts in order; what they post waits for the next turn. */
static void inbox_ready(struct loop_watch *w, uint32_t events)
{
	struct loop *l = LIST_ENTRY(w, struct loop, inbox);
	uint64_t count;
	(void)events;
	if (read(w->fd, &count, sizeof count) < 0 && errno != EAGAIN && errno != EINTR)
		return;
	pthread_mutex_lock(&l->lock);
	struct loop_post *p = l->head;
	l->head = l->tail = NULL;
	pthread_mutex_unlock(&l->lock);
	while (p != NULL) {
		struct loop_post *next = p->next;
		p->fn(p);
		p = next;
	}
}

static void wake(struct loop *l)
{
	uint64_t one = 1;
	ssize_t n;
	do
		n = write(l->inbox.fd, &one, sizeof one);
	while (n < 0 && errno == EINTR);
}

enum err_code loop_new(struct loop **ret, struct err *reterr)
{
	struct loop *l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for an event loop");
	pthread_mutex_init(&l->lock, NULL);
	list_init(&l->tasks);
	list_init(&l->sources);
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->inbox = (struct loop_watch){.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .fn = inbox_ready};
	(void)refresh_now(l);
	if (l->epoll_fd < 0 || l->inbox.fd < 0) {
		loop_free(l);
		return err_set(reterr, ERR_NOMEM, "no descriptor for an event loop (see ulimit -n)");
	}
	enum err_code code = loop_watch_add(l, &l->inbox, EPOLLIN, reterr);
	if (code != ERR_OK) {
		loop_free(l);
		return code;
	}
	*ret = l;
	return ERR_OK;
}

void loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	if (l->epoll_fd >= 0)
		(void)close(l->epoll_fd);
	if (l->inbox.fd >= 0)
		(void)close(l->inbox.fd);
	free(l->timers.v);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

int64_t loop_now_ms(const struct loop *l)
{
	return l->now_ms;
}

void loop_post(struct loop *l, struct loop_post *p)
{
	p->next = NULL;
	pthread_mutex_lock(&l->lock);
	bool first = l->head == NULL;
	if (first)
		l->head = p;
	else
		l->tail->next = p;
	l->tail = p;
	if (first)
		wake(l); /* under the lock: the loop may be freed after its thread has seen the post */
	pthread_mutex_unlock(&l->lock);
}

void loop_stop(struct loop *l)
{
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	wake(l);
	pthread_mutex_unlock(&l->lock);
}

void loop_drain(struct loop *l)
{
	inbox_ready(&l->inbox, 0);
}

static bool stopping(struct loop *l)
{
	pthread_mutex_lock(&l->lock);
	bool stop = l->stop;
	pthread_mutex_unlock(&l->lock);
	return stop;
}

enum err_code loop_timer_set(struct loop *l, struct loop_timer *t, int64_t due_ms)
{
	return timers_set(&l->timers, t, due_ms);
}

void loop_timer_clear(struct loop *l, struct loop_timer *t)
{
	timers_clear(&l->timers, t);
}

static int control(struct loop *l, int op, struct loop_watch *w, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};
	return epoll_ctl(l->epoll_fd, op, w->fd, &ev);
}

enum err_code loop_watch_add(struct loop *l, struct loop_watch *w, uint32_t events, struct err *reterr)
{
	if (control(l, EPOLL_CTL_ADD, w, events) != 0)
		return err_set(reterr, ERR_NOMEM, "cannot watch a descriptor: errno %d", errno);
	return ERR_OK;
}

enum err_code loop_watch_mod(struct loop *l, struct loop_watch *w, uint32_t events)
{
	return control(l, EPOLL_CTL_MOD, w, events) == 0 ? ERR_OK : ERR_INTERNAL;
}

/* Events that this turn has already fetched are dropped too. */
void loop_watch_del(struct loop *l, struct loop_watch *w)
{
	for (int i = l->at; i < l->n; i++)
		if (l->event[i].data.ptr == w)
			l->event[i].data.ptr = NULL;
	(void)control(l, EPOLL_CTL_DEL, w, 0);
}

void loop_task_add(struct loop *l, struct loop_task *t)
{
	list_push(&l->tasks, &t->node);
}

void loop_task_cancel(struct loop_task *t)
{
	list_del(&t->node);
}

void loop_source_add(struct loop *l, struct loop_source *s)
{
	list_push(&l->sources, &s->node);
}

void loop_source_del(struct loop_source *s)
{
	list_del(&s->node);
}

/* Rounds of {due timers, every source, tasks} until one does nothing.  True: there is more to do. */
static bool settle(struct loop *l)
{
	for (int round = 0; round < SETTLE_ROUNDS; round++) {
		bool again = timers_run(&l->timers, refresh_now(l));
		for (struct list_node *n = l->sources.next; n != &l->sources; n = n->next) {
			struct loop_source *s = LIST_ENTRY(n, struct loop_source, node);
			again |= s->settle(s);
		}
		list_push(&l->tasks, &l->round_end); /* tasks that tasks add wait for the next round */
		while (l->tasks.next != &l->round_end) {
			struct loop_task *t = LIST_ENTRY(l->tasks.next, struct loop_task, node);
			list_del(&t->node);
			t->fn(t);
			again = true;
		}
		list_del(&l->round_end);
		if (!again)
			return false;
	}
	return true;
}

static int sleep_ms(struct loop *l)
{
	int64_t due = timers_due_ms(&l->timers);
	for (struct list_node *n = l->sources.next; n != &l->sources; n = n->next) {
		struct loop_source *s = LIST_ENTRY(n, struct loop_source, node);
		int64_t mine = s->due_ms(s);
		if (mine >= 0 && (due < 0 || mine < due))
			due = mine;
	}
	if (due < 0)
		return SLEEP_MAX_MS;
	int64_t wait = due - refresh_now(l);
	return wait < 0 ? 0 : wait > SLEEP_MAX_MS ? SLEEP_MAX_MS : (int)wait;
}

static void handle_events(struct loop *l)
{
	for (l->at = 0; l->at < l->n;) {
		const struct epoll_event *e = &l->event[l->at++];
		struct loop_watch *w = e->data.ptr;
		if (w != NULL)
			w->fn(w, e->events);
	}
	l->n = 0;
}

void loop_run(struct loop *l)
{
	bool hot = settle(l);
	while (!stopping(l)) {
		l->n = epoll_wait(l->epoll_fd, l->event, EVENTS_MAX, hot ? 0 : sleep_ms(l));
		int64_t woke_us = clock_mono_us();
		(void)refresh_now(l);
		handle_events(l);
		hot = settle(l);
		metric_observe_us(H_LOOP_LAG, clock_mono_us() - woke_us);
	}
	pthread_mutex_lock(&l->lock);
	l->stop = false;
	pthread_mutex_unlock(&l->lock);
}
