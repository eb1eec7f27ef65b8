#include "obs/metrics_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static void put(struct buf *out, const char *name, const char *type, const char *help, double v)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name, help, name, type, name, v);
}

/* The n-th (from 1) space-separated number after the last ')' of a /proc file of one line; -1 when there is
 * none. */
static long long proc_number(const char *path, unsigned n)
{
	char text[1024];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		(void)close(fd);
	if (got <= 0)
		return -1;
	text[got] = '\0';
	char *p = strrchr(text, ')');
	for (p = p == NULL ? text : p + 2; n > 1 && p != NULL; n--) {
		p = strchr(p, ' ');
		p = p == NULL ? NULL : p + 1;
	}
	return p == NULL ? -1 : strtoll(p, NULL, 10);
}

static double open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	if (d == NULL)
		return -1;
	double n = -1;                                                 /* the directory's own */
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) /* NOLINT(concurrency-mt-unsafe) */
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

static double seconds(clockid_t id)
{
	struct timespec t;
	return clock_gettime(id, &t) == 0 ? (double)t.tv_sec + (double)t.tv_nsec / 1e9 : -1;
}

/* Unix time of the process's start: ticks after boot, to the tick. */
static double start_time(void)
{
	enum { STARTTIME = 20 }; /* field 22 of proc(5), the 20th after the name */
	long long ticks = proc_number("/proc/self/stat", STARTTIME);
	double boot = (double)clock_wall_ms() / 1000 - seconds(CLOCK_BOOTTIME);
	return ticks < 0 ? -1 : (double)(long long)(boot + (double)ticks / (double)sysconf(_SC_CLK_TCK));
}

void metrics_process_write(struct buf *out)
{
	long long pages = proc_number("/proc/self/statm", 2);
	double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), fds = open_fds(), start = start_time();
	if (cpu >= 0)
		put(out, "linkd_process_cpu_seconds_total", "counter", "CPU time used, seconds.", cpu);
	if (pages >= 0)
		put(out, "linkd_process_resident_memory_bytes", "gauge", "Resident memory, bytes.",
		    (double)pages * (double)sysconf(_SC_PAGESIZE));
	if (fds >= 0)
		put(out, "linkd_process_open_fds", "gauge", "Open file descriptors.", fds);
	if (start >= 0)
		put(out, "linkd_process_start_time_seconds", "gauge", "Start of the process, Unix time.",
		    start);
}
