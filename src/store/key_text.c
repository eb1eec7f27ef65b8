#include "store/key_text.h"

#include <stdio.h>
#include <string.h>

void key_text_make(const struct store_key *key, char ret[KEY_TEXT_MAX + 1])
{
	(void)snprintf(ret, KEY_TEXT_MAX + 1, "%zu:%s%s", strlen(key->id), key->id, key->email);
}

static bool fill(struct str text, struct store_key *ret)
{
	struct str digits, rest;
	uint64_t n;
	if (!str_cut(text, ':', &digits, &rest) || !str_u64(digits, STORE_ID_MAX, &n) || n > rest.n)
		return false;
	return str_copy(ret->id, sizeof ret->id, (struct str){rest.p, n}) &&
	       str_copy(ret->email, sizeof ret->email, (struct str){rest.p + n, rest.n - n});
}

bool key_text_read(struct str text, struct store_key *ret)
{
	*ret = (struct store_key){{0}, {0}};
	if (fill(text, ret))
		return true;
	*ret = (struct store_key){{0}, {0}};
	return false;
}
