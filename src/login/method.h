/* method.h - the ways to log in, one row each.
 *
 * A method finds out who the person is, and then starts an offer (login/offer.h).  To add one: its file, a row in
 * method.c, its word in LINKD_LOGIN (config/settings.def), and the routes it needs. */
#pragma once
#include "config/config.h"
#include "http/request.h"

struct login_method {
	/* Called after GET /link passed its checks: answer with the first page of the method.  The page carries the
	 * sealed state. */
	void (*begin)(struct request *r, struct str sealed_state);
};

const struct login_method *login_method(const struct config *cfg); /* the one that LINKD_LOGIN names */
