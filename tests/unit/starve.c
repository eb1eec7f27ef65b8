#include "starve.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "store/sqlite/private.h"

static _Atomic size_t calls, failing;
static _Atomic bool on; /* those after it fail too */

void starve_nth(size_t n)
{
	calls = 0;
	on = false;
	failing = n;
}

void starve_from(size_t n)
{
	starve_nth(n);
	on = true;
}

size_t starve_calls(void)
{
	failing = 0;
	return calls;
}

static const char *_Atomic only;

void starve_only(const char *function)
{
	only = function;
}

static _Atomic bool here;
static _Thread_local bool mine;

void starve_here(void)
{
	here = mine = true;
}

bool starve_fails(const char *function)
{
	const char *named = only;
	if (failing == 0 || (here && !mine) || (named != NULL && strcmp(named, function) != 0))
		return false;
	size_t nth = ++calls;
	return on ? nth >= failing : nth == failing;
}

bool starve_named(const char *function)
{
	return only != NULL && starve_fails(function);
}

/* The linker's names for what is led here and what it stood for. */
#define WRAP(type, name, parameters, words, failure)                          \
	type __real_##name parameters;                                        \
	type __wrap_##name parameters;                                        \
	type __wrap_##name parameters                                         \
	{                                                                     \
		return starve_fails(#name) ? (failure) : __real_##name words; \
	}

WRAP(void *, malloc, (size_t n), (n), NULL)
WRAP(void *, calloc, (size_t n, size_t size), (n, size), NULL)
WRAP(void *, realloc, (void *p, size_t n), (p, n), NULL)
WRAP(enum err_code, crypto_sha256, (struct str data, uint8_t *ret), (data, ret), ERR_NOMEM)
WRAP(enum err_code, crypto_sha256_text, (struct str data, char *ret), (data, ret), ERR_NOMEM)
WRAP(enum err_code, crypto_hmac_sha256, (struct str key, struct str data, uint8_t *ret), (key, data, ret),
     ERR_NOMEM)
WRAP(enum err_code, crypto_mac_new, (struct crypto_mac * *ret), (ret), ERR_NOMEM)
WRAP(enum err_code, crypto_mac_key, (struct crypto_mac * m, struct str key), (m, key), ERR_NOMEM)
WRAP(enum err_code, crypto_mac_run, (struct crypto_mac * m, struct str data, uint8_t *ret), (m, data, ret),
     ERR_NOMEM)
WRAP(enum err_code, crypto_hkdf_sha256,
     (struct str key, struct str salt, struct str info, uint8_t *ret, size_t n), (key, salt, info, ret, n),
     ERR_NOMEM)
WRAP(enum err_code, crypto_seal,
     (const uint8_t *key, const uint8_t *nonce, struct str aad, struct str plain, uint8_t *ret),
     (key, nonce, aad, plain, ret), ERR_NOMEM)
WRAP(enum err_code, crypto_open,
     (const uint8_t *key, const uint8_t *nonce, struct str aad, struct str sealed, uint8_t *ret),
     (key, nonce, aad, sealed, ret), ERR_NOMEM)
WRAP(enum err_code, crypto_random, (void *ret, size_t n), (ret, n), ERR_NOMEM)
WRAP(int, sqlite_db_bind, (struct sqlite_db * db, enum sqlite_sql id, const struct store_op *op, int limit),
     (db, id, op, limit), SQLITE_NOMEM)
WRAP(int, sqlite_db_run, (struct sqlite_db * db, enum sqlite_sql id), (db, id), SQLITE_FULL)
WRAP(int, sqlite3_step, (sqlite3_stmt * st), (st), SQLITE_IOERR)
