/* The allocator's functions. */
#include "torture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define REAL(type, name, ...) static type (*real_##name)(__VA_ARGS__)
REAL(void *, malloc, size_t);
REAL(void *, calloc, size_t, size_t);
REAL(void *, realloc, void *, size_t);
REAL(void, free, void *);
REAL(int, posix_memalign, void **, size_t, size_t);
REAL(void *, aligned_alloc, size_t, size_t);
REAL(void *, memalign, size_t, size_t);
REAL(void *, mmap, void *, size_t, int, int, int, off_t);
REAL(void *, mmap64, void *, size_t, int, int, int, off_t);
void *memalign(size_t align, size_t n);

enum { EARLY = 65536 };
static _Alignas(16) char early[EARLY]; /* for what dlsym itself asks for */
static size_t early_n;
static bool resolving;

static void *early_take(size_t n)
{
	void *p = early + early_n;
	early_n += (n + 15) & ~(size_t)15;
	if (early_n > EARLY)
		abort();
	return p;
}

static bool is_early(const void *p)
{
	return (const char *)p >= early && (const char *)p < early + EARLY;
}

static bool ready(void)
{
	if (real_memalign != NULL)
		return true;
	if (resolving)
		return false;
	resolving = true;
#define FIND(name) *(void **)&real_##name = torture_real(#name)
	FIND(malloc);
	FIND(calloc);
	FIND(realloc);
	FIND(free);
	FIND(posix_memalign);
	FIND(aligned_alloc);
	FIND(mmap);
	FIND(mmap64);
	FIND(memalign);
	resolving = false;
	return true;
}

static void *kept(void *p, size_t n)
{
	torture_keep(p, n);
	return p;
}

void *malloc(size_t n)
{
	if (!ready())
		return early_take(n);
	return torture_fails(TORTURE_ALLOC) ? NULL : kept(real_malloc(n), n);
}

void *calloc(size_t n, size_t size)
{
	if (!ready())
		return early_take(n * size);
	return torture_fails(TORTURE_ALLOC) ? NULL : kept(real_calloc(n, size), n * size);
}

void free(void *p)
{
	if (p == NULL || is_early(p) || !ready())
		return;
	int before = errno;
	torture_drop(p);
	real_free(p);
	errno = before;
}

void *realloc(void *p, size_t n)
{
	if (!ready() || is_early(p)) {
		void *made = malloc(n);
		if (made != NULL && p != NULL)
			memcpy(made, p, n); /* what lies behind an early one is ours as well */
		return made;
	}
	if (n == 0 && p != NULL) {
		torture_drop(p);
		return real_realloc(p, 0);
	}
	if (torture_fails(TORTURE_ALLOC))
		return NULL;
	torture_drop(p); /* before: another thread may be given the address */
	void *made = real_realloc(p, n);
	return kept(made != NULL ? made : p, n) == made ? made : NULL;
}

void *reallocarray(void *p, size_t n, size_t size)
{
	size_t all;
	if (__builtin_mul_overflow(n, size, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, all);
}

int posix_memalign(void **ret, size_t align, size_t n)
{
	(void)ready();
	if (torture_fails(TORTURE_ALLOC))
		return ENOMEM;
	int code = real_posix_memalign(ret, align, n);
	if (code == 0)
		torture_keep(*ret, n);
	return code;
}

void *aligned_alloc(size_t align, size_t n)
{
	(void)ready();
	return torture_fails(TORTURE_ALLOC) ? NULL : kept(real_aligned_alloc(align, n), n);
}

void *memalign(size_t align, size_t n)
{
	(void)ready();
	return torture_fails(TORTURE_ALLOC) ? NULL : kept(real_memalign(align, n), n);
}

/* AddressSanitizer has these for itself, past malloc. */
char *strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *made = malloc(n);
	return made == NULL ? NULL : memcpy(made, s, n);
}

char *strndup(const char *s, size_t max)
{
	size_t n = strnlen(s, max);
	char *made = malloc(n + 1);
	if (made == NULL)
		return NULL;
	memcpy(made, s, n);
	made[n] = '\0';
	return made;
}

static bool map_fails(int flags)
{
	if (!torture_fails(flags & MAP_ANONYMOUS ? TORTURE_ALLOC : TORTURE_FILE))
		return false;
	errno = ENOMEM;
	return true;
}

void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
	(void)ready();
	return map_fails(flags) ? MAP_FAILED : real_mmap(at, n, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
	(void)ready();
	return map_fails(flags) ? MAP_FAILED : real_mmap64(at, n, protection, flags, fd, offset);
}
