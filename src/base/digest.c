#include "base/digest.h"

#include "base/codec.h"
#include "base/crypto.h"

enum err_code digest_text(struct str data, char ret[DIGEST_TEXT_LEN + 1])
{
	uint8_t sum[CRYPTO_SHA256_LEN];
	struct buf out;
	enum err_code code = crypto_sha256(data, sum);
	if (code != ERR_OK)
		return code;
	buf_over(&out, ret, DIGEST_TEXT_LEN + 1);
	codec_b64url(&out, sum, sizeof sum);
	return ERR_OK;
}
