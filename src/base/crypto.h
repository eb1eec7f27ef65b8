/* crypto.h - digests, MACs, AEAD, randomness.  The only module that includes OpenSSL's digest and cipher
 * headers.
 *
 * Source   SHA-256 FIPS 180-4, HMAC RFC 2104, HKDF RFC 5869, AES-256-GCM NIST SP 800-38D;
 *          Aumasson, Bernstein: SipHash, a fast short-input PRF (2012).
 * Errors   ERR_NOMEM when OpenSSL could not work; the output is then undefined.
 * Threads  every function is safe on any thread. */
#pragma once
#include "base/buf.h"

enum {
	CRYPTO_SHA256_LEN = 32,
	CRYPTO_SHA256_TEXT_LEN = 43,
	CRYPTO_SHA1_LEN = 20,
	CRYPTO_KEY_LEN = 32,
	CRYPTO_NONCE_LEN = 12,
	CRYPTO_TAG_LEN = 16,
	CRYPTO_SIPHASH_KEY_LEN = 16,
};

/* Once at start, before any thread: loads OpenSSL's algorithms so that later calls do not fail for it. */
MUST_CHECK enum err_code crypto_start(struct err *reterr);

MUST_CHECK enum err_code crypto_sha256(struct str data, uint8_t ret[CRYPTO_SHA256_LEN]);
/* In base64url: of a code, and of the record for which a consent was made. */
MUST_CHECK enum err_code crypto_sha256_text(struct str data, char ret[CRYPTO_SHA256_TEXT_LEN + 1]);
MUST_CHECK enum err_code crypto_sha1(struct str data,
                                     uint8_t ret[CRYPTO_SHA1_LEN]); /* old password hashes only */
MUST_CHECK enum err_code crypto_hmac_sha256(struct str key, struct str data, uint8_t ret[CRYPTO_SHA256_LEN]);

/* HMAC-SHA-256 with one key for many texts: the key's two blocks are hashed once.  Wiped when freed.
 * Threads  one object on one thread at a time. */
struct crypto_mac; /* opaque */
MUST_CHECK enum err_code crypto_mac_new(struct crypto_mac **ret);
MUST_CHECK enum err_code crypto_mac_key(struct crypto_mac *m, struct str key);
/* Pre: a key was set. */
MUST_CHECK enum err_code crypto_mac_run(struct crypto_mac *m, struct str data,
                                        uint8_t ret[CRYPTO_SHA256_LEN]);
void crypto_mac_free(struct crypto_mac *m); /* NULL is a no-op */

/* n at most 255*32 bytes */
MUST_CHECK enum err_code crypto_hkdf_sha256(struct str key, struct str salt, struct str info, uint8_t *ret,
                                            size_t n);

/* ret holds plain.n + CRYPTO_TAG_LEN bytes. */
MUST_CHECK enum err_code crypto_seal(const uint8_t key[CRYPTO_KEY_LEN], const uint8_t nonce[CRYPTO_NONCE_LEN],
                                     struct str aad, struct str plain, uint8_t *ret);
/* ret holds sealed.n - CRYPTO_TAG_LEN bytes.  ERR_DENIED when the tag does not match. */
MUST_CHECK enum err_code crypto_open(const uint8_t key[CRYPTO_KEY_LEN], const uint8_t nonce[CRYPTO_NONCE_LEN],
                                     struct str aad, struct str sealed, uint8_t *ret);

/* SipHash-2-4: a keyed 64-bit digest of a short text, at a fraction of the cost of an HMAC.  A pseudorandom function:
 * without the key nobody can compute the digest of a text, or the text of a digest.  64 bits are enough to identify a
 * value, but not to authenticate it. */
uint64_t crypto_siphash(const uint8_t key[CRYPTO_SIPHASH_KEY_LEN], struct str data);

MUST_CHECK enum err_code crypto_random(void *ret, size_t n); /* n at most 256 bytes */

bool crypto_equal(const void *a, const void *b, size_t n); /* constant time */
bool crypto_str_equal(struct str a, struct str b); /* constant time in the content; lengths may show */
void crypto_wipe(void *p, size_t n);
void crypto_wipe_buf(struct buf *b); /* in place of buf_done */
/* In place of buf_reset; memory over `keep` bytes is given back. */
void crypto_reset_buf(struct buf *b, size_t keep);

const char *crypto_version(void); /* of OpenSSL: "3.0.17" */
