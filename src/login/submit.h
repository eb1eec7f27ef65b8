/* submit.h - POST /link/login: its state, for the flow (submit.c) and for the limits of its tries (submit_try.c). */
#pragma once
#include "login/device.h"
#include "login/password.h"
#include "login/private.h"
#include "login/throttle.h"

enum submit_phase {
	SUBMIT_WAIT,
	SUBMIT_CHECK,
	SUBMIT_FIND,
	SUBMIT_FOUND,
	SUBMIT_HASH,
	SUBMIT_VERDICT,
	SUBMIT_FLOOR,
	SUBMIT_REFUSE,
	SUBMIT_UPGRADE,
	SUBMIT_UPGRADED,
	SUBMIT_AGAIN,
	SUBMIT_OFFER,
	SUBMIT_OFFERED,
	SUBMIT_FAIL,
	SUBMIT_DONE,
};

struct submit {
	struct form_flow form; /* first */
	struct state state;
	char email[STORE_EMAIL_MAX + 1];               /* as looked up */
	struct device device;                          /* from its cookie */
	const struct device_customer *device_customer; /* in `device`: the one of this e-mail, or NULL */
	bool known_device; /* it logged in with this e-mail before, and has tries left: known before the
	                      store is asked */
	struct throttle_claim claim;
	struct throttle_claim customer_claim; /* a customer's try; beyond their limit a profile's */
	const char *passed_by;    /* what bypassed the customer's limit; NULL: no bypass was needed */
	struct password_job *job; /* from its place in the queue until its answer, else NULL */
	struct store_customer customer;
	size_t found;         /* customers that the last look-up found */
	int64_t slot_ends_ms; /* a failed login is not answered earlier */
	struct offer offer;   /* after a right password */
	enum password_verdict verdict;
	char new_hash[STORE_HASH_MAX + 1];
	bool dropped;    /* the hash queue did not get to the check in time */
	bool known;      /* exactly one customer matched */
	bool at_ceiling; /* of failures: wrong whatever the password is */
	bool again;      /* judged a second time: the record had changed */
};

/* Errors  ERR_THROTTLED: the next try is in *ret_wait_s seconds.  ERR_NOMEM. */
MUST_CHECK enum err_code submit_reserve(struct submit *f, int64_t *ret_wait_s);
void submit_unreserve(struct submit *f); /* nothing was tried */
void submit_reserve_was_right(struct submit *f);
bool submit_at_ceiling(struct submit *f);      /* and no bypass applies; once, when the customer is found */
void submit_count_failure(struct submit *f);   /* runs on after the request has ended */
void submit_remember_device(struct submit *f); /* Pre: the password was right */
