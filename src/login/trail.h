/* trail.h - the audit lines of the pages, and the digest that joins the log lines of one browser. */
#pragma once
#include "http/request.h"
#include "login/state.h"
#include "obs/audit.h"

/* Puts browser_digest on the request's log line: it is the same for every request of a browser. */
void trail_browser(struct request *r, const struct state *s);

/* Write `a` with its way, client, browser, Messenger profile and page filled in. */
void trail_line(const struct request *r, const struct state *s, struct audit a);
