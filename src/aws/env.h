/* env.h - variables of an environment that is given as a list; tests pass their own. */
#pragma once

/* NULL when unset or empty: the SDKs take an empty variable for an unset one. */
const char *env_get(char *const *environ_, const char *name);

/* The environment for a child process: all variables except our settings (LINKD_...), which hold secrets.
 * The list ends with NULL; its strings are borrowed, and the caller frees the list.  NULL: no memory. */
char **env_for_program(char *const *environ_);
