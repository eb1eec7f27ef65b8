/* config/token.h - one item of LINKD_ADMIN_TOKEN: "token", "name=token" or "name:read=token".  Pure. */
#pragma once
#include "base/str.h"

enum {
	CONFIG_TOKENS_MAX = 8,
	CONFIG_TOKEN_MIN = 16,      /* characters of a token */
	CONFIG_TOKEN_NAME_MAX = 32, /* characters of a name */
};

struct config_token {
	struct str name;  /* empty: the item has none */
	struct str token; /* secret */
	bool read_only;   /* for GET and HEAD only */
};

/* Split at the first '='.  An item that has '=' only at its end is a base64 token without a name.
 * Returns NULL, or a clause that says what is wrong, without the token. */
const char *config_token_parse(struct str item, struct config_token *ret);
