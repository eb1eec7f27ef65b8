/* aws/private.h - what the files of aws/ share: the environment, the SDKs' files, the instance metadata service, XML. */
#pragma once
#include <string.h>

#include "aws/endpoint.h"
#include "base/buf.h"
#include "net/exchange.h"

/* --- variables of an environment that is given as a list; tests pass their own */

/* NULL when the variable is unset or empty, which is the same for the SDKs. */
static inline const char *env_get(char *const *environ_, const char *name)
{
	size_t n = strlen(name);
	for (; environ_ != NULL && *environ_ != NULL; environ_++)
		if (strncmp(*environ_, name, n) == 0 && (*environ_)[n] == '=')
			return (*environ_)[n + 1] != '\0' ? *environ_ + n + 1 : NULL;
	return NULL;
}

/* --- inifile.c: the SDKs' config and credentials files, read as botocore reads them (Python's configparser).
 *
 * "[section]" lines, "key = value" or "key: value", keys in any case, whole-line comments with # or ;, a line
 * indented deeper continues the value before it.  A line may be as long as a session token. */

struct inifile; /* opaque; holds secrets, wiped when freed */

/* Input   any bytes.  `name` is for messages.
 * Errors  ERR_INVALID with the line: no section yet, no key, a section or key twice, a nested line without
 *         '=', NUL; ERR_NOMEM.  The message never holds a value. */
MUST_CHECK enum err_code inifile_parse(struct str text, const char *name, struct inifile **ret,
                                       struct err *reterr);
void inifile_free(struct inifile *f); /* NULL is a no-op */

/* The sections in order; NULL past the last. */
const char *inifile_section(const struct inifile *f, size_t i);
const char *inifile_get(const struct inifile *f, const char *section, const char *key); /* NULL: not there */

/* A value with indented "key = value" lines below it, as services sections have.  False: not there. */
bool inifile_nested(const char *value, const char *key, struct str *ret);

/* --- shell_split.c: splits a command line into words as a POSIX shell does, without any expansion.
 *
 * Blanks separate words; '...' is literal; in "..." a backslash escapes " and \; elsewhere it escapes any
 * character.  botocore treats credential_process and section names so. */

enum { SHELL_WORDS_MAX = 128 };

struct shell_words {
	size_t n;
	char *v[SHELL_WORDS_MAX + 1]; /* NUL-terminated, NULL-ended */
	char *space;
};

/* Errors  ERR_INVALID (a quote or backslash without its end, a NUL, too many words), ERR_NOMEM. */
MUST_CHECK enum err_code shell_split(struct str text, struct shell_words *ret, struct err *reterr);
void shell_split_free(struct shell_words *w);

/* --- profile.c: the shared config and credentials files and the profile in use.
 *
 * Config  ~/.aws/config (AWS_CONFIG_FILE): "[profile NAME]", "[default]", "[services NAME]".
 * Keys    ~/.aws/credentials (AWS_SHARED_CREDENTIALS_FILE): "[NAME]"; its values win over the config file's.
 * Name    AWS_DEFAULT_PROFILE, AWS_PROFILE, else "default".
 * Blocking  profile_load reads files. */

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

/* "endpoint_url" of a service in the services section that the profile names.  False: not there. */
bool profile_service_url(const struct profiles *p, const char *name, const char *service, struct str *ret);

/* --- imds.c: the instance metadata service, version 2: a token first, then what is asked for.
 *
 * Version 1 (without a token) is never used, because a forged request could reach it.
 * Source  AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT,
 * AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE and the profile's ec2_metadata_service_endpoint(_mode). */

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

/* --- xml.c: the subset of XML in the answers of STS: elements, attributes (ignored), text.
 *
 * Strict: tags must match, one root, nothing after it; no DOCTYPE, CDATA or processing instruction except the
 * declaration; only the five named entities and numbers of characters.  A value is found by the names of all
 * its parents, so text that looks like a tag is never taken for one. */

enum { XML_DEPTH_MAX = 16 };

struct xml_want {
	const char *path; /* "AssumeRoleResponse/AssumeRoleResult/Credentials/AccessKeyId" */
	struct buf value; /* to be initialised; the text, entities resolved, not trimmed */
	bool found;
};

/* Fills the wanted values, of elements without children.
 * Errors  ERR_INVALID: not such XML, or a wanted element occurs twice; ERR_NOMEM. */
MUST_CHECK enum err_code xml_read(struct str text, struct xml_want *want, size_t n, struct err *reterr);
