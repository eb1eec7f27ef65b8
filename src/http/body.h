/* body.h - a request body in memory, and the budget that all webhook bodies of the process share.
 *
 * The budget has two rooms, so that large bodies never keep small ones out: a quarter is for bodies while
 * they have up to BODY_SMALL_MAX bytes, the rest is for larger ones.  Only received bytes are charged, not
 * the declared length: else a few heads without a body could fill a room.
 *
 * When a room is full, bodies are evicted (`cut`) for the next bytes.  Only a body that is not complete, or
 * is complete and not yet held, can be evicted.  It loses its memory at once, and its owner gets ERR_BUSY.
 * The first to be evicted are bodies of a client network that has more than a quarter of the room, then the
 * slowest of all bodies.  The speed is bytes divided by age, where a small body counts as BODY_SMALL_MAX
 * bytes, and one of over 256 KiB as 256 KiB.
 *
 * Ownership  the body owns its bytes; body_done wipes them (a form holds a password) and ends the charge.
 * Threads    each body on one thread at a time; any thread may take the memory of one that is not held. */
#pragma once
#include "base/buf.h"
#include "base/list.h"

enum { BODY_SMALL_MAX = 16384 }; /* bytes */

struct body_options {
	size_t max;         /* bytes of this body */
	size_t budget;      /* bytes of all bodies; 0: the body is outside of the budget */
	size_t length;      /* as declared; BODY_NO_LENGTH with chunks */
	int64_t since_ms;   /* monotonic: when it began to arrive */
	const char *client; /* address; borrowed until body_hold or body_done */
};

#define BODY_NO_LENGTH SIZE_MAX

enum body_room { BODY_SMALL, BODY_LARGE, BODY_ROOMS };

struct body {
	struct buf bytes;
	struct body_options opt;
	struct list_node node; /* in its room's list while it may be evicted */
	enum body_room room;
	size_t charged;   /* bytes charged to its room */
	unsigned network; /* the counter of its network, once `counted` */
	bool counted, cut;
	bool mapped; /* the bytes are in memory pages of their own */
	bool shared; /* it may be in a room's list: its fields are accessed under the lock */
};

void body_init(struct body *b, const struct body_options *o);
/* Errors  ERR_TOO_LARGE (past max), ERR_BUSY (no room, or it was cut), ERR_NOMEM; nothing is added then. */
MUST_CHECK enum err_code body_add(struct body *b, const void *p, size_t n);
/* From now on the body cannot be evicted, until body_offer or body_done.  Errors  ERR_BUSY: it was cut. */
MUST_CHECK enum err_code body_hold(struct body *b);
/* The body may be evicted again: it waits in a queue, and nothing reads its bytes. */
void body_offer(struct body *b);
void body_move(struct body *to, struct body *from); /* of a held body; `from` is then empty */
void body_done(struct body *b);
/* Could a body of that length get room, if all bodies that may be evicted were evicted? */
bool body_fits(const struct body_options *o);
