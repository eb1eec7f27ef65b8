/* params.h - query strings and forms: strict, one level decoded, every name at most once.
 *
 * Source  WHATWG URL Standard, application/x-www-form-urlencoded; stricter: a broken escape, a NUL, invalid
 * UTF-8 after decoding, an empty name or a doubled name is refused. */
#pragma once
#include "base/buf.h"

enum { PARAMS_MAX = 32 };

struct params {
	size_t n;
	struct {
		struct str name, value; /* decoded, in `text` */
	} item[PARAMS_MAX];
	struct buf text;
};

/* Errors  ERR_INVALID (what is wrong, by name; never a value), ERR_NOMEM.  params_done in any case. */
MUST_CHECK enum err_code params_parse(struct params *p, struct str raw, struct err *reterr);
void params_done(struct params *p);                              /* wipes: forms hold passwords */
struct str params_get(const struct params *p, const char *name); /* p NULL when absent */
