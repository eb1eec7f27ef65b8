/* torture.h - a preloaded library that fails the n-th call of a kind.
 *
 * The driver maps the same file (named by TORTURE_FILE) and writes armed, how, every and n into it: a running
 * service is tortured without a restart, and a start-up is when the file is armed before the start.  The
 * library writes back how many calls it saw, which it failed and from where, what memory is live, and where
 * the process crashed.  control.py has the same structures. */
#pragma once
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum torture_kind {
	TORTURE_NONE,
#define KIND(id, name, error) TORTURE_##id,
#include "kinds.def"
};

enum torture_how {
	TORTURE_PASS,
	TORTURE_FAIL,
	TORTURE_SHORT, /* a byte at a time; received: none, as if the peer had closed, since libmicrohttpd
	                * relies on edges of epoll, which a short read of our making would lose */
	TORTURE_AGAIN, /* EINTR, for accept EAGAIN */
	TORTURE_WATCH, /* nothing fails; each call's way is noted */
};

enum {
	FRAMES = 24,
	LIVE_FRAMES = 18,
	HITS = 64,
	MODULES = 64,
	LIVE_MAX = 1 << 16,
	PATHS = 1 << 16,
};

struct torture_stack {
	uint64_t frame[FRAMES]; /* return addresses, innermost first; 0 ends */
};

struct torture_module {
	uint64_t start, end, base;
	char name[104];
};

struct torture_live { /* memory that was not freed yet; address 0: a free slot */
	uint64_t address;
	uint32_t size, epoch;
	uint64_t frame[LIVE_FRAMES];
};

struct torture {
	_Atomic uint32_t size; /* of this struct: both sides agree */
	_Atomic uint32_t armed, how, every;
	_Atomic uint64_t n, seen, failed;
	_Atomic uint64_t live, live_bytes;
	_Atomic uint32_t epoch; /* stamped on memory; 0: what is live is not kept */
	_Atomic uint32_t hits, modules, crash_signal;
	struct torture_stack crash;
	struct torture_stack hit[HITS];
	struct torture_module module[MODULES];
	struct torture_live table[LIVE_MAX];
	uint64_t path[PATHS]; /* a sum of the stack of each call */
};

/* Is this call to fail?  Counts it. */
enum torture_how torture_next(enum torture_kind kind);
bool torture_fails(enum torture_kind kind); /* the same, errno set */
int torture_error(enum torture_kind kind);  /* errno of its failure */
bool torture_enter(void);                   /* false: called from inside of the library; else torture_leave */
void torture_leave(void);
void torture_keep(void *p, size_t n); /* p is live now */
void torture_drop(void *p);
void *torture_real(const char *name); /* the next definition of a function */
