/* config/env.h - copies the process's environment once at start, and removes the secrets from the original.
 *
 * The kernel shows the initial environment of a program (/proc/PID/environ), and child processes inherit it.
 * So the strings are copied, the secret ones among the originals are overwritten, and `environ`, which
 * libraries read, becomes the copy without LINKD_ variables.  These are secret: AWS's secret variables, and
 * every LINKD_ variable, also one with a misspelt name, except _FILE paths and settings that are not secret.
 *
 * Threads  to be called once, before any thread is started. */
#pragma once
#include "base/err.h"

/* *ret: all variables as NULL-ended "NAME=value", with those removed from `environ`; valid until the process
 * ends.
 * Errors  ERR_NOMEM: nothing was changed. */
MUST_CHECK enum err_code config_env_take(char *const **ret, struct err *reterr);
