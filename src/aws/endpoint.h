/* endpoint.h - region and address of an AWS service.
 *
 * Region    own setting, AWS_REGION, AWS_DEFAULT_REGION, the profile's region, instance metadata.
 * Address   own setting, AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the profile's services section, the
 *           profile's endpoint_url, else computed from the region (partitions, FIPS, dual-stack).
 * Layer     includes base/, loop/, aws/.
 * Errors    ERR_INVALID with the setting and the remedy. */
#pragma once
#include "base/err.h"
#include "base/str.h"

enum { ENDPOINT_REGION_MAX = 63, ENDPOINT_HOST_MAX = 255, ENDPOINT_URL_MAX = 511 };

struct endpoint {
	char url[ENDPOINT_URL_MAX + 1];   /* "https://dynamodb.eu-central-1.amazonaws.com/": ends in '/' */
	char host[ENDPOINT_HOST_MAX + 1]; /* as in the Host header, with :port when not the default */
	char region[ENDPOINT_REGION_MAX + 1];      /* as configured */
	char sign_region[ENDPOINT_REGION_MAX + 1]; /* for the signature; us-east-1 for region "local" */
	const char *region_from;                   /* static text: "AWS_REGION", "instance metadata" */
	const char *url_from;                      /* static text: "AWS_ENDPOINT_URL", "the region" */
};

struct endpoint_options {
	char *const *environ_; /* NULL-ended "NAME=value", borrowed for the call */
	const char *service;   /* "dynamodb", "sts" */
	const char *region;    /* own setting; NULL or "": none */
	const char *url;       /* own setting; NULL or "": none */
};

/* Blocks (files, at most 3 s of instance metadata): at start, before the loops run. */
MUST_CHECK enum err_code endpoint_load(const struct endpoint_options *o, struct endpoint *ret,
                                       struct err *reterr);

struct profiles;
/* The same from profiles already read, without asking instance metadata: a region that
 * is not set is ERR_NOT_FOUND. */
MUST_CHECK enum err_code endpoint_resolve(const struct endpoint_options *o, const struct profiles *p,
                                          struct endpoint *ret, struct err *reterr);

/* The address AWS documents for a region. */
MUST_CHECK enum err_code endpoint_compute(const char *service, const char *region, bool fips, bool dualstack,
                                          struct endpoint *ret, struct err *reterr);
bool endpoint_region_ok(struct str region); /* [a-z0-9-]+, a valid host label */

/* Reads a configured address: http or https, host, port.  Fills url and host of *ret.  `from` names the setting in the message.
 * Errors  ERR_INVALID: another scheme, user, path, query, or a character that no address has. */
MUST_CHECK enum err_code endpoint_url_parse(struct str text, const char *from, struct endpoint *ret,
                                            struct err *reterr);
