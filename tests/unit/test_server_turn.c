/* What comes together in one turn of the HTTP server's loop. */
#include "server_rig.h"

enum { NEWCOMERS = 10 };

/* Every connection there may be waits for its answer; these are made in the turn in which others connect. */
static void test_newcomers_do_not_take_the_place_of_answers(void **state)
{
	int fd[CONNS], newcomer[NEWCOMERS];
	(void)state;
	for (int i = 0; i < CONNS; i++) {
		fd[i] = raw_connect(port);
		raw_say(fd[i], "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
	}
	server_rig_run_for(30);
	(void)usleep(150000);
	for (int i = 0; i < NEWCOMERS; i++)
		newcomer[i] = raw_connect(port);
	server_rig_run_for(30);
	for (int i = 0; i < CONNS; i++) {
		(void)raw_read(fd[i], text, sizeof text, 0);
		assert_int_equal(raw_status(text, 0), 200);
		(void)close(fd[i]);
	}
	for (int i = 0; i < NEWCOMERS; i++)
		(void)close(newcomer[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_SERVER_HERE(test_newcomers_do_not_take_the_place_of_answers),
	};
	return run_group(tests);
}
