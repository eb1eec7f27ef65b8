/* http/server_private.h - what the files of http/ share; nobody else includes it. */
#pragma once
#include <sys/socket.h>

#include "base/list.h"
#include "http/body.h"
#include "http/client_address.h"
#include "http/guard.h"
#include "http/request.h"
#include "http/server.h"

struct MHD_Connection;
struct MHD_Daemon;

enum {
	ANSWER_HEADERS_MAX = 10,
	ANSWER_TEXT_MAX = 16384, /* bytes of all header values of one answer */
	OVER_MS = 500,           /* a head on a connection past the limit: what is spare must not be held */
	STALL_MS = 1000,         /* at the limit, a request or answer on its way for longer goes first */
	FRESH_MS = 50,           /* at the limit, an answer just made may go out: what it tells is done */
	DEADLINE_GRACE_MS = 250, /* a handler's own deadline answers first */
	/* Connections between an answer and the next request.  libmicrohttpd clears the whole buffer of one
	 * that had a request, which so takes 46 KiB of memory. */
	KEPT_MAX = 256,
	KEPT_SHARE = 64, /* the most of them that one network keeps while another network needs a place */
	KEPT_SEEN = 8,   /* how many of the oldest are examined, since each time all are counted */
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
	struct loop_timer timer;  /* absolute: whatever the connection does, it ends or moves on by then */
	struct server_request *q; /* NULL between requests */
	bool leaving;             /* told to go, not gone yet */
	bool over;                /* beyond the limit: served only where the route stays */
	bool linger;              /* answered before the body was read */
	bool kept;                /* one of server.kept_n: its answer said so, and no request came since */
};

struct server {
	struct server_options opt;
	struct MHD_Daemon *daemon;
	struct loop_watch watch; /* libmicrohttpd's epoll descriptor */
	struct loop_source source;
	bool ready;     /* something happened that only MHD_run moves on */
	int64_t due_ms; /* libmicrohttpd's own timeout, absolute; -1: none */
	size_t most;    /* connections; past it one makes room */
	/* In order of time: between requests; a request or an answer on its way; a handler at work or told
	 * to go; answered before the body was read. */
	struct list_node idle, active, held, lingering;
	size_t open, leaving, lingering_n, kept_n;
	size_t accepted;     /* connections ever */
	uint8_t random[256]; /* for the next request ids; many are drawn at once */
	size_t random_left;
	bool quiesced;           /* no longer listening */
	bool stopping;           /* no handler runs any more */
	struct loop_timer sweep; /* after quiesce: closes idle connections */
};

/* request.c, reply.c */
void reply_close_all(struct request_answer *a);

/* server_conn.c */
struct server_conn *server_conn_of(struct MHD_Connection *k);
void server_conn_deadline(struct server_conn *c, int64_t due_ms);
void server_conn_head_deadline(struct server_conn *c); /* a request line, or then its headers, must arrive */
void server_conn_idle(struct server_conn *c);
void server_conn_active(struct server_conn *c);
void server_conn_held(struct server_conn *c);
void server_conn_send_deadline(struct server_conn *c); /* an answer must be taken */
bool server_conn_keep(struct server_conn *c);          /* whether it stays open after its answer */
void server_conn_sweep(struct server *s);
void server_conn_hang_up(struct server_conn *c);

/* server_linger.c */
void server_linger_start(struct server_conn *c);
void server_linger_end_all(struct server *s);

/* server_admit.c.  Return  ERR_OK: the body may come, or the route's admit has answered already. */
MUST_CHECK enum err_code server_admit(struct server_request *q, const char *version, struct err *reterr);

/* server_request.c */
void server_request_answered(struct request *r);
void server_request_deadline(struct server_conn *c);
void server_request_lost(struct server_conn *c); /* its connection goes; no request: a no-op */
void server_request_fail(struct server_request *q, enum err_code code, const struct err *why);

/* server_head.c */
MUST_CHECK enum err_code server_head_check(struct server_request *q, const char *method, const char *version,
                                           struct guard_framing *ret, struct err *reterr);
void server_head_join(const struct server_request *q, const char *name,
                      struct buf *out); /* all lines of that name as one list (RFC 9110 5.3) */
struct str server_head_cookie(const struct server_request *q, const char *name, size_t *ret_count);
struct str server_head_find(const struct server_request *q, const char *name, size_t *ret_count);
