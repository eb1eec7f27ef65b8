/* buf.h - a growing output buffer with a maximum.
 *
 * A put that would exceed `max`, or that gets no memory, sets `failed`.  Nothing is changed after that, so one
 * check at the end is enough.
 * Ownership  the buffer owns `p`; buf_done frees it and wipes nothing (see crypto_wipe for secrets). */
#pragma once
#include <stdarg.h>

#include "base/err.h"
#include "base/str.h"

struct buf {
	char *p;     /* NULL until the first put; always NUL-terminated after */
	size_t len;  /* bytes, without the NUL */
	size_t cap;  /* bytes allocated, at most max + 1 */
	size_t max;  /* bytes `len` may reach */
	bool failed; /* sticky */
};

void buf_init(struct buf *b, size_t max);
/* Use the caller's memory of cap bytes, which must include the NUL.  Nothing is allocated; do not call buf_done. */
void buf_over(struct buf *b, char *p, size_t cap);
void buf_done(struct buf *b);  /* leaves an empty buffer with the same max */
void buf_reset(struct buf *b); /* empty, memory kept, failed cleared */

/* Room for n more bytes plus a NUL without another allocation.  False sets failed. */
bool buf_reserve(struct buf *b, size_t n);

/* Inline, so that the compiler knows the length of a literal. */
static inline void buf_put(struct buf *b, const void *p, size_t n)
{
	if ((b->failed || n >= b->cap - b->len) && !buf_reserve(b, n))
		return;
	if (n > 0)
		memcpy(b->p + b->len, p, n);
	b->len += n;
	b->p[b->len] = '\0';
}

static inline void buf_z(struct buf *b, const char *z)
{
	buf_put(b, z, strlen(z));
}

void buf_str(struct buf *b, struct str s);
void buf_int(struct buf *b, int64_t i); /* decimal */
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

struct str buf_view(const struct buf *b); /* borrowed until the next put */

/* Hand the memory to the caller, who frees it; the buffer is then empty. NULL when it failed or is empty. */
char *buf_take(struct buf *b, size_t *ret_len);
