/* httpc_answer.h - reads an HTTP/1.1 answer (RFC 9112) from the bytes of a connection.
 *
 * Strict: lines end in CR LF, header lines are not folded, there is one length.  An ambiguous answer is refused, and
 * its connection is not used again.
 * Threads  pure functions on the caller's memory. */
#pragma once
#include <stdbool.h>

#include "base/buf.h"
#include "net/httpc.h"

enum httpc_answer_state {
	HTTPC_ANSWER_MORE, /* incomplete */
	HTTPC_ANSWER_WHOLE,
	HTTPC_ANSWER_WRONG, /* not an HTTP/1.1 answer */
	HTTPC_ANSWER_LARGE, /* the head or the body is over its bound */
};

enum httpc_answer_phase {
	HTTPC_ANSWER_HEAD,
	HTTPC_ANSWER_LENGTH,     /* `left` bytes of a body */
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
	size_t read_to;           /* the bytes before it were read */
	size_t left;              /* of a body or a chunk */
	bool keep;                /* the connection may carry another request */
};

void httpc_answer_init(struct httpc_answer *a, size_t body_max);
/* Call whenever `in` has more.  Joins chunks in place. */
enum httpc_answer_state httpc_answer_read(struct httpc_answer *a, struct buf *in);
/* The connection was closed after the bytes that were read. */
enum httpc_answer_state httpc_answer_end(struct httpc_answer *a);
struct str httpc_answer_body(const struct httpc_answer *a, const struct buf *in);
struct str httpc_answer_head(const struct httpc_answer *a, const struct buf *in);

/* First value of a header in a head; empty when there is none. */
struct str httpc_answer_header(struct str head, const char *name);
