/* answer.h - what the pages of the login say, each answer once. */
#pragma once
#include "http/request.h"
#include "login/state.h"

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
