/* walk.c - records which functions a request enters; preloaded into a program built with -finstrument-functions.
 *
 * WALK_FILE is mapped: the test arms it there for one request, and reads the entries afterwards.
 * Depth counts the program's own frames of a thread; a library's frames between them are not seen. */
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ENTRIES = 1 << 18 };

struct entry {
	uint64_t offset; /* of the function in the program */
	uint32_t depth, thread;
};

struct walk { /* test_walk.py reads this layout */
	_Atomic uint32_t armed, threads;
	_Atomic uint64_t n;
	struct entry entry[ENTRIES];
};

static struct walk *walk;
static uintptr_t program;
static _Thread_local uint32_t depth, thread;

void __cyg_profile_func_enter(void *function, void *from);
void __cyg_profile_func_exit(void *function, void *from);

static int first(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	*(uintptr_t *)arg = info->dlpi_addr;
	return 1; /* the program is the first object */
}

__attribute__((constructor)) static void map(void)
{
	const char *path = getenv("WALK_FILE");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	void *p = mmap(NULL, sizeof *walk, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	(void)dl_iterate_phdr(first, &program);
	if (p != MAP_FAILED)
		walk = p;
}

void __cyg_profile_func_enter(void *function, void *from)
{
	(void)from;
	depth++;
	if (walk == NULL || atomic_load_explicit(&walk->armed, memory_order_relaxed) == 0)
		return;
	if (thread == 0)
		thread = atomic_fetch_add(&walk->threads, 1) + 1;
	uint64_t n = atomic_fetch_add(&walk->n, 1);
	if (n < ENTRIES)
		walk->entry[n] = (struct entry){(uintptr_t)function - program, depth, thread};
}

void __cyg_profile_func_exit(void *function, void *from)
{
	(void)function;
	(void)from;
	depth--;
}
