/* sigv4_oracle.h - Signature Version 4 for any request, in its three published stages: the tests' second opinion on
 * the signer of the program, which signs POST / only.
 *
 *   canonical request -> string to sign -> signature -> Authorization header
 *
 * Source  AWS General Reference, "Signature Version 4 signing process". */
#pragma once
#include "aws/creds/creds.h"
#include "aws/sigv4.h"

struct sigv4_header {
	struct str name;  /* any case */
	struct str value; /* as sent */
};

struct sigv4_request {
	struct str method;
	struct str path;  /* as sent, "/" at least, without the query; percent-encoded once more by the first
	                     stage */
	struct str query; /* as sent, without '?' */
	const struct sigv4_header
	        *headers; /* every one to be signed, Host among them; repeated names allowed */
	size_t n_headers;
	struct str body;
};

/* Append the canonical request, and "host;x-amz-date" to signed_names. */
MUST_CHECK enum err_code sigv4_canonical(const struct sigv4_request *req, struct buf *out,
                                         struct buf *signed_names, struct err *reterr);
MUST_CHECK enum err_code sigv4_string_to_sign(const struct sigv4_scope *scope, struct str canonical,
                                              struct buf *out, struct err *reterr);
MUST_CHECK enum err_code sigv4_signature(const struct sigv4_scope *scope, struct str secret,
                                         struct str string_to_sign, char ret[SIGV4_SIGNATURE_LEN + 1],
                                         struct err *reterr);
/* All three: append the value of the Authorization header ("AWS4-HMAC-SHA256 Credential=..."). */
MUST_CHECK enum err_code sigv4_authorize(const struct sigv4_scope *scope, const struct creds_keys *keys,
                                         const struct sigv4_request *req, struct buf *out,
                                         struct err *reterr);
