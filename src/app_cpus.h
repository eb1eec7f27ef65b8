/* app_cpus.h - how many CPUs this process may use.
 *
 * The machine's cores are limited by the CPU affinity (taskset, cpusets) and by the CPU quota of the control
 * groups of the process (containers, CPUQuota=).  A quota is rounded up.
 * Source    cgroups(7); cpu.max of the kernel's cgroup-v2.rst; cpu.cfs_quota_us of sched-bwc.rst.
 * Blocking  reads a few small files: at the start only. */
#pragma once
#include "base/str.h"

enum { APP_CPUS_MAX = 64 };

/* 1..APP_CPUS_MAX.  `root` is put before the paths below /proc and /sys; it is "" except in tests. */
unsigned app_cpus_count(const char *root);

/* The quota of cgroup v2 from the text of cpu.max: "150000 100000" is 2.  0: no limit, or not understood. */
unsigned app_cpus_of_max(struct str cpu_max);

/* The same for cgroup v1, from the texts of cpu.cfs_quota_us and cpu.cfs_period_us. */
unsigned app_cpus_of_quota(struct str quota, struct str period);

/* Find the path of a v1 `controller`, or of v2 with "", in the text of /proc/self/cgroup.  False: there is
 * none. */
bool app_cpus_path(struct str cgroups, const char *controller, struct str *ret_path);
