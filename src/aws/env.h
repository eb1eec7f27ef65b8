/* env.h - variables of an environment given as a list, so that tests need not change their own. */
#pragma once

/* NULL when unset or empty: the SDKs take an empty variable for an unset one. */
const char *env_get(char *const *environ_, const char *name);
