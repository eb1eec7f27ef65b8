/* cli_audit.h - audit lines of commands, as text on standard error. */
#pragma once
#include "cli/cli.h"
#include "obs/audit.h"

/* Before a command changes anything: load the key of the digests, or make its file where the service would.
 * Without a key digests are "-".  False: the error is on `err`; return c->rc. */
MUST_CHECK bool cli_audit_start(struct cli *c);
/* The same for a command that only prints digests: the key must exist; none is made. */
MUST_CHECK bool cli_audit_load(struct cli *c);

enum { CLI_AUDIT_ACTOR_MAX = 64 };
void cli_audit_actor(char ret[CLI_AUDIT_ACTOR_MAX]); /* the user of this session, else "uid N" */
void cli_audit(struct audit a);                      /* write `a` with way and actor filled in */
