/* env.h - variables of an environment given as a list, so that tests need not change their own. */
#pragma once

/* NULL when unset or empty: the SDKs take an empty variable for an unset one. */
const char *env_get(char *const *environ_, const char *name);

/* The environment of a program that is started: all but our own settings (LINKD_...), which hold secrets.
 * NULL-ended; the strings are borrowed, the list is freed by the caller.  NULL: no memory. */
char **env_for_program(char *const *environ_);
