#include "link/seal.h"

#include "base/codec.h"
#include "base/crypto.h"

#include <stdlib.h>
#include <string.h>

enum {
	VERSION = 1,
	KEY_ID_LEN = 4,
	KEY_MIN = 32, /* bytes */
	AT_TYPE = 1,
	AT_KEY_ID = 2,
	AT_SALT = AT_KEY_ID + KEY_ID_LEN,
	HEADER_LEN = AT_SALT + SEAL_SALT_LEN,
	RAW_MAX = SEAL_TEXT_MAX / 4 * 3, /* bytes of a token before base64url */
	PLAIN_MAX = RAW_MAX - SEAL_OVERHEAD,
};

_Static_assert(HEADER_LEN + CRYPTO_TAG_LEN == SEAL_OVERHEAD, "SEAL_OVERHEAD is right");

struct seal_key {
	uint8_t id[KEY_ID_LEN];
	uint8_t *secret; /* owned */
	size_t n;        /* bytes */
};

struct sealer {
	size_t n;
	struct seal_key key[SEAL_KEYS_MAX];
};

static struct str bytes(const uint8_t *p, size_t n)
{
	return (struct str){(const char *)p, n};
}

static enum err_code key_init(struct seal_key *k, struct str secret)
{
	k->secret = malloc(secret.n);
	if (k->secret == NULL)
		return ERR_NOMEM;
	memcpy(k->secret, secret.p, secret.n);
	k->n = secret.n;
	return crypto_hkdf_sha256(secret, STR(""), STR("account-linkd key id"), k->id, sizeof k->id);
}

enum err_code sealer_new(const struct str *keys, size_t n, struct sealer **ret, struct err *reterr)
{
	if (n == 0 || n > SEAL_KEYS_MAX)
		return err_set(reterr, ERR_INVALID, "%zu seal keys, 1 to %d are possible", n, SEAL_KEYS_MAX);
	for (size_t i = 0; i < n; i++)
		if (keys[i].n < KEY_MIN)
			return err_set(reterr, ERR_INVALID,
			               "seal key %zu has %zu bytes, at least %d are needed", i + 1, keys[i].n,
			               KEY_MIN);
	struct sealer *s = calloc(1, sizeof *s);
	if (s == NULL)
		return err_set(reterr, ERR_NOMEM, "no memory for the seal keys");
	for (; s->n < n; s->n++) {
		if (key_init(&s->key[s->n], keys[s->n]) != ERR_OK) {
			s->n++;
			sealer_free(s);
			return err_set(reterr, ERR_NOMEM, "no memory for the seal keys");
		}
	}
	*ret = s;
	return ERR_OK;
}

void sealer_free(struct sealer *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++) {
		crypto_wipe(s->key[i].secret, s->key[i].n);
		free(s->key[i].secret);
	}
	free(s);
}

/* The key and nonce of one token. */
struct token_keys {
	uint8_t key[CRYPTO_KEY_LEN];
	uint8_t nonce[CRYPTO_NONCE_LEN];
};

static enum err_code derive(const struct seal_key *k, enum seal_type type, struct str salt,
                            struct token_keys *ret)
{
	char info[] = "account-linkd seal 1 ?";
	uint8_t both[CRYPTO_KEY_LEN + CRYPTO_NONCE_LEN];
	info[sizeof info - 2] = (char)type;
	enum err_code code = crypto_hkdf_sha256(bytes(k->secret, k->n), salt,
	                                        (struct str){info, sizeof info - 1}, both, sizeof both);
	memcpy(ret->key, both, sizeof ret->key);
	memcpy(ret->nonce, both + sizeof ret->key, sizeof ret->nonce);
	crypto_wipe(both, sizeof both);
	return code;
}

/* Write the length-prefixed fields.  ERR_TOO_LARGE: more than PLAIN_MAX. */
static enum err_code pack(const struct str *fields, size_t n, uint8_t *ret, size_t *ret_n)
{
	size_t at = 0;
	if (n > SEAL_FIELDS_MAX)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < n; i++) {
		if (fields[i].n > PLAIN_MAX || at + 2 + fields[i].n > PLAIN_MAX)
			return ERR_TOO_LARGE;
		ret[at] = (uint8_t)(fields[i].n >> 8);
		ret[at + 1] = (uint8_t)fields[i].n;
		if (fields[i].n > 0)
			memcpy(ret + at + 2, fields[i].p, fields[i].n);
		at += 2 + fields[i].n;
	}
	*ret_n = at;
	return ERR_OK;
}

static enum err_code encrypt(const struct seal_key *k, enum seal_type type, struct str plain, uint8_t *raw)
{
	struct token_keys keys;
	enum err_code code = derive(k, type, bytes(raw + AT_SALT, SEAL_SALT_LEN), &keys);
	if (code == ERR_OK)
		code = crypto_seal(keys.key, keys.nonce, bytes(raw, HEADER_LEN), plain, raw + HEADER_LEN);
	crypto_wipe(&keys, sizeof keys);
	return code;
}

enum err_code seal_make(const struct sealer *s, enum seal_type type, const uint8_t salt[SEAL_SALT_LEN],
                        const struct str *fields, size_t n, struct buf *out)
{
	uint8_t plain[PLAIN_MAX] NOT_ZEROED, raw[RAW_MAX] NOT_ZEROED;
	size_t plain_n = 0;
	enum err_code code = pack(fields, n, plain, &plain_n);
	if (code != ERR_OK)
		return code;
	raw[0] = VERSION;
	raw[AT_TYPE] = (uint8_t)type;
	memcpy(raw + AT_KEY_ID, s->key[0].id, KEY_ID_LEN);
	if (salt != NULL)
		memcpy(raw + AT_SALT, salt, SEAL_SALT_LEN);
	else
		code = crypto_random(raw + AT_SALT, SEAL_SALT_LEN);
	if (code == ERR_OK)
		code = encrypt(&s->key[0], type, bytes(plain, plain_n), raw);
	crypto_wipe(plain, plain_n);
	if (code != ERR_OK)
		return code;
	codec_b64url(out, raw, plain_n + SEAL_OVERHEAD);
	return out->failed ? ERR_NOMEM : ERR_OK;
}

static enum err_code unpack(struct seal_open *o)
{
	size_t at = 0;
	for (o->n = 0; at < o->plain_n; o->n++) {
		if (o->n == SEAL_FIELDS_MAX || o->plain_n - at < 2)
			return ERR_DENIED;
		size_t len = (size_t)o->plain[at] << 8 | o->plain[at + 1];
		at += 2;
		if (len > o->plain_n - at)
			return ERR_DENIED;
		o->field[o->n] = bytes(o->plain + at, len);
		at += len;
	}
	return ERR_OK;
}

static enum err_code decrypt(const struct seal_key *k, enum seal_type type, struct str raw,
                             struct seal_open *ret)
{
	struct token_keys keys;
	struct str header = {raw.p, HEADER_LEN}, sealed = {raw.p + HEADER_LEN, raw.n - HEADER_LEN};
	enum err_code code = derive(k, type, (struct str){raw.p + AT_SALT, SEAL_SALT_LEN}, &keys);
	ret->plain_n =
	        raw.n -
	        SEAL_OVERHEAD; /* crypto_open writes the text before it verifies the tag, so it must be wiped then too */
	if (code == ERR_OK)
		code = crypto_open(keys.key, keys.nonce, header, sealed, ret->plain);
	crypto_wipe(&keys, sizeof keys);
	return code == ERR_OK ? unpack(ret) : code;
}

enum err_code seal_open(const struct sealer *s, enum seal_type type, struct str token, struct seal_open *ret)
{
	uint8_t raw[RAW_MAX] NOT_ZEROED;
	size_t raw_n = 0;
	enum err_code code = ERR_DENIED;
	ret->n = ret->plain_n = 0;
	if (token.n > SEAL_TEXT_MAX || !codec_unb64url(token, raw, sizeof raw, &raw_n))
		return ERR_DENIED;
	if (raw_n < SEAL_OVERHEAD || raw[0] != VERSION || raw[AT_TYPE] != (uint8_t)type)
		return ERR_DENIED;
	/* Key ids are short, so two keys may have the same id. */
	for (size_t i = 0; i < s->n && code == ERR_DENIED; i++)
		if (memcmp(raw + AT_KEY_ID, s->key[i].id, KEY_ID_LEN) == 0)
			code = decrypt(&s->key[i], type, bytes(raw, raw_n), ret);
	if (code != ERR_OK)
		seal_open_done(ret);
	return code;
}

void seal_open_done(struct seal_open *o)
{
	crypto_wipe(o, offsetof(struct seal_open, plain) + o->plain_n);
}
