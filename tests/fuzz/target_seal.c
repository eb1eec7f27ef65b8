/* Sealed tokens and codes.  Input: what to do (one of `ways`), then its text: a token as it came, fields to
 * seal, or the plain text of a token sealed here with the very key, so that what stands behind the seal is
 * reached. */
#include <string.h>

#include "base/codec.h"
#include "base/crypto.h"
#include "fuzz.h"
#include "link/auth_code.h"

enum { VERSION = 1, KEY_ID_LEN = 4 };
static const char key[] = "the key of all these tokens, 32+",
                  other_key[] = "a key that has sealed none of them";
static const uint8_t salt[SEAL_SALT_LEN] = "sixteen of salt";
static struct sealer *ours, *others;

static void start(void)
{
	struct str both[] = {STR("a newer key of at least 32 bytes."), {key, sizeof key - 1}};
	struct str one[] = {{other_key, sizeof other_key - 1}};
	if (ours != NULL)
		return;
	FUZZ_MUST(sealer_new(both + 1, 1, &ours, NULL) == ERR_OK);
	FUZZ_MUST(sealer_new(one, 1, &others, NULL) == ERR_OK);
}

static void denied(struct str token)
{
	static struct seal_open o;
	struct store_key k;
	for (enum seal_type t = SEAL_STATE; t <= SEAL_DEVICE; t++)
		FUZZ_MUST(seal_open(ours, t, token, &o) == ERR_DENIED && o.n == 0 && o.plain_n == 0);
	FUZZ_MUST(auth_code_open(ours, token, &k) == ERR_DENIED);
}

/* Nobody has sealed this. */
static void way_raw(struct str in)
{
	denied(in);
}

/* The bytes of a token, its key id made right. */
static void way_bytes(struct str in)
{
	struct buf token;
	buf_init(&token, 2 * in.n + 64);
	codec_b64url(&token, in.p, in.n);
	denied(buf_view(&token));
	buf_done(&token);
}

static void check_fields(enum seal_type type, struct str token, const struct str *fields, size_t n)
{
	static struct seal_open o;
	FUZZ_MUST(seal_open(ours, type, token, &o) == ERR_OK && o.n == n);
	for (size_t i = 0; i < n; i++)
		FUZZ_MUST(str_eq(o.field[i], fields[i]));
	seal_open_done(&o);
	for (enum seal_type t = SEAL_STATE; t <= SEAL_DEVICE; t++)
		FUZZ_MUST(t == type || seal_open(ours, t, token, &o) == ERR_DENIED);
	FUZZ_MUST(seal_open(others, type, token, &o) == ERR_DENIED);
}

/* One character changed, one dropped, one more: never opens. */
static void check_spoiled(enum seal_type type, const struct buf *token, struct str how)
{
	static struct seal_open o;
	static char spoiled[SEAL_TEXT_MAX + 2];
	size_t at = (fuzz_byte(&how) | (size_t)fuzz_byte(&how) << 8) % token->len;
	char c = (char)fuzz_byte(&how);
	memcpy(spoiled, token->p, token->len);
	if (c != spoiled[at]) {
		spoiled[at] = c;
		FUZZ_MUST(seal_open(ours, type, (struct str){spoiled, token->len}, &o) == ERR_DENIED);
	}
	FUZZ_MUST(seal_open(ours, type, (struct str){token->p, at}, &o) == ERR_DENIED);
	memcpy(spoiled, token->p, token->len);
	spoiled[token->len] = c;
	FUZZ_MUST(seal_open(ours, type, (struct str){spoiled, token->len + 1}, &o) == ERR_DENIED);
}

/* Type, how to spoil it, then the fields, a line each. */
static void way_fields(struct str in)
{
	struct str fields[SEAL_FIELDS_MAX + 1], rest;
	enum seal_type type = SEAL_STATE + fuzz_byte(&in) % 4;
	struct str how = {in.p, in.n < 3 ? in.n : 3};
	struct buf token, twice;
	size_t n = 0, bytes = 0;
	rest = (struct str){in.p + how.n, in.n - how.n};
	while (n <= SEAL_FIELDS_MAX && str_next(&rest, '\n', &fields[n]))
		bytes += 2 + fields[n++].n;
	buf_init(&token, SEAL_TEXT_MAX);
	buf_init(&twice, SEAL_TEXT_MAX);
	bool fits = n <= SEAL_FIELDS_MAX && bytes <= SEAL_TEXT_MAX / 4 * 3 - SEAL_OVERHEAD;
	FUZZ_MUST(seal_make(ours, type, salt, fields, n, &token) == (fits ? ERR_OK : ERR_TOO_LARGE));
	if (fits) {
		FUZZ_MUST(str_of(buf_view(&token), "_-"));
		check_fields(type, buf_view(&token), fields, n);
		check_spoiled(type, &token, how);
		FUZZ_MUST(seal_make(ours, type, salt, fields, n, &twice) == ERR_OK);
		FUZZ_MUST(str_eq(buf_view(&token), buf_view(&twice)));
	}
	buf_done(&token);
	buf_done(&twice);
}

/* A code is opened to the key it was made of. */
static void way_code(struct str in)
{
	struct str id = fuzz_part(&in, '\n');
	struct store_key k, back;
	struct auth_code_text code;
	if (id.n == 0 || !str_copy(k.id, sizeof k.id, id) || !str_copy(k.email, sizeof k.email, in))
		return;
	enum err_code made = auth_code_make(ours, &k, salt, &code);
	FUZZ_MUST(made == (id.n + in.n <= STORE_KEY_MAX ? ERR_OK : ERR_TOO_LARGE));
	if (made != ERR_OK)
		return;
	FUZZ_MUST(strlen(code.s) <= AUTH_CODE_MAX && str_of(str_c(code.s), "_-"));
	FUZZ_MUST(auth_code_open(ours, str_c(code.s), &back) == ERR_OK);
	FUZZ_MUST(strcmp(back.id, k.id) == 0 && strcmp(back.email, k.email) == 0);
	FUZZ_MUST(auth_code_open(others, str_c(code.s), &back) == ERR_DENIED);
	FUZZ_MUST(auth_code_shorten(&code) == ERR_OK && strlen(code.s) == STORE_DIGEST_LEN);
	denied(str_c(code.s));
}

/* Seal any plain text, as link/seal.c describes its tokens. */
static void seal_plain(enum seal_type type, struct str plain, struct buf *token)
{
	static uint8_t raw[SEAL_TEXT_MAX];
	static const struct str name = {"account-linkd key id", 20};
	char info[] = "account-linkd seal 1 ?";
	uint8_t both[CRYPTO_KEY_LEN + CRYPTO_NONCE_LEN];
	struct str secret = {key, sizeof key - 1}, salt_text = {(const char *)salt, sizeof salt};
	info[sizeof info - 2] = (char)type;
	raw[0] = VERSION;
	raw[1] = (uint8_t)type;
	FUZZ_MUST(crypto_hkdf_sha256(secret, STR(""), name, raw + 2, KEY_ID_LEN) == ERR_OK);
	memcpy(raw + 2 + KEY_ID_LEN, salt, sizeof salt);
	FUZZ_MUST(crypto_hkdf_sha256(secret, salt_text, (struct str){info, sizeof info - 1}, both,
	                             sizeof both) == ERR_OK);
	size_t head = SEAL_OVERHEAD - CRYPTO_TAG_LEN;
	FUZZ_MUST(crypto_seal(both, both + CRYPTO_KEY_LEN, (struct str){(const char *)raw, head}, plain,
	                      raw + head) == ERR_OK);
	codec_b64url(token, raw, plain.n + SEAL_OVERHEAD);
}

/* The fields written in a plain text one after another; false when they are not whole. */
static bool whole(struct str plain, size_t *ret_n)
{
	for (*ret_n = 0; plain.n > 0; ++*ret_n) {
		size_t len = (size_t)fuzz_byte(&plain) << 8;
		if (plain.n == 0)
			return false;
		len |= fuzz_byte(&plain);
		if (len > plain.n)
			return false;
		plain = (struct str){plain.p + len, plain.n - len};
	}
	return *ret_n <= SEAL_FIELDS_MAX;
}

static void way_plain(struct str in)
{
	static struct seal_open o;
	struct store_key k;
	enum seal_type type = SEAL_STATE + fuzz_byte(&in) % 4;
	struct buf token;
	size_t n;
	if (in.n > SEAL_TEXT_MAX / 4 * 3 - SEAL_OVERHEAD)
		return;
	buf_init(&token, SEAL_TEXT_MAX);
	seal_plain(type, in, &token);
	bool is_whole = whole(in, &n);
	FUZZ_MUST(seal_open(ours, type, buf_view(&token), &o) == (is_whole ? ERR_OK : ERR_DENIED));
	FUZZ_MUST(o.n == (is_whole ? n : 0));
	if (auth_code_open(ours, buf_view(&token), &k) == ERR_OK)
		FUZZ_MUST(type == SEAL_CODE && n == 2 && k.id[0] != '\0' &&
		          strlen(k.id) + strlen(k.email) + 4 == in.n);
	seal_open_done(&o);
	buf_done(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static void (*const ways[])(struct str) = {way_raw, way_bytes, way_fields, way_code, way_plain};
	struct str in = {(const char *)data, n};
	start();
	ways[fuzz_byte(&in) % (sizeof ways / sizeof *ways)](in);
	return 0;
}
