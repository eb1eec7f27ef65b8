/* refuse.h - starve.h, and the C library, OpenSSL, libcurl, libmicrohttpd and cJSON say no at a chosen call.
 *
 * A test that includes this is also linked with the library's calls of what refuse.c lists led through there
 * (tests/check.mk). */
#pragma once
#include "starve.h"
