/* str.h - borrowed byte strings: pointer and length, never owned, not NUL-terminated. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p; /* may be NULL when n is 0 */
	size_t n;      /* bytes */
};

#define STR(literal) ((struct str){"" literal "", sizeof(literal) - 1})

/* NULL gives the empty string.  Inline, so that the compiler knows the length of a literal. */
static inline struct str str_c(const char *z)
{
	return (struct str){z, z == NULL ? 0 : strlen(z)};
}

static inline bool str_eq(struct str a, struct str b) /* not constant time: never for secrets */
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *z)
{
	return str_eq(a, str_c(z));
}

static inline bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq((struct str){s.p, prefix.n}, prefix);
}

bool str_ieq(struct str a, struct str b); /* ASCII case ignored */
struct str str_trim(struct str s);        /* ASCII white space off both ends */
bool str_has(struct str s, char c);
bool str_lower(char *z);     /* ASCII letters to lower case; false: nothing changed */
bool str_utf8(struct str s); /* well-formed UTF-8 (RFC 3629) */
/* The first code point of well-formed UTF-8 that is not empty, and its length in bytes. */
uint32_t str_code_point(struct str s, size_t *ret_n);
bool str_printable(struct str s);             /* only 0x20..0x7e */
bool str_of(struct str s, const char *extra); /* only [A-Za-z0-9] and the characters of `extra` */

/* Copy with a NUL.  False, and dst is empty, when it does not fit or holds a NUL. */
bool str_copy(char *dst, size_t cap, struct str s);

/* Decimal digits only, at most `max`; false otherwise and *ret is untouched. */
bool str_u64(struct str s, uint64_t max, uint64_t *ret);

/* Cut the next item off `rest` at `sep`.  False when nothing is left.  "a,,b" gives "a", "", "b". */
bool str_next(struct str *rest, char sep, struct str *ret_item);

/* Split at the first `sep`.  False when there is none: *ret_head is then all of s. */
bool str_cut(struct str s, char sep, struct str *ret_head, struct str *ret_tail);
