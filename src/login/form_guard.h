/* login/form_guard.h - what every form of the pages must pass: Origin, strict fields, a sealed token of this browser.
 *
 * Each function answers the request itself when it returns false. */
#pragma once
#include "http/params.h"
#include "http/request.h"
#include "login/state.h"

/* params_done in any case. */
bool form_guard_form(struct request *r, struct params *form);
bool form_guard_state(struct request *r, const struct params *form, struct state *ret); /* field `state` */
bool form_guard_consent(struct request *r, const struct params *form,
                        struct consent *ret); /* field `consent` */

/* What is refused, in one place: logged, counted, answered 403. */
void form_guard_refuse(struct request *r, const char *reason);
int64_t form_guard_now_s(void); /* Unix seconds */
