#include "webhook/signature.h"

#include <stdlib.h>

#include "base/codec.h"
#include "base/crypto.h"

static const char PREFIX[] = "sha256=";
enum { PREFIX_LEN = sizeof PREFIX - 1 };

struct signature_keys {
	struct crypto_mac *mac[SIGNATURE_KEYS_MAX];
	size_t n;
};

enum err_code signature_keys_new(char *const *secrets, size_t n, struct signature_keys **ret)
{
	struct signature_keys *k = calloc(1, sizeof *k);
	if (k == NULL)
		return ERR_NOMEM;
	for (; k->n < n && k->n < SIGNATURE_KEYS_MAX; k->n++)
		if (crypto_mac_new(&k->mac[k->n]) != ERR_OK ||
		    crypto_mac_key(k->mac[k->n], str_c(secrets[k->n])) != ERR_OK) {
			k->n++;
			signature_keys_free(k);
			return ERR_NOMEM;
		}
	*ret = k;
	return ERR_OK;
}

void signature_keys_free(struct signature_keys *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->n; i++)
		crypto_mac_free(k->mac[i]);
	free(k);
}

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

enum err_code signature_check(struct str header, struct str body, struct signature_keys *keys)
{
	uint8_t given[CRYPTO_SHA256_LEN];
	if (!decode(header, given))
		return ERR_DENIED;
	bool right = false;
	for (size_t i = 0; i < keys->n; i++) {
		uint8_t ours[CRYPTO_SHA256_LEN];
		if (crypto_mac_run(keys->mac[i], body, ours) != ERR_OK)
			return ERR_NOMEM;
		right |= crypto_equal(given, ours, sizeof ours);
		crypto_wipe(ours, sizeof ours);
	}
	return right ? ERR_OK : ERR_DENIED;
}
