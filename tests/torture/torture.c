/* The control block, the decision, stacks and crashes. */
#include "torture.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

static struct torture *control;
static atomic_flag table_lock = ATOMIC_FLAG_INIT;
static __thread bool inside __attribute__((tls_model("initial-exec")));

static const int error_of[] = {
        0,
#define KIND(id, name, error) error,
#include "kinds.def"
};

void *torture_real(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);
	if (found == NULL)
		abort();
	return found;
}

bool torture_enter(void)
{
	if (control == NULL || inside)
		return false;
	inside = true;
	return true;
}

void torture_leave(void)
{
	inside = false;
}

struct walk {
	uint64_t *frame;
	int n, max;
};

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *arg)
{
	struct walk *w = arg;
	if (w->n == w->max)
		return _URC_END_OF_STACK;
	w->frame[w->n++] = (uint64_t)_Unwind_GetIP(context);
	return _URC_NO_REASON;
}

/* With frames of this library.  Not backtrace(), which loads its unwinder late. */
static void take_stack(uint64_t *frame, int max)
{
	struct walk w = {.frame = frame, .max = max};
	memset(frame, 0, (size_t)max * sizeof *frame);
	(void)_Unwind_Backtrace(step, &w);
}

/* Which way a call came, so that the driver can leave out further ones of the same way. */
static void note_path(uint64_t at)
{
	uint64_t frame[FRAMES], sum = 14695981039346656037u;
	take_stack(frame, FRAMES);
	for (int i = 0; i < FRAMES; i++)
		sum = (sum ^ frame[i]) * 1099511628211u;
	if (at < PATHS)
		control->path[at] = sum;
}

static enum torture_how fail_now(void)
{
	uint32_t at = atomic_fetch_add(&control->hits, 1);
	atomic_fetch_add(&control->failed, 1);
	if (at < HITS)
		take_stack(control->hit[at].frame, FRAMES);
	return atomic_load(&control->how);
}

enum torture_how torture_next(enum torture_kind kind)
{
	if (control == NULL || kind == TORTURE_NONE || atomic_load(&control->armed) != kind ||
	    !torture_enter())
		return TORTURE_PASS;
	enum torture_how how = TORTURE_PASS;
	uint64_t at = atomic_fetch_add(&control->seen, 1) + 1, n = atomic_load(&control->n);
	if (atomic_load(&control->how) == TORTURE_WATCH)
		note_path(at - 1);
	else if (at == n || (at > n && atomic_load(&control->every) != 0))
		how = fail_now();
	torture_leave();
	return how;
}

int torture_error(enum torture_kind kind)
{
	return error_of[kind];
}

bool torture_fails(enum torture_kind kind)
{
	enum torture_how how = torture_next(kind);
	if (how == TORTURE_PASS || how == TORTURE_SHORT)
		return false;
	errno = how == TORTURE_FAIL ? torture_error(kind) : kind == TORTURE_ACCEPT ? EAGAIN : EINTR;
	return true;
}

/* --- what is live: open addressing, a removed entry closes its gap */

static void lock(void)
{
	while (atomic_flag_test_and_set_explicit(&table_lock, memory_order_acquire))
		(void)syscall(SYS_sched_yield);
}

static void unlock(void)
{
	atomic_flag_clear_explicit(&table_lock, memory_order_release);
}

static size_t slot_of(uint64_t address)
{
	return (size_t)((address >> 4) * 0x9E3779B97F4A7C15u >> 48) & (LIVE_MAX - 1);
}

static struct torture_live *find(uint64_t address)
{
	size_t at = slot_of(address);
	while (control->table[at].address != 0 && control->table[at].address != address)
		at = (at + 1) & (LIVE_MAX - 1);
	return &control->table[at];
}

void torture_keep(void *p, size_t n)
{
	struct torture_live made = {.address = (uint64_t)(uintptr_t)p, .size = (uint32_t)n};
	if (p == NULL || control == NULL || atomic_load(&control->epoch) == 0 || !torture_enter())
		return;
	take_stack(made.frame, LIVE_FRAMES);
	made.epoch = atomic_load(&control->epoch);
	lock();
	if (atomic_load(&control->live) < LIVE_MAX / 2) {
		*find(made.address) = made;
		atomic_fetch_add(&control->live, 1);
		atomic_fetch_add(&control->live_bytes, n);
	}
	unlock();
	torture_leave();
}

static void close_gap(size_t gap)
{
	for (size_t at = (gap + 1) & (LIVE_MAX - 1); control->table[at].address != 0;
	     at = (at + 1) & (LIVE_MAX - 1)) {
		size_t home = slot_of(control->table[at].address);
		if (((at - home) & (LIVE_MAX - 1)) < ((at - gap) & (LIVE_MAX - 1)))
			continue;
		control->table[gap] = control->table[at];
		gap = at;
	}
	control->table[gap].address = 0;
}

void torture_drop(void *p)
{
	if (p == NULL || !torture_enter())
		return;
	lock();
	struct torture_live *e = find((uint64_t)(uintptr_t)p);
	if (e->address != 0) {
		atomic_fetch_sub(&control->live, 1);
		atomic_fetch_sub(&control->live_bytes, e->size);
		close_gap((size_t)(e - control->table));
	}
	unlock();
	torture_leave();
}

/* --- where addresses belong, and crashes */

static int note_module(struct dl_phdr_info *info, size_t size, void *arg)
{
	uint32_t *n = arg;
	(void)size;
	if (*n == MODULES)
		return 1;
	struct torture_module *m = &control->module[(*n)++];
	*m = (struct torture_module){.start = UINT64_MAX, .base = info->dlpi_addr};
	(void)snprintf(m->name, sizeof m->name, "%s", info->dlpi_name);
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uint64_t start = info->dlpi_addr + p->p_vaddr;
		if (p->p_type != PT_LOAD)
			continue;
		m->start = start < m->start ? start : m->start;
		m->end = start + p->p_memsz > m->end ? start + p->p_memsz : m->end;
	}
	return 0;
}

static void note_modules(void)
{
	uint32_t n = 0;
	(void)dl_iterate_phdr(note_module, &n);
	atomic_store(&control->modules, n);
}

static void crashed(int number)
{
	inside = true;
	take_stack(control->crash.frame, FRAMES);
	note_modules();
	atomic_store(&control->crash_signal, (uint32_t)number);
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

static void watch_crashes(void)
{
	static const int all[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
	struct sigaction act = {.sa_handler = crashed, .sa_flags = SA_NODEFER};
	size_t n = dlsym(RTLD_DEFAULT, "__asan_init") != NULL ? 1 : sizeof all / sizeof *all;
	for (size_t i = 0; i < n; i++)
		(void)sigaction(all[i], &act, NULL);
}

static struct torture *map(const char *path)
{
	int fd = (int)syscall(SYS_open, path, O_RDWR | O_CLOEXEC);
	struct torture *made = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)syscall(SYS_close, fd);
	return made == MAP_FAILED || atomic_load(&made->size) != sizeof *made ? NULL : made;
}

__attribute__((constructor)) static void start(void)
{
	const char *path = getenv("TORTURE_FILE");
	/* Not what it starts in turn, such as a sanitizer's symbolizer. */
	if (path == NULL || strcmp(program_invocation_short_name, "account-linkd") != 0)
		return;
	struct torture *made = map(path);
	if (made == NULL)
		abort();
	watch_crashes();
	control = made;
	note_modules();
}

__attribute__((destructor)) static void end(void)
{
	if (!torture_enter())
		return;
	note_modules();
	torture_leave();
}
