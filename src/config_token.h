/* config_token.h - one item of LINKD_ADMIN_TOKEN: "token", "name=token" or "name:read=token".  Pure. */
#pragma once
#include "base/str.h"

enum {
	CONFIG_TOKENS_MAX = 8,
	CONFIG_TOKEN_MIN = 16,      /* characters of a token */
	CONFIG_TOKEN_NAME_MAX = 32, /* of its name */
};

struct config_token {
	struct str name;  /* of the item; empty: it has none */
	struct str token; /* secret */
	bool read_only;   /* for look-ups only */
};

/* Cut at the first '='; one that only ends in '=' is a token in base64 without a name.
 * NULL, or what is wrong with it: a clause without the token. */
const char *config_token_parse(struct str item, struct config_token *ret);
