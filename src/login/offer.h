/* offer.h - offers the link to an identified customer, after any login method: shows the consent page, which names
 * the links that Connect would remove.
 *
 *   offer_start -> (who holds the Messenger profile now?) -> consent page, or the page that says why not
 *
 * Every method of login ends here (login/method.h).
 * Threads  the loop's thread. */
#pragma once
#include "http/request.h"
#include "login/state.h"

struct offer {
	/* filled by the caller; borrowed until the end */
	struct request *r;
	const struct state *state;
	const struct store_customer *customer;
	int64_t deadline_ms; /* monotonic, of the look-up */
	void (*done)(struct offer *o);
	/* result */
	enum err_code code; /* ERR_OK: the request is answered.  Else it is not: the caller answers 503 */
	/* own; zeroed */
	struct store_op *op;
	struct store_key holder; /* who holds the profile now; id empty: nobody, or not known */
};

/* True: `done` will be called.  False: it has ended, with the result in `code`. */
MUST_CHECK bool offer_start(struct offer *o);
void offer_cancel(struct offer *o); /* no-op if it does not run */
