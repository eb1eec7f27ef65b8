/* One turn of a loop on which many connections wait: each is accepted, so that nobody's look at /healthz
 * waits behind them for as many turns, which are long when there is much to do. */
#include "test.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/crypto.h"
#include "http/listen.h"
#include "http/server.h"
#include "obs/metrics.h"

enum { CLIENTS = 100 };

static void on_request(struct request *r)
{
	reply_text(r, 200, STR("ok"));
}

static const struct route table[] = {
        {.method = "GET", .path = "/", .handler = on_request, .label = "ok", .deadline_ms = 5000},
        {.handler = NULL},
};

static struct loop *loop;

static void end_turn(struct loop_post *p)
{
	(void)p;
	loop_stop(loop);
}

static int dial(const char *addr)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	                         .sin_port = htons((uint16_t)strtol(strrchr(addr, ':') + 1, NULL, 10)),
	                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static void test_a_turn_accepts_all_that_wait(void **state)
{
	static struct config cfg = {
	        .max_connections = 1000, .header_timeout = 10, .send_timeout = 30, .keepalive_timeout = 75};
	static _Atomic bool draining;
	struct server_options o = {.table = table, .cfg = &cfg, .draining = &draining};
	struct loop_post last = {.fn = end_turn};
	char addr[LISTEN_ADDR_MAX];
	struct server *server;
	int fd[CLIENTS];
	(void)state;
	assert_int_equal(loop_new(&loop, NULL), ERR_OK);
	assert_int_equal(listen_open("127.0.0.1:0", LISTEN_FIRST, &o.fd, addr, NULL), ERR_OK);
	o.loop = loop;
	assert_int_equal(server_new(&o, &server, NULL), ERR_OK);
	for (int i = 0; i < CLIENTS; i++)
		fd[i] = dial(addr);
	loop_post(loop, &last);
	loop_run(loop);
	assert_int_equal(metric_value(M_CONNECTIONS), CLIENTS);
	for (int i = 0; i < CLIENTS; i++)
		(void)close(fd[i]);
	server_free(server);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_turn_accepts_all_that_wait)};
	return crypto_start(NULL) == ERR_OK ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}
