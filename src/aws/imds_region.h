/* imds_region.h - the region of the instance this runs on. */
#pragma once
#include "aws/endpoint.h"
#include "aws/profile.h"

/* Blocks at most 3 s: at start, before the loops run.
 * Errors  why there is none, with the remedy. */
MUST_CHECK enum err_code imds_region_get(char *const *environ_, const struct profiles *p,
                                         char ret[ENDPOINT_REGION_MAX + 1], struct err *reterr);
