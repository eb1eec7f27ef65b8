/* X-Hub-Signature-256.  Input: a line of header and the body; a header of "=" is replaced by the right one,
 * "=N..." by the right one with byte N changed to what follows. */
#include <string.h>

#include "base/codec.h"
#include "base/crypto.h"
#include "fuzz.h"
#include "webhook/signature.h"

enum { BLOCK = 64 }; /* bytes of SHA-256 */

/* HMAC as RFC 2104 writes it down; the key is short. */
static void hmac(struct str key, struct str body, uint8_t ret[CRYPTO_SHA256_LEN])
{
	struct buf inner, outer;
	char pad[BLOCK];
	buf_init(&inner, BLOCK + body.n);
	buf_init(&outer, BLOCK + CRYPTO_SHA256_LEN);
	for (size_t i = 0; i < BLOCK; i++)
		pad[i] = (char)(0x36 ^ (i < key.n ? key.p[i] : 0));
	buf_put(&inner, pad, sizeof pad);
	buf_str(&inner, body);
	FUZZ_MUST(crypto_sha256(buf_view(&inner), ret) == ERR_OK);
	for (size_t i = 0; i < BLOCK; i++)
		pad[i] = (char)(0x5c ^ (i < key.n ? key.p[i] : 0));
	buf_put(&outer, pad, sizeof pad);
	buf_put(&outer, ret, CRYPTO_SHA256_LEN);
	FUZZ_MUST(crypto_sha256(buf_view(&outer), ret) == ERR_OK);
	buf_done(&inner);
	buf_done(&outer);
}

static void right_header(const char *secret, struct str body, char ret[SIGNATURE_LEN + 1])
{
	uint8_t sum[CRYPTO_SHA256_LEN];
	hmac(str_c(secret), body, sum);
	memcpy(ret, "sha256=", 7);
	for (size_t i = 0; i < sizeof sum; i++) {
		ret[7 + 2 * i] = "0123456789abcdef"[sum[i] / 16];
		ret[8 + 2 * i] = "0123456789abcdef"[sum[i] % 16];
	}
	ret[SIGNATURE_LEN] = '\0';
}

static struct str made(struct str in, char right[SIGNATURE_LEN + 1])
{
	if (in.n >= 3)
		right[(uint8_t)in.p[1] % SIGNATURE_LEN] = in.p[2];
	return (struct str){right, in.n == 2 ? (uint8_t)in.p[1] % (SIGNATURE_LEN + 1) : SIGNATURE_LEN};
}

static bool well_formed(struct str h)
{
	if (h.n != SIGNATURE_LEN || memcmp(h.p, "sha256=", 7) != 0)
		return false;
	for (size_t i = 7; i < h.n; i++)
		if (h.p[i] == '\0' || strchr("0123456789abcdef", h.p[i]) == NULL)
			return false;
	return true;
}

static char old[] = "an older secret", new[] = "0123456789abcdef0123456789abcdef";

/* The first n of the secrets, as keys that serve all inputs. */
static struct signature_keys *keys_of(size_t n)
{
	static struct signature_keys *keys[3];
	char *secrets[] = {new, old};
	FUZZ_MUST(keys[n] != NULL || signature_keys_new(secrets, n, &keys[n]) == ERR_OK);
	return keys[n];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char right[2][SIGNATURE_LEN + 1], chosen[SIGNATURE_LEN + 1];
	struct str body = {(const char *)data, n}, header = fuzz_part(&body, '\n');
	right_header(new, body, right[0]);
	right_header(old, body, right[1]);
	if (header.n > 0 && header.p[0] == '=') {
		memcpy(chosen, right[n % 2], sizeof chosen);
		header = made(header, chosen);
	}
	bool one = str_is(header, right[0]), two = str_is(header, right[1]);
	FUZZ_MUST(signature_shape(header) == well_formed(header));
	FUZZ_MUST((signature_check(header, body, keys_of(2)) == ERR_OK) == (one || two));
	FUZZ_MUST((signature_check(header, body, keys_of(1)) == ERR_OK) == one);
	FUZZ_MUST(signature_check(header, body, keys_of(0)) == ERR_DENIED);
	return 0;
}
