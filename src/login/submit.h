/* submit.h - between the parts of POST /link/login: the flow (submit.c), what a right and a wrong password
 * come to (submit_right.c, submit_wrong.c), and its ends (submit_end.c). */
#pragma once
#include "http/params.h"
#include "login/device.h"
#include "login/offer.h"
#include "login/password_job.h"
#include "login/state.h"
#include "login/throttle.h"
#include "service.h"

enum submit_phase {
	P_CHECK,
	P_FIND,
	P_FOUND,
	P_HASH,
	P_VERDICT,
	P_FLOOR,
	P_REFUSE,
	P_UPGRADE,
	P_AGAIN,
	P_OFFER,
	P_OFFERED,
	P_FAIL,
	P_WAIT,
	P_DONE,
};

struct submit {
	struct request *r;
	const struct service *s;
	enum submit_phase phase;
	struct params form;
	struct state state;
	char email[STORE_EMAIL_MAX + 1];               /* as looked up */
	struct device device;                          /* from its cookie */
	const struct device_customer *device_customer; /* in `device`: the one of this e-mail, or NULL */
	bool known_device; /* it logged in with this e-mail before, and has tries left: known before the
	                      store is asked */
	struct throttle_claim claim;
	struct throttle_claim customer_claim; /* a customer's try; beyond their limit a profile's */
	const char *passed_by;    /* what bypassed the customer's limit; NULL: no bypass was needed */
	struct store_op *op;      /* running, else NULL */
	struct password_job *job; /* from its place in the queue until its answer, else NULL */
	struct loop_timer timer;  /* floor of a failed login */
	struct loop_timer limit;  /* the whole flow's end: before the request's own deadline */
	struct store_customer customer;
	size_t found;         /* customers that the last look-up found */
	int64_t slot_ends_ms; /* a failed login is not answered earlier */
	struct offer offer;   /* after a right password */
	enum password_verdict verdict;
	enum err_code code; /* reason for P_FAIL, or the result of the last operation */
	char new_hash[STORE_HASH_MAX + 1];
	bool known;      /* exactly one customer matched */
	bool at_ceiling; /* of failures: wrong whatever the password is */
	bool again;      /* judged a second time: the record had changed */
};

enum { SUBMIT_LIMIT_MS = 500 }; /* before the request's own deadline, so that the page keeps the form */

/* From a callback: goes on at `phase`; lines of this request's log carry its id. */
void submit_resume(struct submit *f, enum submit_phase phase);
/* `fill` says what is asked, `done` runs with `f`.  Return  ERR_OK: `done` will be called. */
typedef void submit_fill_fn(const struct submit *f, struct store_in *in);
MUST_CHECK enum err_code submit_store(struct submit *f, enum store_kind kind, submit_fill_fn *fill,
                                      store_done_fn *done);

/* Errors  ERR_THROTTLED: the next try is in *ret_wait_s seconds.  ERR_NOMEM. */
MUST_CHECK enum err_code submit_reserve(struct submit *f, int64_t *ret_wait_s);
void submit_unreserve(struct submit *f); /* nothing was tried */
void submit_reserve_was_right(struct submit *f);
bool submit_at_ceiling(struct submit *f);      /* and no bypass applies; once, when the customer is found */
void submit_remember_device(struct submit *f); /* Pre: the password was right */
void submit_tell(const struct submit *f, const char *result, const char *reason); /* the audit line */
void submit_count_failure(struct submit *f);          /* runs on after the request has ended */
int64_t submit_last_floor_ms(const struct submit *f); /* the latest time to answer a wrong login */
bool submit_too_late(const struct submit *f);         /* no multiple of the floor is left */
enum submit_phase submit_wait_floor(struct submit *f);
enum submit_phase submit_upgrade(struct submit *f);
enum submit_phase submit_offer(struct submit *f);
enum submit_phase submit_offered(struct submit *f);
int64_t submit_store_deadline(const struct submit *f); /* of a store operation that starts now */

/* The answers.  Each ends the flow. */
enum submit_phase submit_refuse(struct submit *f); /* 401 */
enum submit_phase submit_throttled(struct submit *f, int64_t wait_s);
enum submit_phase submit_fail(struct submit *f); /* 503, the page keeps the form */
