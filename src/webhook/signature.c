#include "webhook/signature.h"

#include "base/codec.h"
#include "base/crypto.h"

static const char PREFIX[] = "sha256=";
enum { PREFIX_LEN = sizeof PREFIX - 1 };

static bool decode(struct str header, uint8_t ret[CRYPTO_SHA256_LEN])
{
	if (!str_starts(header, str_c(PREFIX)))
		return false;
	struct str digits = {header.p + PREFIX_LEN, header.n - PREFIX_LEN};
	return codec_unhex(digits, ret, CRYPTO_SHA256_LEN);
}

bool signature_shape(struct str header)
{
	uint8_t digest[CRYPTO_SHA256_LEN];
	return decode(header, digest);
}

enum err_code signature_check(struct str header, struct str body, char *const *secrets, size_t n)
{
	uint8_t given[CRYPTO_SHA256_LEN];
	if (!decode(header, given))
		return ERR_DENIED;
	bool right = false;
	for (size_t i = 0; i < n; i++) {
		uint8_t ours[CRYPTO_SHA256_LEN];
		if (crypto_hmac_sha256(str_c(secrets[i]), body, ours) != ERR_OK)
			return ERR_NOMEM;
		right |= crypto_equal(given, ours, sizeof ours);
		crypto_wipe(ours, sizeof ours);
	}
	return right ? ERR_OK : ERR_DENIED;
}
