/* router.h - find the row of the route table for a method and path. */
#pragma once
#include "http/request.h"

enum { ROUTER_ALLOW_MAX = 64 };

/* Set r->route and fill r->arg.  HEAD takes GET's row.
 * Errors  ERR_NOT_FOUND; ERR_METHOD: r->route is a row of that path and ret_allow the Allow value. */
MUST_CHECK enum err_code router_find(const struct route *table, enum route_listener listener,
                                     struct request *r, char ret_allow[ROUTER_ALLOW_MAX]);
