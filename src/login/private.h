/* private.h - what the files of login/ share: the answers, the checks of a form, the audit lines, the offer. */
#pragma once
#include "http/params.h"
#include "http/request.h"
#include "login/state.h"
#include "obs/audit.h"
#include "service.h"
#include "store/flow.h"

/* --- the answers of the pages */

/* The login page: sealed state, e-mail as typed (may be empty), the error message (NULL: none). */
void answer_login(struct request *r, unsigned status, struct str state, struct str email, const char *error);
/* The consent page. */
void answer_consent(struct request *r, unsigned status, const struct consent *c, struct str sealed,
                    const char *error);

void answer_tap_login(struct request *r);    /* 400: not opened by a Log In button */
void answer_start_again(struct request *r);  /* 403: the token is forged, expired or of another browser */
void answer_link_expired(struct request *r); /* 400: Facebook does not know the linking token */
void answer_unbound(struct request *r);      /* 503: the Messenger profile is not known, and is required */
void answer_connected(struct request *r);    /* 200: this consent's code was used */
void answer_taken(struct request *r);        /* 409: the profile belongs to another customer */
void answer_record_full(struct request *r);  /* 500: the customer's record is full */
void answer_key_too_long(struct request *r); /* 500: no code can carry this customer's key */
void answer_error(struct request *r, enum err_code code,
                  const struct err *e); /* the page of the code in the table of err.h, logged */

/* Add Retry-After to the answer that follows. */
void answer_retry_after(struct request *r, int64_t seconds);

/* --- the checks that every form must pass: Origin, strict fields, a sealed token of this browser.
 * Each function that returns false has answered the request. */

/* The caller calls params_done in any case. */
bool form_guard_form(struct request *r, struct params *form);
bool form_guard_state(struct request *r, const struct params *form, struct state *ret); /* field `state` */
bool form_guard_consent(struct request *r, const struct params *form,
                        struct consent *ret); /* field `consent` */

/* Log, count and answer 403. */
void form_guard_refuse(struct request *r, const char *reason);
int64_t form_guard_now_s(void); /* Unix seconds */

/* Does the form come from a page of ours?  origin, host: the headers, p NULL when absent.  An absent Origin is accepted.
 * A present one must be that of LINKD_PUBLIC_URL or, when that is unset, of the loopback address in Host; "null" is
 * refused. */
bool form_guard_origin_ours(const struct config *cfg, struct str origin, struct str host);

/* --- a posted form, handled as a flow */

enum {
	LOGIN_LIMIT_MS =
	        500, /* a flow ends this long before the request's own deadline, so that the page keeps the form */
	LOGIN_STORE_MS = 3000, /* one store operation */
};

/* Embedded first in the struct of the flow; zeroed. */
struct form_flow {
	struct flow flow;
	struct request *r;
	const struct service *s;
	struct params fields;
	size_t size; /* of the struct */
};

/* Allocate `size` bytes and start the flow; it is wiped and freed when the request ends. */
void form_flow_start(struct request *r, const struct flow_kind *k, size_t size);

/* --- the audit lines of the pages */

/* Puts browser_digest on the request's log line: it is the same for every request of a browser. */
void login_note_browser(struct request *r, const struct state *s);
/* Write `a` with its way, client, browser, Messenger profile and page filled in. */
void login_audit(const struct request *r, const struct state *s, struct audit a);

/* --- offer: offers the link to an identified customer, after any login method.  Two steps in the flow of the caller:
 *
 *   offer_find -> (wait for the look-up of the present holder of the profile) -> offer_show -> consent page, or the page
 *   that says why not */

struct offer {
	/* borrowed until the end */
	struct request *r;
	const struct state *state;
	const struct store_customer *customer;
	/* own */
	struct store_key holder; /* the customer who holds the profile now; id empty: nobody, or not known */
};

/* Returns the phase to go on with: FLOW_WAIT, or `next`. */
int offer_find(const struct offer *o, struct flow *f, int next);
/* Answers the request.  Another code than ERR_OK: it is not answered, the caller answers 503. */
MUST_CHECK enum err_code offer_show(struct offer *o, const struct flow *f);
