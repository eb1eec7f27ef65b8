#include "http/params.h"

#include <string.h>

#include "base/codec.h"
#include "base/crypto.h"

/* Decode one name or value to the end of p->text.  The buffer was reserved: it does not move. */
static bool decode(struct params *p, struct str raw, struct str *ret)
{
	size_t from = p->text.len;
	if (!codec_unpct(&p->text, raw, true))
		return false;
	*ret = (struct str){p->text.p + from, p->text.len - from};
	return str_utf8(*ret) && !str_has(*ret, '\0');
}

/* A name that cannot be decoded is not an own name. */
static bool is_own(struct params *p, struct str name, const char *const own[])
{
	struct str decoded;
	size_t from = p->text.len;
	bool found = false;
	if (decode(p, name, &decoded))
		for (; *own != NULL && !found; own++)
			found = str_is(decoded, *own);
	p->text.len = from;
	return found;
}

/* `own` NULL: every name is an own name. */
static enum err_code add(struct params *p, struct str pair, const char *const own[], struct err *reterr)
{
	struct str name, value;
	(void)str_cut(pair, '=', &name, &value);
	if (own != NULL && !is_own(p, name, own))
		return ERR_OK;
	if (p->n == PARAMS_MAX)
		return err_set(reterr, ERR_INVALID, "more than %d parameters", PARAMS_MAX);
	if (!decode(p, name, &p->item[p->n].name) || !decode(p, value, &p->item[p->n].value))
		return err_set(reterr, ERR_INVALID, "a broken escape, NUL or invalid UTF-8 in a parameter");
	if (p->item[p->n].name.n == 0)
		return err_set(reterr, ERR_INVALID, "a parameter without a name");
	for (size_t i = 0; i < p->n; i++)
		if (str_eq(p->item[i].name, p->item[p->n].name))
			return err_set(reterr, ERR_INVALID, "a parameter came twice");
	p->n++;
	return ERR_OK;
}

enum err_code params_parse(struct params *p, struct str raw, struct err *reterr)
{
	return params_parse_own(p, raw, NULL, reterr);
}

enum err_code params_parse_own(struct params *p, struct str raw, const char *const own[], struct err *reterr)
{
	struct str pair;
	p->n = 0;
	buf_init(&p->text, raw.n);
	if (!buf_reserve(&p->text, raw.n))
		return err_set(reterr, ERR_NOMEM, "no memory for parameters");
	while (raw.n > 0 && str_next(&raw, '&', &pair)) {
		if (pair.n == 0)
			continue;
		enum err_code code = add(p, pair, own, reterr);
		if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}

void params_done(struct params *p)
{
	crypto_wipe_buf(&p->text);
	p->n = 0;
}

struct str params_get(const struct params *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_is(p->item[i].name, name))
			return p->item[i].value;
	return (struct str){NULL, 0};
}
