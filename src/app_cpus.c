#include "app.h"

#include <sched.h>
#include <stdint.h>
#include <stdio.h>

#include "base/file.h"

enum {
	FILE_CAP = 4096,
	PATH_CAP = 1024,
	USEC_MAX = 1000000000, /* far above any period or quota */
	CORES_MAX = 4096,      /* CPUs for which a mask has bits */
};

struct cgroup {
	char path[PATH_CAP]; /* of its folder */
	size_t base;         /* bytes of `path` up to the root of the hierarchy */
	bool v2;
};

/* --- texts */

static unsigned of_usec(struct str quota, struct str period)
{
	uint64_t q, p;
	if (!str_u64(str_trim(quota), USEC_MAX, &q) || !str_u64(str_trim(period), USEC_MAX, &p) || q == 0 ||
	    p == 0)
		return 0;
	return (unsigned)((q + p - 1) / p);
}

unsigned app_cpus_of_max(struct str cpu_max)
{
	struct str quota, period;
	return str_cut(str_trim(cpu_max), ' ', &quota, &period) ? of_usec(quota, period) : 0;
}

unsigned app_cpus_of_quota(struct str quota, struct str period)
{
	return of_usec(quota, period);
}

static bool lists(struct str controllers, const char *wanted)
{
	struct str one;
	if (wanted[0] == '\0')
		return controllers.n == 0;
	while (str_next(&controllers, ',', &one))
		if (str_is(one, wanted))
			return true;
	return false;
}

/* The lines are "4:cpu,cpuacct:/path" or, for v2, "0::/path". */
bool app_cpus_path(struct str cgroups, const char *controller, struct str *ret_path)
{
	struct str line, number, rest, controllers;
	while (str_next(&cgroups, '\n', &line))
		if (str_cut(line, ':', &number, &rest) && str_cut(rest, ':', &controllers, ret_path) &&
		    lists(controllers, controller))
			return true;
	return false;
}

/* --- files */

/* The text is empty when the file cannot be read. */
static struct str read_text(const char *path, char text[FILE_CAP])
{
	struct buf b;
	buf_over(&b, text, FILE_CAP);
	return file_read(path, FILE_ANY, FILE_CAP - 2, &b, NULL) == ERR_OK ? buf_view(&b) : STR("");
}

static struct str read_in(const struct cgroup *g, const char *name, char text[FILE_CAP])
{
	char path[PATH_CAP + 32];
	(void)snprintf(path, sizeof path, "%s/%s", g->path, name);
	return read_text(path, text);
}

static unsigned quota_of(const struct cgroup *g)
{
	char text[FILE_CAP], period[FILE_CAP];
	if (g->v2)
		return app_cpus_of_max(read_in(g, "cpu.max", text));
	return app_cpus_of_quota(read_in(g, "cpu.cfs_quota_us", text),
	                         read_in(g, "cpu.cfs_period_us", period));
}

static unsigned lower(unsigned a, unsigned b) /* 0: no limit */
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* The lowest quota on the way from the group to its root.  In a container the upper part of the path may not
 * be visible; a missing folder sets no limit. */
static unsigned lowest_quota(struct cgroup *g)
{
	unsigned limit = quota_of(g);
	for (size_t n = strlen(g->path); n > g->base;) {
		while (n > g->base && g->path[n - 1] != '/')
			n--;
		n -= n > g->base;
		g->path[n] = '\0';
		limit = lower(limit, quota_of(g));
	}
	return limit;
}

static unsigned quota_in(const char *root, const char *mount, struct str path, bool v2)
{
	struct cgroup g = {.v2 = v2};
	int base = snprintf(g.path, sizeof g.path, "%s%s", root, mount);
	if (base < 0 || (size_t)base >= sizeof g.path)
		return 0;
	g.base = (size_t)base;
	if (path.n > 1 && path.n < sizeof g.path - g.base)
		(void)str_copy(g.path + g.base, sizeof g.path - g.base, path);
	return lowest_quota(&g);
}

static unsigned quota(const char *root)
{
	char file[PATH_CAP], text[FILE_CAP];
	struct str path;
	unsigned limit = 0;
	(void)snprintf(file, sizeof file, "%s/proc/self/cgroup", root);
	struct str cgroups = read_text(file, text);
	if (app_cpus_path(cgroups, "", &path))
		limit = quota_in(root, "/sys/fs/cgroup", path, true);
	if (app_cpus_path(cgroups, "cpu", &path))
		limit = lower(limit, quota_in(root, "/sys/fs/cgroup/cpu", path, false));
	return limit;
}

/* A machine may have more cores than a cpu_set_t has bits; the call then fails. */
static unsigned affinity(void)
{
	cpu_set_t *set = CPU_ALLOC(CORES_MAX);
	size_t size = CPU_ALLOC_SIZE(CORES_MAX);
	int n = set != NULL && sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
	CPU_FREE(set);
	return n > 0 ? (unsigned)n : 1;
}

unsigned app_cpus_count(const char *root)
{
	unsigned n = lower(affinity(), quota(root));
	return n > APP_CPUS_MAX ? APP_CPUS_MAX : n;
}
