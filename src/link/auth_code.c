#include "link/auth_code.h"

#include "base/crypto.h"

_Static_assert((STORE_KEY_MAX + 2 * 2 + SEAL_OVERHEAD + 2) / 3 * 4 <= AUTH_CODE_MAX,
               "the longest key gives a code within AUTH_CODE_MAX");

enum err_code auth_code_make(const struct sealer *s, const struct store_key *key,
                             const uint8_t salt[SEAL_SALT_LEN], struct auth_code_text *ret)
{
	struct str fields[] = {str_c(key->id), str_c(key->email)};
	struct buf out;
	if (fields[0].n + fields[1].n > STORE_KEY_MAX)
		return ERR_TOO_LARGE;
	buf_init(&out, AUTH_CODE_MAX);
	enum err_code code = seal_make(s, SEAL_CODE, salt, fields, 2, &out);
	if (code == ERR_OK)
		(void)str_copy(ret->s, sizeof ret->s, buf_view(&out));
	crypto_wipe_buf(&out);
	return code;
}

enum err_code auth_code_open(const struct sealer *s, struct str text, struct store_key *ret)
{
	struct seal_open o NOT_ZEROED;
	if (text.n > AUTH_CODE_MAX)
		return ERR_DENIED;
	enum err_code code = seal_open(s, SEAL_CODE, text, &o);
	if (code != ERR_OK)
		return code;
	if (o.n != 2 || o.field[0].n == 0 || !str_copy(ret->id, sizeof ret->id, o.field[0]) ||
	    !str_copy(ret->email, sizeof ret->email, o.field[1]))
		code = ERR_DENIED;
	seal_open_done(&o);
	return code;
}

enum err_code auth_code_shorten(struct auth_code_text *code)
{
	char digest[STORE_DIGEST_LEN + 1];
	enum err_code result = crypto_sha256_text(str_c(code->s), digest);
	if (result == ERR_OK)
		(void)str_copy(code->s, sizeof code->s, str_c(digest));
	return result;
}

enum err_code auth_code_make_as(enum config_code_style style, const struct sealer *s,
                                const struct store_key *key, const uint8_t salt[SEAL_SALT_LEN],
                                struct auth_code_text *ret)
{
	enum err_code result = auth_code_make(s, key, salt, ret);
	return result == ERR_OK && style == CODE_STYLE_RANDOM ? auth_code_shorten(ret) : result;
}
