/* slowflush.c - preloaded: every flush of a file takes a while longer, as on a slower disk.
 * LINKD_BENCH_FLUSH_US: microseconds. */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

typedef int flush_fn(int fd);

static int slowly(const char *name, int fd)
{
	union {
		void *found;
		flush_fn *call;
	} real = {.found = dlsym(RTLD_NEXT, name)};
	const char *us = getenv("LINKD_BENCH_FLUSH_US");
	long long ns = us == NULL ? 0 : strtoll(us, NULL, 10) * 1000;
	struct timespec t = {ns / 1000000000, (long)(ns % 1000000000)};
	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
	return real.call(fd);
}

int fsync(int fd)
{
	return slowly("fsync", fd);
}

int fdatasync(int fd)
{
	return slowly("fdatasync", fd);
}
