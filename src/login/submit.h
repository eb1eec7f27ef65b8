/* submit.h - between the parts of POST /link/login: the flow (submit.c) and its ends (submit_end.c). */
#pragma once
#include "http/params.h"
#include "link/service.h"
#include "login/password_job.h"
#include "login/state.h"
#include "login/throttle.h"

enum submit_phase {
	P_CHECK,
	P_FIND,
	P_FOUND,
	P_HASH,
	P_VERDICT,
	P_FAILURE,
	P_FLOOR,
	P_REFUSE,
	P_UPGRADE,
	P_HOLDER,
	P_CONSENT,
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
	char email[STORE_EMAIL_MAX + 1]; /* as looked up */
	struct throttle_claim claim;
	bool has_place;           /* in the queue of hashes */
	struct store_op *op;      /* running, else NULL */
	struct password_job *job; /* running, else NULL */
	struct loop_timer timer;  /* floor of a failed login */
	struct loop_timer limit;  /* the whole flow's end: before the request's own deadline */
	struct store_customer customer;
	bool known;   /* exactly one customer matched */
	size_t found; /* customers the last lookup gave */
	enum password_verdict verdict;
	char new_hash[STORE_HASH_MAX + 1];
	struct store_key holder; /* who holds the profile now; id empty: nobody, or not known */
	enum err_code code;      /* why P_FAIL; or what the last operation came to */
};

/* The answers.  Each ends the flow. */
enum submit_phase submit_refuse(struct submit *f); /* 401 */
enum submit_phase submit_throttled(struct submit *f, int64_t wait_s);
enum submit_phase submit_fail(struct submit *f);    /* 503, the page keeps the form */
enum submit_phase submit_consent(struct submit *f); /* 200, or why not */
