/* webhook/delivery_parse.h - one body examined: signature first, then the events in it; on the loop when small, else on the
 * pool.
 *
 * Threads  the loop's thread; delivery_parse_start's work on a pool thread. */
#pragma once
#include "http/request.h"
#include "service.h"
#include "webhook/event.h"
#include "webhook/signature.h"

enum { DELIVERY_PARSE_INLINE_MAX = 256 * 1024 }; /* bytes: about 2 ms of a loop */

struct delivery_parse; /* opaque */
/* `code`  ERR_OK: `events` are the caller's, to be done with event_list_done.  ERR_DENIED: wrong signature.
 *         ERR_INVALID, ERR_TOO_LARGE: signed, but not usable.  ERR_NOMEM, ERR_BUSY: cannot tell. */
struct delivery_parse_result {
	enum err_code code;
	struct err err;
	struct event_list events;
};
struct delivery_parse_input {
	struct service *service;
	struct str body;
	char signature[SIGNATURE_LEN + 1];
	int64_t received_ms; /* Unix time */
};
typedef void delivery_parse_done_fn(void *arg, const struct delivery_parse_result *result);

void delivery_parse_now(const struct delivery_parse_input *in, struct signature_keys *keys,
                        struct delivery_parse_result *ret);

/* Takes the request's body, also when it fails: the request may end while the pool still reads.
 * Errors  ERR_BUSY (the pool is full), ERR_NOMEM. */
MUST_CHECK enum err_code delivery_parse_start(struct request *r, const struct delivery_parse_input *in,
                                              delivery_parse_done_fn *done, void *arg,
                                              struct delivery_parse **ret, struct err *reterr);
void delivery_parse_cancel(struct delivery_parse *e); /* the work goes on and is thrown away */
