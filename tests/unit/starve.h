/* starve.h - memory and cryptography that fail at a chosen call, so that a test meets each of their error
 * paths.
 *
 * A test that includes this is linked with the library's calls of malloc, calloc, realloc, of the fallible
 * functions of base/crypto.h, of sqlite_db_bind, sqlite_db_run and sqlite3_step led through here
 * (tests/check.mk). */
#pragma once
#include <stdbool.h>
#include <stddef.h>

void starve_nth(size_t n);               /* of the calls from now on, that one fails */
void starve_from(size_t n);              /* that one and all after it */
void starve_only(const char *function);  /* the calls of this one only; NULL: all */
void starve_here(void);                  /* from now on calls of this thread only */
size_t starve_calls(void);               /* seen since; none fails any more */
bool starve_fails(const char *function); /* asked by what leads a call of it here: is it this one? */
bool starve_named(const char *function); /* only when starve_only named it */

/* Each fallible call within `call` fails once, and it says so with `code`; left alone it gives `fine`. */
#define STARVE_AS(call, code, fine)                            \
	for (size_t nth = 1, met = 1; met; nth++) {            \
		starve_nth(nth);                               \
		enum err_code said = (call);                   \
		met = starve_calls() >= nth;                   \
		assert_int_equal(said, met ? (code) : (fine)); \
	}
#define STARVE(call, fine) STARVE_AS(call, ERR_NOMEM, fine)
