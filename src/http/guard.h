/* guard.h - the framing guard: refuses what libmicrohttpd accepts although HTTP forbids it.
 *
 * libmicrohttpd 0.9.75 takes two Content-Length, both framings, two Host, folded headers, bare LF, NUL bytes.
 * The guard refuses all of them from what the library shows, and, by the place of each name and value in the
 * read buffer, whatever it hides: between two headers there may be CR LF and nothing else.  One thing cannot
 * be told from CR LF, since the library has made two NUL bytes of both: a NUL and a line end.  Proxies refuse
 * NUL.
 *
 * Source   RFC 9110 section 5, RFC 9112 sections 2, 3, 5, 6.
 * Threads  pure functions. */
#pragma once
#include "base/err.h"
#include "base/str.h"

enum { GUARD_HEADERS_MAX = 100, GUARD_URI_MAX = 8192, GUARD_BLOCK_MAX = 16384 };

struct guard_head {
	struct str method, uri, version; /* as on the wire; uri may be a copy */
	size_t n;                        /* headers; beyond GUARD_HEADERS_MAX they are only counted */
	struct {
		struct str name, value;
	} header[GUARD_HEADERS_MAX];
	size_t block; /* bytes of request line and headers with the empty line */
	bool wire;    /* the pointers lie in the read buffer: check that nothing hides between them */
};

/* The framing of a head that passed the checks. */
struct guard_framing {
	bool chunked;
	bool has_length;
	uint64_t length; /* bytes; 0 without Content-Length */
};

/* Errors  ERR_INVALID, ERR_URI_TOO_LONG, ERR_HEADERS_TOO_LARGE; reterr->msg names the fault, no header value.
 */
MUST_CHECK enum err_code guard_check(const struct guard_head *h, struct guard_framing *ret,
                                     struct err *reterr);
