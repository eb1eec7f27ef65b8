/* httpc_answer.h - an HTTP/1.1 answer out of the bytes of a connection (RFC 9112).
 *
 * What can be read in two ways is refused, and with it the connection (httpc_head.h).  Does no input or
 * output. */
#pragma once
#include "base/buf.h"

#include <stdbool.h>

enum { HTTPC_ANSWER_HEAD_MAX = 65536 }; /* bytes, with the empty line */

enum httpc_answer_state {
	HTTPC_ANSWER_MORE, /* not all there yet */
	HTTPC_ANSWER_WHOLE,
	HTTPC_ANSWER_WRONG, /* no HTTP/1.1 answer */
	HTTPC_ANSWER_LARGE, /* the head or the body is over its bound */
};

enum httpc_answer_phase {
	HTTPC_ANSWER_HEAD,
	HTTPC_ANSWER_LENGTH,     /* a body of `left` bytes */
	HTTPC_ANSWER_TO_THE_END, /* a body until the connection closes */
	HTTPC_ANSWER_SIZE,       /* chunks: the line before one */
	HTTPC_ANSWER_CHUNK,      /* `left` bytes of it */
	HTTPC_ANSWER_CHUNK_END,
	HTTPC_ANSWER_TRAILER,
	HTTPC_ANSWER_DONE,
};

/* Offsets are into the buffer, which grows between the calls. */
struct httpc_answer {
	enum httpc_answer_phase phase;
	size_t body_max; /* set before the first call */
	long status;
	size_t head_len;          /* status line, header lines */
	size_t body_at, body_len; /* the body, its chunks joined */
	size_t read_to;           /* all before it is understood */
	size_t left;              /* of a body or a chunk */
	bool keep;                /* the connection may carry another request */
};

void httpc_answer_init(struct httpc_answer *a, size_t body_max);
/* Call whenever `in` has more.  Joins chunks in place. */
enum httpc_answer_state httpc_answer_read(struct httpc_answer *a, struct buf *in);
/* The connection was closed after what was read: is it whole now? */
enum httpc_answer_state httpc_answer_end(struct httpc_answer *a);
struct str httpc_answer_body(const struct httpc_answer *a, const struct buf *in);
struct str httpc_answer_head(const struct httpc_answer *a, const struct buf *in);
