#include "base/crypto.h"

#include <limits.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "base/codec.h"

static EVP_MD *sha256_md;
static EVP_MD *sha1_md;
static EVP_CIPHER *gcm;
static EVP_MAC *hmac_mac;

enum { HMAC_BLOCK = 64, HMAC_PARTS = 3 };

/* It is set last, so it shows that all were loaded. */
enum err_code crypto_start(struct err *reterr)
{
	if (hmac_mac != NULL)
		return ERR_OK;
	if ((sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL)) != NULL &&
	    (sha1_md = EVP_MD_fetch(NULL, "SHA1", NULL)) != NULL &&
	    (gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL)) != NULL &&
	    (hmac_mac = EVP_MAC_fetch(NULL, "HMAC", NULL)) != NULL)
		return ERR_OK;
	EVP_MD_free(sha256_md);
	EVP_MD_free(sha1_md);
	EVP_CIPHER_free(gcm);
	sha256_md = sha1_md = NULL;
	gcm = NULL;
	return err_set(reterr, ERR_INTERNAL, "OpenSSL lacks SHA-256, SHA-1, AES-256-GCM or HMAC");
}

/* OpenSSL keeps each failure, with memory of its own, in a queue of the thread: whoever looks there next
 * (TLS) must not find ours. */
static enum err_code result(bool ok, enum err_code failed)
{
	if (ok)
		return ERR_OK;
	ERR_clear_error();
	return failed;
}

static enum err_code digest(const EVP_MD *md, struct str data, uint8_t *ret)
{
	return result(EVP_Digest(data.p, data.n, ret, NULL, md, NULL) == 1, ERR_NOMEM);
}

enum err_code crypto_sha256(struct str data, uint8_t ret[CRYPTO_SHA256_LEN])
{
	return digest(sha256_md, data, ret);
}

enum err_code crypto_sha256_text(struct str data, char ret[CRYPTO_SHA256_TEXT_LEN + 1])
{
	uint8_t sum[CRYPTO_SHA256_LEN];
	struct buf out;
	enum err_code code = crypto_sha256(data, sum);
	if (code != ERR_OK)
		return code;
	buf_over(&out, ret, CRYPTO_SHA256_TEXT_LEN + 1);
	codec_b64url(&out, sum, sizeof sum);
	return ERR_OK;
}

enum err_code crypto_sha1(struct str data, uint8_t ret[CRYPTO_SHA1_LEN])
{
	return digest(sha1_md, data, ret);
}

/* HMAC (RFC 2104) and HKDF (RFC 5869) stand on one context of the digest: EVP_MAC and EVP_KDF look their
 * digest up, copy and allocate for every key, which costs several times what the digest itself does. */
static bool digest_parts(EVP_MD_CTX *ctx, const struct str *parts, size_t n, uint8_t ret[CRYPTO_SHA256_LEN])
{
	bool ok = EVP_DigestInit_ex2(ctx, sha256_md, NULL) == 1;
	for (size_t i = 0; i < n && ok; i++)
		ok = parts[i].n == 0 || EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
	return ok && EVP_DigestFinal_ex(ctx, ret, NULL) == 1;
}

static void flip(uint8_t block[HMAC_BLOCK], uint8_t with)
{
	for (size_t i = 0; i < HMAC_BLOCK; i++)
		block[i] ^= with;
}

/* Of up to HMAC_PARTS pieces, one after another. */
static bool hmac(EVP_MD_CTX *ctx, struct str key, const struct str *parts, size_t n,
                 uint8_t ret[CRYPTO_SHA256_LEN])
{
	uint8_t block[HMAC_BLOCK] = {0}, sum[CRYPTO_SHA256_LEN];
	struct str inner[1 + HMAC_PARTS] = {{(const char *)block, sizeof block}};
	const struct str outer[] = {inner[0], {(const char *)sum, sizeof sum}};
	bool ok = true;
	if (key.n > sizeof block)
		ok = digest_parts(ctx, &key, 1, block);
	else if (key.n > 0)
		memcpy(block, key.p, key.n);
	for (size_t i = 0; i < n; i++)
		inner[1 + i] = parts[i];
	flip(block, 0x36);
	ok = ok && digest_parts(ctx, inner, 1 + n, sum);
	flip(block, 0x36 ^ 0x5c);
	ok = ok && digest_parts(ctx, outer, 2, ret);
	crypto_wipe(block, sizeof block);
	crypto_wipe(sum, sizeof sum);
	return ok;
}

enum err_code crypto_hmac_sha256(struct str key, struct str data, uint8_t ret[CRYPTO_SHA256_LEN])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && hmac(ctx, key, &data, 1, ret);
	EVP_MD_CTX_free(ctx);
	return result(ok, ERR_NOMEM);
}

/* The context is OpenSSL's, which wipes it. */
static EVP_MAC_CTX *mac_ctx(struct crypto_mac *m)
{
	return (EVP_MAC_CTX *)(void *)m;
}

enum err_code crypto_mac_new(struct crypto_mac **ret)
{
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(hmac_mac);
	*ret = (struct crypto_mac *)(void *)ctx;
	return result(ctx != NULL, ERR_NOMEM);
}

enum err_code crypto_mac_key(struct crypto_mac *m, struct str key)
{
	char name[] = "SHA256";
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
	                       OSSL_PARAM_construct_end()};
	const unsigned char *k = (const unsigned char *)(key.n > 0 ? key.p : "");
	return result(EVP_MAC_init(mac_ctx(m), k, key.n, params) == 1, ERR_NOMEM);
}

enum err_code crypto_mac_run(struct crypto_mac *m, struct str data, uint8_t ret[CRYPTO_SHA256_LEN])
{
	size_t n = 0;
	bool ok = EVP_MAC_init(mac_ctx(m), NULL, 0, NULL) == 1 && /* begins anew with the same key */
	          EVP_MAC_update(mac_ctx(m), (const unsigned char *)data.p, data.n) == 1 &&
	          EVP_MAC_final(mac_ctx(m), ret, &n, CRYPTO_SHA256_LEN) == 1;
	return result(ok, ERR_NOMEM);
}

void crypto_mac_free(struct crypto_mac *m)
{
	EVP_MAC_CTX_free(mac_ctx(m));
}

/* T(i) = HMAC(key, T(i-1) | info | i) until there are n bytes. */
static bool expand(EVP_MD_CTX *ctx, struct str key, struct str info, uint8_t *ret, size_t n)
{
	uint8_t block[CRYPTO_SHA256_LEN], count = 0;
	bool ok = n <= 255 * sizeof block;
	for (size_t at = 0, some; at < n && ok; at += some) {
		const struct str parts[HMAC_PARTS] = {
		        {(const char *)block, count > 0 ? sizeof block : 0}, info, {(const char *)&count, 1}};
		count++;
		ok = hmac(ctx, key, parts, HMAC_PARTS, block);
		some = n - at < sizeof block ? n - at : sizeof block;
		memcpy(ret + at, block, some);
	}
	crypto_wipe(block, sizeof block);
	return ok;
}

enum err_code crypto_hkdf_sha256(struct str key, struct str salt, struct str info, uint8_t *ret, size_t n)
{
	uint8_t extracted[CRYPTO_SHA256_LEN];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && hmac(ctx, salt, &key, 1, extracted) &&
	          expand(ctx, (struct str){(const char *)extracted, sizeof extracted}, info, ret, n);
	EVP_MD_CTX_free(ctx);
	crypto_wipe(extracted, sizeof extracted);
	return result(ok, ERR_NOMEM);
}

enum err_code crypto_seal(const uint8_t key[CRYPTO_KEY_LEN], const uint8_t nonce[CRYPTO_NONCE_LEN],
                          struct str aad, struct str plain, uint8_t *ret)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, tail = 0;
	bool ok = ctx != NULL && aad.n <= INT_MAX && plain.n <= INT_MAX &&
	          EVP_EncryptInit_ex2(ctx, gcm, key, nonce, NULL) == 1 &&
	          EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)aad.p, (int)aad.n) == 1 &&
	          EVP_EncryptUpdate(ctx, ret, &n, (const unsigned char *)plain.p, (int)plain.n) == 1 &&
	          EVP_EncryptFinal_ex(ctx, ret + n, &tail) == 1 &&
	          EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG_LEN, ret + plain.n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return result(ok, ERR_NOMEM);
}

enum err_code crypto_open(const uint8_t key[CRYPTO_KEY_LEN], const uint8_t nonce[CRYPTO_NONCE_LEN],
                          struct str aad, struct str sealed, uint8_t *ret)
{
	if (sealed.n < CRYPTO_TAG_LEN || sealed.n > INT_MAX || aad.n > INT_MAX)
		return ERR_DENIED;
	size_t body = sealed.n - CRYPTO_TAG_LEN;
	uint8_t tag[CRYPTO_TAG_LEN];
	memcpy(tag, sealed.p + body, sizeof tag);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, tail = 0;
	bool ready = ctx != NULL && EVP_DecryptInit_ex2(ctx, gcm, key, nonce, NULL) == 1 &&
	             EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)aad.p, (int)aad.n) == 1 &&
	             EVP_DecryptUpdate(ctx, ret, &n, (const unsigned char *)sealed.p, (int)body) == 1 &&
	             EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, CRYPTO_TAG_LEN, tag) == 1;
	bool ok = ready && EVP_DecryptFinal_ex(ctx, ret + n, &tail) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return result(ok, ready ? ERR_DENIED : ERR_NOMEM);
}

/* --- SipHash-2-4 */

struct sip {
	uint64_t v[4];
};

static uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static uint64_t sip_word(const uint8_t *p, size_t n)
{
	uint64_t x = 0;
	for (size_t i = 0; i < n; i++)
		x |= (uint64_t)p[i] << 8 * i;
	return x;
}

static void sip_rounds(struct sip *s, int n)
{
	uint64_t *v = s->v;
	while (n-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32) + v[3];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static void sip_take(struct sip *s, uint64_t word)
{
	s->v[3] ^= word;
	sip_rounds(s, 2);
	s->v[0] ^= word;
}

uint64_t crypto_siphash(const uint8_t key[CRYPTO_SIPHASH_KEY_LEN], struct str data)
{
	const uint8_t *p = (const uint8_t *)data.p;
	uint64_t k0 = sip_word(key, 8), k1 = sip_word(key + 8, 8);
	struct sip s = {{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
	                 k1 ^ 0x7465646279746573}};
	size_t whole = data.n / 8 * 8;
	for (size_t i = 0; i < whole; i += 8)
		sip_take(&s, sip_word(p + i, 8));
	sip_take(&s, (uint64_t)data.n << 56 | (data.n > whole ? sip_word(p + whole, data.n - whole) : 0));
	s.v[2] ^= 0xff;
	sip_rounds(&s, 4);
	return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}

/* --- random bytes, comparison, wiping */

enum err_code crypto_random(void *ret, size_t n)
{
	return result(n <= 256 && RAND_bytes(ret, (int)n) == 1, ERR_NOMEM);
}

bool crypto_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

bool crypto_str_equal(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || crypto_equal(a.p, b.p, a.n));
}

void crypto_wipe(void *p, size_t n)
{
	if (p != NULL)
		explicit_bzero(p, n);
}

void crypto_wipe_buf(struct buf *b)
{
	crypto_wipe(b->p, b->cap);
	buf_done(b);
}

void crypto_reset_buf(struct buf *b, size_t keep)
{
	crypto_wipe(b->p, b->len);
	if (b->cap > keep)
		buf_done(b);
	else
		buf_reset(b);
}

const char *crypto_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION_STRING);
}
