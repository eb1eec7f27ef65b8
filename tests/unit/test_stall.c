/* No stall: 1 to 200 connections whose requests wait for a store that answers from another thread, at once or
 * after 5 ms.  A wake-up the loop misses shows as a pause between answers; the limit of 100 ms holds with
 * LINKD_FULL. */
#include "test.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "http/listen.h"
#include "http/server.h"
#include "obs/log.h"
#include "raw_client.h"
#include "store/store.h"

enum { CONNECTIONS_MAX = 200, LIMIT_MS = 100, LOOSE_MS = 2000 };

/* --- a store that answers after a while, in order */

struct slow_store {
	struct store store; /* first */
	int64_t delay_us;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct store_op *head, *tail;
	bool stop;
};

static enum err_code slow_start(struct store_port *p, struct store_op *op)
{
	struct slow_store *slow = (struct slow_store *)(void *)p->store;
	op->next = NULL;
	pthread_mutex_lock(&slow->lock);
	if (slow->head == NULL)
		slow->head = op;
	else
		slow->tail->next = op;
	slow->tail = op;
	pthread_cond_signal(&slow->wake);
	pthread_mutex_unlock(&slow->lock);
	return ERR_OK;
}

static struct store_op *slow_take(struct slow_store *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->head == NULL && !s->stop)
		pthread_cond_wait(&s->wake, &s->lock);
	struct store_op *op = s->head;
	if (op != NULL)
		s->head = op->next;
	pthread_mutex_unlock(&s->lock);
	return op;
}

static void *slow_run(void *arg)
{
	struct slow_store *s = arg;
	for (struct store_op *op; (op = slow_take(s)) != NULL;) {
		int64_t left_us = op->started_us + s->delay_us - clock_mono_us();
		if (left_us > 0)
			(void)usleep((useconds_t)left_us);
		store_finish(op);
	}
	return NULL;
}

static const struct store_vtable slow_vtable = {.traits = {.name = "slow"}, .start = slow_start};
static struct slow_store slow;
static struct store_port slow_port;

/* --- a handler that waits for it */

static void on_store(void *arg, struct store_op *op)
{
	struct request *r = arg;
	r->flow = NULL;
	(void)op;
	reply_text(r, 200, STR("ok"));
}

static void cleanup(struct request *r)
{
	if (r->flow != NULL)
		store_cancel(r->flow);
}

static void on_request(struct request *r)
{
	struct store_op *op = store_op_new(STORE_PING, r->deadline_ms);
	r->flow = op;
	r->cleanup = cleanup;
	assert_int_equal(store_start(&slow_port, op, on_store, r, NULL), ERR_OK);
}

static const struct route table[] = {
        {.method = "GET", .path = "/", .handler = on_request, .label = "store", .deadline_ms = 5000},
        {.handler = NULL},
};

/* --- service and clients */

static struct loop *loop;
static struct server *server;
static struct config cfg = {
        .max_connections = 1000, .header_timeout = 10, .send_timeout = 30, .keepalive_timeout = 75};
static _Atomic bool draining;
static pthread_t loop_thread;
static int port;

static void *loop_go(void *arg)
{
	(void)arg;
	loop_run(loop);
	return NULL;
}

static void start(int64_t delay_us)
{
	char addr[LISTEN_ADDR_MAX];
	struct server_options o = {.table = table, .cfg = &cfg, .draining = &draining};
	slow = (struct slow_store){.store = {.vt = &slow_vtable, .in_flight_max = 1000},
	                           .delay_us = delay_us};
	pthread_mutex_init(&slow.lock, NULL);
	pthread_cond_init(&slow.wake, NULL);
	assert_int_equal(pthread_create(&slow.thread, NULL, slow_run, &slow), 0);
	assert_int_equal(loop_new(&loop, NULL), ERR_OK);
	assert_int_equal(listen_open("127.0.0.1:0", LISTEN_FIRST, &o.fd, addr, NULL), ERR_OK);
	port = (int)strtol(strrchr(addr, ':') + 1, NULL, 10);
	o.loop = loop;
	slow_port = (struct store_port){.store = &slow.store, .loop = loop};
	assert_int_equal(server_new(&o, &server, NULL), ERR_OK);
	assert_int_equal(pthread_create(&loop_thread, NULL, loop_go, NULL), 0);
}

static void stop(void)
{
	loop_stop(loop);
	(void)pthread_join(loop_thread, NULL);
	server_free(server);
	pthread_mutex_lock(&slow.lock);
	slow.stop = true;
	pthread_cond_signal(&slow.wake);
	pthread_mutex_unlock(&slow.lock);
	(void)pthread_join(slow.thread, NULL);
	loop_drain(loop);
	loop_free(loop);
}

static void ask_again(int fd)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	raw_send(fd, request, sizeof request - 1);
}

struct figures {
	int answers;
	int64_t longest_ms; /* between two answers */
};

static struct figures drive(struct pollfd *p, int n, int64_t for_ms)
{
	struct figures f = {0};
	char in[1024];
	int64_t last = clock_mono_ms(), end = last + for_ms;
	while (last < end) {
		int ready = poll(p, (nfds_t)n, patience(LOOSE_MS));
		int64_t now = clock_mono_ms();
		if (now - last > f.longest_ms)
			f.longest_ms = now - last;
		last = now;
		for (int i = 0; i < n && ready > 0; i++) {
			if (p[i].revents == 0)
				continue;
			assert_true(recv(p[i].fd, in, sizeof in, 0) > 0);
			f.answers++;
			ask_again(p[i].fd);
		}
	}
	return f;
}

static void no_pause(int connections, int64_t delay_us)
{
	bool full = getenv("LINKD_FULL") != NULL;
	struct pollfd p[CONNECTIONS_MAX];
	start(delay_us);
	for (int i = 0; i < connections; i++) {
		p[i] = (struct pollfd){.fd = raw_connect(port), .events = POLLIN};
		assert_true(p[i].fd >= 0);
		ask_again(p[i].fd);
	}
	struct figures f = drive(p, connections, full ? 3000 : patience(300));
	for (int i = 0; i < connections; i++)
		(void)close(p[i].fd);
	stop();
	print_message("%d connections, store of %lld ms: %d answers, longest pause %lld ms\n", connections,
	              (long long)delay_us / 1000, f.answers, (long long)f.longest_ms);
	assert_true(f.answers >= connections);
	assert_true(f.longest_ms < (full ? LIMIT_MS : patience(LOOSE_MS)));
}

static void test_no_pause_with_a_store_of_0_ms(void **state)
{
	static const int connections[] = {1, 2, 16, CONNECTIONS_MAX};
	(void)state;
	for (size_t i = 0; i < sizeof connections / sizeof connections[0]; i++)
		no_pause(connections[i], 0);
}

static void test_no_pause_with_a_store_of_5_ms(void **state)
{
	static const int connections[] = {1, 2, 16, CONNECTIONS_MAX};
	(void)state;
	for (size_t i = 0; i < sizeof connections / sizeof connections[0]; i++)
		no_pause(connections[i], 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_no_pause_with_a_store_of_0_ms),
	        cmocka_unit_test(test_no_pause_with_a_store_of_5_ms),
	};
	(void)signal(SIGPIPE, SIG_IGN);
	if (crypto_start(NULL) != ERR_OK || log_start(LOG_ERROR, LOG_JSON, STDERR_FILENO, NULL) != ERR_OK)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	log_stop();
	return failed;
}
