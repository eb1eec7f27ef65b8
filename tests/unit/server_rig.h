/* server_rig.h - a server on a thread with toy routes, for the tests of the HTTP server. */
#pragma once
#include "test.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "http/listen.h"
#include "http/server.h"
#include "raw_client.h"

enum { DEADLINE_MS = 600, BODY_MAX = 1000, CONNS = 16, QUIET_MS = 150, ANSWER_MS = 3000 };

extern struct loop *loop;
extern struct server *server;
extern struct config cfg; /* set by server_rig_open */
extern const struct route table[];
extern _Atomic bool draining;
extern int port;
extern atomic_int cleaned, handled; /* cleanups and handlers run */
extern char text[70000];            /* the last answer */

int server_rig_open(void); /* without a thread: the test runs the loop */
void server_rig_run_for(int64_t ms);
void server_rig_close(void);
int server_rig_setup(void **state);
int server_rig_teardown(void **state);
int server_rig_setup_here(void **state); /* without a thread */
int server_rig_teardown_here(void **state);
int server_rig_run(const struct CMUnitTest *tests, size_t n); /* what main returns */

bool ask(const char *request); /* send, read the answer into text; true when the server closed */
int status_of(const char *request);

#define WITH_SERVER(f) cmocka_unit_test_setup_teardown(f, server_rig_setup, server_rig_teardown)
#define WITH_SERVER_HERE(f) \
	cmocka_unit_test_setup_teardown(f, server_rig_setup_here, server_rig_teardown_here)
#define run_group(tests) server_rig_run(tests, sizeof tests / sizeof tests[0])
