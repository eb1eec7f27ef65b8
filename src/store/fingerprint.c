#include "store/fingerprint.h"

#include "base/codec.h"
#include "base/crypto.h"

enum err_code fingerprint_make(struct str hash, char ret[STORE_DIGEST_LEN + 1])
{
	uint8_t sum[CRYPTO_SHA256_LEN];
	struct buf out;
	enum err_code code = crypto_sha256(hash, sum);
	if (code != ERR_OK)
		return code;
	buf_over(&out, ret, STORE_DIGEST_LEN + 1);
	codec_b64url(&out, sum, sizeof sum);
	return ERR_OK;
}

enum err_code fingerprint_check(struct str hash, const char *wanted, bool *ret_same)
{
	char own[STORE_DIGEST_LEN + 1];
	*ret_same = true;
	if (wanted[0] == '\0')
		return ERR_OK;
	enum err_code code = fingerprint_make(hash, own);
	*ret_same = code == ERR_OK && str_is(str_c(wanted), own);
	return code;
}
