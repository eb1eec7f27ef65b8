/* bodies.c - signed webhook deliveries for the load generators, one a line: header, tab, body.
 *   bodies linked|stored|message|unlinked COUNT >FILE   keys from LINKD_APP_SECRET and LINKD_SEAL_KEY
 *   bodies hash PASSWORD MEMORY_KIB PASSES       an argon2id hash
 * Every body has a profile of its own, and a linked one a code nobody has used.  "stored": the same, and the
 * store that LINKD_STORE names gets its customers and codes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/crypto.h"
#include "bench/fill.h"
#include "link/auth_code.h"
#include "login/password.h"

#define PAGE "1067280970047460"

enum { LINE_MAX = 4096 };

struct maker {
	const char *kind;
	struct str secret;
	struct sealer *sealer;
	struct fill *fill; /* NULL: the store need not know */
	int64_t now_ms;
	int64_t first_psid;
};

static bool put_code(const struct maker *m, const char *psid, struct buf *out)
{
	uint8_t salt[SEAL_SALT_LEN];
	struct store_key key;
	struct auth_code_text code;
	(void)snprintf(key.id, sizeof key.id, "c-%s", psid);
	(void)snprintf(key.email, sizeof key.email, "c-%s@example.com", psid);
	if (crypto_random(salt, sizeof salt) != ERR_OK ||
	    auth_code_make(m->sealer, &key, salt, &code) != ERR_OK)
		return false;
	if (m->fill != NULL && !fill_code(m->fill, &key, psid, str_c(code.s)))
		return false;
	buf_printf(out, "\"account_linking\":{\"status\":\"linked\",\"authorization_code\":\"%s\"}", code.s);
	return true;
}

static bool put_kind(const struct maker *m, const char *psid, struct buf *out)
{
	if (strcmp(m->kind, "linked") == 0 || strcmp(m->kind, "stored") == 0)
		return put_code(m, psid, out);
	if (strcmp(m->kind, "unlinked") == 0)
		buf_z(out, "\"account_linking\":{\"status\":\"unlinked\"}");
	else
		buf_printf(out,
		           "\"message\":{\"mid\":\"m_%s_3dLmPq7RzVtYxWbNcKjHgFdSaEuIoPlM\",\"text\":\"When "
		           "will my "
		           "order arrive?\"}",
		           psid);
	return true;
}

static bool make(const struct maker *m, long i, struct buf *body)
{
	char psid[32];
	(void)snprintf(psid, sizeof psid, "7%016" PRId64, m->first_psid + i);
	buf_reset(body);
	buf_printf(body,
	           "{\"object\":\"page\",\"entry\":[{\"id\":\"" PAGE "\",\"time\":%" PRId64
	           ",\"messaging\":[{\"sender\":{\"id\":\"%s\"},\"recipient\":{\"id\":\"" PAGE
	           "\"},\"timestamp\":%" PRId64 ",",
	           m->now_ms, psid, m->now_ms);
	bool made = put_kind(m, psid, body);
	buf_z(body, "}]}]}");
	return made && !body->failed;
}

static bool put_line(const struct maker *m, long i, struct buf *body, struct buf *line)
{
	uint8_t mac[CRYPTO_SHA256_LEN];
	if (!make(m, i, body) || crypto_hmac_sha256(m->secret, buf_view(body), mac) != ERR_OK)
		return false;
	buf_reset(line);
	buf_z(line, "X-Hub-Signature-256: sha256=");
	codec_hex(line, mac, sizeof mac);
	buf_z(line, "\t");
	buf_str(line, buf_view(body));
	buf_z(line, "\n");
	return !line->failed && fwrite(line->p, 1, line->len, stdout) == line->len;
}

static const char *setting(const char *name)
{
	const char *z = getenv(name);
	return z == NULL ? "" : z;
}

static int make_all(const char *kind, long n)
{
	struct err e;
	struct buf body, line;
	struct str key = str_c(setting("LINKD_SEAL_KEY"));
	int64_t now_ms = clock_wall_ms();
	struct maker m = {.kind = kind,
	                  .secret = str_c(setting("LINKD_APP_SECRET")),
	                  .now_ms = now_ms,
	                  .first_psid = now_ms * 1000}; /* another run's profiles are others */
	if (sealer_new(&key, 1, &m.sealer, &e) != ERR_OK) {
		(void)fprintf(stderr, "bodies: %s\n", e.msg);
		return 1;
	}
	if (strcmp(kind, "stored") == 0 && (m.fill = fill_new()) == NULL)
		return 1;
	buf_init(&body, LINE_MAX);
	buf_init(&line, LINE_MAX);
	bool made = true;
	for (long i = 0; i < n && made; i++)
		made = put_line(&m, i, &body, &line);
	if (m.fill != NULL)
		made = fill_end(m.fill) && made;
	buf_done(&body);
	buf_done(&line);
	sealer_free(m.sealer);
	return made && fflush(stdout) == 0 ? 0 : 1;
}

static int make_hash(char **word)
{
	char hash[STORE_HASH_MAX + 1];
	struct err e;
	if (password_hash(str_c(word[0]), (uint32_t)strtoul(word[1], NULL, 10),
	                  (uint32_t)strtoul(word[2], NULL, 10), hash, sizeof hash, &e) != ERR_OK) {
		(void)fprintf(stderr, "bodies: %s\n", e.msg);
		return 1;
	}
	printf("%s\n", hash);
	return 0;
}

int main(int argc, char **argv)
{
	struct err e;
	if (crypto_start(&e) != ERR_OK)
		return 1;
	if (argc == 5 && strcmp(argv[1], "hash") == 0)
		return make_hash(argv + 2);
	if (argc == 3)
		return make_all(argv[1], strtol(argv[2], NULL, 10));
	(void)fputs("usage: bodies linked|message|unlinked COUNT, bodies hash PASSWORD MEMORY_KIB PASSES\n",
	            stderr);
	return 2;
}
