/* server.h - the HTTP/1.1 server of one listener on one loop: libmicrohttpd in external epoll mode on our
 * socket.
 *
 * Threads  the loop's thread, except server_new before the loop runs. */
#pragma once
#include "config/config.h"
#include "http/request.h"

struct server; /* opaque */

struct server_options {
	enum route_listener listener;
	const struct route *table; /* ends with a row whose handler is NULL */
	const struct config *cfg;
	struct loop *loop;
	struct service *service;
	size_t max_connections; /* fewer than the setting, for lack of descriptors; 0: the setting */
	int fd;                 /* a listening socket; the server closes it */
	bool local; /* listens on loopback: a request whose Host is not a loopback name gets 421 */
	const _Atomic bool *draining; /* once true, each answer closes its connection */
	/* A page for people: calls reply_html.  Used on routes for people and on unknown paths that ask for
	 * HTML. */
	void (*error_page)(struct request *r, enum err_code code, const char *detail);
};

MUST_CHECK enum err_code server_new(const struct server_options *o, struct server **ret, struct err *reterr);
/* Take what waits in the backlog, then stop listening; connections close after their next answer, idle ones
 * after a grace. */
void server_quiesce(struct server *s);
size_t server_open(const struct server *s); /* connections; after server_quiesce 0 means all is answered */
/* Answers waiting requests with 503, then ends.  NULL is a no-op.  Pre: the loop does not run any more. */
void server_free(struct server *s);

const char *server_version(void); /* of libmicrohttpd: "0.9.75" */
