/* private.h - what the files of login/ share: the answers, the checks of a form, the audit lines, the offer. */
#pragma once
#include "http/params.h"
#include "http/request.h"
#include "login/state.h"
#include "obs/audit.h"

/* --- the answers of the pages */

/* The login page: sealed state, e-mail as typed (may be empty), what went wrong (NULL: nothing). */
void answer_login(struct request *r, unsigned status, struct str state, struct str email, const char *error);
/* The consent page, from what is sealed in it. */
void answer_consent(struct request *r, unsigned status, const struct consent *c, struct str sealed,
                    const char *error);

void answer_tap_login(struct request *r);    /* 400: not opened by a Log In button */
void answer_start_again(struct request *r);  /* 403: forged, foreign or expired */
void answer_connected(struct request *r);    /* 200: this consent's code was used */
void answer_taken(struct request *r);        /* 409: the profile belongs to another customer */
void answer_record_full(struct request *r);  /* 500: the customer's record is full */
void answer_key_too_long(struct request *r); /* 500: no code can carry this customer's key */
void answer_error(struct request *r, enum err_code code, const struct err *e); /* the table's page, logged */

/* 503 or 429 with Retry-After; the pages' own text comes from answer_login or answer_consent. */
void answer_retry_after(struct request *r, int64_t seconds);

/* --- the checks that every form must pass: Origin, strict fields, a sealed token of this browser.
 * Each function that returns false has answered the request. */

/* params_done in any case. */
bool form_guard_form(struct request *r, struct params *form);
bool form_guard_state(struct request *r, const struct params *form, struct state *ret); /* field `state` */
bool form_guard_consent(struct request *r, const struct params *form,
                        struct consent *ret); /* field `consent` */

/* Log, count and answer 403. */
void form_guard_refuse(struct request *r, const char *reason);
int64_t form_guard_now_s(void); /* Unix seconds */

/* Is the page that sent the form ours?  origin, host: the headers, p NULL when absent.  A form without Origin is ours;
 * otherwise the Origin must be that of LINKD_PUBLIC_URL or, when that is unset, of the loopback address in Host.
 * "null" is not ours. */
bool form_guard_origin_ours(const struct config *cfg, struct str origin, struct str host);

/* --- the audit lines of the pages */

/* Puts browser_digest on the request's log line: it is the same for every request of a browser. */
void login_note_browser(struct request *r, const struct state *s);
/* Write `a` with its way, client, browser, Messenger profile and page filled in. */
void login_audit(const struct request *r, const struct state *s, struct audit a);

/* --- offer: offers the link to an identified customer, after any login method.  It shows the consent page, which names
 * the links that Connect would remove.
 *
 *   offer_start -> (look-up of the present holder of the profile) -> consent page, or the page that says why not */

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
