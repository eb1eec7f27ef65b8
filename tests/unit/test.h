/* test.h - what every unit test includes first: cmocka wants these headers before its own. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A time a healthy program keeps, longer where LINKD_SLOW says how many times slower everything is
 * (valgrind). */
static inline int patience(int ms)
{
	const char *times = getenv("LINKD_SLOW");
	return times == NULL ? ms : ms * (int)strtol(times, NULL, 10);
}
