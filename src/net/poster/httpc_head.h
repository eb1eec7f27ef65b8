/* httpc_head.h - the head of an HTTP/1.1 answer: status line and header lines (RFC 9112, sections 2.2, 4, 5
 * and 6.3).
 *
 * Strict: lines end in CR LF, header lines are whole (no folding), one length only.
 * Threads  pure on the caller's memory. */
#pragma once
#include "base/str.h"

struct httpc_head {
	long status;          /* 100..599 */
	bool keep;            /* the connection may carry another request */
	bool length, chunked; /* what the body's end is told by; none: the connection's */
	uint64_t bytes;       /* of the body, with `length` */
};

/* False: no head of HTTP/1.0 or 1.1, or one that can be read in two ways. */
bool httpc_head_read(struct str head, struct httpc_head *ret);
/* First value of a header in a head; empty when there is none. */
struct str httpc_head_header(struct str head, const char *name);

/* The next line of `rest`, without its CR LF; false: there is no whole one. */
bool httpc_head_line(struct str *rest, struct str *ret);
bool httpc_head_bad_byte(struct str line); /* a control character other than a tab */
