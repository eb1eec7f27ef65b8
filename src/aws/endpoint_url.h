/* endpoint_url.h - an address somebody wrote: http or https, host, port; nothing else. */
#pragma once
#include "aws/endpoint.h"

/* Fills url and host of *ret.  `from` names the setting in the message.
 * Errors  ERR_INVALID: another scheme, user, path, query, or a character that no address has. */
MUST_CHECK enum err_code endpoint_url_parse(struct str text, const char *from, struct endpoint *ret,
                                            struct err *reterr);
