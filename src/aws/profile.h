/* profile.h - the shared config and credentials files and the profile in use.
 *
 * Config  ~/.aws/config (AWS_CONFIG_FILE): "[profile NAME]", "[default]", "[services NAME]".
 * Keys    ~/.aws/credentials (AWS_SHARED_CREDENTIALS_FILE): "[NAME]"; its values win over the config file's.
 * Name    AWS_DEFAULT_PROFILE, AWS_PROFILE, else "default".
 * Blocking  profile_load reads files. */
#pragma once
#include "base/err.h"
#include "base/str.h"

struct profiles; /* opaque */

enum profile_from { PROFILE_BOTH, PROFILE_CONFIG, PROFILE_CREDENTIALS };

/* A file that does not exist is empty.
 * Errors  ERR_INVALID: a file that cannot be read or is not well-formed, a profile that was named and is in
 *         neither; ERR_NOMEM. */
MUST_CHECK enum err_code profile_load(char *const *environ_, struct profiles **ret, struct err *reterr);
void profile_free(struct profiles *p); /* NULL is a no-op */

const char *profile_name(const struct profiles *p); /* of the one in use */
bool profile_exists(const struct profiles *p, const char *name);
/* NULL: not there.  Borrowed from p. */
const char *profile_get(const struct profiles *p, enum profile_from from, const char *name, const char *key);
const char *profile_file(const struct profiles *p, enum profile_from from); /* path, for messages */

/* "endpoint_url" of a service in the services section the profile names.  False: not there. */
bool profile_service_url(const struct profiles *p, const char *name, const char *service, struct str *ret);
