/* http/private.h - what the files of http/ share; only they and their tests include it. */
#pragma once
#include <microhttpd.h>

#include "base/list.h"
#include "http/body.h"
#include "http/guard.h"
#include "http/request.h"
#include "http/server.h"

enum {
	ANSWER_HEADERS_MAX = 10,
	ANSWER_TEXT_MAX = 16384, /* bytes of all header values of one answer */
	OVER_MS = 500,   /* deadline of a head on a connection beyond the limit: the reserve is small */
	STALL_MS = 1000, /* at the limit, a request or an answer that takes longer is closed first */
	FRESH_MS = 50,   /* at the limit, an answer is not closed for that long: its work has been done */
	DEADLINE_GRACE_MS = 250, /* time for the handler to answer at its own deadline */
	/* Idle connections that had a request.  Each takes 46 KiB of memory, because libmicrohttpd clears its
	 * whole buffer. */
	KEPT_MAX = 256,
	KEPT_SHARE = 64, /* of one network, while another network needs a place */
	KEPT_SEEN = 8,   /* the oldest that are examined: for each of them all are counted */
};

struct request_answer {
	unsigned status; /* 0: not answered */
	const char *content_type;
	const char *cache_control; /* NULL: no-store */
	const char *csp;           /* NULL: none */
	struct buf body;
	struct {
		const char *name;
		size_t value; /* offset in text */
	} header[ANSWER_HEADERS_MAX];
	size_t n;
	struct buf text; /* header values, NUL after each */
	bool close;
	char *error; /* for the log line; owned; NULL: none */
	enum err_code code;
	void (*made)(struct request *r); /* the answer is complete: wake the connection */
};

/* Where a request stands, in order of time. */
enum server_stage {
	STAGE_HEAD, /* request line seen */
	STAGE_BODY, /* admitted, body coming */
	STAGE_WAIT, /* handler ran, connection suspended */
	STAGE_SENT, /* answer queued */
};

struct server_request {
	struct request r;
	struct server *server;
	struct server_conn *conn;
	bool people; /* errors are pages */
	struct request_answer answer;
	enum server_stage stage;
	struct body body;
	char caller_id[65]; /* X-Request-Id or traceparent that came; empty: none */
	size_t route_slot;  /* for metrics: row of the table + 1, 0 without a route */
	char uri[];         /* raw request target; after it as much room for r.arg */
};

struct server_conn {
	struct list_node node; /* in one of the server's lists */
	struct server *server;
	struct MHD_Connection *mhd;
	int fd;
	char peer[REQUEST_ADDR_MAX];
	uint64_t network;         /* of the peer */
	int64_t since_ms;         /* in its list */
	struct loop_timer timer;  /* end of its present state */
	struct server_request *q; /* NULL between requests */
	bool leaving;             /* shut down, not closed yet */
	bool over;                /* beyond the limit: served only where the route stays */
	bool linger;              /* answered before the body was read */
	bool kept;                /* counted in server.kept_n: it had an answer, and no request since */
};

struct server {
	struct server_options opt;
	struct MHD_Daemon *daemon;
	struct loop_watch watch; /* libmicrohttpd's epoll descriptor */
	struct loop_source source;
	bool ready;     /* MHD_run has something to do */
	int64_t due_ms; /* libmicrohttpd's own timeout, absolute; -1: none */
	size_t most;    /* connections; beyond it a new one closes another */
	/* Each in order of time: between requests; receiving or sending; with a running handler or leaving;
	 * answered before the body was read. */
	struct list_node idle, active, held, lingering;
	size_t open, leaving, lingering_n, kept_n;
	size_t accepted;     /* connections ever */
	uint8_t random[256]; /* for the next request ids; many are drawn at once */
	size_t random_left;
	bool quiesced;           /* no longer listening */
	bool stopping;           /* no handler runs any more */
	struct loop_timer sweep; /* after quiesce: closes idle connections */
};

/* reply.c */
MUST_CHECK enum MHD_Result reply_queue(struct server_request *q); /* MHD_NO closes the connection */
enum MHD_Result reply_no_memory(const struct server *s, struct MHD_Connection *k);
void reply_last_words(
        struct server_request *q);         /* answers while a body arrives, then closes the connection */
void reply_done(struct request_answer *a); /* free its memory */

/* server.c: a connection */
struct server_conn *server_conn_of(struct MHD_Connection *k);
void server_conn_deadline(struct server_conn *c, int64_t due_ms);
void server_conn_head_deadline(struct server_conn *c); /* of a request line, and then of its headers */
void server_conn_send_deadline(struct server_conn *c); /* of the client to take an answer */
void server_conn_idle(struct server_conn *c);
void server_conn_active(struct server_conn *c);
void server_conn_held(struct server_conn *c);
bool server_conn_keep(struct server_conn *c); /* whether it stays open after its answer */
void server_conn_hang_up(struct server_conn *c);

/* client_address.c: the client's address: the peer's, or the one that trusted proxies give in X-Forwarded-For.
 *
 * The list is read from the right.  The first address that is not a trusted proxy is the client's, so an address
 * that the client wrote itself is never used. */

/* The peer's address as text, "" when it has none. */
void client_address_peer(const struct sockaddr *peer, char ret[REQUEST_ADDR_MAX]);

/* The network of an address as a number: /24 of IPv4, /48 of IPv6.  Texts that are not addresses share one.
 */
uint64_t client_address_network(const char *address);

/* Write the client's address to ret; true when the peer itself is a trusted proxy. */
bool client_address_find(const struct strlist *proxies, const char peer[REQUEST_ADDR_MAX],
                         struct str forwarded, char ret[REQUEST_ADDR_MAX]);

/* server_linger.c */
void server_linger_start(struct server_conn *c);
void server_linger_end_all(struct server *s);

/* server_admit.c */
enum { SERVER_ALLOW_MAX = 64 };
/* Set r->route and fill r->arg.  HEAD takes GET's row.
 * Errors  ERR_NOT_FOUND; ERR_METHOD: r->route is a row of that path and ret_allow the Allow value. */
MUST_CHECK enum err_code server_route(const struct route *table, enum route_listener listener,
                                      struct request *r, char ret_allow[SERVER_ALLOW_MAX]);
/* Return  ERR_OK: the body may come, or the route's admit has answered already. */
MUST_CHECK enum err_code server_admit(struct server_request *q, const char *version, struct err *reterr);

/* request.c: callbacks of libmicrohttpd */
void *request_new(void *arg, const char *uri, struct MHD_Connection *k);
enum MHD_Result request_handle(void *arg, struct MHD_Connection *k, const char *url, const char *method,
                               const char *version, const char *data, size_t *n, void **context);
void request_done(void *arg, struct MHD_Connection *k, void **context, enum MHD_RequestTerminationCode why);

/* request.c */
void request_deadline(struct server_conn *c);
void request_lost(struct server_conn *c); /* its connection closes; without a request: a no-op */
void request_fail(struct server_request *q, enum err_code code, const struct err *why);
MUST_CHECK enum err_code request_head_check(struct server_request *q, const char *version,
                                            struct guard_framing *ret, struct err *reterr);
/* All lines of that name as one list (RFC 9110 5.3). */
void request_join(const struct server_request *q, const char *name, struct buf *out);
