/* config_env.h - the process's own environment, taken over once at start.
 *
 * The kernel shows the environment a program was started with (/proc/PID/environ), and whatever the program
 * starts inherits it.  So the strings are copied, the secret ones among the originals are overwritten, and
 * `environ`, which libraries read, becomes the copy without LINKD_ variables.  Secret: every LINKD_ variable
 * but settings that are not secret and _FILE paths, so also a misspelt name; and AWS's secret variables.
 *
 * Threads  before any thread is started, once. */
#pragma once
#include "base/err.h"

/* *ret: all of it as NULL-ended "NAME=value", also what is no longer in `environ`; until the process ends.
 * Errors  ERR_NOMEM: nothing was changed. */
MUST_CHECK enum err_code config_env_take(char *const **ret, struct err *reterr);
