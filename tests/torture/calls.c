/* System calls through the C library: sockets, files, descriptors, threads, randomness.  The _chk and _2
 * names are what a fortified program calls. */
#include "torture.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* The real function of this name, looked up once. */
#define REAL(type, name, ...)             \
	static type (*real)(__VA_ARGS__); \
	if (real == NULL)                 \
	*(void **)&real = torture_real(name)

/* A function that fails by returning `bad`. */
#define CALL(kind, type, bad, name, params, args, types)                \
	type name params;                                               \
	type name params                                                \
	{                                                               \
		REAL(type, #name, types);                               \
		return torture_fails(TORTURE_##kind) ? bad : real args; \
	}
#define TYPES(...) __VA_ARGS__

/* A function that moves bytes: it may also move one, or none yet. */
#define MOVE(kind_of, name, params, args, short_args, types)               \
	ssize_t name params;                                               \
	ssize_t name params                                                \
	{                                                                  \
		REAL(ssize_t, #name, types);                               \
		enum torture_kind kind = kind_of;                          \
		enum torture_how how = torture_next(kind);                 \
		if (how == TORTURE_FAIL || how == TORTURE_AGAIN)           \
			return refuse(kind, how);                          \
		if (how == TORTURE_SHORT && kind == TORTURE_RECV)          \
			return 0;                                          \
		return how == TORTURE_SHORT ? real short_args : real args; \
	}

static ssize_t refuse(enum torture_kind kind, enum torture_how how)
{
	errno = how == TORTURE_AGAIN ? EINTR : torture_error(kind);
	return -1;
}

/* An eventfd is left alone: its reads and writes do not fail. */
static enum torture_kind by_type(int fd, enum torture_kind on_socket, enum torture_kind on_file)
{
	struct stat st;
	if (syscall(SYS_fstat, fd, &st) != 0 || (st.st_mode & S_IFMT) == 0)
		return TORTURE_NONE;
	return S_ISSOCK(st.st_mode)                               ? on_socket
	       : on_file == TORTURE_WRITE && !S_ISREG(st.st_mode) ? TORTURE_OUTPUT
	                                                          : on_file;
}

#define READER by_type(fd, TORTURE_RECV, TORTURE_READ)
#define WRITER by_type(fd, TORTURE_SEND, TORTURE_WRITE)
#define ONE(n) ((n) > 0 ? 1 : 0)

MOVE(TORTURE_SEND, send, (int fd, const void *p, size_t n, int f), (fd, p, n, f), (fd, p, ONE(n), f),
     TYPES(int, const void *, size_t, int))
MOVE(TORTURE_SEND, sendto, (int fd, const void *p, size_t n, int f, const struct sockaddr *a, socklen_t l),
     (fd, p, n, f, a, l), (fd, p, ONE(n), f, a, l),
     TYPES(int, const void *, size_t, int, const struct sockaddr *, socklen_t))
MOVE(TORTURE_SEND, sendmsg, (int fd, const struct msghdr *m, int f), (fd, m, f), (fd, m, f),
     TYPES(int, const struct msghdr *, int))
MOVE(WRITER, writev, (int fd, const struct iovec *v, int n), (fd, v, n), (fd, v, ONE(n)),
     TYPES(int, const struct iovec *, int))
MOVE(WRITER, write, (int fd, const void *p, size_t n), (fd, p, n), (fd, p, ONE(n)),
     TYPES(int, const void *, size_t))
MOVE(TORTURE_WRITE, pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at), (fd, p, ONE(n), at),
     TYPES(int, const void *, size_t, off_t))
MOVE(TORTURE_WRITE, pwrite64, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at),
     (fd, p, ONE(n), at), TYPES(int, const void *, size_t, off_t))
MOVE(TORTURE_RECV, recv, (int fd, void *p, size_t n, int f), (fd, p, n, f), (fd, p, ONE(n), f),
     TYPES(int, void *, size_t, int))
MOVE(TORTURE_RECV, __recv_chk, (int fd, void *p, size_t n, size_t max, int f), (fd, p, n, max, f),
     (fd, p, ONE(n), max, f), TYPES(int, void *, size_t, size_t, int))
MOVE(TORTURE_RECV, recvfrom, (int fd, void *p, size_t n, int f, struct sockaddr *a, socklen_t *l),
     (fd, p, n, f, a, l), (fd, p, ONE(n), f, a, l),
     TYPES(int, void *, size_t, int, struct sockaddr *, socklen_t *))
MOVE(TORTURE_RECV, recvmsg, (int fd, struct msghdr *m, int f), (fd, m, f), (fd, m, f),
     TYPES(int, struct msghdr *, int))
MOVE(READER, read, (int fd, void *p, size_t n), (fd, p, n), (fd, p, ONE(n)), TYPES(int, void *, size_t))
MOVE(READER, __read_chk, (int fd, void *p, size_t n, size_t max), (fd, p, n, max), (fd, p, ONE(n), max),
     TYPES(int, void *, size_t, size_t))
MOVE(TORTURE_READ, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at), (fd, p, ONE(n), at),
     TYPES(int, void *, size_t, off_t))
MOVE(TORTURE_READ, pread64, (int fd, void *p, size_t n, off_t at), (fd, p, n, at), (fd, p, ONE(n), at),
     TYPES(int, void *, size_t, off_t))
MOVE(TORTURE_READ, __pread64_chk, (int fd, void *p, size_t n, off_t at, size_t max), (fd, p, n, at, max),
     (fd, p, ONE(n), at, max), TYPES(int, void *, size_t, off_t, size_t))

CALL(CONNECT, int, -1, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n),
     TYPES(int, const struct sockaddr *, socklen_t))
CALL(ACCEPT, int, -1, accept, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n),
     TYPES(int, struct sockaddr *, socklen_t *))
CALL(ACCEPT, int, -1, accept4, (int fd, struct sockaddr *a, socklen_t *n, int f), (fd, a, n, f),
     TYPES(int, struct sockaddr *, socklen_t *, int))
CALL(SOCKET, int, -1, socket, (int d, int t, int p), (d, t, p), TYPES(int, int, int))
CALL(SOCKET, int, -1, socketpair, (int d, int t, int p, int v[2]), (d, t, p, v), TYPES(int, int, int, int *))
CALL(SOCKET, int, -1, bind, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n),
     TYPES(int, const struct sockaddr *, socklen_t))
CALL(SOCKET, int, -1, listen, (int fd, int n), (fd, n), TYPES(int, int))
CALL(SOCKET, int, -1, setsockopt, (int fd, int l, int o, const void *p, socklen_t n), (fd, l, o, p, n),
     TYPES(int, int, int, const void *, socklen_t))
CALL(SOCKET, int, -1, getsockname, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n),
     TYPES(int, struct sockaddr *, socklen_t *))

CALL(OPEN, FILE *, NULL, fopen, (const char *path, const char *how), (path, how),
     TYPES(const char *, const char *))
CALL(OPEN, FILE *, NULL, fopen64, (const char *path, const char *how), (path, how),
     TYPES(const char *, const char *))
CALL(OPEN, int, -1, __open_2, (const char *path, int f), (path, f), TYPES(const char *, int))
CALL(OPEN, int, -1, __open64_2, (const char *path, int f), (path, f), TYPES(const char *, int))
CALL(OPEN, int, -1, __openat_2, (int at, const char *path, int f), (at, path, f),
     TYPES(int, const char *, int))
CALL(OPEN, int, -1, __openat64_2, (int at, const char *path, int f), (at, path, f),
     TYPES(int, const char *, int))
CALL(SYNC, int, -1, fsync, (int fd), (fd), int)
CALL(SYNC, int, -1, fdatasync, (int fd), (fd), int)
CALL(FILE, int, -1, ftruncate, (int fd, off_t n), (fd, n), TYPES(int, off_t))
CALL(FILE, int, -1, ftruncate64, (int fd, off_t n), (fd, n), TYPES(int, off_t))
CALL(FILE, int, -1, rename, (const char *a, const char *b), (a, b), TYPES(const char *, const char *))
CALL(FILE, int, -1, link, (const char *a, const char *b), (a, b), TYPES(const char *, const char *))
CALL(FILE, int, -1, unlink, (const char *a), (a), const char *)
CALL(FILE, int, -1, fstat, (int fd, struct stat *st), (fd, st), TYPES(int, struct stat *))
CALL(FILE, int, -1, fstat64, (int fd, struct stat64 *st), (fd, st), TYPES(int, struct stat64 *))
CALL(FILE, int, -1, fchmod, (int fd, mode_t mode), (fd, mode), TYPES(int, mode_t))

CALL(RANDOM, ssize_t, -1, getrandom, (void *p, size_t n, unsigned f), (p, n, f),
     TYPES(void *, size_t, unsigned))
CALL(RANDOM, int, -1, getentropy, (void *p, size_t n), (p, n), TYPES(void *, size_t))
CALL(RANDOM, int, 0, RAND_bytes, (unsigned char *p, int n), (p, n), TYPES(unsigned char *, int))
CALL(RANDOM, int, 0, RAND_priv_bytes, (unsigned char *p, int n), (p, n), TYPES(unsigned char *, int))

CALL(POLL, int, -1, epoll_create1, (int f), (f), int)
CALL(POLL, int, -1, eventfd, (unsigned n, int f), (n, f), TYPES(unsigned, int))
CALL(POLL, int, -1, pipe, (int fd[2]), (fd), int *)
CALL(POLL, int, -1, pipe2, (int fd[2], int f), (fd, f), TYPES(int *, int))

int epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
	REAL(int, "epoll_ctl", int, int, int, struct epoll_event *);
	return what != EPOLL_CTL_DEL && torture_fails(TORTURE_POLL) ? -1 : real(epoll, what, fd, event);
}

int pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	REAL(int, "pthread_create", pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	return torture_fails(TORTURE_THREAD) ? EAGAIN : real(ret, attr, fn, arg);
}

#define OPENER(name)                                                           \
	int name(const char *path, int f, ...)                                 \
	{                                                                      \
		REAL(int, #name, const char *, int, ...);                      \
		va_list ap;                                                    \
		va_start(ap, f);                                               \
		mode_t mode = va_arg(ap, mode_t);                              \
		va_end(ap);                                                    \
		return torture_fails(TORTURE_OPEN) ? -1 : real(path, f, mode); \
	}
OPENER(open)
OPENER(open64)

#define OPENER_AT(name)                                                            \
	int name(int at, const char *path, int f, ...)                             \
	{                                                                          \
		REAL(int, #name, int, const char *, int, ...);                     \
		va_list ap;                                                        \
		va_start(ap, f);                                                   \
		mode_t mode = va_arg(ap, mode_t);                                  \
		va_end(ap);                                                        \
		return torture_fails(TORTURE_OPEN) ? -1 : real(at, path, f, mode); \
	}
OPENER_AT(openat)
OPENER_AT(openat64)

static bool takes_lock(int what, const void *arg)
{
	return (what == F_SETLK || what == F_SETLKW || what == F_OFD_SETLK) &&
	       ((const struct flock *)arg)->l_type != F_UNLCK;
}

#define CONTROLLER(name)                                                                                \
	int name(int fd, int what, ...)                                                                 \
	{                                                                                               \
		REAL(int, #name, int, int, ...);                                                        \
		va_list ap;                                                                             \
		va_start(ap, what);                                                                     \
		void *arg = va_arg(ap, void *);                                                         \
		va_end(ap);                                                                             \
		return takes_lock(what, arg) && torture_fails(TORTURE_LOCK) ? -1 : real(fd, what, arg); \
	}
CONTROLLER(fcntl)
CONTROLLER(fcntl64)
