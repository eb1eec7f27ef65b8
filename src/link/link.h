/* link.h - the use cases: complete a link, remove one, find one, erase a customer.  Independent of HTTP and of the
 * store's kind.
 *
 * Threads, contract  on the service's loop; per loop.h.  Each op ends by its deadline. */
#pragma once
#include "link/change.h"
#include "loop/later.h"
#include "service.h"

struct link_op; /* opaque: one running use case */

enum link_result {
	LINK_R_LINKED,
	LINK_R_ALREADY,
	LINK_R_UNLINKED_SINCE,
	LINK_R_USED,
	LINK_R_SUPERSEDED,
	LINK_R_REFUSED,
	LINK_R_UNLINKED,
	LINK_R_MISS,      /* no customer held the PSID */
	LINK_R_UNSETTLED, /* a store operation did not complete: try again */
};

struct link_answer { /* borrowed in the callback */
	enum link_result result;
	const struct err *err;         /* with UNSETTLED: why; else NULL */
	size_t n;                      /* link_find: holders left after repair, 0 or 1; link_remove: removed;
	                          link_of_customer: items */
	struct store_customer *holder; /* link_find: one; link_of_customer: n; link_remove: a holder that was
	                                  seen and kept, or NULL */
};
typedef void link_done_fn(void *arg, const struct link_answer *a);

/* The caller of a use case, and its deadline.  Copied at the start. */
struct link_call {
	struct service *service;
	int64_t deadline_ms; /* monotonic */
	bool admitted; /* part of work that store_admit let in: its operations are not refused as too late */
	link_done_fn *done;
	void *arg;
	const char *scope;         /* request id on the log lines, borrowed until the end; NULL for none */
	struct link_source source; /* borrowed until the end */
	struct link_answer_hold *hold; /* listeners may delay this answer; NULL: there is none.  Borrowed */
};

/* The call of work that is done after an answer: no answer waits, and each use case has 5 s. */
struct link_call link_call_later(struct service *s, link_done_fn *done, void *arg);

struct link_completion {
	struct str code, psid, page_id;
	int64_t event_ms; /* the event's own time, checked to be plausible */
};
/* `linked`: open the code, redeem it by one conditional write, then remove the links that conflict (an earlier holder of
 * the PSID, the customer's former PSID).  If the index lags, other holders are looked up about 2 s after the answer.
 * Errors  of all starters: ERR_INVALID (an id is empty or too long), ERR_NOMEM. */
MUST_CHECK enum err_code link_complete(const struct link_call *c, const struct link_completion *in,
                                       struct link_op **ret, struct err *reterr);

/* An event may be a little older than the link that it ends: their times are of different machines. */
enum { LINK_SLACK_MS = 2000 };

struct link_removal {
	struct str psid;
	int64_t event_ms;
	const char *reason; /* literal, for the listeners */
	bool any_age;       /* also a link newer than the event */
	bool once;          /* a miss is not looked up again */
	bool later;         /* if the index lags, a miss is tried again 5 s to 6 min after the answer */
};
/* `unlinked`: remove from every holder whose link is at most 2 s newer than event_ms. */
MUST_CHECK enum err_code link_remove(const struct link_call *c, const struct link_removal *in,
                                     struct link_op **ret, struct err *reterr);

/* The customer of a PSID (LINKED or MISS); two holders are repaired, the newest wins. */
MUST_CHECK enum err_code link_find(const struct link_call *c, struct str psid, struct link_op **ret,
                                   struct err *reterr);

/* As link_find, but only to repair: of a single holder just the key is known in the answer. */
MUST_CHECK enum err_code link_check(const struct link_call *c, struct str psid, struct link_op **ret,
                                    struct err *reterr);

/* The items of a customer (one id, several e-mails): holders in order of e-mail, at most STORE_HOLDERS_MAX, n of
 * them.  LINKED, or MISS: no such customer. */
MUST_CHECK enum err_code link_of_customer(const struct link_call *c, struct str customer_id,
                                          struct link_op **ret, struct err *reterr);

/* Remove every attribute of ours from all items of a customer (STORE_ERASE).  UNLINKED: done, also when nothing
 * was linked.  MISS: no such customer. */
MUST_CHECK enum err_code link_erase(const struct link_call *c, struct str customer_id, struct link_op **ret,
                                    struct err *reterr);

void link_cancel(struct link_op *op); /* a write that was sent may still be applied */
const char *link_result_name(enum link_result r);

/* --- look-ups that are repeated long after their request was answered, for stores whose index lags.
 *
 * Two kinds.  After a link, a look for other holders: after 2 s, and 30 s later again if the index did not show the
 * link yet.  After an `unlinked` that found no holder, another removal: after 5 s, then 30 s later, then 300 s
 * later.  Open work is lost when the service stops.  Later look-ups repair the first kind; for the second kind
 * Facebook has already unlinked the user. */

enum { LINK_RETRY_MAX = 1024 }; /* open at once, per loop */

/* The list for `service->later`. */
MUST_CHECK enum err_code link_retry_new(struct service *s, struct later **ret, struct err *reterr);
/* `event_ms`: time of the link, or of the event. */
void link_retry_look(struct service *s, struct str psid, int64_t event_ms);
void link_retry_unlink(struct service *s, struct str psid, int64_t event_ms);
