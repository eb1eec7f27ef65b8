#include "aws/sigv4_key.h"

#include <string.h>

#include "aws/creds/creds.h"

static bool name_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '-')
			return false;
	return s.n > 0 && s.n <= SIGV4_KEY_NAME_MAX;
}

enum err_code sigv4_key_check(const struct sigv4_scope *scope, char ret_date[SIGV4_DATE_LEN + 1],
                              struct err *reterr)
{
	if (!name_ok(scope->region))
		return err_set(reterr, ERR_INVALID, "a region to sign for is 1 to %d of a-z, 0-9 and -",
		               SIGV4_KEY_NAME_MAX);
	if (!name_ok(scope->service))
		return err_set(reterr, ERR_INVALID, "a service to sign for is 1 to %d of a-z, 0-9 and -",
		               SIGV4_KEY_NAME_MAX);
	if (!time_write_basic(scope->time_s, ret_date))
		return err_set(reterr, ERR_INVALID, "the clock is outside the years 1970 to 9999");
	return ERR_OK;
}

enum err_code sigv4_key_check_keys(const struct creds_keys *keys, struct err *reterr)
{
	struct str id = str_c(keys->access_key_id), secret = str_c(keys->secret_access_key);
	const char *token = keys->session_token != NULL ? keys->session_token : "";
	if (id.n == 0 || id.n > SIGV4_KEY_ID_MAX || !str_printable(id) || strpbrk(id.p, " ,/") != NULL)
		return err_set(reterr, ERR_INVALID,
		               "the access key id is empty, too long or has a character that no key has");
	if (secret.n == 0 || secret.n > SIGV4_KEY_SECRET_MAX || str_has(secret, '\r') ||
	    str_has(secret, '\n'))
		return err_set(reterr, ERR_INVALID,
		               "the secret access key is empty, too long or has a line break");
	if (strchr(token, '\r') != NULL || strchr(token, '\n') != NULL)
		return err_set(reterr, ERR_INVALID, "the session token has a line break");
	return ERR_OK;
}

enum err_code sigv4_key_derive(const struct sigv4_scope *scope, struct str secret, const char *date,
                               uint8_t ret[CRYPTO_SHA256_LEN], struct err *reterr)
{
	char first[4 + SIGV4_KEY_SECRET_MAX] = "AWS4";
	const struct str steps[] = {{date, 8}, scope->region, scope->service, STR("aws4_request")};
	uint8_t key[CRYPTO_SHA256_LEN];
	enum err_code code = ERR_OK;
	if (secret.n == 0 || secret.n > SIGV4_KEY_SECRET_MAX)
		return err_set(reterr, ERR_INVALID, "the secret access key is empty or too long");
	memcpy(first + 4, secret.p, secret.n);
	struct str with = {first, 4 + secret.n};
	for (size_t i = 0; i < sizeof steps / sizeof *steps && code == ERR_OK; i++) {
		code = crypto_hmac_sha256(with, steps[i], ret);
		memcpy(key, ret, sizeof key);
		with = (struct str){(const char *)key, sizeof key};
	}
	crypto_wipe(first, sizeof first);
	crypto_wipe(key, sizeof key);
	return code == ERR_OK ? ERR_OK : err_set(reterr, code, "no memory for a signing key");
}

void sigv4_key_hex(const uint8_t sum[CRYPTO_SHA256_LEN], char ret[SIGV4_SIGNATURE_LEN + 1])
{
	static const char hex[] = "0123456789abcdef";
	char *at = ret;
	for (size_t i = 0; i < CRYPTO_SHA256_LEN; i++) {
		*at++ = hex[sum[i] >> 4];
		*at++ = hex[sum[i] & 15];
	}
	*at = '\0';
}
