/* cli_audit.h - audit lines of commands: in text, on standard error. */
#pragma once
#include "audit.h"
#include "cli/cli.h"

/* Before a command changes anything: find the key of the digests.  *ret_keyed (NULL allowed): there is one;
 * without it digests are "-".  False: said on `err`, return c->rc. */
MUST_CHECK bool cli_audit_start(struct cli *c, bool *ret_keyed);

void cli_audit(struct audit a); /* `a` with way and actor filled in */
