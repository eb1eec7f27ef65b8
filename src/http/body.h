/* body.h - a request body in memory, charged to one budget of the whole process as its bytes arrive.
 *
 * What a request declares is not charged: else a few heads without a body could use the budget up.
 * Ownership  the body owns its bytes; body_done wipes them (a form holds a password) and gives the charge
 * back. Threads    one thread at a time; the budget is shared by all. */
#pragma once
#include "base/buf.h"

struct body {
	struct buf bytes;
	size_t charged; /* bytes of the budget */
	size_t budget;  /* bytes all bodies may take together */
};

void body_init(struct body *b, size_t max, size_t budget);
/* Errors  ERR_TOO_LARGE (past max), ERR_BUSY (the budget is used up), ERR_NOMEM; nothing is added then. */
MUST_CHECK enum err_code body_add(struct body *b, const void *p, size_t n);
void body_move(struct body *to, struct body *from); /* `from` is then empty */
void body_done(struct body *b);
bool body_fits(size_t n, size_t budget); /* would so many more bytes fit now? */
