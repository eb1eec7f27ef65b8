/* route.h - a row of the route table (src/routes.c). */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request;

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
