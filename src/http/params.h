/* params.h - query strings and forms: one level decoded, every name at most once.
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

/* All parameters: for forms, which our own pages make.
 * Errors  ERR_INVALID (the name and the fault; never a value), ERR_NOMEM.  params_done in any case. */
MUST_CHECK enum err_code params_parse(struct params *p, struct str raw, struct err *reterr);

/* Parse only parameters whose decoded name is in `own`, a list that ends with NULL.  All others are ignored,
 * also when they are malformed or duplicate: our URL may carry parameters of other programs.
 * Errors  as params_parse, about the own ones. */
MUST_CHECK enum err_code params_parse_own(struct params *p, struct str raw, const char *const own[],
                                          struct err *reterr);
void params_done(struct params *p);                              /* wipes: forms hold passwords */
struct str params_get(const struct params *p, const char *name); /* p NULL when absent */
