#include "config/token.h"

static bool only_padding(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '=')
			return false;
	return true;
}

static bool name_valid(struct str name)
{
	return name.n > 0 && name.n <= CONFIG_TOKEN_NAME_MAX && str_of(name, "._-");
}

const char *config_token_parse(struct str item, struct config_token *ret)
{
	struct str left, token, name, scope;
	*ret = (struct config_token){.token = item};
	if (str_cut(item, '=', &left, &token) && !only_padding(token)) {
		bool scoped = str_cut(left, ':', &name, &scope);
		*ret = (struct config_token){.name = name, .token = token, .read_only = scoped};
		if (!name_valid(name))
			return "has a name that is not 1 to 32 of A-Z a-z 0-9 . _ -";
		if (scoped && !str_is(scope, "read"))
			return "has a name that ends in something other than :read";
	}
	return ret->token.n < CONFIG_TOKEN_MIN
	               ? "needs at least 16 characters; make one with: openssl rand -hex 32"
	               : NULL;
}
