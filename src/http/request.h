/* request.h - one HTTP request and its answer, as handlers see them.
 *
 * A handler runs once, when the request was received in full (guard, route, method, size and type already
 * checked).  It answers with one reply_* call, at once or later from any callback on the same loop; a request
 * not answered when the handler returns waits (its connection is suspended).  At the route's deadline an
 * unanswered request is answered 503 for it and `cleanup` runs.
 *
 * Life     `flow` belongs to the handler: `cleanup` is called exactly once, when the answer is out, the
 * client is gone, or the deadline passed; it must cancel what runs.  After it the request is dead.
 * Threads  the loop's thread only. */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "loop/loop.h"
#include "obs/log_repeat.h"

enum {
	REQUEST_ID_MAX = 64,      /* characters */
	REQUEST_ADDR_MAX = 46,    /* text form of an IPv6 address */
	REQUEST_ARG_MAX = 768,    /* bytes */
	REQUEST_BROWSER_LEN = 16, /* hex digits */
	REQUEST_ACTOR_MAX = 32,   /* characters */
};

struct service; /* what handlers work with (service.h) */

struct request {
	const struct route *route; /* NULL before routing */
	struct service *service;
	struct loop *loop;
	char id[REQUEST_ID_MAX + 1];   /* X-Request-Id: 16 hex digits of ours, or a trusted proxy's */
	char client[REQUEST_ADDR_MAX]; /* address of the client, through trusted proxies */
	char browser[REQUEST_BROWSER_LEN +
	             1];     /* browser_digest of the log line, set by the handler; "" for none */
	struct str method;   /* as sent */
	struct str path;     /* raw, without the query */
	struct str query;    /* raw, without '?'; p is NULL when there was no '?' */
	struct str body;     /* empty except for POST */
	char *arg;           /* decoded {} segment of the route's path; as much room as the path */
	int64_t arrived_ms;  /* monotonic: headers complete */
	int64_t received_ms; /* monotonic: the whole request was received */
	int64_t deadline_ms; /* monotonic: the request must be answered by then */
	void *flow;
	void (*cleanup)(struct request *r);
	void (*instead)(struct request *r); /* set by the row's admit hook: runs in place of the handler */
	char actor[REQUEST_ACTOR_MAX + 1];  /* name of the admin token; "" for none */
	bool counted;                       /* it has no log line of its own: see request_refused */
	struct request_answer *answer;      /* private to http/ */
};

/* Value of a header.  p is NULL when absent; *ret_count (NULL allowed) tells how often it came. */
struct str request_header(const struct request *r, const char *name, size_t *ret_count);

/* Cookie value by name, p NULL when absent or doubled. */
struct str request_cookie(const struct request *r, const char *name);

/* Take the body's memory and charge, for work that may outlive the request; r->body stays valid as long as
 * `ret`. */
struct body;
void request_take_body(struct request *r, struct body *ret);

/* Record a refusal that strangers can cause without end: it is counted, and many of them share a log line. */
static inline void request_refused(struct request *r, enum log_repeat kind, const char *detail)
{
	r->counted = !log_repeat(kind, r->client, detail);
}

bool request_answered(const struct request *r);
bool request_draining(const struct request *r); /* the service is stopping */

/* --- answers: exactly one per request.  Headers are added before it.  Every answer carries X-Request-Id,
 * nosniff, Cache-Control and, on https, HSTS by itself. */

/* Name and value without controls; value at most 4 KiB. */
void reply_header(struct request *r, const char *name, struct str value);
void reply_text(struct request *r, unsigned status, struct str text);  /* text/plain; charset=utf-8 */
void reply_json(struct request *r, unsigned status, struct buf *json); /* takes the bytes */
void reply_body(struct request *r, unsigned status, const char *content_type,
                struct buf *body); /* takes the bytes */
/* HTML with the strict CSP; consent: form-action also lets the browser go on to Facebook. */
enum reply_csp { REPLY_CSP_PAGE, REPLY_CSP_CONSENT };
void reply_html(struct request *r, unsigned status, enum reply_csp csp,
                struct buf *html);                      /* takes the bytes */
void reply_empty(struct request *r, unsigned status);   /* 204 */
void reply_redirect(struct request *r, struct str url); /* 303, Referrer-Policy: no-referrer */
/* The error table's status and text: problem+json (RFC 9457), or a page on routes for people.
 * `detail` goes to the answer, never a secret; NULL for none.  e (NULL allowed) goes to the log only. */
void reply_error(struct request *r, enum err_code code, const char *detail, const struct err *e);
/* Replaces Cache-Control: no-store.  A literal. */
void reply_cacheable(struct request *r, const char *cache_control);
/* Close the connection after the answer. */
void reply_close(struct request *r);

/* --- a row of the route table (src/routes.c) */

enum route_listener { ROUTE_PUBLIC, ROUTE_ADMIN };
enum route_body {
	ROUTE_NO_BODY,  /* a body is refused with 400 */
	ROUTE_FORM,     /* application/x-www-form-urlencoded with Content-Length */
	ROUTE_ANY_BODY, /* any type, chunked allowed (the connection is then closed) */
	ROUTE_JSON,     /* application/json with Content-Length */
};

struct route {
	const char *method; /* "GET" (HEAD works too), "POST", "DELETE" */
	const char *path;   /* exact; one segment may be {} */
	void (*handler)(struct request *r);
	/* On the headers, before the body is read; not ERR_OK: refused with it.  NULL for none. */
	enum err_code (*admit)(struct request *r, struct err *reterr);
	const char *label;   /* metric label, and `route` in the log */
	size_t body_max;     /* bytes; 0 takes webhook_max_body */
	int64_t deadline_ms; /* from the headers to the answer; 0 takes webhook_deadline_ms */
	enum route_listener listener;
	enum route_body body;
	bool people; /* errors are pages, not problem+json */
	bool quiet;  /* logged at debug only */
	bool stays;  /* answered also at the connection limit */
};

/* The table ends with a row whose handler is NULL. */
extern const struct route routes[];
