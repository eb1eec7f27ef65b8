/* floor.c - the least a request can cost here: libmicrohttpd in our loop, one constant answer, nothing else.
 * Prints its port.  The daemon is driven as in src/http/server.c; its memory is the library's
 * default, which it clears for every request. */
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "http/listen.h"
#include "loop/loop.h"
#include "obs/metrics.h"

enum { CONNECTIONS_MAX = 4096 };

struct floor {
	struct loop *loop;
	struct MHD_Daemon *daemon;
	struct MHD_Response *answer;
	struct loop_watch watch;
	struct loop_source source;
	bool ready;
	int64_t due_ms;
};

static bool settle(struct loop_source *source)
{
	struct floor *f = LIST_ENTRY(source, struct floor, source);
	if (!f->ready && (f->due_ms < 0 || f->due_ms > loop_now_ms(f->loop)))
		return false;
	f->ready = false;
	f->due_ms = -1;
	(void)MHD_run(f->daemon);
	return true;
}

static int64_t due_ms(struct loop_source *source)
{
	struct floor *f = LIST_ENTRY(source, struct floor, source);
	MHD_UNSIGNED_LONG_LONG wait;
	f->due_ms = -1;
	if (MHD_get_timeout(f->daemon, &wait) == MHD_YES)
		f->due_ms = loop_now_ms(f->loop) + (int64_t)wait;
	return f->due_ms;
}

static void on_ready(struct loop_watch *w, uint32_t events)
{
	(void)events;
	LIST_ENTRY(w, struct floor, watch)->ready = true;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *k, const char *url, const char *method,
                                  const char *version, const char *body, size_t *body_n, void **context)
{
	const struct floor *f = arg;
	static char seen;
	(void)url;
	(void)method;
	(void)version;
	(void)body;
	if (*context == NULL) { /* an answer to the first call closes the connection */
		*context = &seen;
		return MHD_YES;
	}
	if (*body_n > 0) {
		*body_n = 0;
		return MHD_YES;
	}
	return MHD_queue_response(k, MHD_HTTP_OK, f->answer);
}

static bool start(struct floor *f, int fd)
{
	static char text[] = "ok\n";
	struct err e;
	f->answer = MHD_create_response_from_buffer(sizeof text - 1, text, MHD_RESPMEM_PERSISTENT);
	f->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME |
	                                     MHD_USE_ERROR_LOG,
	                             0, NULL, NULL, on_request, f, MHD_OPTION_LISTEN_SOCKET, fd,
	                             MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_END);
	if (f->answer == NULL || f->daemon == NULL)
		return false;
	f->watch = (struct loop_watch){
	        .fd = MHD_get_daemon_info(f->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, .fn = on_ready};
	f->source = (struct loop_source){.settle = settle, .due_ms = due_ms};
	loop_source_add(f->loop, &f->source);
	return loop_watch_add(f->loop, &f->watch, EPOLLIN, &e) == ERR_OK;
}

int main(void)
{
	struct floor f = {.due_ms = -1};
	char addr[LISTEN_ADDR_MAX];
	struct err e = {.msg = ""};
	int fd;
	if (metrics_thread_start(&e) != ERR_OK || loop_new(&f.loop, &e) != ERR_OK ||
	    listen_open("127.0.0.1:0", true, &fd, addr, &e) != ERR_OK || !start(&f, fd)) {
		(void)fprintf(stderr, "floor: does not start: %s\n", e.msg);
		return 1;
	}
	printf("%s\n", strchr(addr, ':') + 1);
	(void)fflush(stdout);
	loop_run(f.loop);
	return 0;
}
