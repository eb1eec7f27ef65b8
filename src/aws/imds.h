/* imds.h - the instance metadata service, version 2: a token first, then what is asked for.
 *
 * Version 1 (without a token) is never used, because a forged request could reach it.
 * Source  AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT,
 * AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE and the profile's ec2_metadata_service_endpoint(_mode). */
#pragma once
#include "aws/endpoint.h"
#include "aws/profile.h"
#include "net/exchange.h"

enum { IMDS_TOKEN_MAX = 1023 };

struct imds {
	char base[ENDPOINT_URL_MAX + 1]; /* ends in '/' */
	char token[IMDS_TOKEN_MAX + 1];  /* secret; "" until it was received */
};

/* Errors  ERR_NOT_FOUND: switched off.  ERR_INVALID: the address or the mode. */
MUST_CHECK enum err_code imds_init(struct imds *m, char *const *environ_, const struct profiles *p,
                                   struct err *reterr);

void imds_ask_token(const struct imds *m, struct exchange_request *req);
MUST_CHECK enum err_code imds_take_token(struct imds *m, const struct exchange_answer *a, struct err *reterr);
/* "latest/meta-data/" and `path`. */
void imds_ask(const struct imds *m, const char *path, struct exchange_request *req);

/* Blocks at most 3 s: at start, before the loops run.
 * Errors  why there is none, with the remedy. */
MUST_CHECK enum err_code imds_region_get(char *const *environ_, const struct profiles *p,
                                         char ret[ENDPOINT_REGION_MAX + 1], struct err *reterr);
